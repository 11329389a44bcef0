import { VcpuTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type RescaleInputs,
  type StartInputs,
  setTargetExpiration,
  tscDeadlineDelayNs,
  updateTargetExpiration,
} from "../index.js";

const tsc = new VcpuTsc({ hostTscKhz: 2_500_000, vendor: "vmx" });
const START: StartInputs = {
  mode: 1,
  tmict: 1_000_000,
  divide: 1,
  busCycleNs: 1n,
  minTimerPeriodUs: 200,
  countReg: "TMICT",
  tmcct: 0,
  oneshotRestore: "fire",
  hostTsc: 25_000n,
  now: 10_000n,
  target: 77n,
};
const RESCALE: RescaleInputs = {
  mode: 0,
  tmict: 1_000_000,
  busCycleNs: 1n,
  minTimerPeriodUs: 200,
  oldDivide: 2,
  newDivide: 4,
  tscDeadline: 5_000_000n,
  target: 2_000_000n,
  now: 500_000n,
};

describe("setTargetExpiration", () => {
  it("starts from the full count", () => {
    expect(setTargetExpiration(START, tsc)).toEqual({
      ok: true,
      period: 1_000_000n,
      tscDeadline: 2_525_000n,
      target: 1_010_000n,
      tmcct: 0,
    });
  });

  it("stops at a count of 0 and keeps the target", () => {
    expect(setTargetExpiration({ ...START, tmict: 0 }, tsc)).toEqual({
      ok: false,
      period: 0n,
      tscDeadline: 0n,
      target: 77n,
      tmcct: 0,
    });
  });

  it.each([
    ["a saved count", { tmcct: 400_000 }, 400_000n, 400_000],
    ["a saved count of 0, periodic: a full period", { tmcct: 0 }, 1_000_000n, 0],
    ["a saved count of 0, one-shot: fires", { tmcct: 0, mode: 0 }, 0n, 0],
    [
      "the same before v6.3: a full period",
      { tmcct: 0, mode: 0, oneshotRestore: "full-period" },
      1_000_000n,
      0,
    ],
    ["a saved count above the initial: clamped, and cleared", { tmcct: 2_000_000 }, 1_000_000n, 0],
    ["a saved count equal to the initial: kept", { tmcct: 1_000_000 }, 1_000_000n, 1_000_000],
    ["a saved count in TSC-deadline mode: no meaning", { tmcct: 400_000, mode: 2 }, 1_000_000n, 400_000],
    ["a saved count in the reserved mode: no meaning", { tmcct: 400_000, mode: 3 }, 1_000_000n, 400_000],
    ["a saved count under the limited period", { tmcct: 150_000, tmict: 1000 }, 150_000n, 150_000],
  ] as const)("restores %s", (_title, change, left, count) => {
    const started = setTargetExpiration({ ...START, countReg: "TMCCT", ...change }, tsc);
    expect(started.target).toBe(10_000n + left);
    expect(started.tscDeadline).toBe(25_000n + tsc.nsToCycles(left));
    expect(started.tmcct).toBe(count);
  });

  it("converts a negative period as the u64 it is stored in", () => {
    const inputs = { ...START, mode: 0, tmict: 0xffff_ffff, busCycleNs: 33_554_432n, divide: 128 } as const;
    const { period, tscDeadline, target } = setTargetExpiration(inputs, tsc);
    expect([period, target]).toEqual([-4_294_967_296n, 10_000n - 4_294_967_296n]);
    expect(tscDeadline).toBe(BigInt.asUintN(64, 25_000n + tsc.nsToCycles(2n ** 64n - 4_294_967_296n)));
  });
});

describe("updateTargetExpiration", () => {
  it.each([
    ["÷2 → ÷4", {}, 3_500_000n],
    ["÷2 → ÷1", { newDivide: 1 }, 1_250_000n],
    ["a target already past: now", { now: 2_000_001n }, 2_000_001n],
    ["an odd remainder rounds down", { target: 500_003n, newDivide: 1 }, 500_001n],
  ])("%s", (_title, change, target) => {
    expect(updateTargetExpiration({ ...RESCALE, ...change }, tsc).target).toBe(target);
  });

  it("limits a periodic timer's new period and not what is left", () => {
    const inputs = { ...RESCALE, mode: 1, tmict: 1000 } as const;
    expect(updateTargetExpiration(inputs, tsc)).toMatchObject({ period: 200_000n, target: 3_500_000n });
  });

  it("back and forth loses less than the ratio of the divisors", () => {
    const divisor = fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 40n }), divisor, divisor, (left, a, b) => {
        const there = updateTargetExpiration(
          { ...RESCALE, oldDivide: a, newDivide: b, now: 0n, target: left },
          tsc,
        );
        const back = updateTargetExpiration(
          { ...RESCALE, oldDivide: b, newDivide: a, now: 0n, target: there.target },
          tsc,
        );
        const lost = left - back.target;
        expect(lost >= 0n && lost <= BigInt(Math.max(1, a / b))).toBe(true);
      }),
    );
  });
});

