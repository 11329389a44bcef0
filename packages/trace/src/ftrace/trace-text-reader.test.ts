import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TraceTextRecord } from "./text-record.js";
import { TraceTextReader, type TraceTextSummary } from "./trace-text-reader.js";

interface Read {
  readonly records: readonly TraceTextRecord[];
  readonly lost: ReadonlyArray<readonly [number, bigint | undefined]>;
  readonly summary: TraceTextSummary;
}

function read(...chunks: readonly string[]): Read {
  const records: TraceTextRecord[] = [];
  const lost: [number, bigint | undefined][] = [];
  const reader = new TraceTextReader({
    onRecord: (record) => records.push(record),
    onLost: (cpu, events) => lost.push([cpu, events]),
  });
  for (const chunk of chunks) reader.write(chunk);
  reader.end();
  return { records, lost, summary: reader.summary() };
}

const counts = ({ skipped }: TraceTextSummary): Record<string, number> =>
  Object.fromEntries(Object.entries(skipped).map(([reason, { count }]) => [reason, count]));

const NONE = { "not-an-event": 0, "unknown-event": 0, payload: 0, "too-long": 0 };
const MSR = "kvm_msr: msr_write 6e0 = 0x81cba98c958c9";
const MSR_FIELDS = { access: "write", msr: 0x6e0n, value: 0x81cba98c958c9n, exception: 0n };

