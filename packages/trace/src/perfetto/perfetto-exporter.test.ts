import { guestTsc, hostTsc, monotonicNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checksum } from "../../test/checksum.js";
import { EVENTS_PER_TICK, HALTING_GUEST, haltingGuest } from "../../test/halting-guest.js";
import { decodeTrace } from "../../test/perfetto/decode.js";
import { type ReadEvent, type ReadTrace, readTrace } from "../../test/perfetto/read-trace.js";
import { anyEvents, RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import type { TraceRun } from "../exporter.js";
import type { TimelineOptions } from "../timeline/layout.js";
import { PerfettoExporter } from "./perfetto-exporter.js";

/** 1 GHz: a cycle is a nanosecond. */
const GHZ: TraceRun = { ...RUN, tscHz: 1_000_000_000n, tscKhz: 1_000_000, cpus: 2, vcpus: 1 };

function exported(events: Iterable<TraceEvent>, run: TraceRun = GHZ, options?: TimelineOptions): Uint8Array {
  const pieces: Uint8Array[] = [];
  const exporter = new PerfettoExporter(run, (bytes) => pieces.push(bytes), options);
  for (const event of events) exporter.emit(event);
  exporter.end();
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** An event as a line: what it lacks is left out. */
function line({ ns, track, type, name, args, flows, endsFlows, value }: ReadEvent): string {
  const { hostTsc: _, ...others } = args;
  const parts = [`${ns} ${type}`, track.path, name, value];
  parts.push(...Object.entries(others).map(([key, arg]) => `${key}=${arg}`));
  parts.push(...flows.map((flow) => `→${flow}`), ...endsFlows.map((flow) => `⇥${flow}`));
  return parts.filter((part) => part !== undefined).join(" | ");
}

/** The events of a trace without the one that says what it is of. */
function lines(trace: ReadTrace): readonly string[] {
  return trace.events.filter(({ category }) => category !== "run").map(line);
}

const at = hostTsc;

/** One tick of a timer on CPU 1 for the vCPU, which halts on CPU 0. */
const TICK: readonly TraceEvent[] = [
  { kind: "cpu-runs", at: at(0n), cpu: 0, what: "vcpu", vcpu: 0 },
  { kind: "vcpu-state", at: at(0n), vcpu: 0, state: "guest" },
  { kind: "vm-exit", at: at(10n), vcpu: 0, reason: "MSR_WRITE" },
  { kind: "msr-write", at: at(10n), vcpu: 0, msr: 0x838, value: 2n ** 64n - 1n, flow: 1 },
  { kind: "timer-armed", at: at(12n), vcpu: 0, backend: "hrtimer", deadline: 1_000n, flow: 1 },
  {
    kind: "hrtimer-start",
    at: at(12n),
    cpu: 1,
    timer: 3,
    name: "apic_timer_fn",
    expiresNs: 1_000n,
    mode: "ABS|HARD",
    was: "idle",
  },
  { kind: "vm-exit", at: at(20n), vcpu: 0, reason: "HLT" },
  { kind: "vcpu-state", at: at(20n), vcpu: 0, state: "host" },
  { kind: "vcpu-state", at: at(25n), vcpu: 0, state: "blocked" },
  { kind: "cpu-runs", at: at(25n), cpu: 0, what: "idle" },
  { kind: "irq-begin", at: at(1_000n), cpu: 1, what: "timer" },
  { kind: "hrtimer-expire", at: at(1_001n), cpu: 1, timer: 3, name: "apic_timer_fn", nowNs: 1_001n },
  { kind: "hrtimer-callback", at: at(1_001n), vcpu: 0, cpu: 1, flow: 1 },
  { kind: "kick", at: at(1_001n), vcpu: 0, flow: 1 },
  { kind: "timer-expired", at: at(1_001n), vcpu: 0, source: "callback", outcome: "pending", flow: 1 },
  {
    kind: "timer-advanced",
    at: at(1_001n),
    vcpu: 0,
    targetNs: monotonicNs(2_000n),
    deadlineTsc: guestTsc(5n),
    flow: 1,
  },
  { kind: "hrtimer-done", at: at(1_002n), cpu: 1, timer: 3 },
  { kind: "irq-end", at: at(1_003n), cpu: 1 },
  { kind: "cpu-runs", at: at(1_010n), cpu: 0, what: "vcpu", vcpu: 0 },
  { kind: "inject", at: at(1_010n), vcpu: 0, vector: 0xec, coalesced: "no", flow: 1 },
  { kind: "vcpu-state", at: at(1_011n), vcpu: 0, state: "guest" },
  { kind: "acknowledge", at: at(1_011n), vcpu: 0, vector: 0xec, flow: 1 },
  { kind: "note", at: at(1_012n), vcpu: 0, text: "tick 1" },
  { kind: "eoi", at: at(1_013n), vcpu: 0, vector: 0xec, flow: 1 },
];

describe("PerfettoExporter", () => {
  it("draws a tick from the arming to the end of interrupt", () => {
    const vcpu = "VM 0 > CPU 0/KVM";
    expect(lines(readTrace(exported(TICK)))).toEqual([
      "0 begin | host A > CPU 0 | vCPU 0",
      `0 begin | ${vcpu} | guest`,
      `10 instant | ${vcpu} | exit: MSR_WRITE`,
      `10 instant | ${vcpu} | wrmsr X2APIC_INIT_COUNT | value=18446744073709551615 | →1`,
      `12 begin | ${vcpu} > LAPIC timer | armed: hrtimer | backend=hrtimer | expiresNs=1000 | →1`,
      "12 begin | host A > CPU 1 > hrtimer CPU 1 | apic_timer_fn | timer=3 | expiresNs=1000 | mode=ABS|HARD",
      `20 end | ${vcpu}`,
      `20 begin | ${vcpu} | exit: HLT`,
      `25 end | ${vcpu}`,
      `25 begin | ${vcpu} | halted`,
      "25 end | host A > CPU 0",
      "25 begin | host A > CPU 0 | idle",
      "1000 begin | host A > CPU 1 | irq:timer",
      "1001 end | host A > CPU 1 > hrtimer CPU 1 | outcome=expired",
      "1001 begin | host A > CPU 1 | apic_timer_fn | timer=3 | nowNs=1001",
      "1001 instant | host A > CPU 1 | LAPIC timer callback | vcpu=0 | →1",
      `1001 instant | ${vcpu} | kick | →1`,
      `1001 end | ${vcpu} > LAPIC timer | outcome=pending`,
      `1001 instant | ${vcpu} | timer expired: pending | source=callback | →1`,
      `1001 instant | ${vcpu} | timer advanced | targetNs=2000 | deadlineGuestTsc=5 | →1`,
      "1002 end | host A > CPU 1",
      "1003 end | host A > CPU 1",
      "1010 end | host A > CPU 0",
      "1010 begin | host A > CPU 0 | vCPU 0",
      `1010 instant | ${vcpu} > injections | inject 0xec | coalesced=no | →1`,
      `1011 end | ${vcpu}`,
      `1011 begin | ${vcpu} | guest`,
      `1011 instant | ${vcpu} | interrupt 0xec | →1`,
      `1012 instant | ${vcpu} > guest program | tick 1`,
      `1013 instant | ${vcpu} | eoi 0xec | ⇥1`,
      `1013 end | ${vcpu}`,
      "1013 end | host A > CPU 0",
    ]);
  });

  it("says what the trace is of, exactly, and the host TSC of every event", () => {
    const { events } = readTrace(exported([{ kind: "kick", at: at(2n ** 63n), vcpu: 0 }]));
    expect(events.map(({ name, args }) => [name, args])).toEqual([
      [
        "any run",
        {
          kernel: "v6.12 + tdcr=immediate",
          "param periodNs": "1000000",
          seed: 7n,
          tscHz: "1000000000",
          tscKhz: 1_000_000n,
        },
      ],
      ["kick", { hostTsc: "9223372036854775808" }],
    ]);
  });

  it("describes processes and threads as the kernel has them, in the order they are drawn", () => {
    const { tracks } = readTrace(exported([]));
    expect(
      tracks.map(({ path, message }) => {
        const thread = message.message("thread");
        return [
          path,
          message.message("process")?.integer("pid") ?? thread?.integer("pid"),
          message.integer("sibling_order_rank") ??
            thread?.integer("tid") ??
            message.integer("process_ordering"),
        ];
      }),
    ).toEqual([
      ["", undefined, 1n],
      ["host A", 1n, 0n],
      ["host A > CPU 0", 1n, 1n],
      ["host A > CPU 1", 1n, 2n],
      ["VM 0", 100n, 1n],
      ["VM 0 > CPU 0/KVM", 100n, 1000n],
    ]);
  });

  it("draws whatever happens in whatever order as a trace that nothing is dropped of", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const { events: drawn } = readTrace(exported(events, RUN));
        const times = drawn.map(({ ns }) => ns);
        expect([...times].sort((a, b) => Number(a - b))).toEqual(times);
      }),
    );
  });

  it("writes the same bytes every time", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        expect(exported(events, RUN)).toEqual(exported(events, RUN));
      }),
    );
  });

  it("is in true time, rounded down, across a host's sleep", () => {
    const events: readonly TraceEvent[] = [
      { kind: "kick", at: at(2n), vcpu: 0 },
      { kind: "epoch", at: at(1_000_000n), ns: 5_000_000_000n },
      { kind: "kick", at: at(1_000_003n), vcpu: 0 },
    ];
    expect(lines(readTrace(exported(events, { ...GHZ, tscHz: 3_000_000_000n })))).toEqual([
      "0 instant | VM 0 > CPU 0/KVM | kick",
      "5000000000 instant | host A | TSC goes on",
      "5000000001 instant | VM 0 > CPU 0/KVM | kick",
    ]);
  });
});

