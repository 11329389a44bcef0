import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { xenAccuracy } from "./index.js";

const KERNELS = [
  "v5.19",
  "v6.1",
  "v6.7",
  "v6.8",
  "v6.8 + xenStart=single-sample",
  "v6.8 + guestKhz=hz",
  "v6.8 + getClock=via-guest-tsc",
  "v6.9",
  "v6.15",
  "v7.3",
];

const khz = fc.oneof(
  fc.constantFrom(2_000_000, 2_400_000, 2_500_000, 2_600_000, 3_000_000),
  fc.integer({ min: 100_000, max: 10_000_000 }),
);
const ns = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map((value) => `${value}ns`);
const cycles = fc.oneof(
  fc.integer({ min: 0, max: 1_000 }),
  fc.integer({ min: 0, max: 100_000_000_000 }),
  fc.integer({ min: 0, max: 10_000_000_000_000 }),
);
/** Mostly nothing, so that most runs are of one thing. */
const seldom = (other: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant("0ns") }, { weight: 1, arbitrary: other });

const params = fc.record({
  hostKhz: khz.map((value) => `${value}kHz`),
  guestKhz: khz.map((value) => `${value}kHz`),
  fracBits: fc.constantFrom("48", "32"),
  hostTsc: cycles.map((value) => `${value}cycles`),
  referenceTsc: fc.oneof(
    fc.constant("0cycles"),
    cycles.map((value) => `${value}cycles`),
  ),
  age: seldom(ns(1, 600_000_000_000)),
  request: ns(1_000, 1_000_000_000),
  gap: seldom(ns(1, 5_000_000)),
  fallback: fc.constantFrom("none", "none", "no-tsc-read", "no-clock-page"),
  reset: seldom(ns(1, 10_000_000_000)),
  handler: ns(100, 1_000_000),
});

it("whatever the parameters, nothing that is expected fails, and what cannot be run is refused in one line", () => {
  checkAnyParams(xenAccuracy, {
    params,
    kernels: fc.constantFrom(...KERNELS),
    mayRefuse: ["hostTsc", "reset"],
    numRuns: 40,
  });
});
