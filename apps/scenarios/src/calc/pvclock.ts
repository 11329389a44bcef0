import { guestTsc, pvScale } from "@chronovisor/clocksource";
import {
  PVCLOCK_GUEST_STOPPED,
  PVCLOCK_TSC_STABLE_BIT,
  PvclockFormula,
  pvclockTscKhz,
} from "@chronovisor/pvclock";
import { type Fraction, fraction, powerOfTwo, times } from "./fraction.js";
import type { PublishedPvclock } from "./pvclock-line.js";
import { given, type Term, type Worksheet, worked } from "./worksheet.js";

const U = BigInt.asUintN;
const NSEC_PER_SEC = 1_000_000_000n;
/** A difference from here on is a TSC below the reference, for any guest that has not run for decades. */
const NEGATIVE_DELTA = 2n ** 63n;

/** A published structure and the guest TSC to read it at. */
export interface PvclockInput {
  readonly published: PublishedPvclock;
  /** By default a second past the reference, at the rate the structure stands for. */
  readonly tsc?: bigint;
}

/** Hz of the counter for which the scale gives nanoseconds, exactly. */
function impliedHz({ tscToSystemMul, tscShift }: PublishedPvclock): Fraction {
  return times(fraction(NSEC_PER_SEC, BigInt(tscToSystemMul)), powerOfTwo(32 - tscShift));
}

function flagNames(flags: number): string {
  const names = [
    ...(flags & PVCLOCK_TSC_STABLE_BIT ? ["TSC_STABLE"] : []),
    ...(flags & PVCLOCK_GUEST_STOPPED ? ["GUEST_STOPPED"] : []),
  ];
  return names.length === 0 ? "neither TSC_STABLE nor GUEST_STOPPED" : names.join(" and ");
}

function givenTerms(published: PublishedPvclock, tsc: bigint, tscFormula: string): readonly Term[] {
  const { version, flags, tscTimestamp, systemTime, tscToSystemMul, tscShift } = published;
  return [
    ...(version === undefined ? [] : [given("version", "version", BigInt(version))]),
    given("tscTimestamp", "tsc_timestamp", tscTimestamp, "cycles"),
    given("systemTime", "system_time", systemTime, "ns"),
    given("mul", "mul", BigInt(tscToSystemMul)),
    given("shift", "shift", BigInt(tscShift)),
    ...(flags === undefined
      ? []
      : [{ ...given("flags", "flags", `0x${flags.toString(16)}`), formula: flagNames(flags) }]),
    { ...given("tsc", "tsc", tsc, "cycles"), formula: tscFormula },
  ];
}

/** What a guest reads from a published structure, step by step, and the frequency the structure stands for. */
export function pvclockWorksheet({ published, ...input }: PvclockInput): Worksheet {
  const { tscTimestamp, tscToSystemMul: mul, tscShift: shift } = published;
  const hz = impliedHz(published);
  const tsc = input.tsc ?? U(64, tscTimestamp + hz.numerator / hz.denominator);
  const delta = U(64, tsc - tscTimestamp);
  const shifted = shift < 0 ? delta >> BigInt(-shift) : U(64, delta << BigInt(shift));
  const reading = new PvclockFormula(published).read(guestTsc(tsc));
  const unrounded = times(fraction(delta * BigInt(mul)), powerOfTwo(shift - 32));
  return {
    calculator: "pvclock",
    title: "pvclock: system_time + ((tsc − tsc_timestamp) shifted · mul >> 32)",
    sections: [
      {
        heading: "given",
        terms: givenTerms(published, tsc, input.tsc === undefined ? "a second past the reference" : ""),
      },
      {
        heading: "worked out",
        terms: [
          worked("delta", "delta", "tsc − tsc_timestamp, mod 2^64", delta, "cycles"),
          worked(
            "shifted",
            "shifted",
            shift < 0 ? `delta >> ${-shift}` : `delta << ${shift}, mod 2^64`,
            shifted,
          ),
          worked("product", "product", "shifted · mul", shifted * BigInt(mul)),
          worked("elapsed", "elapsed", "product >> 32, mod 2^64", pvScale(delta, mul, shift), "ns"),
          worked("reading", "guest time", "system_time + elapsed, mod 2^64", reading, "ns"),
          worked("unrounded", "unrounded", "delta · mul · 2^(shift − 32)", unrounded, "ns"),
          worked("impliedHz", "stands for", "10^9 · 2^(32 − shift) / mul", hz, "Hz"),
          worked(
            "derivedKhz",
            "guest derives",
            "floor((10^6 << 32) / mul), shifted by −shift",
            pvclockTscKhz(mul, shift),
            "kHz",
          ),
        ],
      },
    ],
    meaning: meaningOf(published, delta),
    source: "docs/model/pvclock §1.5 and §1.6, docs/model/trace-formats (kvm_pvclock_update)",
  };
}

function meaningOf({ version = 0, flags }: PublishedPvclock, delta: bigint): string {
  if (version % 2 === 1) {
    return "The version is odd: the host is in the middle of an update, and a guest reads again instead of using this.";
  }
  if (delta >= NEGATIVE_DELTA) {
    return "The TSC is below tsc_timestamp: the difference is unsigned, so the guest reads a time centuries ahead. Nothing in the formula clamps it.";
  }
  const clamp =
    flags === undefined || flags & PVCLOCK_TSC_STABLE_BIT
      ? "as it stands where TSC_STABLE is set"
      : "unless another vCPU has read a later time: TSC_STABLE is clear, so readings are clamped to the last one";
  return `A guest that reads its TSC as given reads guest time, ${clamp}.`;
}
