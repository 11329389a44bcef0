import fc from "fast-check";
import { it } from "vitest";
import { checkAnyParams } from "../fixtures/check-any-params.js";
import { ntpSlew } from "./index.js";

const RELEASES = ["v4.5", "v4.9", "v4.20", "v5.1", "v5.3", "v7.0", "v7.1"];
const MITIGATIONS = [
  "monotonic",
  "raw",
  "rate-compensated",
  "restart-on-update",
  "recheck-on-wake",
  "mapped-each-tick",
  "hardware-multiplexed",
  "compensated-rechecked",
  "recheck-without-restart",
];

const ns = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((value) => `${value}ns`);
const ppb = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((value) => `${value}ppb`);
/** Mostly the first, so that most runs are of machines that expectations speak of. */
const mostly = (usual: string, other: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

/** Short waits and short slews, for speed; up to all the slew that adjtimex allows. */
const params = fc.record({
  slew: fc.oneof(fc.constant("500ppm"), ppb(1_000, 20_000), ppb(1_000, 100_000_000)),
  wait: fc.oneof(ns(100_000, 1_000_000), ns(100_000, 60_000_000)),
  longWait: ns(10_000_000, 60_000_000),
  changeAt: ns(1_000_000, 40_000_000),
  hz: fc.oneof(fc.constantFrom("100", "250", "300", "1000"), fc.integer({ min: 100, max: 1000 }).map(String)),
  armAfter: ns(0, 40_000_000),
  advance: mostly("off", fc.constant("on")),
  blockedWait: ns(1_000_000, 60_000_000),
  advanceWait: fc.oneof(ns(100_000, 4_000_000), ns(100_000, 20_000_000)),
  offset: fc.oneof(fc.constant("50ms"), ns(0, 60_000_000)),
  servo: mostly("chrony", fc.constant("ntpd")),
  maxSlew: fc.oneof(fc.constant("83333ppm"), ppb(20_000_000, 100_000_000)),
  jitter: fc.oneof(fc.constant("0"), ns(0, 50_000)),
  nestedTicks: fc.integer({ min: 1_000_000, max: 30_000_000 }).map(String),
  tolerance: fc.oneof(fc.constant("2us"), ns(0, 1_000_000)),
  hostKhz: mostly(
    "2.5GHz",
    fc.integer({ min: 1_000_000, max: 10_000_000 }).map((khz) => `${khz}kHz`),
  ),
  exitCost: mostly("0", ns(0, 20_000)),
  entryCost: mostly("0", ns(0, 20_000)),
});

const kernels = fc
  .tuple(fc.constantFrom(...RELEASES), fc.constantFrom(...MITIGATIONS))
  .map(([release, mitigation]) => `${release} + deadlineClock=${mitigation}`);

const TITLE =
  "whatever the parameters and the mitigation, nothing that is expected fails, and what cannot be run is refused in one line";

it(TITLE, { timeout: 900_000 }, () => {
  checkAnyParams(ntpSlew, { params, kernels, mayRefuse: ["changeAt", "wait", "longWait"], seeds: "any" });
});
