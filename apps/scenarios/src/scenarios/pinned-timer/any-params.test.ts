import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { pinnedTimer } from "./index.js";

const KERNELS = [
  "v4.5",
  "v4.6",
  "v4.15",
  "v4.16",
  "v5.3",
  "v5.3 + timerPlacement=posted",
  "v5.14",
  "v6.19 + timerPlacement=posted",
  "v6.19 + timerPlacement=unpinned",
  "v7.3",
];

const ns = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((value) => `${value}ns`);
/** Round figures, so that ticks, periods and disturbances fall together. */
const us = (...values: readonly number[]): fc.Arbitrary<string> =>
  fc.constantFrom(...values).map((value) => `${value}us`);
/** Mostly the first, so that most runs are of machines that expectations speak of. */
const mostly = (usual: string, other: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const cost = fc.oneof(us(0, 1), ns(0, 3_000), mostly("1us", ns(0, 300_000)));

const params = fc.record({
  mode: fc.constantFrom("one-shot", "one-shot", "periodic"),
  timers: fc.integer({ min: 1, max: 60 }).map(String),
  delta: fc.oneof(us(200, 1_000, 4_000, 10_000), ns(1_000, 12_000_000)),
  guest: fc.constantFrom("spins", "spins", "halts"),
  cpus: fc.constantFrom("2", "4", "5"),
  nohzFull: fc.constantFrom("none", "1", "1-3", "0,2", "0-3", "2-4"),
  vcpuCpu: fc.constantFrom("0", "1", "1", "1", "2", "4"),
  hog: fc.constantFrom("on", "on", "on", "off"),
  tick: fc.oneof(us(1_000, 4_000), ns(500_000, 10_000_000)),
  residual: fc.oneof(us(1_000, 4_000, 20_000, 100_000), ns(1_000_000, 100_000_000)),
  exitCost: cost,
  entryCost: cost,
  ipiCost: cost,
  exitJitter: mostly("0", ns(0, 30_000)),
  moveEvery: mostly("0", ns(1_000, 50_000_000)),
  steal: mostly("0", ns(1_000, 5_000_000)),
  stealEvery: ns(100_000, 20_000_000),
  unplugAt: mostly("0", ns(1, 100_000_000)),
  inhibitAt: mostly("0", ns(1, 100_000_000)),
  hostKhz: mostly(
    "2.5GHz",
    fc.integer({ min: 100_000, max: 10_000_000 }).map((khz) => `${khz}kHz`),
  ),
});

it("whatever the parameters, nothing that is expected fails, and what cannot be run is refused in one line", () => {
  checkAnyParams(pinnedTimer, {
    params,
    kernels: fc.constantFrom(...KERNELS),
    mayRefuse: ["nohzFull", "vcpuCpu", "moveEvery", "unplugAt"],
    seeds: "any",
  });
});
