import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { liveMigration } from "./index.js";
import { CLOCK_METHODS, TSC_METHODS } from "./params.js";

const KERNELS = [
  "v4.5",
  "v5.5",
  "v6.1",
  "v6.7",
  "v6.19",
  "v7.3",
  "v7.3 + userTsc=1s-slop",
  "v7.3 + getClock=via-guest-tsc",
  "v7.3 + guestKhz=hz",
  "v7.3 + catchup=now",
  "v7.3 + masterClockTsc=equal-frequency",
  "v7.3 + masterClockRequests=once",
];

const khz = fc.oneof(
  fc.constantFrom(2_000_000, 2_400_000, 2_499_400, 2_500_000, 2_500_600, 2_900_000, 3_100_000),
  fc.integer({ min: 500_000, max: 8_000_000 }),
);
const ns = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map((value) => `${value}ns`);
const hz = khz.map((value) => `${value}kHz`);
/** Mostly nothing, so that most runs are of one thing. */
const seldom = (other: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant("0ns") }, { weight: 1, arbitrary: other });

const params = fc.record({
  tsc: fc.constantFrom(...TSC_METHODS),
  clock: fc.constantFrom(...CLOCK_METHODS),
  sourceKhz: hz,
  guestKhz: hz,
  destinationKhz: hz,
  scaling: fc.constantFrom("present", "present", "absent"),
  fracBits: fc.constantFrom("48", "32"),
  age: ns(10_000_000_000, 3_600_000_000_000),
  sourceUptime: ns(0, 90_000_000_000_000),
  destinationUptime: ns(10_000_000_000, 90_000_000_000_000),
  blackout: ns(0, 3_600_000_000_000),
  skew: seldom(ns(-10_000_000_000, 10_000_000_000)),
  gap: seldom(ns(1, 10_000_000)),
  prepared: ns(1_000_000, 9_000_000_000),
  vcpus: fc.constantFrom("2", "4", "8"),
  writeGap: ns(0, 900_000_000),
  slowKhz: hz,
  nearKhz: hz,
  exitEvery: ns(10_000, 50_000_000),
  watch: ns(60_000_000_000, 200_000_000_000),
});

it("whatever the parameters, nothing that is expected fails", () => {
  checkAnyParams(liveMigration, { params, kernels: fc.constantFrom(...KERNELS), numRuns: 30 });
});
