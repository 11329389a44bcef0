import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { nonMasterAnchors } from "./index.js";

const KERNELS = [
  "v4.5",
  "v5.5",
  "v5.6",
  "v6.12",
  "v6.18 + gratuitousGlobal=without-master-clock",
  "v6.18 + globalUpdate=ratelimited",
  "v6.19",
  "v7.1",
  "v7.3 + guestKhz=hz",
  "v7.3 + masterClockTsc=equal-frequency",
];

const khz = fc.oneof(
  fc.constantFrom(2_000_000, 2_400_000, 2_500_000, 2_500_625, 3_000_000),
  fc.integer({ min: 100_000, max: 10_000_000 }),
);
const ns = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map((value) => `${value}ns`);
const seconds = fc.oneof(fc.integer({ min: 2, max: 1_000 }), fc.constantFrom(300, 600, 601));

const params = fc.record({
  off: fc.constantFrom("offset", "offset", "old-msr", "never"),
  age: fc.oneof(
    seconds.map((value) => `${value}s`),
    ns(2_000_000_000, 1_000_000_000_000),
  ),
  moves: fc.integer({ min: 1, max: 60 }).map(String),
  moveEvery: ns(1_000_000, 200_000_000),
  ipi: ns(0, 100_000),
  hostKhz: khz.map((value) => `${value}kHz`),
  guestKhz: khz.map((value) => `${value}kHz`),
});

it("whatever the parameters, nothing that is expected fails", () => {
  checkAnyParams(nonMasterAnchors, { params, kernels: fc.constantFrom(...KERNELS), numRuns: 25 });
});
