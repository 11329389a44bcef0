import { checkInteger, checkS64, checkU32, checkU64 } from "../arguments.js";
import { u32ToBigint } from "../words.js";
import { TIMER_MODE_PERIODIC, type TimerModeNumber } from "./registers.js";

/** Unchecked kernel of {@link divideCount}. */
export function divideOf(tdcr: number): number {
  // Bits 3, 1 and 0 form a number n; the divisor is 2^((n + 1) mod 8), so 0b111 is the divisor 1.
  return 1 << ((((tdcr & 3) | ((tdcr & 8) >> 1)) + 1) & 7);
}

/**
 * The divisor a divide configuration register selects (`update_divide_count`, SDM 11.5.4, docs/model/lapic §7.1).
 *
 * @param tdcr - the register, u32; only bits 3, 1 and 0 count.
 * @returns 1, 2, 4 … 128.
 * @throws RangeError for anything but a u32, TypeError for anything but a number.
 * @example
 * divideCount(0x0) // => 2
 * @example
 * divideCount(0xb) // => 1
 */
export function divideCount(tdcr: number): number {
  checkU32("divideCount", "tdcr", tdcr);
  return divideOf(tdcr);
}

/** Unchecked kernel of {@link tmictToNs}. */
export function ticksToNs(ticks: number, busCycleNs: bigint, divide: number): bigint {
  // u64 product: wraps as the kernel's does.
  return BigInt.asUintN(64, BigInt.asUintN(64, u32ToBigint(ticks) * busCycleNs) * u32ToBigint(divide));
}

/**
 * Nanoseconds a count takes to run down: `ticks · busCycleNs · divide` (`tmict_to_ns`, docs/model/lapic §7.2).
 * Wraps at 64 bits, as the kernel's u64 does. The period field is signed: see {@link periodFromCount}.
 *
 * @param ticks - the count, u32.
 * @param busCycleNs - length of one bus cycle in ns, u64 (KVM_CAP_X86_APIC_BUS_CYCLES_NS).
 * @param divide - the divisor, 1 … 128.
 * @returns nanoseconds, u64.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * tmictToNs(1_000_000, 1n, 2) // => 2000000n
 */
export function tmictToNs(ticks: number, busCycleNs: bigint, divide: number): bigint {
  checkU32("tmictToNs", "ticks", ticks);
  checkU64("tmictToNs", "busCycleNs", busCycleNs);
  checkInteger("tmictToNs", "divide", divide, 1, 128);
  return ticksToNs(ticks, busCycleNs, divide);
}

/**
 * The same product as the signed 64-bit `period` field sees it: negative from 2^63 on, which only an extreme bus cycle
 * reaches (docs/model/lapic §7.2).
 *
 * @param ticks - the count, u32.
 * @param busCycleNs - length of one bus cycle in ns, u64.
 * @param divide - the divisor, 1 … 128.
 * @returns nanoseconds, s64.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * periodFromCount(0xffff_ffff, 33_554_432n, 128) // => -4294967296n
 */
export function periodFromCount(ticks: number, busCycleNs: bigint, divide: number): bigint {
  checkU32("periodFromCount", "ticks", ticks);
  checkU64("periodFromCount", "busCycleNs", busCycleNs);
  checkInteger("periodFromCount", "divide", divide, 1, 128);
  return BigInt.asIntN(64, ticksToNs(ticks, busCycleNs, divide));
}

/** Unchecked kernel of {@link limitPeriodicTimerPeriod}. */
export function limitPeriod(mode: number, period: bigint, minTimerPeriodUs: number): bigint {
  if (mode !== TIMER_MODE_PERIODIC || period === 0n) return period;
  const min = BigInt(minTimerPeriodUs) * 1000n;
  return period < min ? min : period;
}

/**
 * The period after KVM's lower limit: a periodic, non-zero period below `minTimerPeriodUs` is raised to it
 * (`limit_periodic_timer_frequency`, docs/model/lapic §7.5). The comparison is signed, so a negative period is raised
 * too. One-shot and TSC-deadline are not limited.
 *
 * @param mode - 0 one-shot, 1 periodic, 2 TSC deadline, 3 reserved.
 * @param period - ns, s64.
 * @param minTimerPeriodUs - the module parameter in µs, u32; 200 by default.
 * @returns ns, s64.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * limitPeriodicTimerPeriod(1, 1000n, 200) // => 200000n
 */
export function limitPeriodicTimerPeriod(
  mode: TimerModeNumber,
  period: bigint,
  minTimerPeriodUs: number,
): bigint {
  checkInteger("limitPeriodicTimerPeriod", "mode", mode, 0, 3);
  checkS64("limitPeriodicTimerPeriod", "period", period);
  checkU32("limitPeriodicTimerPeriod", "minTimerPeriodUs", minTimerPeriodUs);
  return limitPeriod(mode, period, minTimerPeriodUs);
}

/** What the current count is computed from. */
export interface CurrentCountInputs {
  /** Initial count register, u32. */
  readonly tmict: number;
  /** Divisor, 1 … 128. */
  readonly divide: number;
  /** Length of one bus cycle in ns, u64; not 0, nor times `divide` a multiple of 2^64. */
  readonly busCycleNs: bigint;
  /** Period in ns, s64. */
  readonly period: bigint;
  /** Target expiration in CLOCK_MONOTONIC ns, s64. */
  readonly target: bigint;
  /** CLOCK_MONOTONIC now, s64. */
  readonly now: bigint;
}

/** Unchecked kernel of {@link tmcct}. */
export function currentCount(
  tmict: number,
  divide: number,
  busCycleNs: bigint,
  period: bigint,
  target: bigint,
  now: bigint,
): number {
  if (tmict === 0 || period === 0n) return 0;
  const left = BigInt.asIntN(64, target - now);
  if (left <= 0n) return 0;
  // `%` truncates toward zero as C's does, so a negative period acts by its magnitude.
  return Number(BigInt.asUintN(32, (left % period) / BigInt.asUintN(64, busCycleNs * BigInt(divide))));
}

/**
 * The current count: what is left of the running period in divided bus cycles, rounded down (`apic_get_tmcct`,
 * docs/model/lapic §7.4). 0 when the initial count or the period is 0, at and after the target, and exactly at the start
 * (the remainder modulo the period). Above the initial count while the lower limit on the period is active. The register
 * read adds one rule: 0 in TSC-deadline mode.
 *
 * @param inputs - registers, period, target and the instant; see {@link CurrentCountInputs}.
 * @returns the count, truncated to u32.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * tmcct({ tmict: 1_000_000, divide: 2, busCycleNs: 1n, period: 2_000_000n, target: 2_000_000n, now: 500_000n }) // => 750000
 */
export function tmcct(inputs: CurrentCountInputs): number {
  checkU32("tmcct", "tmict", inputs.tmict);
  checkInteger("tmcct", "divide", inputs.divide, 1, 128);
  checkU64("tmcct", "busCycleNs", inputs.busCycleNs);
  if (BigInt.asUintN(64, inputs.busCycleNs * BigInt(inputs.divide)) === 0n) {
    // The kernel divides by this product.
    throw new RangeError(
      `tmcct: expected busCycleNs · divide not 0 in 64 bits, got busCycleNs ${inputs.busCycleNs}`,
    );
  }
  checkS64("tmcct", "period", inputs.period);
  checkS64("tmcct", "target", inputs.target);
  checkS64("tmcct", "now", inputs.now);
  return currentCount(
    inputs.tmict,
    inputs.divide,
    inputs.busCycleNs,
    inputs.period,
    inputs.target,
    inputs.now,
  );
}
