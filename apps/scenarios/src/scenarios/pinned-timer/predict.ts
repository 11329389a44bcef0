/**
 * What docs/model/hrtimer §8.2 and docs/model/scenarios-lapic §S001 say a placement leads to, worked out from the
 * parameters alone: no machine.
 */
import { effectivePeriod } from "../timer-period.js";
import type { PinnedTimerParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
const PERMILLE = 1000n;
/** Standard deviations a sample may stray: one run in two million does. */
const SIGMAS = 5n;
/** Beyond them, for shares so small that their counts are no bell curve. */
const STRAYS = 8n;

/** A share as a fraction. */
export interface Share {
  readonly part: bigint;
  readonly whole: bigint;
}

/** From arming to expiry, or the period. */
export function distanceNs({ mode, delta }: PinnedTimerParams): bigint {
  return mode === "periodic" ? effectivePeriod(delta) : delta;
}

/** Nanoseconds of times that are each rounded to a whole cycle of the host, as the machine spends them. */
function spentNs(p: PinnedTimerParams, ...times: readonly bigint[]): bigint {
  const hz = p.hostKhz * 1000n;
  const cycles = times.map((ns) => (ns * hz * 2n + NS_PER_S) / (2n * NS_PER_S));
  return (cycles.reduce((sum, one) => sum + one, 0n) * NS_PER_S) / hz;
}

/** The shortest and the longest that is possible, in ns. */
export interface Bounds {
  readonly least: bigint;
  readonly most: bigint;
}

const max = (x: bigint, y: bigint): bigint => (x > y ? x : y);

/**
 * How late a timer is that expires on its vCPU's CPU: the exit it forces, and the entry after it. One that falls due while
 * the guest is being entered after the tick has that entry begin anew instead.
 */
export function lateHere(p: PinnedTimerParams): Bounds {
  const { exitCost, exitJitter, entryCost } = p;
  if (p.guest === "halts") return { least: spentNs(p, entryCost), most: spentNs(p, entryCost) };
  const most = spentNs(p, max(exitCost + exitJitter, entryCost), entryCost);
  return { least: spentNs(p, exitCost, entryCost), most };
}

/** How late one is that expires elsewhere and kicks: an interrupt across, then as above. */
export function lateKicked(p: PinnedTimerParams): Bounds {
  const { exitCost, exitJitter, entryCost, ipiCost } = p;
  if (p.guest === "halts") return lateHere(p);
  const most = spentNs(p, max(ipiCost, entryCost), exitCost + exitJitter, entryCost);
  return { least: spentNs(p, ipiCost, exitCost, entryCost), most };
}

/** How late one is that expires elsewhere and is posted: the notification, or what is left of an exit under way. */
export function latePosted(p: PinnedTimerParams): Bounds {
  const { exitCost, exitJitter, entryCost, ipiCost } = p;
  if (p.guest === "halts") return lateHere(p);
  const most = max(spentNs(p, ipiCost), spentNs(p, exitCost + exitJitter, entryCost, entryCost));
  return { least: spentNs(p, ipiCost), most };
}

/** How late one is at most that expires elsewhere and tells nobody: until the vCPU's CPU ticks. */
export function lateUnheard(p: PinnedTimerParams): bigint {
  if (p.guest === "halts") return lateHere(p).most;
  return p.residual + spentNs(p, p.exitCost + p.exitJitter, p.entryCost);
}

/**
 * The share of timers that go to a housekeeping CPU: one moves iff that CPU has an event no later than it, and a busy
 * housekeeping CPU has its tick, at a phase that has nothing to do with the guest.
 */
export function shareElsewhere(p: PinnedTimerParams): Share {
  const leaves = p.hog === "on" && p.nohzFull.includes(Number(p.vcpuCpu));
  if (!leaves) return { part: 0n, whole: 1n };
  const distance = distanceNs(p);
  return distance >= p.tick ? { part: 1n, whole: 1n } : { part: distance, whole: p.tick };
}

/** The largest whole number whose square is at most `n`. */
function squareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let root = n;
  for (let next = (n + 1n) / 2n; next < root; next = (root + n / root) / 2n) root = next;
  return root;
}

/** How far the number of those `n` that belong to `share` may stray from n · share. */
export function countTolerance(n: bigint, { part, whole }: Share): bigint {
  return (SIGMAS * squareRoot(n * part * (whole - part))) / whole + STRAYS;
}

/** A figure and how far a sample may be from it. */
export interface Estimate {
  readonly value: bigint;
  readonly tolerance: bigint;
}

/**
 * Quantile `permille` of how late an unheard timer population is: a share p of it waits for the next exit, uniform over
 * X, and the others are served at once. For q > 1 − p: (q − (1 − p)) / p · X, and the local cost on top. Undefined below.
 */
export function unheardQuantile(p: PinnedTimerParams, n: bigint, permille: bigint): Estimate | undefined {
  const { part, whole } = shareElsewhere(p);
  const beyond = permille * whole - (whole - part) * PERMILLE;
  if (beyond <= 0n) return undefined;
  const strays = countTolerance(n, { part: permille, whole: PERMILLE });
  return {
    value: (beyond * p.residual) / (part * PERMILLE) + lateHere(p).least,
    tolerance: (strays * p.residual * whole) / (part * n) + gridTolerance(p),
  };
}

/** Mean of the same: (1 − p) · L0 + p · (X/2 + L0). The variance of the wait is (p/3 − p²/4) · X². */
export function unheardMean(p: PinnedTimerParams, n: bigint): Estimate {
  const { part, whole } = shareElsewhere(p);
  const variance = (p.residual ** 2n * (4n * part * whole - 3n * part ** 2n)) / (12n * whole ** 2n);
  return {
    value: (part * p.residual) / (2n * whole) + lateHere(p).least,
    tolerance: SIGMAS * squareRoot(variance / n) + (STRAYS * p.residual) / n + gridTolerance(p),
  };
}

/** The two ticks keep their phase to each other where their periods do, so waits are uniform to a tick only. */
function gridTolerance(p: PinnedTimerParams): bigint {
  return 2n * p.tick;
}
