import { describe, expect, it } from "vitest";
import { termValues } from "./fixtures/term-values.js";
import { tscScaleWorksheet } from "./tsc-scale.js";

/** docs/model/clocksource-tsc §5.1. */
describe("the golden ratios", () => {
  it.each([
    [2_400_000, 2_500_000, "vmx", 293203100740266n, 2_499_999n],
    [2_400_000, 2_500_000, "svm", 4473924266n, 2_499_999n],
    [3_000_000, 2_500_000, "vmx", 0xd55555555555n, 2_499_999n],
    [3_000_000, 2_500_000, "svm", 0xd5555555n, 2_499_999n],
    [2_900_000, 2_500_000, "vmx", 0xdcb08d3dcb08n, 2_499_999n],
    [3_100_000, 2_500_000, "vmx", 0xce739ce739cen, 2_499_999n],
    [2_000_000, 2_500_000, "vmx", 0x1400000000000n, 2_500_000n],
  ] as const)("%i to %i kHz on %s", (hostKhz, guestKhz, vendor, ratio, effectiveKhz) => {
    const values = termValues(tscScaleWorksheet({ hostKhz, guestKhz, vendor }));
    expect(values).toMatchObject({ ratio, ratioHex: `0x${ratio.toString(16)}`, effectiveKhz });
  });
});

it("tells what a guest makes of the rate it is handed", () => {
  const values = termValues(tscScaleWorksheet({ hostKhz: 3_000_000, guestKhz: 2_500_000, vendor: "vmx" }));
  expect(values).toMatchObject({ pvclockMul: 3435975211n, pvclockShift: -1n, derivedKhz: 2_499_998n });
});

it("scales the TSC it is given", () => {
  const input = { hostKhz: 2_900_000, guestKhz: 2_500_000, vendor: "vmx" } as const;
  expect(termValues(tscScaleWorksheet({ ...input, tsc: 250_560_000_000_000n })).guestTsc).toBe(
    215_999_999_999_999n,
  );
});

it.each([
  [2_499_375, 2n ** 48n],
  [2_500_625, 2n ** 48n],
  [2_500_626, 281545458044824n],
])("%i kHz on a host of 2.5 GHz has ratio %i: the window includes its bounds", (guestKhz, ratio) => {
  const worksheet = tscScaleWorksheet({ hostKhz: 2_500_000, guestKhz, vendor: "vmx" });
  expect(termValues(worksheet)).toMatchObject({ low: 2_499_375n, high: 2_500_625n, ratio });
});

it.each([
  [2_500_000, 639_999_999, "svm", /^--guest-khz: expected less than 639999999 kHz/],
  [1, 70_000, "vmx", /^--guest-khz: expected less than 65535 kHz/],
  [3, 1, "vmx", /^--guest-khz: expected a frequency that is not floored to 0 kHz, got "1"$/],
] as const)("a host of %i kHz refuses a guest of %i on %s", (hostKhz, guestKhz, vendor, message) => {
  expect(() => tscScaleWorksheet({ hostKhz, guestKhz, vendor })).toThrow(message);
});
