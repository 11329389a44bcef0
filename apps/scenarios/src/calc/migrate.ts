import { scaleTsc, type TscVendor } from "@chronovisor/clocksource";
import { documentedTscOffset, scaledTscOffset } from "@chronovisor/pvclock";
import { fraction } from "./fraction.js";
import { type GuestScaling, guestScaling, TOLERANCE_PPM } from "./guest-scaling.js";
import { given, type Section, type Term, type Worksheet, worked } from "./worksheet.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const NS_KHZ_PER_CYCLE = 1_000_000n;

/** One host at the moment its clock was read. */
export interface MigrationEnd {
  readonly hostKhz: number;
  /** Host TSC of the reading, u64. */
  readonly hostTsc: bigint;
  /** Guest time of the reading, ns, u64. */
  readonly guestNs: bigint;
}

/** A guest that moves from one host to another. */
export interface MigrateInput {
  readonly guestKhz: number;
  readonly vendor: TscVendor;
  /** On the source, 64-bit pattern. */
  readonly sourceOffset: bigint;
  readonly source: MigrationEnd;
  readonly destination: MigrationEnd;
}

function givenTerms({ guestKhz, sourceOffset, source, destination }: MigrateInput): readonly Term[] {
  return [
    given("guest", "guest", BigInt(guestKhz), "kHz"),
    given("sourceKhz", "host_src", BigInt(source.hostKhz), "kHz"),
    given("sourceTsc", "tsc_src", source.hostTsc, "cycles"),
    given("sourceNs", "guest_src", source.guestNs, "ns"),
    given("sourceOffset", "ofs_src", S(64, sourceOffset), "cycles"),
    given("destinationKhz", "host_dst", BigInt(destination.hostKhz), "kHz"),
    given("destinationTsc", "tsc_dst", destination.hostTsc, "cycles"),
    given("destinationNs", "guest_dst", destination.guestNs, "ns"),
  ];
}

function ratioFormula({ isScaled, fractionBits }: GuestScaling, host: string): string {
  return isScaled
    ? `floor(2^${fractionBits} · guest / ${host})`
    : `2^${fractionBits}: guest is within ${TOLERANCE_PPM} ppm`;
}

/** The guest's counter where it should go on, as both formulas need it. */
function counter(input: MigrateInput, from: GuestScaling, to: GuestScaling): Section {
  const { guestKhz, sourceOffset, source, destination } = input;
  const elapsedNs = destination.guestNs - source.guestNs;
  const cycles = (elapsedNs * BigInt(guestKhz)) / NS_KHZ_PER_CYCLE;
  const scaledSource = scaleTsc(source.hostTsc, from.ratio, from.fractionBits);
  const left = U(64, scaledSource + sourceOffset);
  const bits = from.fractionBits;
  return {
    heading: "the guest's counter",
    terms: [
      worked("sourceRatio", "ratio_src", ratioFormula(from, "host_src"), from.ratio),
      worked("destinationRatio", "ratio_dst", ratioFormula(to, "host_dst"), to.ratio),
      worked("scaledSource", "scaled_src", `tsc_src · ratio_src >> ${bits}`, scaledSource, "cycles"),
      worked("leftAt", "left at", "scaled_src + ofs_src", left, "cycles"),
      worked("elapsedNs", "time between", "guest_dst − guest_src", elapsedNs, "ns"),
      worked("elapsedCycles", "elapsed", "time between · guest / 10^6", cycles, "cycles"),
      worked("goesOnAt", "goes on at", "left at + elapsed", U(64, left + cycles), "cycles"),
      worked(
        "scaledDestination",
        "scaled_dst",
        `tsc_dst · ratio_dst >> ${bits}`,
        scaleTsc(destination.hostTsc, to.ratio, to.fractionBits),
        "cycles",
      ),
    ],
  };
}

/**
 * The TSC offset for the destination by the formula that scales and by the documented one, and where each puts the guest.
 *
 * @throws ChronovisorError naming `--guest-khz` where one of the hosts refuses the frequency
 */
export function migrateWorksheet(input: MigrateInput): Worksheet {
  const { guestKhz, vendor, source, destination } = input;
  const from = guestScaling({ hostKhz: source.hostKhz, guestKhz, vendor });
  const to = guestScaling({ hostKhz: destination.hostKhz, guestKhz, vendor });
  const correct = scaledTscOffset(
    input,
    { l1Ratio: from.ratio, fractionBits: from.fractionBits },
    { l1Ratio: to.ratio, fractionBits: to.fractionBits },
  );
  const documented = documentedTscOffset(input);
  const scaled = scaleTsc(destination.hostTsc, to.ratio, to.fractionBits);
  const ahead = S(64, documented - correct);
  return {
    calculator: "migrate",
    title: `TSC offset of a guest that moves, ${vendor.toUpperCase()}: by scaling, and as documented`,
    sections: [
      { heading: "given", terms: givenTerms(input) },
      counter(input, from, to),
      {
        heading: "with scaling",
        terms: [
          worked(
            "correctOffset",
            "ofs_dst",
            "scaled_src + ofs_src + elapsed − scaled_dst",
            S(64, correct),
            "cycles",
          ),
          worked("correctGuestTsc", "guest TSC", "scaled_dst + ofs_dst", U(64, scaled + correct), "cycles"),
        ],
      },
      {
        heading: "as documented, without scaling",
        terms: [
          worked(
            "documentedOffset",
            "ofs_dst",
            "ofs_src + elapsed + tsc_src − tsc_dst",
            S(64, documented),
            "cycles",
          ),
          worked(
            "documentedGuestTsc",
            "guest TSC",
            "scaled_dst + ofs_dst",
            U(64, scaled + documented),
            "cycles",
          ),
          worked("aheadCycles", "ahead", "of the counter with scaling", ahead, "cycles"),
          worked("aheadSeconds", "", "ahead / guest", fraction(ahead, BigInt(guestKhz) * 1000n), "s"),
        ],
      },
    ],
    meaning: meaningOf(ahead, from.isScaled || to.isScaled),
    source: "docs/model/pvclock §8.1, docs/model/scenarios-clock §S4",
  };
}

function meaningOf(ahead: bigint, isScaled: boolean): string {
  if (!isScaled) {
    return "Neither host scales this guest's TSC, so both formulas are the same and the counter goes on where it was left.";
  }
  const head =
    "The documented formula adds tsc_src − tsc_dst, cycles of two hosts, to an offset of guest cycles";
  if (ahead === 0n) return `${head}; with these readings the two happen to agree.`;
  const place = ahead > 0n ? "into the future" : "into the past";
  return `${head}: it never scales them, and puts the guest's counter ${place} by all that scaling makes of the hosts' uptime.`;
}
