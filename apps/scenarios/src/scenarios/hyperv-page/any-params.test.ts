import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { hypervPage } from "./index.js";

const KERNELS = [
  "v4.5",
  "v5.5",
  "v6.1",
  "v6.19",
  "v7.3",
  "v7.3 + masterClockRequests=once",
  "v7.3 + guestKhz=hz",
  "v7.3 + getClock=via-guest-tsc",
  "v7.3 + getClock=via-guest-tsc + guestKhz=hz",
];

const khz = fc
  .oneof(
    fc.constantFrom(2_000_000, 2_400_000, 2_500_000, 2_500_400, 3_000_000),
    fc.integer({ min: 100_000, max: 10_000_000 }),
  )
  .map((value) => `${value}kHz`);
const params = fc.record({
  age: fc
    .oneof(
      { weight: 3, arbitrary: fc.integer({ min: 10_000, max: 7_200_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 10_000, max: 172_800_000 }) },
    )
    .map((ms) => `${ms}ms`),
  hostKhz: khz,
  guestKhz: khz,
  destinationKhz: khz,
  fracBits: fc.constantFrom("48", "32"),
  vcpus: fc.integer({ min: 1, max: 8 }).map(String),
});

it("whatever the parameters, nothing that is expected fails", () => {
  checkAnyParams(hypervPage, { params, kernels: fc.constantFrom(...KERNELS), numRuns: 12 });
});
