/**
 * The two paths that run hundreds of millions of times in a simulated day: reading a clock, and a tick on which nothing
 * happens but time. The rules of this file, which a workspace test enforces: each BigInt operation stands directly inside
 * `asUintN`, shift counts are literals, the operand of `>>` is itself wrapped, and no bigint crosses a branch except through
 * a slot. V8 then uses machine words. Comparisons are made on the 32-bit halves of slots: V8 lowers none of bigints.
 *
 * Nothing here is checked; counter values are taken mod 2^64.
 */

import { farReading } from "./far-reading.js";
import {
  BASE,
  type ClockSlot,
  CYCLE_INTERVAL,
  CYCLE_LAST,
  DELTA,
  ERR_MULT,
  ERROR_PER_MULT,
  ERROR_PER_TICK,
  HIGHEST_MULT,
  LOWEST_MULT,
  MASK,
  MONO,
  MULT,
  NEAR_LIMIT,
  NEXT_ERROR,
  NEXT_NSEC,
  NEXT_RAW_NSEC,
  NSEC,
  NTP_ERROR,
  PLAIN_LIMIT,
  RAW,
  RAW_INTERVAL,
  SCALE,
  SECOND,
  XTIME_INTERVAL,
} from "./slots.js";

const U = BigInt.asUintN;

