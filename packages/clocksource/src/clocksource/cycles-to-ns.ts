/**
 * How the timekeeper turns a counter reading into nanoseconds, and what it does when the counter ran too far or stepped
 * back. `xtimeNsec` is the remainder of the last accumulation in units of 2^−shift ns.
 *
 * Source: `kernel/time/timekeeping.c:timekeeping_cycles_to_ns`; docs/model/clocksource-tsc §3.
 */

import { checkInteger, checkOneOf, checkU32, checkU64 } from "../argument-checks.js";
import { CLOCKSOURCE_BEHAVIOURS, type ClocksourceBehaviours } from "../behaviours.js";
import { mulU64U32AddU64Shr } from "../wide/mul-u64-u32-add-u64-shr.js";
import { mulU64U32Shr } from "../wide/mul-u64-u32-shr.js";
import { clocksourceDelta, type DeltaRule } from "./clocksource-delta.js";
import { cyc2ns } from "./cyc2ns.js";

/**
 * How a reading far from the last accumulation is converted: `unsigned` always the short way, a difference with its top bit
 * set reading as 0 (6.1); `safe` the wide way beyond `maxCycles`, standing still when the counter stepped back (6.12).
 */
export type CyclesToNsForm = ClocksourceBehaviours["delta"];

/** What a clock read starts from (`struct tk_read_base`). */
export interface ReadBase {
  /** Counter value at the last accumulation, u64. */
  readonly cycleLast: bigint;
  readonly mask: bigint;
  /** Unsigned 32-bit, as steered by NTP. */
  readonly mult: number;
  /** 0 … 63. */
  readonly shift: number;
  /** Remainder in units of 2^−shift ns, u64 (`xtime_nsec`). */
  readonly xtimeNsec: bigint;
  /** The clocksource's `max_cycles`, u64; only `safe` looks at it. */
  readonly maxCycles: bigint;
}

/**
 * Nanoseconds since the last accumulation, remainder included.
 *
 * @param base - the read base.
 * @param cycles - counter value now, u64.
 * @param form - which kernel's conversion.
 * @returns nanoseconds, u64. `unsigned` WRAPS once the product leaves 64 bits; `safe` does not.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: docs/model/clocksource-tsc §3.3.
 * @example
 * const base = { cycleLast: 100n, mask: 2n ** 64n - 1n, mult: 2, shift: 1, xtimeNsec: 6n, maxCycles: 1000n };
 * cyclesToNs(base, 110n, "safe") // => 13n
 * cyclesToNs(base, 90n, "safe") // => 3n
 */
export function cyclesToNs(base: ReadBase, cycles: bigint, form: CyclesToNsForm): bigint {
  const { cycleLast, mask, mult, shift, xtimeNsec, maxCycles } = base;
  checkU64("cyclesToNs", "cycleLast", cycleLast);
  checkU64("cyclesToNs", "mask", mask);
  checkU32("cyclesToNs", "mult", mult);
  checkInteger("cyclesToNs", "shift", shift, 0, 63);
  checkU64("cyclesToNs", "xtimeNsec", xtimeNsec);
  checkU64("cyclesToNs", "maxCycles", maxCycles);
  checkU64("cyclesToNs", "cycles", cycles);
  checkOneOf("cyclesToNs", "form", form, CLOCKSOURCE_BEHAVIOURS.delta);

  const delta = (cycles - cycleLast) & mask;
  const steppedBack = (delta & ~(mask >> 1n)) !== 0n;
  if (form === "unsigned") return shortSum(steppedBack ? 0n : delta, mult, xtimeNsec, shift);
  if (delta <= maxCycles) return shortSum(delta, mult, xtimeNsec, shift);
  if (steppedBack) return xtimeNsec >> BigInt(shift);
  return mulU64U32AddU64Shr(delta, mult, xtimeNsec, shift);
}

/** What the watchdog's conversion needs of a clocksource. */
export interface ElapsedSource {
  readonly mask: bigint;
  readonly mult: number;
  /** 0 … 63. */
  readonly shift: number;
  readonly maxCycles: bigint;
  readonly maxRawDelta: bigint;
}

/**
 * Nanoseconds a clocksource counted from `start` to `end`, without overflow; 0 for motion backwards.
 *
 * @param source - the clocksource.
 * @param start - earlier counter value, u64.
 * @param end - later counter value, u64.
 * @param rule - which kernel's notion of backwards.
 * @returns nanoseconds, u64: the short way below `maxCycles`, the wide way from there on.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: `kernel/time/clocksource.c:cycles_to_nsec_safe`; docs/model/clocksource-tsc §4.
 * @example
 * const hpet = { mask: 0xffffffffn, mult: 2343484437, shift: 25, maxCycles: 0xffffffffn, maxRawDelta: 3758096381n };
 * elapsedNs(hpet, 0xffffff00n, 0x100n, "seven-eighths") // => 35758n
 */
export function elapsedNs(source: ElapsedSource, start: bigint, end: bigint, rule: DeltaRule): bigint {
  const { mask, mult, shift, maxCycles, maxRawDelta } = source;
  checkU64("elapsedNs", "mask", mask);
  checkU32("elapsedNs", "mult", mult);
  checkInteger("elapsedNs", "shift", shift, 0, 63);
  checkU64("elapsedNs", "maxCycles", maxCycles);
  checkU64("elapsedNs", "maxRawDelta", maxRawDelta);
  checkU64("elapsedNs", "start", start);
  checkU64("elapsedNs", "end", end);
  checkOneOf("elapsedNs", "rule", rule, CLOCKSOURCE_BEHAVIOURS.negMotion);
  const delta = clocksourceDelta(end, start, mask, maxRawDelta, rule);
  return delta < maxCycles
    ? BigInt.asUintN(64, cyc2ns(delta, mult, shift))
    : mulU64U32Shr(delta, mult, shift);
}

/** The short sum: it WRAPS at 64 bits before the shift. */
function shortSum(delta: bigint, mult: number, xtimeNsec: bigint, shift: number): bigint {
  return BigInt.asUintN(64, delta * BigInt(mult) + xtimeNsec) >> BigInt(shift);
}
