import { describe, expect, it } from "vitest";
import { DEADLINES, tuneAdvance } from "./advance-tuning.js";
import { contextOf } from "./fixtures/context.js";
import { predictAdvance } from "./predict-advance.js";

/** docs/model/scenarios-clock §S2.e: W = 4 ms, −500 ppm, 2.5 GHz, the advance starting at 1000 ns. */
const tuned = (mitigation: string, set: Record<string, string> = {}): ReturnType<typeof tuneAdvance> =>
  tuneAdvance(contextOf(mitigation, set));

describe("short deadlines on a slow clock", () => {
  const { deltas, advances, settledNs, afterNs, worstAfterPs } = tuned("monotonic");
  const advance = (n: number): number => Number(advances[n]?.[1]);

  it("are found late by 2501, 2188, 1915, 1678, 1470 cycles, within a unit of the multiplier", () => {
    // The unit is 149 ppb of 4 ms, 1.5 cycles, and the reading of a clock in whole ns up to 3.
    const stated = [2501n, 2188n, 1915n, 1678n, 1470n];
    for (const [n, delta] of stated.entries()) {
      const got = deltas[n] ?? 0n;
      expect(got - delta <= 4n && delta - got <= 4n, `${got} for ${delta}`).toBe(true);
    }
  });

  it("move the advance to 1125, 1234, 1329, 1412 and settle it at 1962 ns", () => {
    for (const [n, stated] of [1125, 1234, 1329, 1412].entries()) {
      expect(Math.abs(advance(n) - stated)).toBeLessThanOrEqual(1);
    }
    expect(settledNs).toBe(1962n);
    expect((deltas[DEADLINES - 1] ?? 0n) < 100n).toBe(true);
  });

  it("are early by 4905, 4292, 3757 cycles once the slew ends, while the advance decays to 39 ns", () => {
    for (const [n, stated] of [-4905n, -4292n, -3757n].entries()) {
      const got = deltas[DEADLINES + n] ?? 0n;
      expect(got - stated <= 4n && stated - got <= 4n, `${got} for ${stated}`).toBe(true);
    }
    expect(afterNs).toBe(39n);
  });

  it("are hidden by the wait but for the eighth that the advance has just lost", () => {
    expect(worstAfterPs / 1_000n).toBe(-245n);
  });
});

describe("the advance", () => {
  it("ignores deadlines of 100 ms, which are 49 µs late, and stays at 1 µs", () => {
    const { deltas, settledNs } = tuned("monotonic", { advanceWait: "100ms" });
    expect(settledNs).toBe(1000n);
    const first = deltas[0] ?? 0n;
    // Up to 37 cycles of a unit of the multiplier, and 15 of what it rounds.
    expect(first >= 122_561n - 3n && first <= 122_561n + 60n, `${first}`).toBe(true);
  });

  it.each(["raw", "rate-compensated", "restart-on-update", "mapped-each-tick", "compensated-rechecked"])(
    "learns no slew under %s",
    (mitigation) => {
      expect(tuned(mitigation).settledNs < 40n).toBe(true);
    },
  );

  it("is predicted without a machine, to a nanosecond", () => {
    const { params } = contextOf("monotonic");
    const { settledNs, afterNs, worstAfterPs } = predictAdvance(params, "bent") ?? {};
    expect([settledNs, afterNs, (worstAfterPs ?? 0n) / 1_000n]).toEqual([1962n, 40n, -244n]);
  });

  it("is not predicted where a cycle decides whether it moves at all", () => {
    // 20 ms at −249.95 ppm are 5 µs late, of which the advance takes 1: 10 000 cycles.
    const { params } = contextOf("monotonic", { slew: "249.95ppm", advanceWait: "20ms" });
    expect(predictAdvance(params, "bent")).toBe(undefined);
  });
});
