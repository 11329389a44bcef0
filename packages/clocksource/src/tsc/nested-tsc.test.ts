import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nestedTscOffset, nestedTscRatio, scaleTsc } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const U = (value: bigint) => BigInt.asUintN(64, value);

describe("nestedTscOffset", () => {
  it.each([
    ["adds both offsets at 1.0", -100n, 5n, 2n ** 48n, -95n],
    ["scales L1's offset toward zero", -3n, 0n, 2n ** 47n, -1n],
    ["wraps the sum", 2n ** 63n - 1n, 1n, 2n ** 48n, -(2n ** 63n)],
  ])("%s", (_title, l1, l2, ratio, expected) => {
    expect(BigInt.asIntN(64, nestedTscOffset(U(l1), U(l2), ratio, 48))).toBe(expected);
  });
});

describe("nestedTscRatio", () => {
  it("is the other ratio when one is 1.0", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: U64_MAX }), (ratio) => {
        expect(nestedTscRatio(ratio, 2n ** 48n, 48)).toBe(ratio);
        expect(nestedTscRatio(2n ** 32n, ratio, 32)).toBe(ratio);
      }),
    );
  });
});

describe("scaling by the composed pair", () => {
  it.each([48, 32] as const)("stays within its bound of scaling twice, with %i fraction bits", (bits) => {
    const one = 2n ** BigInt(bits);
    const ratio = fc.bigInt({ min: one / 4n, max: one * 4n });
    const offset = fc.bigInt({ min: -(2n ** 50n), max: 2n ** 50n });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 50n }),
        ratio,
        ratio,
        offset,
        offset,
        (host, r1, r2, o1, o2) => {
          const l1 = scaleTsc(host, r1, bits) + o1;
          fc.pre(l1 >= 0n);
          const twice = ((l1 * r2) >> BigInt(bits)) + o2;
          const once =
            scaleTsc(host, nestedTscRatio(r1, r2, bits), bits) +
            BigInt.asIntN(64, nestedTscOffset(U(o1), U(o2), r2, bits));
          const difference = twice > once ? twice - once : once - twice;
          expect(difference <= host / one + r2 / one + 2n).toBe(true);
        },
      ),
    );
  });
});
