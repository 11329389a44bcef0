import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  adjustTscKhz,
  DivideError,
  maxGuestTscKhz,
  scaleTsc,
  scaleTscBatch,
  scaleTscInto,
  TSC_SCALING,
  tscRatio,
} from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const bits = fc.constantFrom(48 as const, 32 as const);

describe("scaleTsc", () => {
  it("leaves every counter alone at 1.0", () => {
    fc.assert(
      fc.property(u64, (tsc) => {
        expect(scaleTsc(tsc, TSC_SCALING.vmx.defaultRatio, 48)).toBe(tsc);
        expect(scaleTsc(tsc, TSC_SCALING.svm.defaultRatio, 32)).toBe(tsc);
      }),
    );
  });

  it("is the floored product mod 2^64 in all three forms", () => {
    fc.assert(
      fc.property(fc.array(u64, { minLength: 1 }), u64, bits, (values, ratio, n) => {
        const expected = values.map((tsc) => ((tsc * ratio) / 2n ** BigInt(n)) % 2n ** 64n);
        expect(values.map((tsc) => scaleTsc(tsc, ratio, n))).toEqual(expected);
        const out = new BigUint64Array(values.length);
        scaleTscBatch(out, BigUint64Array.from(values), ratio, n);
        expect([...out]).toEqual(expected);
        out.fill(0n);
        values.forEach((tsc, i) => {
          scaleTscInto(out, i, tsc, ratio, n);
        });
        expect([...out]).toEqual(expected);
      }),
    );
  });
});

describe("tscRatio", () => {
  // docs/model/clocksource-tsc §5.1.
  it.each([
    [2_500_000, 2_400_000, 48, 293203100740266n],
    [2_500_000, 2_400_000, 32, 4473924266n],
    [2_500_000, 3_000_000, 48, 0xd55555555555n],
    [2_500_000, 3_000_000, 32, 0xd5555555n],
    [2_500_000, 2_900_000, 48, 0xdcb08d3dcb08n],
    [2_500_000, 3_100_000, 48, 0xce739ce739cen],
    [2_500_000, 2_000_000, 48, 0x1400000000000n],
    [1, 2 ** 32 - 1, 32, 1n],
    [0, 1, 48, 0n],
  ] as const)("for a guest of %i kHz on a host of %i kHz with %i bits is %d", (user, host, n, ratio) => {
    expect(tscRatio(user, host, n)).toBe(ratio);
  });

  it("traps from a factor of 2^16 on with 48 fraction bits", () => {
    expect(tscRatio(65535, 1, 48)).toBe(65535n << 48n);
    expect(() => tscRatio(65536, 1, 48)).toThrow(DivideError);
  });

  it("makes a scaled frequency exactly 1 kHz short unless the division is exact", () => {
    const khz = fc.integer({ min: 1_000_000, max: 5_000_000 });
    fc.assert(
      fc.property(khz, khz, (user, host) => {
        const exact = (BigInt(user) << 48n) % BigInt(host) === 0n;
        expect(scaleTsc(BigInt(host), tscRatio(user, host, 48), 48)).toBe(BigInt(exact ? user : user - 1));
      }),
    );
  });
});

describe("adjustTscKhz", () => {
  it.each([
    [2_500_000, -250, 2_499_375],
    [2_500_000, 250, 2_500_625],
    [2_500_000, 0, 2_500_000],
    [1, 999_999, 1],
    [1, 1_000_000, 2],
    [1000, -1_000_000, 0],
  ])("of %i kHz by %i ppm is %i", (khz, ppm, expected) => {
    expect(adjustTscKhz(khz, ppm)).toBe(expected);
  });

  it("wraps the 32-bit sum of a million and an absurd ppm", () => {
    // 10^6 + (2^31 − 1) is −2 146 483 649 as a signed 32-bit number.
    const wrapped = BigInt.asUintN(64, 1000n * -2_146_483_649n) / 1_000_000n;
    expect(adjustTscKhz(1000, 2 ** 31 - 1)).toBe(Number(BigInt.asUintN(32, wrapped)));
  });
});

describe("maxGuestTscKhz", () => {
  it.each([
    [2_500_000, "vmx", 2147483647],
    [2_500_000, "svm", 639_999_999],
    [1, "vmx", 65535],
    [1, "svm", 255],
  ] as const)("of a host of %i kHz with %s is %i", (khz, vendor, expected) => {
    expect(maxGuestTscKhz(khz, vendor)).toBe(expected);
  });
});
