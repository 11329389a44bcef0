import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { hostSuspend } from "./index.js";

const KERNELS = ["v4.5", "v5.5", "v6.1", "v6.6", "v6.7", "v6.19", "v7.1", "v7.3", "v7.3 + guestKhz=hz"];

const khz = fc.oneof(
  fc.constantFrom(2_000_000, 2_400_000, 2_500_000, 2_500_400, 3_000_000),
  fc.integer({ min: 100_000, max: 10_000_000 }),
);
const ms = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map((value) => `${value}ms`);
const params = fc.record({
  tsc: fc.constantFrom("counts", "resets", "stops"),
  sleep: fc.oneof(ms(1_000, 7_200_000), ms(1_000, 2_592_000_000)),
  age: fc.oneof(ms(20_000, 1_000_000), ms(20_000, 172_800_000)),
  resetTo: fc
    .oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 10_000_000_000 }))
    .map((value) => `${value}cycles`),
  reference: ms(5_000, 3_600_000),
  wait: ms(1, 4_000),
  period: ms(1, 100),
  hostKhz: khz.map((value) => `${value}kHz`),
  guestKhz: khz.map((value) => `${value}kHz`),
  fracBits: fc.constantFrom("48", "32"),
  vcpus: fc.integer({ min: 2, max: 8 }).map(String),
});

it("whatever the parameters, nothing that is expected fails, and what cannot be run is refused in one line", () => {
  checkAnyParams(hostSuspend, {
    params,
    kernels: fc.constantFrom(...KERNELS),
    mayRefuse: ["resetTo"],
    numRuns: 10,
  });
});
