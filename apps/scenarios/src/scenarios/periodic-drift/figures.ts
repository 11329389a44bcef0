/**
 * Figures docs/model/scenarios-lapic §S000 states for named parameters, with the page's tolerances. They come from an
 * independent model of the same rules, so they are checked where they apply and say "not applicable" elsewhere.
 */
import type { PeriodicDriftParams } from "./params.js";

export interface StatedFigures {
  readonly tS: bigint;
  readonly seen: bigint;
  readonly cb: bigint;
  readonly hvExp: bigint;
  /** Expirations by software starts; under `arm-past` they are callbacks instead. */
  readonly swStart: bigint;
}

const row = (tS: bigint, seen: bigint, cb: bigint, hvExp: bigint, swStart = 0n): StatedFigures => ({
  tS,
  seen,
  cb,
  hvExp,
  swStart,
});

/** §S000.1, variant a: P = 1 ms, −50 ppm, idle. */
const IDLE_SLOW_50 = [
  row(10n, 9_999n, 9_999n, 0n),
  row(19n, 18_999n, 18_999n, 0n),
  row(21n, 20_998n, 20_448n, 550n),
  row(40n, 39_965n, 29_915n, 10_084n),
  row(60n, 53_289n, 36_565n, 23_435n),
  row(120n, 77_964n, 48_876n, 71_121n),
  row(600n, 139_861n, 79_753n, 520_245n),
  row(3600n, 211_148n, 115_305n, 3_484_540n),
];

/** §S000.1, variant a, "variation": P = 500 µs, −10 ppm, idle. */
const IDLE_SLOW_10_HALF_MS = [
  row(60n, 119_999n, 109_497n, 10_502n),
  row(600n, 520_623n, 308_969n, 891_021n),
  row(3600n, 873_584n, 484_602n, 6_715_383n),
];

/** §S000.1: P = 1 ms, +50 ppm, idle: no loss in any variant. */
const IDLE_FAST_50 = [row(60n, 60_003n, 60_003n, 0n), row(600n, 600_030n, 600_030n, 0n)];

/** §S000.2, variant a, 100 ms halves, idle first: model R at −50 ppm, model L at −50 ppm, both at +50 ppm. */
const ALTERNATING_SLOW_R = [row(60n, 56_707n, 18_076n, 41_924n), row(600n, 372_245n, 38_159n, 561_841n)];
const ALTERNATING_SLOW_L = [row(60n, 59_900n, 29_400n, 30_600n), row(600n, 559_400n, 253_500n, 346_500n)];
const ALTERNATING_FAST = [
  row(60n, 59_901n, 30_103n, 29_700n, 200n),
  row(600n, 559_401n, 340_630n, 256_500n, 2_900n),
];

const MS = 1_000_000n;

/** The rows stated for these parameters under `periodicAdvance=independent`; empty where the page states none. */
export function statedFigures(p: PeriodicDriftParams): readonly StatedFigures[] {
  const model =
    p.hostKhz === 2_500_000n &&
    p.hostHz === 2_500_000_000n &&
    p.guestKhz === p.hostKhz &&
    p.handler === 5_000n &&
    p.busNs === 1n &&
    p.preemptionTimerShift === 5n &&
    p.timerAdvance === "off" &&
    p.exitCost === 0n &&
    p.entryCost === 0n;
  if (!model) return [];
  const ppm = p.monoRatePpm / 1000n;
  if (p.monoRatePpm % 1000n !== 0n) return [];
  if (p.load === "idle" && p.period === MS && ppm === -50n) return IDLE_SLOW_50;
  if (p.load === "idle" && p.period === MS && ppm === 50n) return IDLE_FAST_50;
  if (p.load === "idle" && p.period === MS / 2n && ppm === -10n) return IDLE_SLOW_10_HALF_MS;
  if (p.load !== "alternating" || p.period !== MS || p.half !== 100n * MS || p.first !== "idle") return [];
  if (ppm === -50n) return p.idleModel === "reentry" ? ALTERNATING_SLOW_R : ALTERNATING_SLOW_L;
  return ppm === 50n ? ALTERNATING_FAST : [];
}

/** Instants at which the page states figures, in seconds: rows of the table a run prints. */
export const TABLE_SECONDS: readonly bigint[] = [10n, 19n, 21n, 40n, 60n, 120n, 600n, 3600n];
