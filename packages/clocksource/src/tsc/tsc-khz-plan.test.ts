import { describe, expect, it } from "vitest";
import { DivideError, planTscKhz, type TscKhzRequest, tscToleranceKhz } from "../index.js";

const DEFAULT_RATIO = 2n ** 48n;
const request: TscKhzRequest = {
  hostTscKhz: 2_500_000,
  userTscKhz: 2_500_000,
  tolerancePpm: 250,
  vendor: "vmx",
  hasTscScaling: true,
};

describe("planTscKhz", () => {
  it.each([
    ["the host's own frequency is not scaled", {}, 0, DEFAULT_RATIO, false],
    ["nor is the lower bound of the tolerance", { userTscKhz: 2_499_375 }, 0, DEFAULT_RATIO, false],
    ["nor the upper", { userTscKhz: 2_500_625 }, 0, DEFAULT_RATIO, false],
    ["one below is scaled", { userTscKhz: 2_499_374 }, 0, 281404495376487n, false],
    ["one above is scaled", { userTscKhz: 2_500_626 }, 0, 281545458044824n, false],
    [
      "the largest ratio VMX takes is one less than 2^64 − 1",
      { hostTscKhz: 1, userTscKhz: 65535 },
      0,
      65535n << 48n,
      false,
    ],
    [
      "a ratio over 8.32 bits is refused on SVM",
      { vendor: "svm", hostTscKhz: 1, userTscKhz: 256 },
      -1,
      undefined,
      false,
    ],
    [
      "a ratio of 0 is refused",
      { vendor: "svm", hostTscKhz: 2 ** 32 - 1, userTscKhz: 0 },
      -1,
      2n ** 32n,
      false,
    ],
    [
      "without scaling a faster guest is caught up",
      { hasTscScaling: false, userTscKhz: 3_000_000 },
      0,
      undefined,
      true,
    ],
    [
      "without scaling a slower guest is refused",
      { hasTscScaling: false, userTscKhz: 2_000_000 },
      -1,
      undefined,
      false,
    ],
    [
      "without scaling a guest in the tolerance is taken",
      { hasTscScaling: false, userTscKhz: 2_500_001 },
      0,
      DEFAULT_RATIO,
      false,
    ],
  ] as const)("%s", (_title, change, result, ratio, startsCatchup) => {
    const plan = planTscKhz({ ...request, ...change });
    expect(plan.result).toBe(result);
    expect(plan.ratio).toBe(ratio);
    expect(plan.startsCatchup).toBe(startsCatchup);
  });

  it("stores the scale of a refused frequency, but not of 0", () => {
    const refused = planTscKhz({ ...request, hasTscScaling: false, userTscKhz: 2_000_000 });
    expect(refused).toEqual({ result: -1, scale: { mul: 2 ** 31, shift: 2 }, startsCatchup: false });
    expect(planTscKhz({ ...request, userTscKhz: 0 }).scale).toBeUndefined();
  });

  it("traps where the ratio leaves 64 bits", () => {
    expect(() => planTscKhz({ ...request, hostTscKhz: 1, userTscKhz: 65536 })).toThrow(DivideError);
  });

  it.each([
    ["hostTscKhz", { hostTscKhz: 0 }],
    ["userTscKhz", { userTscKhz: -1 }],
    ["tolerancePpm", { tolerancePpm: 2 ** 32 }],
    ["vendor", { vendor: "arm" as never }],
  ])("refuses a bad %s", (name, wrong) => {
    expect(() => planTscKhz({ ...request, ...wrong })).toThrow(`planTscKhz: expected ${name}`);
  });
});

describe("tscToleranceKhz", () => {
  it.each([
    [2_500_000, 250, 2_499_375, 2_500_625],
    [2_500_000, 0, 2_500_000, 2_500_000],
    [1, 250, 0, 1],
    [1_376_432, 1_000_000, 0, 2_752_864],
  ])("around %i kHz at %i ppm is %i … %i", (khz, ppm, low, high) => {
    expect(tscToleranceKhz(khz, ppm)).toEqual({ low, high });
  });

  it("turns round from 2^31 ppm on, where the helper sees a negative number", () => {
    const { low, high } = tscToleranceKhz(2_500_000, 2 ** 32 - 250);
    expect([low, high]).toEqual([2_500_625, 2_499_375]);
  });
});