describe("tscDeadlineDelayNs", () => {
  it.each([
    ["a millisecond", 2_500_000n, 1_000_000n],
    ["rounds down", 4n, 1n],
    ["the last cycle before the alias", 18_446_744_073_709n, 7_378_697_629_483n],
    ["the first aliased cycle", 18_446_744_073_710n, 0n],
  ])("%s", (_title, cycles, ns) => {
    expect(tscDeadlineDelayNs(cycles, 0n, 2_500_000)).toBe(ns);
  });

  it("below the alias equals the exact quotient", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 18_446_744_073_709n }),
        fc.integer({ min: 1, max: 5_000_000 }),
        (cycles, khz) => {
          const ns = tscDeadlineDelayNs(cycles + 5n, 5n, khz);
          expect(
            ns * BigInt(khz) <= cycles * 1_000_000n && (ns + 1n) * BigInt(khz) > cycles * 1_000_000n,
          ).toBe(true);
        },
      ),
    );
  });
});

describe("arguments", () => {
  it.each<[string, () => unknown]>([
    ["setTargetExpiration: expected mode", () => setTargetExpiration({ ...START, mode: 4 as 3 }, tsc)],
    ["setTargetExpiration: expected tmict", () => setTargetExpiration({ ...START, tmict: -1 }, tsc)],
    ["setTargetExpiration: expected divide", () => setTargetExpiration({ ...START, divide: 0 }, tsc)],
    [
      "setTargetExpiration: expected busCycleNs",
      () => setTargetExpiration({ ...START, busCycleNs: -1n }, tsc),
    ],
    [
      "setTargetExpiration: expected minTimerPeriodUs",
      () => setTargetExpiration({ ...START, minTimerPeriodUs: -1 }, tsc),
    ],
    [
      "setTargetExpiration: expected countReg",
      () => setTargetExpiration({ ...START, countReg: "TDCR" as "TMICT" }, tsc),
    ],
    ["setTargetExpiration: expected tmcct", () => setTargetExpiration({ ...START, tmcct: -1 }, tsc)],
    [
      "setTargetExpiration: expected oneshotRestore",
      () => setTargetExpiration({ ...START, oneshotRestore: "" as "fire" }, tsc),
    ],
    ["setTargetExpiration: expected hostTsc", () => setTargetExpiration({ ...START, hostTsc: -1n }, tsc)],
    ["setTargetExpiration: expected now", () => setTargetExpiration({ ...START, now: 2n ** 63n }, tsc)],
    ["setTargetExpiration: expected target", () => setTargetExpiration({ ...START, target: 2n ** 63n }, tsc)],
    [
      "updateTargetExpiration: expected mode",
      () => updateTargetExpiration({ ...RESCALE, mode: -1 as 0 }, tsc),
    ],
    [
      "updateTargetExpiration: expected oldDivide",
      () => updateTargetExpiration({ ...RESCALE, oldDivide: 0 }, tsc),
    ],
    [
      "updateTargetExpiration: expected newDivide",
      () => updateTargetExpiration({ ...RESCALE, newDivide: 256 }, tsc),
    ],
    [
      "updateTargetExpiration: expected tscDeadline",
      () => updateTargetExpiration({ ...RESCALE, tscDeadline: -1n }, tsc),
    ],
    [
      "updateTargetExpiration: expected target",
      () => updateTargetExpiration({ ...RESCALE, target: 2n ** 63n }, tsc),
    ],
    [
      "updateTargetExpiration: expected now",
      () => updateTargetExpiration({ ...RESCALE, now: 2n ** 63n }, tsc),
    ],
    ["tscDeadlineDelayNs: expected tscDeadline", () => tscDeadlineDelayNs(-1n, 0n, 1)],
    ["tscDeadlineDelayNs: expected guestTsc", () => tscDeadlineDelayNs(0n, 2n ** 64n, 1)],
    ["tscDeadlineDelayNs: expected virtualTscKhz", () => tscDeadlineDelayNs(0n, 0n, 0)],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