describe("a line's envelope", () => {
  const envelope = (line: string) => {
    const [record] = read(line).records;
    if (record === undefined) return undefined;
    const { comm, pid, tgid, cpu, time, resolution } = record;
    return [comm, pid, tgid, cpu, time, resolution];
  };
  const US = 798_115_331_413_000n;

  it.each<[string, string, readonly unknown[]]>([
    [
      "tracefs, five flags",
      `       CPU 5/KVM-2137779 [010] d.... 798115.331413: ${MSR}`,
      ["CPU 5/KVM", 2_137_779, undefined, 10, US, "us"],
    ],
    [
      "four flags of an older kernel",
      `          fc_vcpu 0-31 [000] d.h1 798115.331413: ${MSR}`,
      ["fc_vcpu 0", 31, undefined, 0, US, "us"],
    ],
    ["no flags", `     <idle>-0     [003] 798115.331413: ${MSR}`, ["<idle>", 0, undefined, 3, US, "us"]],
    [
      "record-tgid",
      `       CPU 5/KVM-77      (     70) [010] d..2. 798115.331413: ${MSR}`,
      ["CPU 5/KVM", 77, 70, 10, US, "us"],
    ],
    [
      "an unknown tgid",
      `           <...>-77      (-------) [010] d..2. 798115.331413: ${MSR}`,
      ["<...>", 77, undefined, 10, US, "us"],
    ],
    [
      "a counter as clock",
      `       CPU 5/KVM-77      [010] d..2. 2279123456789: ${MSR}`,
      ["CPU 5/KVM", 77, undefined, 10, 2_279_123_456_789n, "cycles"],
    ],
    [
      "trace-cmd",
      `       CPU 5/KVM-77    [010] d..2.0 798115.331413: kvm_msr:              msr_write 6e0 = 0x81cba98c958c9`,
      ["CPU 5/KVM", 77, undefined, 10, US, "us"],
    ],
    [
      "trace-cmd -t, merged",
      `trace-a.dat:        CPU 5/KVM-77    [010] 798115.331413005: ${MSR}`,
      ["CPU 5/KVM", 77, undefined, 10, US + 5n, "ns"],
    ],
    [
      "perf script",
      `       CPU 0/KVM 1821753 [015] 798115.331413: kvm:${MSR}`,
      ["CPU 0/KVM", 1_821_753, undefined, 15, US, "us"],
    ],
    [
      "perf script with pid and tid, --ns",
      `         swapper    70/77      [015]  798115.331413999:              kvm:${MSR}`,
      ["swapper", 77, 70, 15, US + 999n, "ns"],
    ],
    [
      "trace-cmd -l, which cuts names",
      `CPU 5/KV-2137779  10d..2. 798115.331413: kvm_msr:              msr_write 6e0 = 0x81cba98c958c9`,
      ["CPU 5/KV", 2_137_779, undefined, 10, US, "us"],
    ],
    [
      "trace-cmd -l of an idle CPU, four flags",
      `  <idle>-0       0d.h1 798115.331413: ${MSR}`,
      ["<idle>", 0, undefined, 0, US, "us"],
    ],
    [
      "trace-cmd -l -t, merged, a CPU of four digits",
      `trace-a.dat:   fc_vcpu -31    1023....1 798115.331413005: ${MSR}`,
      ["fc_vcpu", 31, undefined, 1_023, US + 5n, "ns"],
    ],
    [
      "trace-cmd -l, a counter as clock",
      `CPU 5/KV-77     10d..2.  2279123456789: ${MSR}`,
      ["CPU 5/KV", 77, undefined, 10, 2_279_123_456_789n, "cycles"],
    ],
    [
      "trace-cmd -l, a thread named to mislead",
      `  a-1 2b-77     10d..2. 798115.331413: ${MSR}`,
      ["a-1 2b", 77, undefined, 10, US, "us"],
    ],
    [
      "perf script without CPUs",
      `       CPU 0/KVM 1821753 798115.331413:                 kvm:${MSR}`,
      ["CPU 0/KVM", 1_821_753, undefined, undefined, US, "us"],
    ],
    [
      "perf script without CPUs, with pid and tid, --ns",
      `         swapper      70/77      798115.331413999: kvm:${MSR}`,
      ["swapper", 77, 70, undefined, US + 999n, "ns"],
    ],
    [
      "perf script without CPUs, a thread named as another's line begins",
      `    a-7  3d..2. 9 77 798115.331413: kvm:${MSR}`,
      ["a-7  3d..2. 9", 77, undefined, undefined, US, "us"],
    ],
    [
      "perf script without CPUs, a thread with brackets",
      `       x 5 [003] 1234 798115.331413: kvm:${MSR}`,
      ["x 5 [003]", 1_234, undefined, undefined, US, "us"],
    ],
    [
      "a thread named to mislead",
      `  a-1 [003] b: c-77      [010] d..2. 798115.331413: ${MSR}`,
      ["a-1 [003] b: c", 77, undefined, 10, US, "us"],
    ],
    [
      "colours and CRLF",
      `\u001b[32m       CPU 5/KVM-77\u001b[0m      [010] d..2. 798115.331413: \u001b[1;31mkvm_msr\u001b[m: msr_write 6e0 = 0x81cba98c958c9\r\n`,
      ["CPU 5/KVM", 77, undefined, 10, US, "us"],
    ],
  ])("is read: %s", (_title, line, expected) => {
    expect(envelope(line)).toEqual(expected);
    expect(read(line).records[0]?.fields).toEqual(MSR_FIELDS);
  });

  it.each<[string, string]>([
    ["a CPU without brackets and without flags", `CPU 5/KV-77     10 798115.331413: ${MSR}`],
    ["a thread and a time, and an event without its system", `       CPU 0/KVM 77 798115.331413: ${MSR}`],
    ["no thread", `  77 798115.331413: kvm:${MSR}`],
    ["a time since the start of a latency trace", `CPU 5/KV-77     10d..2.   12us+: ${MSR}`],
    ["flags that begin with a digit", `CPU 5/KVM-77 [010] 1234 798115.331413: ${MSR}`],
  ])("is not made up: %s", (_title, line) => {
    const { records, summary } = read(line);
    expect(records).toEqual([]);
    expect(summary.skipped["not-an-event"].count).toBe(1);
  });

  const thread = fc.record({
    comm: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_/]{0,6}$/),
    pid: fc.nat({ max: 4_194_304 }),
    cpu: fc.nat({ max: 9_999 }),
    flags: fc.stringMatching(/^[dDbX.][Nnp.][HhSsZz.][0-9a-f.]{1,3}$/),
    seconds: fc.nat({ max: 9_999_999 }),
  });
  interface Written {
    readonly comm: string;
    readonly pid: number;
    readonly cpu: number;
    readonly flags: string;
    readonly seconds: number;
  }
  const time = ({ seconds }: Written): string => `${String(seconds).padStart(5)}.000042:`;
  const inBrackets = ({ cpu }: Written): string => `[${String(cpu).padStart(3, "0")}]`;
  const LAYOUTS: Readonly<Record<string, (line: Written) => string>> = {
    tracefs: (w) =>
      `${w.comm.padStart(16)}-${String(w.pid).padEnd(7)} ${inBrackets(w)} ${w.flags} ${time(w)}`,
    report: (w) =>
      `${w.comm.padStart(16)}-${String(w.pid).padEnd(5)} ${inBrackets(w)} ${w.flags}  ${time(w)}`,
    "report -l": (w) =>
      `${w.comm.padStart(8)}-${String(w.pid).padEnd(5)} ${String(w.cpu).padStart(3)}${w.flags}  ${time(w)}`,
    perf: (w) => `${w.comm.padStart(16)} ${String(w.pid).padStart(7)} ${inBrackets(w)} ${time(w)} kvm:`,
    "perf without CPUs": (w) => `${w.comm.padStart(16)} ${String(w.pid).padStart(7)} ${time(w)} kvm:`,
  };

  it("is of one layout only: lines of all of them, one after the other", () => {
    const layouts = fc.constantFrom(...Object.keys(LAYOUTS));
    fc.assert(
      fc.property(fc.array(fc.tuple(thread, layouts), { maxLength: 20 }), (lines) => {
        const text = lines.map(([written, layout]) => {
          const head = LAYOUTS[layout]?.(written) ?? "";
          return `${head}${head.endsWith("kvm:") ? "" : " "}${MSR}\n`;
        });
        const found = read(text.join("")).records.map(({ comm, pid, cpu, time }) => ({
          comm,
          pid,
          cpu,
          time,
        }));
        const written = lines.map(([{ comm, pid, cpu, seconds }, layout]) => ({
          comm,
          pid,
          cpu: layout === "perf without CPUs" ? undefined : cpu,
          time: BigInt(seconds) * 1_000_000_000n + 42_000n,
        }));
        expect(found).toEqual(written);
      }),
    );
  });
});

