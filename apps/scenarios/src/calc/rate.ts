import { type Fraction, fraction, minus, powerOfTwo, times } from "./fraction.js";

const PPB: Fraction = fraction(1_000_000_000n);
/** 1 ppb of a day is 86 400 ns. */
const MS_PER_DAY_PER_PPB: Fraction = fraction(86_400n, 1_000_000n);
const NSEC_PER_SEC = 1_000_000_000n;
const ONE: Fraction = fraction(1n);

/** The rate of a clock relative to true time, less 1, in ppb. */
export function ppbOff(rate: Fraction): Fraction {
  return times(minus(rate, ONE), PPB);
}

/** `difference` of two rates in ppb. */
export function toPpb(difference: Fraction): Fraction {
  return times(difference, PPB);
}

/** What a rate error comes to in a day. */
export function ppbToMsPerDay(ppb: Fraction): Fraction {
  return times(ppb, MS_PER_DAY_PER_PPB);
}

/** Nanoseconds a pvclock scale gives per nanosecond of a counter of `hz`, its floors left out. */
export function pvclockRate(
  hz: Fraction,
  { mul, shift }: { readonly mul: number; readonly shift: number },
): Fraction {
  return times(times(hz, fraction(BigInt(mul), NSEC_PER_SEC)), powerOfTwo(shift - 32));
}
