/**
 * What docs/model/pvclock §6 and §7 and docs/model/clocksource-tsc §4 say a pause does to a guest's clocks and what its
 * watchdog makes of them, from the parameters alone.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import type { SetClockPauseParams } from "./params.js";
import type { Outcome } from "./watched-guest.js";

const NS_PER_MS = 1_000_000n;
/** The watchdog's interval, and what it compares at most. */
const INTERVAL_NS = 500_000_000n;
const LONGEST_NS = 1_000_000_000n;
/** What CLOCK_REALTIME's multiplier dithers by, ppb. */
const DITHER_PPB = 200n;
const PPB = 1_000_000_000n;
const FLOORS_NS = 3n;

/** A figure, and by how much it may be off. */
export interface Predicted {
  readonly ns: bigint;
  readonly toleranceNs: bigint;
}

const cyclesOf = (ns: bigint, khz: bigint): bigint => (ns * khz) / NS_PER_MS;

function clocksOf(
  { hostKhz, guestKhz }: SetClockPauseParams,
  axes: Readonly<Record<string, string>>,
): KvmclockArithmetic {
  const guestRate = axes.guestKhz === "hz" ? "Hz" : "kHz";
  return new KvmclockArithmetic({ hostKhz, guestKhz, fractionBits: 48n, guestRate });
}

/** Cycles of the guest's TSC over the pause. */
export function predictTscCycles(
  params: SetClockPauseParams,
  axes: Readonly<Record<string, string>>,
): bigint {
  const clocks = clocksOf(params, axes);
  const stop = cyclesOf(params.age, params.hostKhz);
  const { age, pause, gap, hostKhz } = params;
  return clocks.guestCycles(cyclesOf(age + pause + gap, hostKhz)) - clocks.guestCycles(stop);
}

/** What kvm-clock falls behind true time by. */
export function predictLost(params: SetClockPauseParams, axes: Readonly<Record<string, string>>): Predicted {
  const { age, pause, back, gap, set, kvmclock, hostKhz, guestKhz } = params;
  const clocks = clocksOf(params, axes);
  const stop = cyclesOf(age, hostKhz);
  const goesOn = cyclesOf(age + pause, hostKhz);
  const guestNs = clocks.guestNs(stop);
  const cycleNs = NS_PER_MS / (hostKhz < guestKhz ? hostKhz : guestKhz);
  const toleranceNs = FLOORS_NS + 2n * cycleNs;
  if (set === "guest") return { ns: pause - (clocks.guestNs(goesOn) - guestNs), toleranceNs };
  if (kvmclock === "old") {
    const driftNs = clocks.rawNs(stop) - guestNs;
    return { ns: pause + back, toleranceNs: toleranceNs + (driftNs < 0n ? -driftNs : driftNs) };
  }
  const savedNs = axes.getClock === "via-guest-tsc" ? guestNs : clocks.reckonedNs(stop);
  const ns = pause + back + guestNs - savedNs;
  if (set === "clock") return { ns, toleranceNs };
  // CLOCK_REALTIME is read after the reference, and what passed between them counts twice.
  const gapCycles = cyclesOf(gap, hostKhz);
  const advancedNs = clocks.rawNs(goesOn + gapCycles - stop) + clocks.guestNs(gapCycles) - gap;
  const ditherNs = ((pause + gap) * DITHER_PPB) / PPB;
  return { ns: ns - advancedNs, toleranceNs: toleranceNs + ditherNs };
}

/** What the guest's watchdog makes of it; several where rounding decides. */
export function predictOutcomes(
  params: SetClockPauseParams,
  axes: Readonly<Record<string, string>>,
): ReadonlySet<Outcome> {
  const { ns, toleranceNs } = predictLost(params, axes);
  // The calibration of its TSC may be off by 2 kHz, over at most a second and a half.
  const marginNs = 10_000n + 4_000_000_000n / params.guestKhz + toleranceNs;
  const limitNs = axes.guestWatchdog === "margins" ? 500_000n : 400_000n;
  return new Set(
    [-marginNs, 0n, marginNs].flatMap((off) =>
      [-off, 0n, off].map((lateNs) => outcomeOf(params, { lostNs: ns + off, lateNs, limitNs })),
    ),
  );
}

/** What one outcome is worked out from: what kvm-clock lost, how late the pass is, and what the watchdog lets pass. */
interface Assumed {
  readonly lostNs: bigint;
  readonly lateNs: bigint;
  readonly limitNs: bigint;
}

function outcomeOf(
  { phase, pause, gap, flag, kvmclock }: SetClockPauseParams,
  { lostNs, lateNs, limitNs }: Assumed,
): Outcome {
  const goesOn = phase + pause + gap;
  const tscNs = (goesOn > INTERVAL_NS ? goesOn : INTERVAL_NS) + lateNs;
  // A clamped clock stands where it was at the stop; any other that goes back is taken for one that stood still.
  const leastNs = kvmclock === "old" ? phase : 0n;
  const kvmclockNs = tscNs - lostNs > leastNs ? tscNs - lostNs : leastNs;
  // A clamped clock may stand still long enough after the first pass for the next to see it.
  if (kvmclock === "old" && lostNs - pause - (tscNs - goesOn) > limitNs) return "unstable";
  if (flag === "heeded") return "starts over";
  if (tscNs > LONGEST_NS || kvmclockNs > LONGEST_NS) return "not compared";
  const skewNs = tscNs - kvmclockNs;
  return skewNs > limitNs || skewNs < -limitNs ? "unstable" : "unnoticed";
}