const line = (payload: string): string => `  CPU 0/KVM-1 [000] ..... 1.000000: ${payload}\n`;

describe("formats of other kernels, mixed in one log", () => {
  it.each([
    ["kvm_entry: vcpu 3", { vcpuId: 3n }],
    ["kvm_entry: vcpu 3, rip 0xff", { vcpuId: 3n, rip: 0xffn, immediateExit: 0n }],
    ["kvm_entry: vcpu 3, rip 0xff[immediate exit]", { vcpuId: 3n, rip: 0xffn, immediateExit: 1n }],
    ["kvm_entry:  vcpu 3 rip 0xff [f+0x1]", { vcpuId: 3n, rip: 0xffn, symbol: "[f+0x1]" }],
    ["kvm_inj_virq: irq 236", { vector: 236n }],
    ["kvm_inj_virq: Soft/INTn 0xec [reinjected]", { type: "Soft/INTn", vector: 236n, reinjected: 1n }],
    [
      "kvm_exit: reason UNKNOWN (99) rip 0x0 info a b",
      { reason: "UNKNOWN (99)", rip: 0n, info1: 10n, info2: 11n },
    ],
    [
      "kvm_write_tsc_offset: vcpu=0 prev=0 next=18446744073709551615",
      { vcpuId: 0n, previousTscOffset: 0n, nextTscOffset: 2n ** 64n - 1n },
    ],
    [
      "kvm_pvclock_update: vcpu_id 1, pvclock { version 4, tsc_timestamp 0x10, system_time 0xffffffffffffffff, tsc_to_system_mul 0xcccccccd, tsc_shift -1, flags 0x1 }",
      {
        vcpuId: 1n,
        version: 4n,
        tscTimestamp: 16n,
        systemTime: -1n,
        tscToSystemMul: 0xcccccccdn,
        tscShift: -1n,
        flags: 1n,
      },
    ],
    [
      "hrtimer_start: hrtimer=0000000012345678 function=apic_timer_fn [kvm] expires=5 softexpires=5 mode=ABS|HARD",
      { hrtimer: 0x12345678n, function: "apic_timer_fn", expires: 5n, softExpires: 5n, mode: "ABS|HARD" },
    ],
    [
      "hrtimer_start: hrtimer=0xffff888 function=apic_timer_fn/0x0 softexpires=5 extra=9 expires=6",
      { hrtimer: 0xffff888n, function: "apic_timer_fn", expires: 6n, softExpires: 5n },
    ],
    [
      "timer_start: timer=01 function=f expires=7 [timeout=-2] cpu=1 idx=2 flags=",
      {
        timer: 1n,
        function: "f",
        expires: 7n,
        timeout: -2n,
        cpu: 1n,
        index: 2n,
        flags: "",
      },
    ],
  ])("%s", (payload, fields) => {
    expect(read(line(payload)).records[0]?.fields).toEqual(fields);
  });
});

