import { hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyEvents, RUN } from "../../test/random-events.js";
import { type ParsedVcd, parseVcd } from "../../test/vcd-parser.js";
import type { TraceEvent } from "../events.js";
import type { TraceRun } from "../exporter.js";
import { SeriesCollector } from "../series/trace-series.js";
import { VcdExporter, type VcdOptions } from "./vcd-exporter.js";

/** Nanoseconds of `RUN`'s TSC. */
const atNs = (ns: bigint) => hostTsc(ns * 3n);

function fileOf(events: readonly TraceEvent[], options?: VcdOptions, run: TraceRun = RUN): string {
  let file = "";
  const exporter = new VcdExporter(
    run,
    (text) => {
      file += text;
    },
    options,
  );
  for (const event of events) exporter.emit(event);
  exporter.end();
  exporter.end();
  return file;
}

function changes({ variables }: ParsedVcd, path: string): readonly (readonly [bigint, string])[] {
  const variable = variables.get(path);
  if (variable === undefined) throw new Error(`no ${path} among ${[...variables.keys()].join(", ")}`);
  return variable.changes;
}

const ONE: TraceRun = { ...RUN, scenario: "one $end\ntick", cpus: 1, vcpus: 1 };

describe("VcdExporter", () => {
  it("writes a header that names every wire, and what is known at the start: nothing", () => {
    expect(fileOf([], { series: [{ of: "clock", name: "kvmclock.vcpu0", unit: "ns" }] }, ONE)).toBe(
      `$version chronovisor $end
$comment scenario one _end?tick, kernel v6.12 + tdcr=immediate, periodNs=1000000, seed 7 $end
$timescale 1 ns $end
$scope module host $end
$scope module cpu0 $end
$var integer 32 ! runs $end
$var wire 1 " irq $end
$upscope $end
$upscope $end
$scope module vm $end
$var wire 1 # master_clock $end
$scope module vcpu0 $end
$var integer 32 $ state $end
$var wire 1 % in_guest $end
$var wire 1 & armed $end
$var wire 1 ' hv_timer $end
$var wire 64 ( deadline $end
$var wire 1 ) irr $end
$var wire 8 * irr_vector $end
$var wire 1 + isr $end
$var wire 8 , isr_vector $end
$var wire 64 - tsc_offset $end
$var wire 32 . pvclock_version $end
$upscope $end
$upscope $end
$scope module series $end
$var real 64 / kvmclock_vcpu0_drift_ns $end
$upscope $end
$enddefinitions $end
#0
$dumpvars
bx !
x"
x#
bx $
x%
x&
x'
bx (
x)
bx *
x+
bx ,
bx -
bx .
$end
`,
    );
  });

  it("shows one tick of a timer on its wires", () => {
    const vcd = parseVcd(
      fileOf([
        { kind: "vcpu-state", at: atNs(0n), vcpu: 0, state: "guest" },
        { kind: "timer-armed", at: atNs(10n), vcpu: 0, backend: "preemption-timer", deadline: 2n ** 63n },
        { kind: "timer-expired", at: atNs(20n), vcpu: 0, source: "preemption-timer", outcome: "pending" },
        { kind: "vcpu-state", at: atNs(20n), vcpu: 0, state: "host" },
        { kind: "inject", at: atNs(30n), vcpu: 0, vector: 0xec, coalesced: "no" },
        { kind: "inject", at: atNs(31n), vcpu: 0, vector: 0x20, coalesced: "no" },
        { kind: "vcpu-state", at: atNs(40n), vcpu: 0, state: "guest" },
        { kind: "acknowledge", at: atNs(40n), vcpu: 0, vector: 0xec },
        { kind: "eoi", at: atNs(50n), vcpu: 0, vector: 0xec },
        { kind: "timer-armed", at: atNs(60n), vcpu: 0, backend: "hrtimer", deadline: 70n },
        { kind: "timer-disarmed", at: atNs(61n), vcpu: 0, backend: "hrtimer" },
        { kind: "kick", at: atNs(99n), vcpu: 0 },
      ]),
    );
    expect(changes(vcd, "vm.vcpu0.state")).toEqual([
      [0n, "x"],
      [0n, "0"],
      [20n, "1"],
      [40n, "0"],
    ]);
    expect(changes(vcd, "vm.vcpu0.in_guest")).toEqual([
      [0n, "x"],
      [0n, "1"],
      [20n, "0"],
      [40n, "1"],
    ]);
    expect(changes(vcd, "vm.vcpu0.armed").slice(1)).toEqual([
      [10n, "1"],
      [20n, "0"],
      [60n, "1"],
      [61n, "0"],
    ]);
    expect(changes(vcd, "vm.vcpu0.hv_timer").slice(1)).toEqual([
      [10n, "1"],
      [20n, "0"],
    ]);
    expect(changes(vcd, "vm.vcpu0.deadline").slice(1)).toEqual([
      [10n, `1${"0".repeat(63)}`],
      [60n, "1000110"],
    ]);
    expect(changes(vcd, "vm.vcpu0.irr").slice(1)).toEqual([[30n, "1"]]);
    expect(changes(vcd, "vm.vcpu0.irr_vector").slice(1)).toEqual([
      [30n, "11101100"],
      [40n, "100000"],
    ]);
    expect(changes(vcd, "vm.vcpu0.isr").slice(1)).toEqual([
      [40n, "1"],
      [50n, "0"],
    ]);
    expect(vcd.times.at(-1)).toBe(99n);
  });

  it("shows what CPUs run, the master clock, offsets and published clocks", () => {
    const vcd = parseVcd(
      fileOf([
        { kind: "cpu-runs", at: atNs(1n), cpu: 1, what: "vcpu", vcpu: 1 },
        { kind: "irq-begin", at: atNs(2n), cpu: 1, what: "timer" },
        { kind: "irq-end", at: atNs(3n), cpu: 1 },
        { kind: "cpu-runs", at: atNs(3n), cpu: 1, what: "idle" },
        { kind: "master-clock", at: atNs(4n), masterClock: "on", clocksource: "tsc", matched: "yes" },
        { kind: "tsc-offset", at: atNs(5n), vcpu: 1, from: 0n, to: 2n ** 64n - 1n },
        {
          kind: "pvclock-update",
          at: atNs(6n),
          vcpu: 1,
          version: 4,
          tscTimestamp: 0n,
          systemTime: 0n,
          tscToSystemMul: 1,
          tscShift: -1,
          flags: 1,
        },
      ]),
    );
    expect(changes(vcd, "host.cpu1.runs").slice(1)).toEqual([
      [1n, "11"],
      [3n, "0"],
    ]);
    expect(changes(vcd, "host.cpu1.irq").slice(1)).toEqual([
      [2n, "1"],
      [3n, "0"],
    ]);
    expect(changes(vcd, "vm.master_clock").slice(1)).toEqual([[4n, "1"]]);
    expect(changes(vcd, "vm.vcpu1.tsc_offset").slice(1)).toEqual([[5n, "1".repeat(64)]]);
    expect(changes(vcd, "vm.vcpu1.pvclock_version").slice(1)).toEqual([[6n, "100"]]);
    expect(changes(vcd, "vm.vcpu0.pvclock_version")).toEqual([[0n, "x"]]);
  });

  it("draws a counter as it is, and of a clock what it gains on true time", () => {
    const since1970 = 1_700_000_000_000_000_000n;
    const events: readonly TraceEvent[] = [
      { kind: "counter", at: atNs(5n), name: "lag", unit: "ns", value: -51n, vcpu: 0 },
      { kind: "clocks", at: atNs(10n), clocks: [["CLOCK_REALTIME", since1970 + 10n]] },
      { kind: "clocks", at: atNs(20n), clocks: [["CLOCK_REALTIME", since1970 + 18n]] },
      { kind: "counter", at: atNs(30n), name: "not asked for", unit: "ns", value: 1n },
    ];
    const vcd = parseVcd(
      fileOf(events, {
        series: [
          { of: "counter", name: "lag.vcpu0", unit: "ns" },
          { of: "clock", name: "CLOCK_REALTIME", unit: "ns" },
        ],
      }),
    );
    expect(changes(vcd, "series.lag_vcpu0_ns")).toEqual([[5n, "-51"]]);
    expect(changes(vcd, "series.CLOCK_REALTIME_drift_ns")).toEqual([
      [10n, "0"],
      [20n, "-2"],
    ]);
  });

  it("keeps names that become alike apart", () => {
    const names = ["a b", "a.b", "a_b"];
    const series = names.map((name) => ({ of: "counter", name, unit: "count" }) as const);
    const { variables } = parseVcd(fileOf([], { series }, { ...RUN, vcpus: 0 }));
    expect([...variables.keys()].slice(-3)).toEqual([
      "series.a_b_count",
      "series.a_b_count_2",
      "series.a_b_count_3",
    ]);
  });

  it("counts picoseconds on request, so that cycles have edges", () => {
    const run = { ...RUN, tscHz: 2_500_000_000n };
    const events = [1n, 2n].map(
      (tsc): TraceEvent => ({
        kind: "vcpu-state",
        at: hostTsc(tsc),
        vcpu: 0,
        state: tsc === 1n ? "guest" : "host",
      }),
    );
    const file = fileOf(events, { timescale: "1ps" }, run);
    expect(file).toContain("$timescale 1 ps $end\n");
    expect(parseVcd(file).times).toEqual([0n, 400n, 800n]);
    expect(parseVcd(fileOf(events, {}, run)).times).toEqual([0n]);
  });

  it("writes words as text on request, and then exits and remarks too", () => {
    const vcd = parseVcd(
      fileOf(
        [
          { kind: "vcpu-state", at: atNs(1n), vcpu: 0, state: "blocked" },
          { kind: "cpu-runs", at: atNs(1n), cpu: 0, what: "vcpu", vcpu: 1 },
          { kind: "vm-exit", at: atNs(2n), vcpu: 0, reason: "HLT" },
          { kind: "note", at: atNs(3n), vcpu: 0, text: "tick 5" },
        ],
        { strings: "on" },
      ),
    );
    expect(vcd.variables.get("vm.vcpu0.state")?.type).toBe("string");
    expect(changes(vcd, "vm.vcpu0.state")).toEqual([[1n, "blocked"]]);
    expect(changes(vcd, "host.cpu0.runs")).toEqual([[1n, "vcpu1"]]);
    expect(changes(vcd, "vm.vcpu0.exit_reason")).toEqual([[2n, "HLT"]]);
    expect(changes(vcd, "vm.vcpu0.note")).toEqual([[3n, "tick\\x205"]]);
  });

  it("of any run is a file a strict reader takes, with changes only", () => {
    const any = fc.record<Required<Pick<VcdOptions, "strings" | "timescale">>>({
      strings: fc.constantFrom("off", "on"),
      timescale: fc.constantFrom("1ns", "1ps"),
    });
    fc.assert(
      fc.property(anyEvents, any, (events, options) => {
        const collector = new SeriesCollector();
        for (const event of events) collector.emit(event);
        const { variables, times } = parseVcd(fileOf(events, { ...options, series: collector.series() }));
        for (const { changes } of variables.values()) {
          for (const [i, [, value]] of changes.entries()) expect(value).not.toBe(changes[i - 1]?.[1]);
        }
        const lastTsc = events.at(-1)?.at ?? 0n;
        expect(times.at(-1)).toBe((lastTsc * (options.timescale === "1ns" ? 1n : 1_000n)) / 3n);
      }),
    );
  });

  it("hands on a long run in pieces of a bounded size", () => {
    let pieces = 0;
    let largest = 0;
    const exporter = new VcdExporter(RUN, (text) => {
      pieces += 1;
      largest = Math.max(largest, text.length);
    });
    for (let i = 0n; i < 100_000n; i++) {
      exporter.emit({ kind: "vcpu-state", at: atNs(i), vcpu: 0, state: i % 2n === 0n ? "guest" : "host" });
    }
    exporter.end();
    expect(pieces).toBeGreaterThan(10);
    expect(largest).toBeLessThan(66_000);
  });

  it.each<[Partial<TraceRun>, VcdOptions, string]>([
    [{ cpus: 0 }, {}, "expected 1 to 65536 CPUs, got 0"],
    [{ vcpus: -1 }, {}, "expected 0 to 65536 vCPUs, got -1"],
    [{}, { startNs: -1n }, "expected a startNs of at least 0n, got -1"],
    [{}, { timescale: "1us" as "1ns" }, "expected timescale to be one of 1ns, 1ps, got 1us"],
    [{}, { strings: "yes" as "on" }, "expected strings to be one of off, on, got yes"],
  ])("refuses %o with %o", (run, options, message) => {
    const create = (): VcdExporter => new VcdExporter({ ...RUN, ...run }, () => {}, options);
    expect(create).toThrow(new RangeError(`VcdExporter: ${message}`));
  });

  it.each<[TraceEvent, string]>([
    [{ kind: "kick", at: atNs(0n), vcpu: 2 }, "expected a vCPU below 2, got 2"],
    [{ kind: "irq-end", at: atNs(0n), cpu: 2 }, "expected a CPU below 2, got 2"],
    [
      { kind: "inject", at: atNs(0n), vcpu: 0, vector: 256, coalesced: "no" },
      "expected a vector below 256, got 256",
    ],
    [
      { kind: "epoch", at: atNs(0n), ns: 2n ** 63n },
      "expected a time of at most 9223372036854775807, got 9223372036854775808",
    ],
  ])("refuses an event that is not of the run, %#", (event, message) => {
    const exporter = new VcdExporter(RUN, () => {});
    expect(() => exporter.emit(event)).toThrow(new RangeError(`VcdExporter.emit: ${message}`));
  });

  it("refuses an event after the end, and one that goes back in time", () => {
    const exporter = new VcdExporter(RUN, () => {});
    exporter.emit({ kind: "kick", at: atNs(2n), vcpu: 0 });
    expect(() => exporter.emit({ kind: "kick", at: atNs(1n), vcpu: 0 })).toThrow(
      new RangeError("VcdExporter.emit: expected events in order of time, got kick at 1000 ps after 2000 ps"),
    );
    exporter.end();
    expect(() => exporter.emit({ kind: "kick", at: atNs(3n), vcpu: 0 })).toThrow(
      new RangeError("VcdExporter.emit: expected no event after end(), got kick"),
    );
  });
});
