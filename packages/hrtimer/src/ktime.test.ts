import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KTIME_MAX, ktimeAdd, ktimeAddSafe, ktimeSub } from "./ktime.js";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
const s64 = fc.bigInt({ min: MIN, max: MAX });
/** Wrapping written with an unsigned modulus instead of asIntN. */
const wrap = (value: bigint): bigint => ((((value - MIN) % 2n ** 64n) + 2n ** 64n) % 2n ** 64n) + MIN;

describe("ktimeAddSafe", () => {
  it.each([
    [0n, 0n, 0n],
    [1000n, 50n, 1050n],
    [MAX, 0n, MAX],
    [MAX - 1n, 1n, MAX],
    [MAX, 1n, MAX],
    [MAX, MAX, MAX],
    [-1n, 50_000n, MAX],
    [1n, -1n, MAX],
    [-1n, 0n, MAX],
    [0n, -1n, MAX],
    [MIN, MIN, 0n],
    [MIN, -1n, MAX],
    [MIN, MIN + 1n, 1n],
    [-1n, -1n, MAX],
    [MIN, MAX, MAX],
  ])("of %d and %d is %d", (lhs, rhs, sum) => {
    expect(ktimeAddSafe(lhs, rhs)).toBe(sum);
  });

  it("is the wrapped sum when the signs agree and it is not negative, else KTIME_MAX", () => {
    fc.assert(
      fc.property(s64, s64, (lhs, rhs) => {
        const isKept = lhs < 0n === rhs < 0n && wrap(lhs + rhs) >= 0n;
        expect(ktimeAddSafe(lhs, rhs)).toBe(isKept ? wrap(lhs + rhs) : KTIME_MAX);
      }),
    );
  });
});

describe("ktimeAdd and ktimeSub", () => {
  it("wrap at signed 64 bits", () => {
    expect(ktimeAdd(MAX, 1n)).toBe(MIN);
    expect(ktimeSub(MIN, 1n)).toBe(MAX);
    fc.assert(
      fc.property(s64, s64, (lhs, rhs) => {
        expect(ktimeAdd(lhs, rhs)).toBe(wrap(lhs + rhs));
        expect(ktimeSub(lhs, rhs)).toBe(wrap(lhs - rhs));
      }),
    );
  });
});

describe.each([
  ["ktimeAdd", ktimeAdd],
  ["ktimeSub", ktimeSub],
  ["ktimeAddSafe", ktimeAddSafe],
])("%s arguments", (name, fn) => {
  it("have to be signed 64-bit bigints", () => {
    expect(() => fn(MAX + 1n, 0n)).toThrow(
      new RangeError(
        `${name}: expected lhs to be a signed 64-bit count of nanoseconds, got 9223372036854775808`,
      ),
    );
    expect(() => fn(0n, MIN - 1n)).toThrow(RangeError);
    expect(() => fn(1 as unknown as bigint, 0n)).toThrow(
      new TypeError(`${name}: expected lhs to be a bigint, got number`),
    );
    expect(() => fn(0n, undefined as unknown as bigint)).toThrow(TypeError);
  });
});
