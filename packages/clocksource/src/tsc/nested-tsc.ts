import { checkOneOf, checkU64 } from "../argument-checks.js";
import { mulS64U64Shr } from "../wide/mul-s64-u64-shr.js";
import { mulU64U64Shr } from "../wide/mul-u64-u64-shr.js";
import type { TscFractionBits } from "./tsc-ratio.js";

const FRACTION_BITS: readonly TscFractionBits[] = [48, 32];

/**
 * The offset hardware uses while a nested guest runs: L1's offset scaled by L2's ratio, plus L2's offset, mod 2^64.
 *
 * @param l1Offset - offset of L1, u64 bit pattern; scaled as a signed number, truncating toward zero.
 * @param l2Offset - offset L1 gives L2, u64 bit pattern.
 * @param l2Ratio - ratio L1 gives L2; at 1.0 nothing is scaled.
 * @param fractionBits - 48 (VMX) or 32 (SVM).
 * @returns the effective offset, u64 bit pattern.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:kvm_calc_nested_tsc_offset`; docs/model/clocksource-tsc §7.
 * @example
 * nestedTscOffset(100n, 5n, 2n ** 47n, 48) // => 55n
 */
export function nestedTscOffset(
  l1Offset: bigint,
  l2Offset: bigint,
  l2Ratio: bigint,
  fractionBits: TscFractionBits,
): bigint {
  checkU64("nestedTscOffset", "l1Offset", l1Offset);
  checkU64("nestedTscOffset", "l2Offset", l2Offset);
  checkU64("nestedTscOffset", "l2Ratio", l2Ratio);
  checkOneOf("nestedTscOffset", "fractionBits", fractionBits, FRACTION_BITS);
  // At 1.0 the signed product is the offset itself, so the identity needs no case of its own.
  const scaled = mulS64U64Shr(BigInt.asIntN(64, l1Offset), l2Ratio, fractionBits);
  return BigInt.asUintN(64, scaled + l2Offset);
}

/**
 * The ratio hardware uses while a nested guest runs: the product of both, floored, low 64 bits.
 *
 * The floored product costs up to `hostTsc / 2^N` cycles against scaling twice: at most a few cycles on VMX, 50 291 after
 * a day at 2.5 GHz on SVM.
 *
 * @param l1Ratio - ratio of L1.
 * @param l2Ratio - ratio L1 gives L2.
 * @param fractionBits - 48 (VMX) or 32 (SVM).
 * @returns the effective ratio.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:kvm_calc_nested_tsc_multiplier`; docs/model/clocksource-tsc §7.
 * @example
 * nestedTscRatio(2n ** 47n, 2n ** 47n, 48) // => 70368744177664n
 */
export function nestedTscRatio(l1Ratio: bigint, l2Ratio: bigint, fractionBits: TscFractionBits): bigint {
  checkU64("nestedTscRatio", "l1Ratio", l1Ratio);
  checkU64("nestedTscRatio", "l2Ratio", l2Ratio);
  checkOneOf("nestedTscRatio", "fractionBits", fractionBits, FRACTION_BITS);
  return mulU64U64Shr(l1Ratio, l2Ratio, fractionBits);
}
