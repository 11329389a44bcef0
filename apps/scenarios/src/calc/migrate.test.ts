import { describe, expect, it } from "vitest";
import { termValues } from "./fixtures/term-values.js";
import { fraction } from "./fraction.js";
import { type MigrateInput, migrateWorksheet } from "./migrate.js";

/** docs/model/scenarios-clock §S4. */
const S4: MigrateInput = {
  guestKhz: 2_500_000,
  vendor: "vmx",
  sourceOffset: BigInt.asUintN(64, -206_999_999_999_999n),
  source: { hostKhz: 2_900_000, hostTsc: 250_560_000_000_000n, guestNs: 3_599_999_999_958n },
  destination: { hostKhz: 3_100_000, hostTsc: 3_100_000_000_000n, guestNs: 3_600_499_999_958n },
};

it("a guest from 2.9 to 3.1 GHz is put 13 584 s ahead by the documented formula", () => {
  expect(termValues(migrateWorksheet(S4))).toMatchObject({
    sourceOffset: -206_999_999_999_999n,
    leftAt: 9_000_000_000_000n,
    elapsedCycles: 1_250_000_000n,
    goesOnAt: 9_001_250_000_000n,
    correctOffset: 6_501_250_000_001n,
    correctGuestTsc: 9_001_250_000_000n,
    documentedOffset: 40_461_250_000_001n,
    documentedGuestTsc: 42_961_250_000_000n,
    aheadCycles: 33_960_000_000_000n,
    aheadSeconds: fraction(13_584n),
  });
});

describe("what it means", () => {
  const at = (hostKhz: number) => ({ ...S4.source, hostKhz });
  it.each([
    ["forward", S4, /into the future/],
    ["back", { ...S4, source: S4.destination, destination: S4.source }, /into the past/],
    [
      "not at all without scaling",
      { ...S4, source: at(2_500_000), destination: at(2_500_000) },
      /^Neither host scales/,
    ],
    ["not at all by chance", { ...S4, destination: S4.source }, /happen to agree/],
  ] as const)("the documented formula moves the guest %s", (_title, input, meaning) => {
    expect(migrateWorksheet(input).meaning).toMatch(meaning);
  });
});

it("the two formulas agree without scaling", () => {
  const source = { hostKhz: 2_500_000, hostTsc: 9_000n, guestNs: 1_000_000_000n };
  const destination = { hostKhz: 2_500_000, hostTsc: 5_000n, guestNs: 1_500_000_000n };
  const values = termValues(migrateWorksheet({ ...S4, sourceOffset: 0n, source, destination }));
  expect(values).toMatchObject({ correctOffset: 1_250_004_000n, aheadCycles: 0n });
  expect(values.documentedOffset).toBe(values.correctOffset);
});
