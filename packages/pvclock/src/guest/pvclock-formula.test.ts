import { guestTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PvclockFormula, type PvclockReference, readCycles } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const reference: fc.Arbitrary<PvclockReference> = fc.record({
  tscTimestamp: u64,
  systemTime: u64,
  tscToSystemMul: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  tscShift: fc.integer({ min: -63, max: 63 }),
});

/** By multiplication and division only. */
function naive(
  { tscTimestamp, systemTime, tscToSystemMul, tscShift }: PvclockReference,
  tsc: bigint,
): bigint {
  const delta = (tsc - tscTimestamp + 2n ** 64n) % 2n ** 64n;
  const shifted =
    tscShift < 0 ? delta / 2n ** BigInt(-tscShift) : (delta * 2n ** BigInt(tscShift)) % 2n ** 64n;
  return (systemTime + (shifted * BigInt(tscToSystemMul)) / 2n ** 32n) % 2n ** 64n;
}

const GHZ_2_5 = { tscTimestamp: 1000n, systemTime: 7n, tscToSystemMul: 3435973836, tscShift: -1 };

describe("the pvclock formula", () => {
  it.each<[string, Partial<PvclockReference>, bigint, bigint]>([
    ["is the system time at the reference", {}, 1000n, 7n],
    ["floors a second of 2.5 GHz", {}, 2_500_001_000n, 1_000_000_006n],
    ["reads an even distance and the odd one after it the same", {}, 1005n, 8n],
    ["is enormous a cycle before the reference", {}, 999n, 7_378_697_627_765_833_734n],
    ["wraps with the system time", { systemTime: U64_MAX }, 1010n, 2n],
    ["stands still at multiplier 0", { tscToSystemMul: 0 }, U64_MAX, 7n],
    ["loses high bits of a left pre-shift", { tscToSystemMul: 2 ** 31, tscShift: 63 }, 1003n, 7n + 2n ** 62n],
    [
      "has nothing left but the top bit at shift −63",
      { tscToSystemMul: 2 ** 32 - 1, tscShift: -63 },
      999n,
      7n,
    ],
  ])("%s", (_title, fields, tsc, expected) => {
    expect(readCycles({ ...GHZ_2_5, ...fields }, guestTsc(tsc))).toBe(expected);
    expect(new PvclockFormula({ ...GHZ_2_5, ...fields }).read(guestTsc(tsc))).toBe(expected);
  });

  it("is shift, product and floor over the whole domain, in all forms", () => {
    fc.assert(
      fc.property(reference, fc.array(u64, { minLength: 1 }), (ref, tscs) => {
        const expected = tscs.map((tsc) => naive(ref, tsc));
        const formula = new PvclockFormula(ref);
        expect(tscs.map((tsc) => readCycles(ref, guestTsc(tsc)))).toEqual(expected);
        expect(tscs.map((tsc) => formula.read(guestTsc(tsc)))).toEqual(expected);
        const out = BigUint64Array.from(tscs);
        formula.readBatch(out, out);
        expect([...out]).toEqual(expected);
        out.fill(0n);
        tscs.forEach((tsc, i) => {
          formula.readInto(out, i, tsc);
        });
        expect([...out]).toEqual(expected);
      }),
    );
  });

  it("fills the front of a longer array and leaves the rest", () => {
    const out = new BigUint64Array(3).fill(9n);
    new PvclockFormula(GHZ_2_5).readBatch(out, BigUint64Array.of(1000n, 1005n));
    expect([...out]).toEqual([7n, 8n, 9n]);
  });

  it("takes counter values mod 2^64 where nothing is checked", () => {
    const out = new BigUint64Array(1);
    new PvclockFormula(GHZ_2_5).readInto(out, 0, 2n ** 64n + 1005n);
    expect(out[0]).toBe(8n);
  });

  it("goes on from an update, a saved state and its own reference alike", () => {
    fc.assert(
      fc.property(reference, reference, u64, (first, second, tsc) => {
        const formula = new PvclockFormula(first);
        formula.update(second);
        expect(formula.reference).toEqual(second);
        const saved = JSON.parse(JSON.stringify(formula.state()));
        for (const other of [
          formula,
          new PvclockFormula(formula.reference),
          PvclockFormula.fromState(saved),
        ]) {
          expect(other.read(guestTsc(tsc))).toBe(naive(second, tsc));
          expect(other.state()).toEqual(saved);
        }
      }),
    );
  });

  it("keeps its reference when a new one is refused", () => {
    const formula = new PvclockFormula(GHZ_2_5);
    expect(() => formula.update({ ...GHZ_2_5, systemTime: 1n, tscShift: 64 })).toThrow(
      "PvclockFormula.update: expected tscShift to be a whole number in -63 … 63, got 64",
    );
    expect(formula.reference).toEqual(GHZ_2_5);
  });
});
