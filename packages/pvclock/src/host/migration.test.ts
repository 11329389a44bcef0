import { scaleTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentedTscOffset, scaledTscOffset } from "../index.js";

const signed = (offset: bigint): bigint => BigInt.asIntN(64, offset);
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const ONE = { l1Ratio: 2n ** 48n, fractionBits: 48 } as const;
const FROM_2_9 = { l1Ratio: 0xdcb08d3dcb08n, fractionBits: 48 } as const;
const FROM_3_1 = { l1Ratio: 0xce739ce739cen, fractionBits: 48 } as const;

/** docs/model/scenarios-clock §S4: a guest of 2.5 GHz moves from a host of 2.9 GHz to one of 3.1 GHz, half a second dark. */
const S4 = {
  sourceOffset: u64(-206_999_999_999_999n),
  source: { guestNs: 3_599_999_999_958n, hostTsc: 250_560_000_000_000n },
  destination: { guestNs: 3_600_499_999_958n, hostTsc: 3_100_000_000_000n },
  guestKhz: 2_500_000,
};

describe("the offset on the destination", () => {
  it("by the documented formula puts a scaled guest 13 584 s into the future", () => {
    const offset = documentedTscOffset(S4);
    expect(signed(offset)).toBe(40_461_250_000_001n);
    const guestTsc = scaleTsc(S4.destination.hostTsc, FROM_3_1.l1Ratio, 48) + offset;
    expect(guestTsc).toBe(42_961_250_000_000n);
    expect((guestTsc - 9_001_250_000_000n) / 2_500_000_000n).toBe(13_584n);
  });

  it("by the formula with both ratios continues its counter", () => {
    const offset = scaledTscOffset(S4, FROM_2_9, FROM_3_1);
    expect(signed(offset)).toBe(6_501_250_000_001n);
    expect(scaleTsc(S4.destination.hostTsc, FROM_3_1.l1Ratio, 48) + offset).toBe(9_001_250_000_000n);
  });

  const ns = fc.bigInt({ min: 0n, max: 2n ** 63n });
  const tsc = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const pair = fc.record({ guestNs: ns, hostTsc: tsc });
  const migration = fc.record({
    sourceOffset: tsc,
    source: pair,
    destination: pair,
    guestKhz: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  });

  it("is the same by both without scaling", () => {
    fc.assert(
      fc.property(migration, (moved) => {
        expect(scaledTscOffset(moved, ONE, ONE)).toBe(documentedTscOffset(moved));
      }),
    );
  });

  it("moves the counter by the time that passed, whatever the ratios, to within a cycle", () => {
    const ratio = fc
      .bigInt({ min: 1n, max: 2n ** 50n })
      .map((l1Ratio) => ({ l1Ratio, fractionBits: 48 }) as const);
    fc.assert(
      fc.property(migration, ratio, ratio, (moved, from, to) => {
        const offset = scaledTscOffset(moved, from, to);
        const left = scaleTsc(moved.source.hostTsc, from.l1Ratio, 48) + moved.sourceOffset;
        const arrived = scaleTsc(moved.destination.hostTsc, to.l1Ratio, 48) + offset;
        const passedFs = (moved.destination.guestNs - moved.source.guestNs) * BigInt(moved.guestKhz);
        const error = signed(arrived - left - passedFs / 1_000_000n);
        expect(error).toBe(0n);
      }),
    );
  });
});

describe("a caller's mistakes", () => {
  const wrong = undefined as never;
  it.each([
    ["no migration", wrong],
    ["no source", { ...S4, source: wrong }],
    ["a negative offset", { ...S4, sourceOffset: -1n }],
    ["a guest time of 65 bits", { ...S4, destination: { guestNs: 2n ** 64n, hostTsc: 0n } }],
    ["a host TSC that is no bigint", { ...S4, source: { guestNs: 0n, hostTsc: wrong } }],
    ["a frequency of 33 bits", { ...S4, guestKhz: 2 ** 32 }],
  ])("%s throws", (_title, migration) => {
    expect(() => documentedTscOffset(migration)).toThrow(/documentedTscOffset: expected/);
    expect(() => scaledTscOffset(migration, ONE, ONE)).toThrow(/scaledTscOffset: expected/);
  });

  it("a ratio that is none throws", () => {
    expect(() => scaledTscOffset(S4, wrong, ONE)).toThrow(TypeError);
    expect(() => scaledTscOffset(S4, ONE, wrong)).toThrow(TypeError);
    expect(() => scaledTscOffset(S4, ONE, { l1Ratio: -1n, fractionBits: 48 })).toThrow(RangeError);
  });
});
