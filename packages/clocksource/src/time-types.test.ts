import { describe, expect, it } from "vitest";
import {
  boottimeNs,
  guestTsc,
  hostTsc,
  kvmclockNs,
  monotonicNs,
  monotonicRawNs,
  realtimeNs,
  taiNs,
} from "./index.js";

const S64_MIN = -(2n ** 63n);
const S64_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;

const SIGNED = { monotonicNs, monotonicRawNs, boottimeNs, realtimeNs, taiNs };
const UNSIGNED = { kvmclockNs, hostTsc, guestTsc };

describe.each(Object.entries(SIGNED))("%s, signed nanoseconds", (name, brand) => {
  it.each([S64_MIN, -1n, 0n, S64_MAX])("gives %d back unchanged", (value) => {
    expect(brand(value)).toBe(value);
  });

  it.each([S64_MIN - 1n, S64_MAX + 1n])("refuses %d, which would wrap", (value) => {
    expect(() => brand(value)).toThrow(
      new RangeError(`${name}: expected a signed 64-bit count of nanoseconds, got ${value}`),
    );
  });
});

describe.each(Object.entries(UNSIGNED))("%s, unsigned", (name, brand) => {
  it.each([0n, 1n, 2n ** 63n, U64_MAX])("gives %d back unchanged", (value) => {
    expect(brand(value)).toBe(value);
  });

  it.each([-1n, U64_MAX + 1n])("refuses %d, which would wrap", (value) => {
    expect(() => brand(value)).toThrow(RangeError);
    expect(() => brand(value)).toThrow(`${name}: expected an unsigned 64-bit count of `);
  });
});

it.each(Object.entries({ ...SIGNED, ...UNSIGNED }))(
  "%s refuses a number, which may have lost bits",
  (name, brand) => {
    expect(() => brand(1 as never)).toThrow(new TypeError(`${name}: expected a bigint, got number`));
  },
);
