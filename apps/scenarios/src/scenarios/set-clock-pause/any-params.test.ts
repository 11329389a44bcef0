import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
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
  checkAnyParams(setClockPause, {
    params,
    kernels: fc.constantFrom(...KERNELS),
    mayRefuse: ["set", "back", "gap"],
    numRuns: 30,
  });
});
