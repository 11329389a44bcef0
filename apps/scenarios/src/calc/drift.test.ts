import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DriftInput, driftWorksheet } from "./drift.js";
import { rateOf, termValues } from "./fixtures/term-values.js";
import { type Fraction, fraction, minus, toDecimal } from "./fraction.js";

const unsteered = { ntpPpm: fraction(0n), tickHz: 250 } as const;
const ZERO = fraction(0n);

/** docs/model/pvclock §6. */
describe("kvmclock ahead of KVM's own reading after a day", () => {
  it.each([
    [3_000_000, 2_500_000, 34_575_350n, 34_567_303n],
    [2_400_000, 2_500_000, 34_563_280n, 34_550_405n],
    [2_900_000, 2_500_000, 34_556_239n, 34_537_732n],
    [2_500_000, 2_000_000, 43_190_270n, 43_170_154n],
    [2_600_000, 1_950_000, 13_075n, 13_075n],
    [3_000_000, 2_250_000, 7_544n, 7_544n],
    [2_500_000, 3_125_000, 6_286n, 6_286n],
    [2_000_000, 2_500_000, -20_117n, -20_117n],
    [3_200_000, 2_500_000, -20_117n, -20_117n],
    [2_400_000, 3_000_000, -12_070n, -12_070n],
    [3_000_000, 1_500_000, 0n, 0n],
    [2_900_000, 1_450_000, 0n, 0n],
    [2_500_000, 2_500_000, 0n, 0n],
  ])("%i to %i kHz, with 48 and with 32 bits", (hostKhz, guestKhz, vmx, svm) => {
    const ahead = (vendor: "vmx" | "svm"): unknown =>
      termValues(driftWorksheet({ hostKhz, guestKhz, vendor, ...unsteered })).dayAheadNs;
    expect([ahead("vmx"), ahead("svm")]).toEqual([vmx, svm]);
  });
});

/** docs/model/pvclock §2, which rounds to three decimals, or two where the rate is over 100 ppb. */
describe("rates against true time", () => {
  it.each([
    [2_500_000, 2_500_000, "-59.605", "-0.233", "-0.233", 3],
    [2_400_000, 2_400_000, "47.684", "-0.093", "-0.093", 3],
    [3_000_000, 2_500_000, "-59.60", "399.94", "-0.23", 2],
    [2_400_000, 2_500_000, "47.68", "399.94", "-0.09", 2],
    [2_600_000, 1_950_000, "-59.605", "-0.128", "-0.279", 3],
  ])("%i to %i kHz", (hostKhz, guestKhz, raw, kvmclock, own, digits) => {
    const worksheet = driftWorksheet({ hostKhz, guestKhz, vendor: "vmx", ...unsteered });
    const shown = (name: string): string => toDecimal(rateOf(worksheet, name), digits);
    expect([shown("rawPpb"), shown("guestKvmclockPpb"), shown("kvmOwnPpb")]).toEqual([raw, kvmclock, own]);
    expect(rateOf(worksheet, "monotonicPpb")).toEqual(rateOf(worksheet, "rawPpb"));
  });
});

it("lists every pair of the six clocks once", () => {
  const { pairs = [] } = driftWorksheet({
    hostKhz: 3_000_000,
    guestKhz: 2_500_000,
    vendor: "vmx",
    ...unsteered,
  });
  expect(new Set(pairs.map(({ clock, against }) => [clock, against].sort().join()))).toHaveProperty(
    "size",
    15,
  );
  const yank = pairs.find(({ clock, against }) => clock === "kvmclock" && against === "RAW");
  expect(toDecimal(yank?.msPerDay ?? ZERO, 3)).toBe("39.705");
});

/** docs/model/pvclock §3.2: the guest's clock moves by as much the other way when it is taken from the host's anew. */
describe("kvmclock ahead of RAW, ms a day", () => {
  it.each([
    [2_500_000, 2_500_000, "5.130"],
    [2_400_000, 2_400_000, "-4.128"],
    [2_000_000, 2_000_000, "0.000"],
    [3_000_000, 2_500_000, "39.705"],
    [2_400_000, 2_500_000, "30.435"],
    [2_900_000, 2_500_000, "33.010"],
  ])("%i to %i kHz", (hostKhz, guestKhz, msPerDay) => {
    const { pairs = [] } = driftWorksheet({ hostKhz, guestKhz, vendor: "vmx", ...unsteered });
    const pair = pairs.find(({ clock, against }) => clock === "kvmclock" && against === "RAW");
    expect(toDecimal(pair?.msPerDay ?? ZERO, 3)).toBe(msPerDay);
  });
});

