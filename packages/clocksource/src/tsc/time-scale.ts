import { checkU64 } from "../argument-checks.js";
import { divFrac } from "../wide/div-frac.js";

const U = BigInt.asUintN;
const BIT31 = 2n ** 31n;
const BIT32 = 2n ** 32n;

/** A frequency ratio as a pre-shift and a 0.32 multiplier: `ratio ≈ mul · 2^shift / 2^32`. */
export interface TimeScale {
  /** Unsigned 32-bit multiplier (`tsc_to_system_mul`, `virtual_tsc_mult`). */
  readonly mul: number;
  /** Signed 8-bit pre-shift; negative shifts right (`tsc_shift`, `virtual_tsc_shift`). */
  readonly shift: number;
}

/**
 * The pvclock scale that turns ticks of `baseHz` into ticks of `scaledHz`.
 *
 * `mul` is floored and at least 2^31 unless bits of `scaledHz` were dropped; right shifts drop the low bits of a
 * frequency. The error stays below 0.47 ppb where no bit was dropped.
 *
 * @param scaledHz - the frequency to convert to, unsigned 64-bit, not 0.
 * @param baseHz - the frequency to convert from, unsigned 64-bit, not 0.
 * @returns multiplier and shift.
 * @throws RangeError outside 64 bits and where the kernel would loop for ever: a frequency of 0, or a `scaledHz` of
 * exactly 2^63; TypeError for anything but a bigint.
 * Source: `arch/x86/kvm/x86.c:kvm_get_time_scale`; docs/model/pvclock §4.
 * @example
 * getTimeScale(2_500_000_000n, 1_000_000_000n) // => { mul: 2684354560, shift: 2 }
 */
export function getTimeScale(scaledHz: bigint, baseHz: bigint): TimeScale {
  checkU64("getTimeScale", "scaledHz", scaledHz);
  checkU64("getTimeScale", "baseHz", baseHz);
  if (scaledHz === 0n) throw new RangeError("getTimeScale: expected scaledHz to be positive, got 0");
  if (baseHz === 0n) throw new RangeError("getTimeScale: expected baseHz to be positive, got 0");

  let scaled = scaledHz;
  let base = baseHz;
  let shift = 0;
  // `2 · scaled` wraps at 64 bits, as in the kernel: from 2^63 Hz on the comparison is against a small number.
  while (base > U(64, scaled << 1n) || base >= BIT32) {
    base >>= 1n;
    shift -= 1;
  }
  // At exactly 2^63 Hz the wrapped comparison is against 0 and the base is shifted away.
  if (base === 0n) throw new RangeError(`getTimeScale: expected scaledHz not to be 2^63, got ${scaledHz}`);
  while (base <= scaled || scaled >= BIT32) {
    if (scaled >= BIT32 || base >= BIT31) scaled >>= 1n;
    else base <<= 1n;
    shift += 1;
  }
  return { mul: divFrac(Number(scaled), Number(base)), shift };
}
