import fc from "fast-check";
import { expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { parseKernel } from "../../kernels/kernels.js";
import { parseParams } from "../../params/parse-params.js";
import { runScenario } from "../../scenario/run-scenario.js";
import { setClockPause } from "./index.js";

const KERNELS = [
  "v4.5",
  "v5.5",
  "v6.6",
  "v6.19",
  "v7.3",
  "v7.3 + getClock=via-guest-tsc",
  "v7.3 + guestKhz=hz",
];

const khz = fc.oneof(
  fc.constantFrom(2_000_000, 2_500_000, 3_000_000),
  fc.integer({ min: 100_000, max: 10_000_000 }),
);
const ns = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map((value) => `${value}ns`);

const params = fc.record({
  pause: fc.oneof(ns(0, 2_000_000), ns(0, 2_000_000_000), ns(0, 600_000_000_000)),
  phase: ns(1_000, 499_990_000),
  set: fc.constantFrom("clock", "clock", "realtime", "guest"),
  flag: fc.constantFrom("untold", "told", "heeded"),
  back: fc.oneof(fc.constant("0ns"), ns(0, 4_000_000_000)),
  gap: fc.oneof({ weight: 4, arbitrary: fc.constant("0ns") }, { weight: 1, arbitrary: ns(1, 10_000_000) }),
  kvmclock: fc.constantFrom("new", "new", "old"),
  hostKhz: khz.map((value) => `${value}kHz`),
  guestKhz: khz.map((value) => `${value}kHz`),
  age: ns(2_000_000_000, 600_000_000_000),
});

it("whatever the parameters, nothing that is expected fails, and what cannot be run is refused in one line", () => {
  fc.assert(
    fc.property(params, fc.constantFrom(...KERNELS), (set, kernel) => {
      const request = {
        kernel: parseKernel(kernel),
        params: parseParams(setClockPause.params, set),
        seed: 1,
      };
      try {
        const { expectations } = runScenario(setClockPause, request);
        expect(expectations.filter(({ held }) => held === false)).toEqual([]);
      } catch (error) {
        if (!(error instanceof ChronovisorError)) throw error;
        expect(error.message).toMatch(/^(set|back|gap): expected [^\n]+, got [^\n]+$/);
      }
    }),
    { numRuns: 30 },
  );
});
