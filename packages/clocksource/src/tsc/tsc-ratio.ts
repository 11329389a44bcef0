import {
  checkArrays,
  checkInteger,
  checkOneOf,
  checkPositiveU32,
  checkSlot,
  checkU32,
  checkU64,
} from "../argument-checks.js";
import { storeMulShr32, storeMulShr48 } from "../wide/limb-kernels.js";
import { mulU64U32Div } from "../wide/mul-div.js";

/** The virtualisation extension whose TSC scaling is modelled: Intel's or AMD's. */
export type TscVendor = "vmx" | "svm";

/** Fraction bits of a TSC ratio: 48 on VMX, 32 on SVM. */
export type TscFractionBits = 48 | 32;

const S32_MIN = -(2 ** 31);
const S32_MAX = 2 ** 31 - 1;
const MILLION = 1_000_000n;
const FRACTION_BITS: readonly TscFractionBits[] = [48, 32];
const scratch = /* @__PURE__ */ new BigUint64Array(1);

/** What a vendor's TSC scaling hardware can do (docs/model/clocksource-tsc §5). */
export interface TscScaling {
  readonly fractionBits: TscFractionBits;
  /** The ratio 1.0. */
  readonly defaultRatio: bigint;
  /** The largest ratio the register takes. */
  readonly maxRatio: bigint;
}

/** The scaling hardware of each vendor: VMX has a 16.48 multiplier, SVM an 8.32 one with reserved bits 63:40. */
export const TSC_SCALING: Readonly<Record<TscVendor, TscScaling>> = {
  vmx: { fractionBits: 48, defaultRatio: 2n ** 48n, maxRatio: 2n ** 64n - 1n },
  svm: { fractionBits: 32, defaultRatio: 2n ** 32n, maxRatio: 2n ** 40n - 1n },
};

/**
 * A counter value multiplied by a fixed-point ratio: unchanged at 1.0, else `(tsc · ratio) >> fractionBits`.
 *
 * @param tsc - unsigned 64-bit cycles.
 * @param ratio - unsigned 64-bit fixed-point multiplier.
 * @param fractionBits - 48 (VMX) or 32 (SVM).
 * @returns the floored product, low 64 bits.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:kvm_scale_tsc`; docs/model/clocksource-tsc §5.
 * @example
 * scaleTsc(3_000_000n, 0xd55555555555n, 48) // => 2499999n
 */
export function scaleTsc(tsc: bigint, ratio: bigint, fractionBits: TscFractionBits): bigint {
  checkU64("scaleTsc", "tsc", tsc);
  checkU64("scaleTsc", "ratio", ratio);
  checkOneOf("scaleTsc", "fractionBits", fractionBits, FRACTION_BITS);
  // The identity at 1.0 needs no case of its own: (tsc · 2^N) >> N is tsc.
  if (fractionBits === 48) storeMulShr48(scratch, 0, tsc, ratio);
  else storeMulShr32(scratch, 0, tsc, ratio);
  return scratch[0] as bigint;
}

/**
 * {@link scaleTsc} with the result left in a slot, so that nothing is allocated.
 *
 * @param out - receives the result.
 * @param index - the slot of `out`.
 * @param tsc - cycles, taken mod 2^64.
 * @param ratio - multiplier, taken mod 2^64.
 * @param fractionBits - 48 (VMX) or 32 (SVM).
 * @throws RangeError for a slot or fraction out of range, TypeError for a wrong array.
 * @example
 * const guest = new BigUint64Array(1);
 * scaleTscInto(guest, 0, 3_000_000n, 0xd5555555n, 32);
 * guest[0] // => 2499999n
 */
export function scaleTscInto(
  out: BigUint64Array,
  index: number,
  tsc: bigint,
  ratio: bigint,
  fractionBits: TscFractionBits,
): void {
  checkSlot("scaleTscInto", out, index);
  checkOneOf("scaleTscInto", "fractionBits", fractionBits, FRACTION_BITS);
  if (fractionBits === 48) storeMulShr48(out, index, tsc, ratio);
  else storeMulShr32(out, index, tsc, ratio);
}

/**
 * {@link scaleTsc} of every element of `input`.
 *
 * @param out - receives `input.length` results; may be `input` itself.
 * @param input - counter values.
 * @param ratio - unsigned 64-bit fixed-point multiplier.
 * @param fractionBits - 48 (VMX) or 32 (SVM).
 * @throws RangeError when `out` is shorter than `input` or an argument is out of range, TypeError for a wrong type.
 * @example
 * const guestCycles = new BigUint64Array(2);
 * scaleTscBatch(guestCycles, BigUint64Array.of(6n, 3_000_000n), 0xd55555555555n, 48);
 * guestCycles // => BigUint64Array(2) [ 4n, 2499999n ]
 */