describe("counters", () => {
  it("are exact in the file at either end of s64, under whom they are of, with their unit", () => {
    const { events } = readTrace(
      exported([
        { kind: "counter", at: at(0n), name: "lag", unit: "ns", value: -(2n ** 63n), vcpu: 0 },
        { kind: "counter", at: at(1n), name: "mult", unit: "count", value: 2n ** 63n - 1n },
      ]),
    );
    expect(
      events
        .slice(1)
        .map(({ track, value }) => [track.path, value, track.message.message("counter")?.integer("unit")]),
    ).toEqual([
      ["VM 0 > CPU 0/KVM > lag (ns)", -(2n ** 63n), 1n],
      ["host A > mult", 2n ** 63n - 1n, 2n],
    ]);
  });
});

describe("clocks", () => {
  const clocks = (tsc: bigint, mono: bigint, kvmclock: bigint): TraceEvent => ({
    kind: "clocks",
    at: at(tsc),
    clocks: [
      ["CLOCK_MONOTONIC", mono],
      ["kvmclock.vcpu0", kvmclock],
    ],
  });
  const KVMCLOCK_VCPU0 = 0xe5db_a5e5n;

  it("are snapshots with true time first, and drifts from their first reading", () => {
    const trace = readTrace(
      exported([clocks(0n, 7_000n, -5n), clocks(10n, 7_009n, 8n)], GHZ, { clockSnapshotNs: 1n }),
    );
    expect(trace.snapshots).toEqual([
      [
        [6n, 0n],
        [3n, 7_000n],
        [KVMCLOCK_VCPU0, -5n],
      ],
      [
        [6n, 10n],
        [3n, 7_009n],
        [KVMCLOCK_VCPU0, 8n],
      ],
    ]);
    expect(lines(trace)).toEqual([
      "0 counter | host A > CLOCK_MONOTONIC − true (ns) | 0",
      "0 counter | VM 0 > CPU 0/KVM > kvmclock − true (ns) | 0",
      "10 counter | host A > CLOCK_MONOTONIC − true (ns) | -1",
      "10 counter | VM 0 > CPU 0/KVM > kvmclock − true (ns) | 3",
    ]);
  });

  it("says once whose the ids are", () => {
    const { events } = readTrace(exported([clocks(0n, 0n, 0n), clocks(10_000_000n, 0n, 0n)]));
    expect(events.filter(({ name }) => name === "clock ids").map(({ args }) => args)).toEqual([
      { CLOCK_MONOTONIC: 3n, "kvmclock.vcpu0": KVMCLOCK_VCPU0 },
    ]);
  });

  it("refuses a list that changes, and one that has a clock twice", () => {
    const other: TraceEvent = { kind: "clocks", at: at(1n), clocks: [["CLOCK_TAI", 0n]] };
    expect(() => exported([clocks(0n, 0n, 0n), other])).toThrow(
      new RangeError(
        "PerfettoExporter.emit: expected the clocks CLOCK_MONOTONIC, kvmclock.vcpu0, got CLOCK_TAI",
      ),
    );
    const twice: TraceEvent = {
      kind: "clocks",
      at: at(0n),
      clocks: [
        ["a", 0n],
        ["a", 1n],
      ],
    };
    expect(() => exported([twice])).toThrow(
      new RangeError("PerfettoExporter.emit: expected clocks of different names, got a, a"),
    );
  });

  it("refuses two clocks whose names hash to one id", () => {
    const colliding: TraceEvent = {
      kind: "clocks",
      at: at(0n),
      clocks: [
        ["c94098", 0n],
        ["c607500", 0n],
      ],
    };
    expect(() => exported([colliding])).toThrow(
      new RangeError(
        "PerfettoExporter.emit: expected clocks whose names have different ids, got chronovisor.c94098, chronovisor.c607500",
      ),
    );
  });
});