/** Where the low and the high word of a 64-bit slot lie: 0 and 1 on every little-endian machine. */
const LOW: 0 | 1 =
  /* @__PURE__ */ new Uint8Array(/* @__PURE__ */ new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** The u32 in slot `slot`. */
export function lowWord(words: Uint32Array, slot: number): number {
  return words[2 * slot + LOW] as number;
}

/** Whether slot `a` holds less than slot `b`, both u64. */
function isBelow(words: Uint32Array, a: number, b: number): boolean {
  const [highA, highB] = [words[2 * a + HIGH] as number, words[2 * b + HIGH] as number];
  return highA === highB ? (words[2 * a + LOW] as number) < (words[2 * b + LOW] as number) : highA < highB;
}

/** Whether slot `slot`, an s64, is above zero. */
function isPositive(words: Uint32Array, slot: number): boolean {
  const high = words[2 * slot + HIGH] as number;
  return high < 2 ** 31 && (high !== 0 || words[2 * slot + LOW] !== 0);
}

/** `out[index]` = what clock `clock` reads at counter value `cycles`, ns mod 2^64 (docs/model/clocksource-tsc §3.3). */
export function storeReading(
  out: BigUint64Array,
  index: number,
  slots: BigUint64Array,
  words: Uint32Array,
  clock: ClockSlot,
  cycles: bigint,
): void {
  slots[DELTA] = U(64, U(64, cycles - (slots[CYCLE_LAST] as bigint)) & (slots[MASK] as bigint));
  if (isBelow(words, NEAR_LIMIT, DELTA)) {
    out[index] = farReading(slots, clock);
    return;
  }
  const product = U(64, (slots[DELTA] as bigint) * (slots[clock + MULT] as bigint));
  // WRAP: the sum may leave 64 bits, and does so before the shift.
  const sum = U(64, product + (slots[clock + NSEC] as bigint));
  const scale = slots[SCALE] as bigint;
  const low = U(64, U(64, U(32, sum) * scale) >> 32n);
  const ns = U(64, U(64, U(64, U(64, sum) >> 32n) * scale) + low);
  out[index] = U(64, ns + (slots[clock + BASE] as bigint));
}

/** What {@link storeTick} did. */
export type TickOutcome = typeof TICK_EARLY | typeof TICK_DONE | typeof TICK_NOT_PLAIN;
/** Less than a tick since the last one: nothing to do. */
export const TICK_EARLY = 0;
/** The tick is accumulated. */
export const TICK_DONE = 1;
/** Something else is due as well (several ticks, a second, a new rate, a warning): nothing was touched. */
export const TICK_NOT_PLAIN = 2;

/**
 * A plain tick: one interval passed, within the second, and NTP wants the rate it has. What is left to do is to add one
 * interval everywhere, and to move the multiplier by one when the error changes sign. The result is that of the general
 * path (advance.ts) to the bit; about 1 tick in 250 cannot go this way.
 */
export function storeTick(slots: BigUint64Array, words: Uint32Array, cycles: bigint): TickOutcome {
  slots[DELTA] = U(64, U(64, cycles - (slots[CYCLE_LAST] as bigint)) & (slots[MASK] as bigint));
  if (isBelow(words, DELTA, CYCLE_INTERVAL)) return TICK_EARLY;
  if (!isBelow(words, DELTA, PLAIN_LIMIT)) return TICK_NOT_PLAIN;
  slots[DELTA] = U(64, (slots[DELTA] as bigint) - (slots[CYCLE_INTERVAL] as bigint));
  slots[NEXT_NSEC] = U(64, (slots[MONO + NSEC] as bigint) + (slots[XTIME_INTERVAL] as bigint));
  slots[NEXT_RAW_NSEC] = U(64, (slots[RAW + NSEC] as bigint) + (slots[RAW_INTERVAL] as bigint));
  slots[NEXT_ERROR] = U(64, (slots[NTP_ERROR] as bigint) + (slots[ERROR_PER_TICK] as bigint));
  if (!isBelow(words, NEXT_NSEC, SECOND) || !isBelow(words, NEXT_RAW_NSEC, SECOND)) return TICK_NOT_PLAIN;
  const errMult = isPositive(words, NEXT_ERROR) ? 1 : 0;
  if (errMult !== lowWord(words, ERR_MULT)) {
    const mult = lowWord(words, MONO + MULT);
    if (errMult === 1) {
      if (mult >= lowWord(words, HIGHEST_MULT)) return TICK_NOT_PLAIN;
      storeFaster(slots);
      if (!isBelow(words, NEXT_NSEC, SECOND)) return TICK_NOT_PLAIN;
      words[2 * (MONO + MULT) + LOW] = mult + 1;
      slots[XTIME_INTERVAL] = U(64, (slots[XTIME_INTERVAL] as bigint) + (slots[CYCLE_INTERVAL] as bigint));
      slots[ERROR_PER_TICK] = U(64, (slots[ERROR_PER_TICK] as bigint) - (slots[ERROR_PER_MULT] as bigint));
    } else {
      if (mult <= lowWord(words, LOWEST_MULT)) return TICK_NOT_PLAIN;
      storeSlower(slots);
      if (!isBelow(words, NEXT_NSEC, SECOND)) return TICK_NOT_PLAIN;
      words[2 * (MONO + MULT) + LOW] = mult - 1;
      slots[XTIME_INTERVAL] = U(64, (slots[XTIME_INTERVAL] as bigint) - (slots[CYCLE_INTERVAL] as bigint));
      slots[ERROR_PER_TICK] = U(64, (slots[ERROR_PER_TICK] as bigint) + (slots[ERROR_PER_MULT] as bigint));
    }
    words[2 * ERR_MULT + LOW] = errMult;
  }
  slots[CYCLE_LAST] = U(64, (slots[CYCLE_LAST] as bigint) + (slots[CYCLE_INTERVAL] as bigint));
  slots[MONO + NSEC] = slots[NEXT_NSEC] as bigint;
  slots[RAW + NSEC] = slots[NEXT_RAW_NSEC] as bigint;
  slots[NTP_ERROR] = slots[NEXT_ERROR] as bigint;
  return TICK_DONE;
}

/** The multiplier rises by one: the cycles since the tick convert to more, so the base gives as much, and the error has it. */
function storeFaster(slots: BigUint64Array): void {
  slots[NEXT_NSEC] = U(64, (slots[NEXT_NSEC] as bigint) - (slots[DELTA] as bigint));
  slots[NEXT_ERROR] = U(
    64,
    (slots[NEXT_ERROR] as bigint) + U(64, (slots[DELTA] as bigint) * (slots[SCALE] as bigint)),
  );
}

function storeSlower(slots: BigUint64Array): void {
  slots[NEXT_NSEC] = U(64, (slots[NEXT_NSEC] as bigint) + (slots[DELTA] as bigint));
  slots[NEXT_ERROR] = U(
    64,
    (slots[NEXT_ERROR] as bigint) - U(64, (slots[DELTA] as bigint) * (slots[SCALE] as bigint)),
  );
}
