import { hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyEvents, RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import { FtraceExporter, type FtraceOptions } from "./ftrace-exporter.js";
import { TraceTextReader } from "./trace-text-reader.js";

/** 1 cycle is 1 ns. */
const run = (kernel: string) => ({
  scenario: "a tick",
  kernel,
  params: { period: "1ms" },
  seed: 3,
  tscHz: 1_000_000_000n,
  tscKhz: 1_000_000,
  cpus: 2,
  vcpus: 2,
});
const at = (ns: bigint) => ({ at: hostTsc(ns) });

function written(
  kernel: string,
  events: readonly TraceEvent[],
  options: FtraceOptions = {},
): readonly string[] {
  let text = "";
  const exporter = new FtraceExporter(
    run(kernel),
    (piece) => {
      text += piece;
    },
    options,
  );
  for (const event of events) exporter.emit(event);
  exporter.end();
  return text.split("\n").slice(0, -1);
}

const lines = (...args: Parameters<typeof written>): readonly string[] =>
  written(...args).filter((line) => !line.startsWith("#") && !line.startsWith("cpus="));
const payloads = (...args: Parameters<typeof written>): readonly string[] =>
  lines(...args).map((line) => line.replace(/^.*\d+\.\d+:\s+/, ""));

it("a guest that leaves twice has entered in between, though its accesses are handled at once", () => {
  const access = { kind: "vm-exit", ...at(5n), vcpu: 0, reason: "MSR_WRITE" } as const;
  const state = (ns: bigint, state: "guest" | "host") =>
    ({ kind: "vcpu-state", ...at(ns), vcpu: 0, state }) as const;
  const events: readonly TraceEvent[] = [
    state(0n, "guest"),
    access,
    { kind: "msr-write", ...at(5n), vcpu: 0, msr: 0x80f, value: 0x1ffn },
    access,
    state(6n, "host"),
    state(8n, "guest"),
  ];
  expect(payloads("v6.12", events).map((payload) => payload.split(" ", 1)[0])).toEqual([
    "kvm_entry:",
    "kvm_exit:",
    "kvm_msr:",
    "kvm_entry:",
    "kvm_exit:",
    "kvm_entry:",
  ]);
});

describe("a tick of a periodic timer", () => {
  const START = {
    kind: "hrtimer-start",
    cpu: 1,
    timer: 0,
    name: "apic_timer_fn",
    expiresNs: 1_000_499n,
    mode: "ABS|PINNED|HARD",
  } as const;
  const TICK: readonly TraceEvent[] = [
    { kind: "cpu-runs", ...at(0n), cpu: 1, what: "vcpu", vcpu: 1 },
    { kind: "vcpu-state", ...at(0n), vcpu: 1, state: "guest" },
    { kind: "vm-exit", ...at(400n), vcpu: 1, reason: "MSR_WRITE" },
    { kind: "msr-write", ...at(500n), vcpu: 1, msr: 0x838, value: 1_000_000n },
    { ...START, ...at(500n), was: "armed" },
    { kind: "timer-armed", ...at(500n), vcpu: 1, backend: "hrtimer", deadline: 1_000_499n },
    { kind: "vcpu-state", ...at(600n), vcpu: 1, state: "host" },
    { kind: "vcpu-state", ...at(700n), vcpu: 1, state: "guest" },
    { kind: "irq-begin", ...at(1_000_499n), cpu: 1, what: "timer" },
    { kind: "hrtimer-expire", ...at(1_000_499n), cpu: 1, timer: 0, name: "apic_timer_fn", nowNs: 1_000_499n },
    { kind: "hrtimer-callback", ...at(1_000_499n), vcpu: 1, cpu: 1 },
    { kind: "timer-expired", ...at(1_000_499n), vcpu: 1, source: "callback", outcome: "pending" },
    { kind: "hrtimer-done", ...at(1_000_500n), cpu: 1, timer: 0 },
    { kind: "irq-end", ...at(1_000_500n), cpu: 1 },
    { kind: "vcpu-state", ...at(1_000_600n), vcpu: 1, state: "host" },
    { kind: "inject", ...at(1_001_000n), vcpu: 1, vector: 0xec, coalesced: "no" },
    { kind: "acknowledge", ...at(1_001_000n), vcpu: 1, vector: 0xec },
    { kind: "vcpu-state", ...at(1_001_000n), vcpu: 1, state: "guest" },
    { kind: "eoi", ...at(1_002_000n), vcpu: 1, vector: 0xec },
  ];

  it("is logged as its kernel does, to the microsecond, half up", () => {
    expect(lines("v6.12", TICK)).toEqual([
      "       CPU 1/KVM-1001    [001] .....     0.000000: kvm_entry: vcpu 1, rip 0x0",
      "       CPU 1/KVM-1001    [001] .....     0.000000: kvm_exit: vcpu 1 reason MSR_WRITE rip 0x0 info1 0x0000000000000000 info2 0x0000000000000000 intr_info 0x00000000 error_code 0x00000000",
      "       CPU 1/KVM-1001    [001] .....     0.000001: kvm_msr: msr_write 838 = 0xf4240",
      "       CPU 1/KVM-1001    [001] .....     0.000001: hrtimer_cancel: hrtimer=000000009e3779b1",
      "       CPU 1/KVM-1001    [001] .....     0.000001: hrtimer_start: hrtimer=000000009e3779b1 function=apic_timer_fn expires=1000499 softexpires=1000499 mode=ABS|PINNED|HARD",
      "       CPU 1/KVM-1001    [001] .....     0.000001: kvm_hv_timer_state: vcpu_id 1 hv_timer 0",
      "       CPU 1/KVM-1001    [001] .....     0.000001: kvm_entry: vcpu 1, rip 0x0",
      "       CPU 1/KVM-1001    [001] d.h..     0.001000: hrtimer_expire_entry: hrtimer=000000009e3779b1 function=apic_timer_fn now=1000499",
      "       CPU 1/KVM-1001    [001] d.h..     0.001001: hrtimer_expire_exit: hrtimer=000000009e3779b1",
      "       CPU 1/KVM-1001    [001] .....     0.001001: kvm_exit: vcpu 1 reason EXTERNAL_INTERRUPT rip 0x0 info1 0x0000000000000000 info2 0x0000000000000000 intr_info 0x00000000 error_code 0x00000000",
      "       CPU 1/KVM-1001    [001] .....     0.001001: kvm_apic_accept_irq: apicid 1 vec 236 (Fixed|edge)",
      "       CPU 1/KVM-1001    [001] .....     0.001001: kvm_inj_virq: IRQ 0xec",
      "       CPU 1/KVM-1001    [001] .....     0.001001: kvm_entry: vcpu 1, rip 0x0",
      "       CPU 1/KVM-1001    [001] .....     0.001002: kvm_eoi: apicid 1 vector 236",
    ]);
  });

  it("is logged in an older kernel's formats", () => {
    expect(payloads("v4.16", TICK).filter((line) => /entry|exit:|virq/.test(line))).toEqual([
      "kvm_entry: vcpu 1",
      "kvm_exit: reason MSR_WRITE rip 0x0 info 0 0",
      "kvm_entry: vcpu 1",
      "hrtimer_expire_entry: hrtimer=000000009e3779b1 function=apic_timer_fn now=1000499",
      "hrtimer_expire_exit: hrtimer=000000009e3779b1",
      "kvm_exit: reason EXTERNAL_INTERRUPT rip 0x0 info 0 0",
      "kvm_inj_virq: irq 236",
      "kvm_entry: vcpu 1",
    ]);
  });

  it.each([
    ["v4.15", ""],
    ["v4.16", " mode=ABS|PINNED|HARD"],
  ])("says how a timer was started, or does not, in %s", (kernel, mode) => {
    expect(payloads(kernel, TICK).filter((line) => line.startsWith("hrtimer_start"))).toEqual([
      `hrtimer_start: hrtimer=000000009e3779b1 function=apic_timer_fn expires=1000499 softexpires=1000499${mode}`,
    ]);
  });

  it.each([
    ["v4.7", []],
    ["v4.8", ["kvm_hv_timer_state: vcpu_id 1 hv_timer 0"]],
  ])("has no tracepoint that %s has not", (kernel, expected) => {
    expect(payloads(kernel, TICK).filter((line) => line.startsWith("kvm_hv_timer_state"))).toEqual(expected);
  });

  it.each([
    ["v5.16", ["kvm_apic_accept_irq: apicid 0 vec 236 (Fixed|edge)"]],
    [
      "v5.17",
      [
        "kvm_apic_accept_irq: apicid 0 vec 236 (Fixed|edge)",
        "kvm_apicv_accept_irq: apicid 0 vec 236 (Fixed|edge)",
      ],
    ],
  ])("has a posted interrupt as %s has it", (kernel, expected) => {
    const events: readonly TraceEvent[] = [
      { kind: "timer-expired", ...at(0n), vcpu: 0, source: "callback", outcome: "posted" },
      { kind: "inject", ...at(0n), vcpu: 0, vector: 0xec, coalesced: "no" },
    ];
    expect(payloads(kernel, events)).toEqual(expected);
  });

  it.each([
    ["v4.6", "kvm_vcpu_wakeup: wait time 2000 ns"],
    ["v4.7", "kvm_vcpu_wakeup: wait time 2000 ns, polling valid"],
  ])("has a wake-up as %s has it", (kernel, expected) => {
    const events: readonly TraceEvent[] = [
      { kind: "vcpu-state", ...at(0n), vcpu: 0, state: "blocked" },
      { kind: "vcpu-state", ...at(2_000n), vcpu: 0, state: "host" },
    ];
    expect(payloads(kernel, events)).toEqual([expected]);
  });

  it.each(["v7.1", "v6.12.117 + tdcr=immediate", "v6.1.200"])(
    "has was_armed in %s, and no cancellation",
    (kernel) => {
      expect(payloads(kernel, TICK).filter((line) => /hrtimer_(start|cancel)/.test(line))).toEqual([
        "hrtimer_start: hrtimer=000000009e3779b1 function=apic_timer_fn expires=1000499 softexpires=1000499 mode=ABS|PINNED|HARD was_armed=1",
      ]);
    },
  );

  it("is written as trace-cmd and perf would, with all digits", () => {
    const ns = { timestamps: "ns" } as const;
    const expiry = (options: FtraceOptions) =>
      lines("v6.12", TICK, options).filter((line) => line.includes("expire_entry"));
    expect(expiry({ layout: "trace-cmd", ...ns })).toEqual([
      "       CPU 1/KVM-1001  [001] d.h..      0.001000499: hrtimer_expire_entry: hrtimer=0x9e3779b1 now=1000499 function=apic_timer_fn/0x0",
    ]);
    expect(expiry({ layout: "perf-script", ...ns, payloads: "kernel" })).toEqual([
      "       CPU 1/KVM    1001 [001]     0.001000499:       timer:hrtimer_expire_entry: hrtimer=000000009e3779b1 function=apic_timer_fn now=1000499",
    ]);
  });
});

describe("what a line is written for", () => {
  it("is the callback's CPU, not the vCPU's, when the interrupt is posted; the guest takes it without a word", () => {
    const events: readonly TraceEvent[] = [
      { kind: "cpu-runs", ...at(0n), cpu: 1, what: "vcpu", vcpu: 0 },
      { kind: "hrtimer-callback", ...at(5_000n), vcpu: 0, cpu: 0 },
      { kind: "timer-expired", ...at(5_000n), vcpu: 0, source: "callback", outcome: "posted" },
      { kind: "inject", ...at(5_000n), vcpu: 0, vector: 0xec, coalesced: "no" },
      { kind: "acknowledge", ...at(6_000n), vcpu: 0, vector: 0xec },
    ];
    expect(lines("v6.12", events)).toEqual([
      "          <idle>-0       [000] d.h..     0.000005: kvm_apic_accept_irq: apicid 0 vec 236 (Fixed|edge)",
      "          <idle>-0       [000] d.h..     0.000005: kvm_apicv_accept_irq: apicid 0 vec 236 (Fixed|edge)",
    ]);
  });

  it.each<[TraceEvent, string]>([
    [
      { kind: "tsc-offset", ...at(0n), vcpu: 1, from: 0n, to: 2n ** 64n - 5n },
      "kvm_write_tsc_offset: vcpu=1 prev=0 next=18446744073709551611",
    ],
    [
      {
        kind: "tsc-matched",
        ...at(0n),
        vcpu: 1,
        masterClock: "off",
        matched: 0,
        online: 2,
        clocksource: "tsc",
      },
      "kvm_track_tsc: vcpu_id 1 masterclock 0 offsetmatched 0 nr_online 2 hostclock tsc",
    ],
    [
      { kind: "master-clock", ...at(0n), masterClock: "off", clocksource: "none", matched: "yes" },
      "kvm_update_master_clock: masterclock 0 hostclock none offsetmatched 1",
    ],
    [
      {
        kind: "pvclock-update",
        ...at(0n),
        vcpu: 1,
        version: 2,
        tscTimestamp: 1_000n,
        systemTime: -1n,
        tscToSystemMul: 0x8000_0000,
        tscShift: -1,
        flags: 1,
      },
      "kvm_pvclock_update: vcpu_id 1, pvclock { version 2, tsc_timestamp 0x3e8, system_time 0xffffffffffffffff, tsc_to_system_mul 0x80000000, tsc_shift -1, flags 0x1 }",
    ],
    [{ kind: "eoi", ...at(0n), vcpu: 1, vector: undefined }, "kvm_eoi: apicid 1 vector -1"],
    [
      { kind: "xen-set-timer", ...at(0n), vcpu: 1, deadlineNs: 10n ** 9n },
      "kvm_xen_hypercall: cpl 0 nr 0xf a0 0x3b9aca00 a1 0x0 a2 0x0 a3 0x0 a4 0x0 a5 0",
    ],
    [
      { kind: "preemption-timer-exit", ...at(0n), vcpu: 1 },
      "kvm_exit: vcpu 1 reason PREEMPTION_TIMER rip 0x0 info1 0x0000000000000000 info2 0x0000000000000000 intr_info 0x00000000 error_code 0x00000000",
    ],
  ])("is in the payload: %o", (event, payload) => {
    expect(payloads("v6.12", [event])).toEqual([payload]);
  });

  it("says how long a halted vCPU waited", () => {
    const events: readonly TraceEvent[] = [
      { kind: "vcpu-state", ...at(1_000n), vcpu: 0, state: "blocked" },
      { kind: "vcpu-state", ...at(5_250n), vcpu: 0, state: "host" },
    ];
    expect(payloads("v6.12", events)).toEqual(["kvm_vcpu_wakeup: wait time 4250 ns, polling valid"]);
  });

  it("stays on its line whatever it is called", () => {
    const events: readonly TraceEvent[] = [
      { kind: "vm-exit", ...at(0n), vcpu: 0, reason: "A\nB|[c]" },
      { kind: "hrtimer-expire", ...at(0n), cpu: 0, timer: 1, name: "a b/c\n", nowNs: 0n },
    ];
    const names = payloads("v4.16", events).map((line) => /(?:reason|function=) ?(\S+)/.exec(line)?.[1]);
    expect(names).toEqual(["A_B__c_", "a_b_c_"]);
  });
});

describe("a log", () => {
  it("begins with what it is of", () => {
    expect(written("v6.12", []).slice(0, 5)).toEqual([
      "# tracer: nop",
      "#",
      '# simulated: scenario "a tick", kernel "v6.12", seed 3',
      "# host TSC: 1000000000 Hz, calibrated to 1000000 kHz",
      '# param period = "1ms"',
    ]);
    expect(written("v6.12", [], { layout: "trace-cmd" }).at(-1)).toBe("cpus=2");
  });

  it("is read back without a line left over, whatever happened and in every layout", () => {
    fc.assert(
      fc.property(
        anyEvents,
        fc.constantFrom("v4.5", "v5.10", "v6.12", "v7.3"),
        fc.constantFrom("tracefs" as const, "trace-cmd" as const, "perf-script" as const),
        (events, kernel, layout) => {
          let records = 0;
          const reader = new TraceTextReader({
            onRecord: () => {
              records += 1;
            },
          });
          let written = 0;
          const write = (text: string): void => {
            written += text.split("\n").filter((line) => line !== "" && !/^(?:#|cpus=)/.test(line)).length;
            reader.write(text);
          };
          const exporter = new FtraceExporter({ ...RUN, kernel }, write, { layout });
          for (const event of events) exporter.emit(event);
          exporter.end();
          reader.end();
          const { skipped } = reader.summary();
          expect(Object.values(skipped).flatMap(({ examples }) => examples)).toEqual([]);
          expect(records).toBe(written);
        },
      ),
    );
  });

  it("of 100 000 events is handed on in pieces, none of them longer than 64 Ki and a line", () => {
    let longest = 0;
    let total = 0;
    const exporter = new FtraceExporter(run("v6.12"), (piece) => {
      longest = Math.max(longest, piece.length);
      total += piece.length;
    });
    for (let n = 0n; n < 100_000n; n++) {
      exporter.emit({ kind: "acknowledge", ...at(n * 1_000n), vcpu: 0, vector: 0xec });
    }
    exporter.end();
    expect(total).toBeGreaterThan(7_000_000);
    expect(longest).toBeLessThan(65_536 + 200);
  });

  it("is not written on after its end, nor for what the run does not have", () => {
    const exporter = new FtraceExporter(run("v6.12"), () => {});
    const kick = (vcpu: number) => ({ kind: "kick", ...at(0n), vcpu }) as const;
    expect(() => exporter.emit(kick(2))).toThrow(
      new RangeError("FtraceExporter.emit: expected a vCPU below 2, got 2"),
    );
    expect(() => exporter.emit({ kind: "irq-end", ...at(0n), cpu: 2 })).toThrow(
      new RangeError("FtraceExporter.emit: expected a CPU below 2, got 2"),
    );
    exporter.end();
    expect(() => exporter.emit(kick(0))).toThrow(
      new RangeError("FtraceExporter.emit: expected no event after end(), got kick"),
    );
  });

  it.each<[object, object, string]>([
    [{ cpus: 0 }, {}, "expected 1 to 65536 CPUs, got 0"],
    [{ vcpus: 1.5 }, {}, "expected 0 to 65536 vCPUs, got 1.5"],
    [{}, { layout: "lttng" }, "expected tracefs, trace-cmd, perf-script as layout, got lttng"],
    [{}, { timestamps: "ms" }, "expected us, ns as timestamps, got ms"],
    [{}, { payloads: "K" }, "expected kernel, library as payloads, got K"],
  ])("is refused for %o %o", (change, options, message) => {
    expect(
      () => new FtraceExporter({ ...run("v6.12"), ...change }, () => {}, options as FtraceOptions),
    ).toThrow(new RangeError(`FtraceExporter: ${message}`));
  });
});
