import { scaleTsc, tscToleranceKhz } from "@chronovisor/clocksource";
import { pvclockTscKhz } from "@chronovisor/pvclock";
import { fraction, powerOfTwo, times } from "./fraction.js";
import { type GuestScalingInput, guestScaling, TOLERANCE_PPM } from "./guest-scaling.js";
import { ppbOff } from "./rate.js";
import { given, type Worksheet, worked } from "./worksheet.js";

/** A guest's frequency on a host, and a host TSC to scale. */
export interface TscScaleInput extends GuestScalingInput {
  /** By default a second of the host's cycles. */
  readonly tsc?: bigint;
}

/** The ratio a guest's TSC is scaled by, what it makes of a host TSC, and the frequency KVM and the guest derive. */
export function tscScaleWorksheet(input: TscScaleInput): Worksheet {
  const { hostKhz, guestKhz, vendor, tsc = BigInt(hostKhz) * 1000n } = input;
  const { ratio, fractionBits, isScaled, effectiveKhz, pvclock } = guestScaling(input);
  const { low, high } = tscToleranceKhz(hostKhz, TOLERANCE_PPM);
  const trueKhz = times(fraction(BigInt(hostKhz) * ratio), powerOfTwo(-fractionBits));
  const ppb = ppbOff(times(trueKhz, fraction(1n, BigInt(guestKhz))));
  const derivedKhz = pvclockTscKhz(pvclock.mul, pvclock.shift);
  return {
    calculator: "tsc-scale",
    title: `TSC scaling on ${vendor.toUpperCase()}: guest TSC = host TSC · ratio >> ${fractionBits}, plus the offset`,
    sections: [
      {
        heading: "given",
        terms: [
          given("host", "host", BigInt(hostKhz), "kHz"),
          given("guest", "guest", BigInt(guestKhz), "kHz"),
          {
            ...given("tsc", "host TSC", tsc, "cycles"),
            formula: input.tsc === undefined ? "a second of the host" : "",
          },
        ],
      },
      {
        heading: "worked out",
        terms: [
          worked("low", "lowest unscaled", `host − ${TOLERANCE_PPM} ppm`, BigInt(low), "kHz"),
          worked("high", "highest unscaled", `host + ${TOLERANCE_PPM} ppm`, BigInt(high), "kHz"),
          worked(
            "ratio",
            "ratio",
            isScaled
              ? `floor(2^${fractionBits} · guest / host)`
              : `2^${fractionBits}: guest is in the window`,
            ratio,
          ),
          worked("ratioHex", "", "in hexadecimal", `0x${ratio.toString(16)}`),
          worked(
            "guestTsc",
            "guest TSC",
            `host TSC · ratio >> ${fractionBits}`,
            scaleTsc(tsc, ratio, fractionBits),
            "cycles",
          ),
          worked("trueKhz", "runs at", `host · ratio / 2^${fractionBits}`, trueKhz, "kHz"),
          worked("rateError", "rate error", "runs at / guest − 1", ppb, "ppb"),
          worked("effectiveKhz", "KVM takes it for", `host · ratio >> ${fractionBits}`, effectiveKhz, "kHz"),
          worked("pvclockMul", "pvclock mul", "of 10^9 to that frequency", BigInt(pvclock.mul)),
          worked("pvclockShift", "pvclock shift", "", BigInt(pvclock.shift)),
          worked(
            "derivedKhz",
            "guest derives",
            "floor((10^6 << 32) / mul), shifted by −shift",
            derivedKhz,
            "kHz",
          ),
        ],
      },
    ],
    meaning: meaningOf(isScaled, effectiveKhz === BigInt(guestKhz)),
    source: "docs/model/clocksource-tsc §5, docs/model/pvclock §1.6 and §5.2",
  };
}

function meaningOf(isScaled: boolean, isExact: boolean): string {
  if (!isScaled) {
    return isExact
      ? "The guest asked for the host's own frequency: nothing is scaled and nothing is lost."
      : "The guest asked for a frequency within 250 ppm of the host's, so nothing is scaled: its TSC runs at the host's rate, and is off by the rate error for all who take it for the frequency asked for.";
  }
  return isExact
    ? "The ratio is exact: the guest's TSC runs at the frequency asked for, and KVM knows it by that frequency."
    : "The ratio is floored, which hardly slows the TSC; but KVM floors the frequency it derives from it to whole kHz, a kHz short, and the guest's pvclock runs fast by that kHz.";
}
