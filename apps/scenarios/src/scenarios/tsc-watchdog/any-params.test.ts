import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { tscWatchdog } from "./index.js";

const KERNELS = ["v4.5", "v6.1", "v6.12", "v7.3", "v7.3 + guestKhz=hz", "v7.3 + guestWatchdog=max-skew"];

/** A guest's frequency, and a host's mostly near it. */
const frequencies = fc
  .tuple(
    fc.oneof(fc.constantFrom(1_950_000, 2_500_000), fc.integer({ min: 100_000, max: 9_000_000 })),
    fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: -10_000, max: 900_000 }) },
    ),
  )
  .map(([guest, ppm]) => ({
    guestKhz: `${guest}kHz`,
    hostKhz: `${Math.min(10_000_000, Math.max(100_000, guest + Math.round((guest * ppm) / 1e6)))}kHz`,
  }));
const delay = fc.oneof(
  { weight: 2, arbitrary: fc.constant("0ns") },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 1_000_000 }).map((ns) => `${ns}ns`) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 100_000 }).map((us) => `${us}us`) },
);

const params = fc
  .record({
    frequencies,
    scaling: fc.constantFrom("absent", "present"),
    calibration: fc.constantFrom("kept", "kvm-clock"),
    maxSkew: fc.oneof(
      fc.constant("0ns"),
      fc.integer({ min: 40, max: 1_000 }).map((us) => `${us}us`),
    ),
    readDelay: delay,
    backDelay: delay,
    delayed: fc.constantFrom("every-try", "first-try"),
    cpus: fc.integer({ min: 1, max: 256 }).map(String),
    length: fc.integer({ min: 2_000, max: 30_000 }).map((ms) => `${ms}ms`),
  })
  .map(({ frequencies: chosen, ...others }) => ({ ...chosen, ...others }));

it("whatever the parameters, nothing that is expected fails, and what cannot be run is refused in one line", () => {
  checkAnyParams(tscWatchdog, {
    params,
    kernels: fc.constantFrom(...KERNELS),
    mayRefuse: ["hostKhz", "maxSkew"],
    numRuns: 30,
  });
});
