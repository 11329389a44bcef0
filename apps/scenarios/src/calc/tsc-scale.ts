import { scaleTsc, tscToleranceKhz } from "@chronovisor/clocksource";
import { pvclockTscKhz } from "@chronovisor/pvclock";
import { fraction, powerOfTwo, times } from "./fraction.js";
import { type GuestScalingInput, guestScaling, TOLERANCE_PPM } from "./guest-scaling.js";
import { ppbOff } from "./rate.js";
import { given, type Worksheet } from "./worksheet.js";

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
          {
            name: "low",
            label: "lowest unscaled",
            formula: `host − ${TOLERANCE_PPM} ppm`,
            value: BigInt(low),
            unit: "kHz",
          },
          {
            name: "high",
            label: "highest unscaled",
            formula: `host + ${TOLERANCE_PPM} ppm`,
            value: BigInt(high),
            unit: "kHz",
          },
          {
            name: "ratio",
            label: "ratio",
            formula: isScaled
              ? `floor(2^${fractionBits} · guest / host)`
              : `2^${fractionBits}: guest is in the window`,
            value: ratio,
            unit: "",
          },
          {
            name: "ratioHex",
            label: "",
            formula: "in hexadecimal",
            value: `0x${ratio.toString(16)}`,
            unit: "",
          },
          {
            name: "guestTsc",
            label: "guest TSC",
            formula: `host TSC · ratio >> ${fractionBits}`,
            value: scaleTsc(tsc, ratio, fractionBits),
            unit: "cycles",
          },
          {
            name: "trueKhz",
            label: "runs at",
            formula: `host · ratio / 2^${fractionBits}`,
            value: trueKhz,
            unit: "kHz",
          },
          { name: "rateError", label: "rate error", formula: "runs at / guest − 1", value: ppb, unit: "ppb" },
          {
            name: "effectiveKhz",
            label: "KVM takes it for",
            formula: `host · ratio >> ${fractionBits}`,
            value: effectiveKhz,
            unit: "kHz",
          },
          {
            name: "pvclockMul",
            label: "pvclock mul",
            formula: "of 10^9 to that frequency",
            value: BigInt(pvclock.mul),
            unit: "",
          },
          {
            name: "pvclockShift",
            label: "pvclock shift",
            formula: "",
            value: BigInt(pvclock.shift),
            unit: "",
          },
          {
            name: "derivedKhz",
            label: "guest derives",
            formula: "floor((10^6 << 32) / mul), shifted by −shift",
            value: derivedKhz,
            unit: "kHz",
          },
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
