/** docs/model/scenarios-lapic §S003: stated for mono(h) = ⌊h · 10^9 · r / f⌋, an ideal device, 2.5 GHz. */
import type { GuestTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import {
  LVTT_PERIODIC,
  SVR_APIC_ENABLED,
  X2APIC_LVTT,
  X2APIC_SVR,
  X2APIC_TMICT,
} from "../../machine/guest/guest.js";
import { buildLapicMachine, type LapicMachine } from "../../machine/lapic-machine.js";
import { deadlineTimer } from "../../programs/deadline-timer.js";
import { waitNested } from "./measure-wait.js";

const KHZ = 2_500_000n;
const MS = 1_000_000n;

interface Machine {
  readonly ratePpm: bigint;
  /** v4.5 advances by a fixed 1 µs, v5.4 and later tune. */
  readonly kernel?: string;
  readonly advance?: "off" | "on";
  /** From the callback to the wait before entry, ns. */
  readonly overheadNs?: bigint;
  readonly preemptionTimer?: "present" | "absent";
}

function build({
  ratePpm,
  kernel = "v7.0",
  advance = "off",
  overheadNs = 0n,
  preemptionTimer = "absent",
}: Machine): LapicMachine {
  return buildLapicMachine({
    hostKhz: KHZ,
    hostHz: KHZ * 1000n,
    guestKhz: KHZ,
    monoRatePpb: ratePpm * 1000n,
    busNs: 1n,
    preemptionTimer,
    timerAdvance: advance,
    exitCost: 0n,
    entryCost: overheadNs,
    immediateExitCost: 0n,
    callbackCost: 0n,
    minDelta: 0n,
    axes: parseKernel(kernel).axes,
  });
}

interface Deadline {
  /** Guest TSC less the deadline, cycles: at the callback, and as the guest takes the interrupt. */
  readonly callback: bigint;
  readonly entry: bigint;
  /** What the advance was tuned to, ns. */
  readonly advanceNs: number | undefined;
}

/** One deadline `waitNs` after cycle `armAt`. */
function deadline(machine: Machine, waitNs: bigint, armAt = 0n): Deadline {
  const { host, vcpu } = build(machine);
  let callback: bigint | undefined;
  let entry: bigint | undefined;
  let advanceNs: number | undefined;
  vcpu.apic.observer.onDeadline = (error) => {
    callback ??= error;
  };
  vcpu.apic.observer.onTune = (ns) => {
    advanceNs ??= ns;
  };
  vcpu.start("deadline", (cpu) =>
    deadlineTimer(cpu, {
      armAt: armAt as GuestTsc,
      waitCycles: (waitNs * KHZ) / MS,
      times: 1,
      waits: "halts",
      onInterrupt: (error) => {
        entry ??= error;
      },
    }),
  );
  host.engine.runUntilDone(() => entry !== undefined, host.tscAt(2n * waitNs + MS));
  if (callback === undefined || entry === undefined)
    throw new Error("deadline: expected an interrupt, got none");
  return { callback, entry, advanceNs };
}

describe.each([
  [MS, 500n, -1_249n, -3_748n],
  [10n * MS, 500n, -12_493n, -14_992n],
  [100n * MS, 50n, -12_499n, -14_999n],
  [1_000n * MS, 50n, -124_993n, -127_493n],
  [1_000n * MS, 500n, -1_249_375n, -1_251_874n],
  [10n * MS, -500n, 12_507n, 10_006n],
  [1_000n * MS, -500n, 1_250_626n, 1_248_125n],
])("a deadline %i ns away on a clock %i ppm fast", (waitNs, ratePpm, plain, advanced) => {
  it(`calls back ${plain} cycles from it, armed at cycle 0`, () => {
    expect(deadline({ ratePpm }, waitNs).callback).toBe(plain);
  });

  it(`calls back ${advanced} cycles from it with a fixed advance of 1 µs`, () => {
    expect(deadline({ ratePpm, kernel: "v4.5", advance: "on" }, waitNs).callback).toBe(advanced);
  });

  it("is at most 3 cycles earlier in another phase to the clock's nanoseconds", () => {
    for (let armAt = 1n; armAt < 100n; armAt += 7n) {
      const shift = deadline({ ratePpm }, waitNs, armAt).callback - plain;
      expect(shift <= 0n && shift >= -3n, `${shift} at ${armAt}`).toBe(true);
    }
  });

  it("does not depend on the clock where the preemption timer serves it", () => {
    // A guest that halts leaves the preemption timer; the deadline of one that runs is exact to its step.
    const { host, vcpu } = build({ ratePpm, preemptionTimer: "present" });
    let error: bigint | undefined;
    vcpu.apic.observer.onDeadline = (cycles) => {
      error ??= cycles;
    };
    const waitCycles = (waitNs * KHZ) / MS;
    const options = { armAt: 0n as GuestTsc, waitCycles, times: 1, waits: "spins" } as const;
    vcpu.start("running", (cpu) => deadlineTimer(cpu, options));
    host.engine.runUntilDone(() => error !== undefined, host.tscAt(2n * waitNs));
    expect(error !== undefined && error <= 0n && error > -64n, `${error}`).toBe(true);
  });
});

describe("the guest enters at its deadline iff e ≤ o ≤ advance + e", () => {
  const ADVANCE_NS = 1_000n;
  const ADVANCE_CYCLES = 2_500n;
  /** Earliness by the slew, in cycles, to the 3 of the reading: e = ρ(Δ − advance) / (1 + ρ), the wait that is armed. */
  const slewed = (waitNs: bigint, ratePpm: bigint): bigint =>
    ((waitNs - ADVANCE_NS) * KHZ * ratePpm) / (MS * (MS + ratePpm));

  it.each([
    // Below e, within, beyond advance + e; then either side of Δ* = advance + o(1 + ρ) / ρ: 3.001, 30.0 ms and 20.5 µs.
    [MS, 500n, 0n],
    [MS, 500n, 400n],
    [MS, 500n, 600n],
    [MS, 500n, 1_400n],
    [MS, 500n, 1_600n],
    [MS, 500n, 4_000n],
    [2_995_000n, 500n, 1_500n],
    [3_010_000n, 500n, 1_500n],
    [29_900_000n, 50n, 1_500n],
    [30_100_000n, 50n, 1_500n],
    [20_400n, 83_333n, 1_500n],
    [20_600n, 83_333n, 1_500n],
  ])("Δ = %i ns, %i ppm, o = %i ns", (waitNs, ratePpm, overheadNs) => {
    const { entry } = deadline({ ratePpm, kernel: "v4.5", advance: "on", overheadNs }, waitNs);
    const e = slewed(waitNs, ratePpm);
    // A halted guest's entry is all that lies between the callback and the wait.
    const o = (overheadNs * KHZ) / MS;
    const expected = o < e ? o - e : o > ADVANCE_CYCLES + e ? o - ADVANCE_CYCLES - e : 0n;
    const off = entry - expected;
    expect(off <= 3n && off >= -3n, `${entry} for ${expected}`).toBe(true);
    if (expected < -3n) expect(entry < 0n).toBe(true);
    if (expected === 0n && o > e + 3n) expect(entry).toBe(0n);
  });

  it("with no overhead and a tuned advance, 1 ms at +500 ppm enters 1716 cycles early", () => {
    const got = deadline({ ratePpm: 500n, advance: "on" }, MS);
    expect(got).toEqual({ callback: -3_748n, advanceNs: 813, entry: -1_716n });
  });
});

describe("the nested preemption timer at 10^6 steps, 12.8 ms", () => {
  it.each([
    [500n, -6_397n],
    [-500n, 6_403n],
    [50n, -640n],
    [-50n, 640n],
    [83_333n, -984_600n],
  ])("at %i ppm brings L1 back %i ns from its deadline", (ratePpm, ns) => {
    const machine = build({ ratePpm });
    const wait = { armNs: 0n, cycles: 32_000_000n, waits: "spins", watchedNs: 20n * MS } as const;
    const { errorPs = 0n } = waitNested(machine, wait);
    // The page rounds to 10 ns below 1 µs and to 100 ns above 100 µs.
    const tolerance = ratePpm === 83_333n ? 50n : 5n;
    const off = errorPs / 1_000n - ns;
    expect(off <= tolerance && off >= -tolerance, `${errorPs} ps`).toBe(true);
  });
});

describe("a periodic timer in software", () => {
  it.each([
    [500n, 2_498_751n],
    [-500n, 2_501_251n],
  ])("at %i ppm is P · khz · (1 − ρ) TSC cycles a period: %i", (ratePpm, cycles) => {
    const { host, vcpu } = build({ ratePpm });
    const ticks: bigint[] = [];
    vcpu.start("periodic", function* (cpu) {
      cpu.wrmsr(X2APIC_SVR, SVR_APIC_ENABLED | 0xff);
      cpu.wrmsr(X2APIC_LVTT, LVTT_PERIODIC | 0xec);
      cpu.wrmsr(X2APIC_TMICT, 500_000);
      for (;;) {
        yield cpu.halt();
        ticks.push(cpu.rdtsc());
        cpu.eoi();
      }
    });
    host.engine.runUntil(host.tscAt(1_001n * MS));
    const [first = 0n] = ticks;
    const thousandth = ticks[999] ?? 0n;
    expect((thousandth - first) / 999n).toBe(cycles - 1n);
  });
});

describe("a slew that begins during the wait", () => {
  it("bends the rest only: callback at s + (Δ − s) / (1 + ρ)", () => {
    const { host, vcpu } = build({ ratePpm: 0n });
    let error: bigint | undefined;
    vcpu.apic.observer.onDeadline = (cycles) => {
      error ??= cycles;
    };
    host.timeline.add({
      at: host.tscAt(500n * MS),
      name: "slew",
      act: () => host.setMonotonicRate(500_000n),
    });
    const options = { armAt: 0n as GuestTsc, waitCycles: 1_000n * KHZ, times: 1, waits: "halts" } as const;
    vcpu.start("deadline", (cpu) => deadlineTimer(cpu, options));
    host.engine.runUntilDone(() => error !== undefined, host.tscAt(2_000n * MS));
    // Half of 1 249 375 cycles.
    expect(error).toBe(-624_687n);
  });
});