describe("a long run", () => {
  /** Every timer new, every remark new, every warning new: five events a round. */
  function* timers(rounds: number): Generator<TraceEvent> {
    for (let i = 0; i < rounds; i++) {
      const tsc = BigInt(i) * 1_000n;
      const timer = { cpu: i % 2, timer: i, name: `timer ${i}` };
      yield { ...timer, kind: "hrtimer-start", at: at(tsc), expiresNs: tsc, mode: "ABS", was: "idle" };
      yield { kind: "note", at: at(tsc + 1n), vcpu: 0, text: `round ${i}` };
      yield { kind: "warning", at: at(tsc + 1n), vcpu: 0, text: `warning ${i}` };
      yield { ...timer, kind: "hrtimer-expire", at: at(tsc + 2n), nowNs: tsc };
      yield { ...timer, kind: "hrtimer-done", at: at(tsc + 3n) };
    }
  }

  it("is written in pieces of 64 KiB and a packet at most, which end where a packet does", () => {
    const sizes: number[] = [];
    let packets = 0;
    const exporter = new PerfettoExporter(GHZ, (bytes) => {
      sizes.push(bytes.length);
      if (sizes.length <= 5) packets += decodeTrace(bytes).length;
    });
    for (const event of timers(20_000)) exporter.emit(event);
    exporter.end();
    expect(sizes.slice(0, -1).every((size) => size >= 65_536 && size < 65_536 + 512)).toBe(true);
    expect(sizes.length).toBeGreaterThan(50);
    expect(packets).toBeGreaterThan(5_000);
  });

  it("takes 55 bytes per event of a 1 kHz guest that halts", () => {
    const bytes = exported(haltingGuest(2_000), HALTING_GUEST).length;
    expect(Math.round(bytes / (2_000 * EVENTS_PER_TICK))).toBe(55);
  });

  it("is the same bytes, whatever is done to write them sooner", () => {
    const digest = checksum();
    for (const byte of exported(haltingGuest(200), HALTING_GUEST)) digest.update(String.fromCharCode(byte));
    expect(digest.hex()).toBe("283768b5ed577291");
  });

  it("holds neither the timers that are over nor the texts that are new each time", () => {
    const { tracks, interned } = readTrace(exported(timers(5_000)));
    // The root, two processes, three threads; a row of timers per CPU, the guest's program.
    expect(tracks.length).toBe(9);
    // Per sequence: up to 4096 names, and a handful of categories and annotations.
    expect([...interned.values()].every((texts) => texts <= 4_096 + 16)).toBe(true);
  });
});

