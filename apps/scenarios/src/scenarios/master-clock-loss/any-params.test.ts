import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { masterClockLoss } from "./index.js";

const KERNELS = [
  "v4.5",
  "v5.5",
  "v5.6",
  "v6.6",
  "v6.7",
  "v6.18",
  "v6.18 + gratuitousGlobal=without-master-clock",
  "v6.6 + masterClockTsc=equal-frequency",
  "v6.19",
  "v7.3",
  "v7.3 + masterClockTsc=equal-frequency",
  "v7.3 + masterClockRequests=once",
  "v7.3 + guestKhz=hz",
];

const khz = fc.oneof(
  fc.constantFrom(2_000_000, 2_400_000, 2_500_000, 2_500_625, 3_000_000),
  fc.integer({ min: 100_000, max: 10_000_000 }),
);
const ns = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map((value) => `${value}ns`);
const seconds = fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.constantFrom(300, 600));
const cycles = fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1_000_000_000_000 }));

const params = fc.record({
  cause: fc.constantFrom("all", "offset", "tsc-write", "tsc-adjust", "old-msr", "clocksource", "hotplug"),
  age: fc.oneof(
    seconds.map((value) => `${value}s`),
    ns(1_000_000_000, 2_000_000_000_000),
  ),
  dwell: seconds.map((value) => `${value}s`),
  offset: cycles.map((value) => `${value}cycles`),
  written: cycles.map((value) => `${value}cycles`),
  gap: ns(0, 100_000),
  nextExit: ns(1_000_000, 20_000_000),
  hostKhz: khz.map((value) => `${value}kHz`),
  guestKhz: khz.map((value) => `${value}kHz`),
});

it("whatever the parameters, nothing that is expected fails", () => {
  checkAnyParams(masterClockLoss, { params, kernels: fc.constantFrom(...KERNELS), numRuns: 40 });
});