/** docs/model/pvclock §6, the list of contributions. */
describe("what makes kvmclock outrun KVM's own reading", () => {
  it.each([
    [3_000_000, 2_500_000],
    [2_400_000, 2_500_000],
    [2_500_000, 2_000_000],
  ])(
    "%i to %i kHz: the floored kHz is 10^9 / (guest − 1) ppb, and the ratio costs less than that of the hardware",
    (hostKhz, guestKhz) => {
      for (const [vendor, lost] of [
        ["vmx", fraction(-1n, 100_000n)],
        ["svm", fraction(-28n, 100n)],
      ] as const) {
        const worksheet = driftWorksheet({ hostKhz, guestKhz, vendor, ...unsteered });
        expect(rateOf(worksheet, "guestKhzFloor")).toEqual(fraction(1_000_000_000n, BigInt(guestKhz) - 1n));
        const ratio = rateOf(worksheet, "guestRatioFloor");
        expect(ratio.numerator < 0n && minus(ratio, lost).numerator > 0n).toBe(true);
      }
    },
  );

  it.each([
    [2_000_000, 2_500_000],
    [3_000_000, 2_250_000],
    [2_600_000, 1_950_000],
    [2_500_000, 3_125_000],
  ])(
    "%i to %i kHz: none of it where the ratio is exact, and the rest within −0.25 to 0.9 ppb",
    (hostKhz, guestKhz) => {
      const worksheet = driftWorksheet({ hostKhz, guestKhz, vendor: "vmx", ...unsteered });
      expect([rateOf(worksheet, "guestKhzFloor"), rateOf(worksheet, "guestRatioFloor")]).toEqual([
        ZERO,
        ZERO,
      ]);
      const rest = minus(rateOf(worksheet, "guestKvmclockPpb"), rateOf(worksheet, "kvmOwnPpb"));
      expect(
        minus(rest, fraction(-1n, 4n)).numerator > 0n && minus(rest, fraction(9n, 10n)).numerator < 0n,
      ).toBe(true);
    },
  );
});

it("a guest within the tolerance runs at the host's rate, and its TSC is off by all of the difference", () => {
  const input = { hostKhz: 2_500_000, guestKhz: 2_499_400, vendor: "vmx", ...unsteered } as const;
  const worksheet = driftWorksheet(input);
  expect(rateOf(worksheet, "guestTscPpb")).toEqual(fraction(600_000_000_000n, 2_499_400n));
  expect(rateOf(worksheet, "guestKhzFloor")).toEqual(ZERO);
});

describe("for any host and guest", () => {
  const input: fc.Arbitrary<DriftInput> = fc.record({
    hostKhz: fc.integer({ min: 100_000, max: 10_000_000 }),
    guestKhz: fc.integer({ min: 100_000, max: 10_000_000 }),
    vendor: fc.constantFrom("vmx", "svm"),
    ntpPpm: fc.integer({ min: -500_000, max: 500_000 }).map((ppb) => fraction(BigInt(ppb), 1000n)),
    tickHz: fc.constantFrom(100, 250, 1000),
  });
  const plus = (a: Fraction, b: Fraction): Fraction => minus(a, minus(ZERO, b));

  it.each([
    ["guestKvmclockPpb", ["guestKhzFloor", "guestRatioFloor", "guestMulFloor"]],
    ["monotonicPpb", ["monotonicRounding", "ntp"]],
    ["rawPpb", ["rawRounding"]],
    ["kvmOwnPpb", ["hostMulFloor"]],
    ["guestTscPpb", ["guestTscRatio"]],
  ])("%s is the sum of its terms, exactly", (total, parts) => {
    fc.assert(
      fc.property(input, (drift) => {
        const worksheet = driftWorksheet(drift);
        const sum = parts.map((name) => rateOf(worksheet, name)).reduce(plus, ZERO);
        expect(sum).toEqual(rateOf(worksheet, total));
      }),
    );
  });

  it("a day of the kernel's integers is the rate of a day to within its floors", () => {
    fc.assert(
      fc.property(input, (drift) => {
        const worksheet = driftWorksheet(drift);
        const { dayHostNs } = termValues(worksheet);
        const rate = rateOf(worksheet, "kvmOwnPpb");
        const day = fraction(86_400_000_000_000n);
        const drifted = fraction(rate.numerator * 86_400n, rate.denominator);
        const short = minus(plus(day, drifted), fraction(dayHostNs as bigint));
        // One conversion, whose right shift and floor lose less than 1 ns and a shifted cycle.
        expect(short.numerator >= 0n && short.numerator < 3n * short.denominator).toBe(true);
      }),
    );
  });
});
