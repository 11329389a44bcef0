/**
 * What docs/model/clocksource-tsc §4 and §5.1 and docs/model/pvclock §1.6 say a guest's watchdog comes to, from the parameters
 * alone: two linear clocks, half a second apart, and three limits.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import type { Outcome } from "./outcome.js";
import type { TscWatchdogParams } from "./params.js";

type Axes = Readonly<Record<string, string>>;

const NS_PER_MS = 1_000_000n;
/** Cycles of half a second, per kHz. */
const CYCLES_PER_CHECK_AND_KHZ = 500n;
const TOLERANCE_PPM = 250n;
const MILLION = 1_000_000n;
/** What two clocks that are read one after the other may be off by, besides a cycle. */
const FLOORS_NS = 3n;

/** A figure, and by how much it may be off. */
export interface Predicted {
  readonly ns: bigint;
  readonly toleranceNs: bigint;
}

function clocksOf({ hostKhz, guestKhz, scaling }: TscWatchdogParams, axes: Axes): KvmclockArithmetic {
  return new KvmclockArithmetic({
    hostKhz,
    guestKhz: scaling === "present" ? guestKhz : hostKhz,
    fractionBits: 48n,
    guestRate: axes.guestKhz === "hz" ? "Hz" : "kHz",
  });
}

/** Whether a host refuses the frequency: its TSC is faster, and nothing slows it down for the guest. */
export function isRefused({ hostKhz, guestKhz, scaling }: TscWatchdogParams): boolean {
  return scaling === "absent" && guestKhz < (hostKhz * (MILLION - TOLERANCE_PPM)) / MILLION;
}

/** What the guest takes its TSC for. */
export function predictTakenKhz(params: TscWatchdogParams, axes: Axes): bigint {
  if (params.calibration === "kept") return params.guestKhz;
  const { mul, shift } = clocksOf(params, axes).guestScale;
  const quotient = (MILLION << 32n) / mul;
  return shift < 0n ? quotient << -shift : quotient >> shift;
}

/** What the TSC gets ahead of kvm-clock in half a second of its own. */
export function predictPerCheck(params: TscWatchdogParams, axes: Axes): Predicted {
  const khz = predictTakenKhz(params, axes);
  const cycles = khz * CYCLES_PER_CHECK_AND_KHZ;
  // A clocksource converts as CLOCK_MONOTONIC_RAW does on a host of that frequency.
  const clocksource = { hostKhz: khz, guestKhz: khz, fractionBits: 48n, guestRate: "kHz" } as const;
  const tscNs = new KvmclockArithmetic(clocksource).rawNs(cycles);
  const { hostKhz, guestKhz } = params;
  const slowestKhz = hostKhz < guestKhz ? hostKhz : guestKhz;
  return {
    ns: tscNs - clocksOf(params, axes).clockNs(cycles),
    toleranceNs: FLOORS_NS + (2n * NS_PER_MS) / slowestKhz,
  };
}

/** What it gets ahead in a day, ns. */
export function predictPerDay(params: TscWatchdogParams, axes: Axes): Predicted {
  const { ns, toleranceNs } = predictPerCheck(params, axes);
  const khz = predictTakenKhz(params, axes);
  const { hostKhz, guestKhz, scaling } = params;
  // Half a second of the TSC as it is taken lasts as long as kvm-clock says.
  const halfNs = clocksOf(params, axes).clockNs(khz * CYCLES_PER_CHECK_AND_KHZ);
  const dayNs = 86_400_000_000_000n;
  const slowestKhz = hostKhz < guestKhz || scaling === "absent" ? hostKhz : guestKhz;
  const readNs = toleranceNs + NS_PER_MS / slowestKhz + 1n;
  return {
    ns: (ns * dayNs) / halfNs,
    toleranceNs: (toleranceNs * dayNs) / halfNs + (readNs * dayNs) / params.length,
  };
}

/** How the watchdog judges; several where rounding decides. */
export function predictOutcomes(params: TscWatchdogParams, axes: Axes): ReadonlySet<Outcome> {
  const { ns, toleranceNs } = predictPerCheck(params, axes);
  const offs = [-toleranceNs, 0n, toleranceNs];
  return new Set(offs.flatMap((delay) => offs.map((skew) => judge(params, axes, ns + skew, delay))));
}

function judge(params: TscWatchdogParams, axes: Axes, perCheckNs: bigint, delayOffNs: bigint): Outcome {
  const { maxSkew, readDelay, backDelay, delayed } = params;
  const isNewer = axes.guestWatchdog === "margins";
  const skewNs = maxSkew > 0n ? maxSkew : isNewer ? 125_000n : 100_000n;
  const usableNs = isNewer ? 4n * skewNs : skewNs;
  const skipNs = isNewer ? 2n * skewNs : skewNs / 2n;
  const offNs = (delayNs: bigint): bigint => (delayNs === 0n ? 0n : delayNs + delayOffNs);
  if (offNs(readDelay) > usableNs) {
    if (offNs(backDelay) > skipNs) return "skipped";
    if (delayed === "every-try") return "read-back";
  }
  return perCheckNs > 4n * skewNs || perCheckNs < -4n * skewNs ? "skew" : "kept";
}