export function scaleTscBatch(
  out: BigUint64Array,
  input: BigUint64Array,
  ratio: bigint,
  fractionBits: TscFractionBits,
): void {
  checkArrays("scaleTscBatch", out, input);
  checkU64("scaleTscBatch", "ratio", ratio);
  checkOneOf("scaleTscBatch", "fractionBits", fractionBits, FRACTION_BITS);
  const n = input.length;
  if (fractionBits === 48) {
    for (let i = 0; i < n; i++) storeMulShr48(out, i, input[i] as bigint, ratio);
  } else {
    for (let i = 0; i < n; i++) storeMulShr32(out, i, input[i] as bigint, ratio);
  }
}

/**
 * The frequency `ppm` parts per million away from `khz`: one bound of the window inside which KVM does not scale.
 *
 * The sum `10^6 + ppm` is signed 32-bit and wraps, sign-extended into a 64-bit product that wraps, and the quotient keeps
 * 32 bits; only an absurd `ppm` shows it.
 *
 * @param khz - unsigned 32-bit frequency.
 * @param ppm - signed 32-bit deviation.
 * @returns the frequency in kHz, unsigned 32-bit, floored.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:adjust_tsc_khz`; docs/model/clocksource-tsc §5.1.
 * @example
 * adjustTscKhz(2_500_000, -250) // => 2499375
 */
export function adjustTscKhz(khz: number, ppm: number): number {
  checkU32("adjustTscKhz", "khz", khz);
  checkInteger("adjustTscKhz", "ppm", ppm, S32_MIN, S32_MAX);
  const factor = BigInt.asIntN(32, MILLION + BigInt(ppm));
  return Number(BigInt.asUintN(32, BigInt.asUintN(64, BigInt(khz) * factor) / MILLION));
}

/**
 * The multiplier that makes a host counter of `hostKhz` run at `userKhz`: `floor(2^N · userKhz / hostKhz)`.
 *
 * Floored, so unless the division is exact the scaled counter runs one kHz short when the kernel scales the frequency
 * itself (docs/model/clocksource-tsc §5.1).
 *
 * @param userKhz - the frequency wanted, unsigned 32-bit.
 * @param hostKhz - the frequency of the host, 1 … 2^32−1.
 * @param fractionBits - 48 (VMX) or 32 (SVM).
 * @returns the ratio; 0 when `userKhz` is 0 or too small for one unit of the last place.
 * @throws DivideError when the ratio needs more than 64 bits; TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:set_tsc_khz`; docs/model/clocksource-tsc §5.1.
 * @example
 * tscRatio(2_500_000, 2_400_000, 48) // => 293203100740266n
 */
export function tscRatio(userKhz: number, hostKhz: number, fractionBits: TscFractionBits): bigint {
  checkU32("tscRatio", "userKhz", userKhz);
  checkPositiveU32("tscRatio", "hostKhz", hostKhz);
  checkOneOf("tscRatio", "fractionBits", fractionBits, FRACTION_BITS);
  return mulU64U32Div(1n << BigInt(fractionBits), userKhz, hostKhz);
}

/**
 * The bound `KVM_SET_TSC_KHZ` checks against: a frequency at or above it is refused with −EINVAL.
 *
 * @param hostKhz - the frequency of the host, 1 … 2^32−1.
 * @param vendor - whose scaling hardware.
 * @returns `min(0x7fffffff, hostKhz · maxRatio >> N)` in kHz.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:kvm_x86_vendor_init`; docs/model/clocksource-tsc §5.
 * @example
 * maxGuestTscKhz(2_500_000, "svm") // => 639999999
 */
export function maxGuestTscKhz(hostKhz: number, vendor: TscVendor): number {
  checkPositiveU32("maxGuestTscKhz", "hostKhz", hostKhz);
  checkOneOf("maxGuestTscKhz", "vendor", vendor, ["vmx", "svm"]);
  const { maxRatio, fractionBits } = TSC_SCALING[vendor];
  const reach = (BigInt(hostKhz) * maxRatio) >> BigInt(fractionBits);
  return Math.min(S32_MAX, Number(reach));
}