describe("what is no record", () => {
  it("is passed over where a log has it anyway", () => {
    const noise = [
      "# tracer: nop",
      "",
      "cpus=8",
      "CPU 3 is empty",
      "  CPU 0/KVM-1 [000] ..... 1.000000: <stack trace>",
      " => apic_timer_fn",
      "\tffffffff81001234 apic_timer_fn+0x0 ([kvm])",
      "",
    ].join("\n");
    const { records, summary } = read(noise);
    expect(records).toEqual([]);
    expect({ lines: summary.lines, ...counts(summary) }).toEqual({ lines: 7, ...NONE });
  });

  it("is counted apart where the tracer lost events", () => {
    const { lost, summary } = read("CPU:3 [LOST 12 EVENTS]\nCPU:0 [LOST EVENTS]\nCPU:1 [5 EVENTS DROPPED]\n");
    expect(lost).toEqual([
      [3, 12n],
      [0, undefined],
      [1, 5n],
    ]);
    expect(summary.lost).toEqual({ notices: 3, events: 17n });
    expect(counts(summary)).toEqual(NONE);
  });

  it("is counted by why, with three examples", () => {
    const text = [
      "killed by signal 9\n",
      line("sched_switch: prev_comm=a"),
      line("kvm_inj_virq: IRQ 0xzz"),
      line("hrtimer_start: hrtimer=12 function=f expires=x softexpires=1"),
      line("hrtimer_expire_exit: "),
      line("kvm_msr: msr_write 6e0 = 0x1  CPU 1/KVM-2 [001] ....."),
      line("kvm_eoi: apicid 0 vector 99999999999999999999"),
    ].join("");
    const { summary } = read(text);
    expect(counts(summary)).toEqual({ ...NONE, "not-an-event": 1, "unknown-event": 1, payload: 5 });
    const { examples } = summary.skipped.payload;
    const start = line("").length - 1;
    expect(examples.map(({ line: at, column }) => [at, column])).toEqual([
      [3, start + "kvm_inj_virq: IRQ 0x".length + 1],
      [4, start + "hrtimer_start: hrtimer=12 function=f expires=".length + 1],
      [5, start + "hrtimer_expire_exit: ".length + 1],
    ]);
  });

  it("is a line of more than 65 536 characters, of which 200 are shown", () => {
    const long = `${" ".repeat(65_536)}x\n`;
    const { summary, records } = read(long, long.trim(), "\n", line(MSR), "y".repeat(200_000));
    expect(counts(summary)).toEqual({ ...NONE, "not-an-event": 1, "too-long": 2 });
    expect(summary.skipped["too-long"].examples.map(({ line: at, text }) => [at, text.length])).toEqual([
      [1, 200],
      [4, 200],
    ]);
    expect(records.map(({ line: at }) => at)).toEqual([3]);
  });

  it("never throws, and is read in time that its length bounds", () => {
    const pieces = [
      "[000]",
      "-1",
      " ",
      "1.0",
      ":",
      "kvm_exit",
      "reason",
      "rip 0x",
      "=",
      "[",
      "hrtimer=",
      "a",
      "-1 2d..1. ",
      " 7/8 ",
      "1.000001: kvm:",
    ];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary" })), { maxLength: 40 }),
        fc.nat({ max: 2_000 }),
        (parts, repeat) => {
          const text = parts.join("").repeat(repeat).slice(0, 65_000);
          const { lines, records, skipped } = read(line(`kvm_exit: reason ${text}`), text).summary;
          const passed = Object.values(skipped).reduce((sum, { count }) => sum + count, 0);
          expect(records + passed).toBeLessThanOrEqual(lines);
        },
      ),
    );
  });
});

describe("chunks", () => {
  it("may end anywhere", () => {
    const text = `# tracer: nop\r\n${line(MSR)}CPU:0 [LOST 1 EVENTS]\r\n${line("kvm_eoi: apicid a vector -1")}oops`;
    const whole = read(text);
    expect(whole.records.map(({ fields }) => fields)).toEqual([MSR_FIELDS, { apicId: 10n, vector: -1n }]);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: text.length }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...[...cuts].sort((a, b) => a - b), text.length];
        expect(read(...at.slice(1).map((end, i) => text.slice(at[i], end)))).toEqual(whole);
      }),
    );
  });

  it("are refused after the end, and when they are no text", () => {
    const reader = new TraceTextReader({ onRecord: () => {} });
    reader.end();
    reader.end();
    expect(() => reader.write("late")).toThrow(
      new RangeError("TraceTextReader.write: expected no text after end(), got 4 characters"),
    );
    expect(() => reader.write(new Uint8Array(1) as unknown as string)).toThrow(
      new TypeError("TraceTextReader.write: expected a string, got object"),
    );
  });
});