describe("a mistake of the caller", () => {
  const kick: TraceEvent = { kind: "kick", at: at(5n), vcpu: 0 };

  it.each<[string, () => unknown, string]>([
    ["no CPU", () => exported([], { ...GHZ, cpus: 0 }), "PerfettoExporter: expected 1 to 65536 CPUs, got 0"],
    [
      "half a vCPU",
      () => exported([], { ...GHZ, vcpus: 0.5 }),
      "PerfettoExporter: expected 0 to 65536 vCPUs, got 0.5",
    ],
    [
      "no frequency",
      () => exported([], { ...GHZ, tscHz: 0n }),
      "TrueTime: expected a frequency of at least 1 Hz, got 0",
    ],
    [
      "snapshots without end",
      () => exported([], GHZ, { clockSnapshotNs: 0n }),
      "PerfettoExporter: expected a clockSnapshotNs of at least 1n, got 0",
    ],
    [
      "a beginning before the run's",
      () => exported([], GHZ, { startNs: -1n }),
      "PerfettoExporter: expected a startNs of at least 0n, got -1",
    ],
    [
      "an event of the past",
      () => exported([kick, { ...kick, at: at(4n) }]),
      "PerfettoExporter.emit: expected events in order of time, got kick at 4 ns after 5 ns",
    ],
    [
      "a vCPU there is not",
      () => exported([{ ...kick, vcpu: 1 }]),
      "PerfettoExporter.emit: expected a vCPU below 1, got 1",
    ],
    [
      "a CPU there is not",
      () => exported([{ kind: "irq-end", at: at(0n), cpu: -1 }]),
      "PerfettoExporter.emit: expected a CPU below 2, got -1",
    ],
  ])("is refused: %s", (_title, mistake, message) => {
    expect(mistake).toThrow(new RangeError(message));
  });

  it("is refused: an event after the end, which may itself be repeated", () => {
    const sizes: number[] = [];
    const exporter = new PerfettoExporter(GHZ, ({ length }) => sizes.push(length));
    exporter.end();
    exporter.end();
    expect(sizes.length).toBe(1);
    expect(() => exporter.emit(kick)).toThrow(
      new RangeError("PerfettoExporter.emit: expected no event after end(), got kick"),
    );
  });
});
