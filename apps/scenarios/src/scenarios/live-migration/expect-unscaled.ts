import { all, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { cyclesIn, type LiveMigrationParams, nsIn } from "./params.js";
import { clockGainNs, runsUnscaled, tscGain } from "./predict-unscaled.js";
import { cell } from "./table-cells.js";
import { STAIRS, type UnscaledCase, unscaledCases } from "./unscaled.js";

type Run = JudgedRun<LiveMigrationParams>;

const EOPNOTSUPP = 95n;
/** A ns of the host's clock is some cycles of the guest's: at either end of what is measured. */
const FLOOR_NS = 2n;
/** How far the clock behind kvmclock can be off the TSC, and the one old kernels steer. */
const RATE_PPB = 500n;
const PPB = 1_000_000_000n;

/** A cycle's difference between offsets is what takes the master clock away. */
const differsByOffset = ({ axes }: Run): boolean => axes.masterClockTsc === "equal-offset";
const runs = (hostKhz: bigint, { params }: Run): string => runsUnscaled(hostKhz, params.guestKhz);
const slowIsCaughtUp = (run: Run): boolean => runs(run.params.slowKhz, run) === "catch-up";

/** By which instant the kernel, or the proposal, computes where a TSC that is caught up should be. */
function caughtUpTo({ axes }: Run, { masterClock, catchup }: UnscaledCase): "now" | "reference" {
  const moves = masterClock === "off" || catchup === "now" || axes.catchup === "now";
  return moves ? "now" : "reference";
}

function rows(run: Run): ReadonlyArray<readonly [number, UnscaledCase]> {
  return unscaledCases(run.params).flatMap((unscaled, line) =>
    unscaled.masterClock === "off" && !differsByOffset(run) ? [] : [[line, unscaled] as const],
  );
}

/** What rates not known to the ns can add over the time watched; nothing where the clock is CLOCK_MONOTONIC_RAW's. */
function rateToleranceNs(run: Run, ns: bigint): bigint {
  return run.axes.base === "boot" ? (ns * RATE_PPB) / PPB : 0n;
}

/** What `exits` periods of a slow host's counting lack of the guest's, cycles. */
function lacks(exits: bigint, { params }: Run): bigint {
  const ns = params.exitEvery * exits;
  return cyclesIn(ns, params.guestKhz) - cyclesIn(ns, params.slowKhz);
}

/** A staircase is measured to the floors of the host's clock, whose rate moves its steps. */
function stairsTolerance({ params }: Run): bigint {
  const driftNs = (params.exitEvery * BigInt(STAIRS) * RATE_PPB) / PPB;
  return 3n + cyclesIn(FLOOR_NS + 1n + driftNs, params.guestKhz);
}

export const expectUnscaled: ReadonlyArray<ExpectationSpec<LiveMigrationParams>> = [
  {
    text: "hardware that does not scale refuses a slower guest, moves a faster one on, and takes a near one for equal",
    reason:
      "−EINVAL, catch-up by software, or nothing at all within 250 ppm; with catch-up, clock pairing ends",
    judge: (run) =>
      all([
        ...rows(run).flatMap(([line, { hostKhz }]): Judgement[] => {
          const expected = runs(hostKhz, run);
          const pairing = expected === "catch-up" ? -EOPNOTSUPP : 0n;
          return [
            is(cell(run.measured, "unscaled", line, "setTscKhz"), expected),
            equals(BigInt(cell(run.measured, "unscaled", line, "clockPairing")), pairing, "count"),
          ];
        }),
        equals(number(run.measured, "nearTscKhz"), run.params.guestKhz, "kHz"),
      ]),
  },
  {
    text: "a TSC that is not caught up to the present runs at the host's rate",
    reason: "under a master clock catch-up is computed for its reference, which stands still",
    judge: (run) =>
      all(
        rows(run).map(([line, unscaled]) => {
          const { watch, guestKhz } = run.params;
          const gain = tscGain(unscaled.hostKhz, watch, caughtUpTo(run, unscaled), run.params);
          const tolerance = FLOOR_NS + 1n + rateToleranceNs(run, watch);
          const measured = BigInt(cell(run.measured, "unscaled", line, "tscAhead"));
          return within(measured, nsIn(gain, guestKhz), tolerance, "ns");
        }),
      ),
  },
  {
    text: "the guest's clock stays right on each of them",
    reason: "its multiplier is for the rate at which the hardware counts",
    judge: (run) =>
      all(
        rows(run).map(([line, { hostKhz, masterClock }]) => {
          const { watch } = run.params;
          const gain = clockGainNs(hostKhz, watch, masterClock, run.params);
          // Nothing asks for an anchor but catch-up: without it, the guest goes on by its first one.
          const isLeftAlone = masterClock === "off" && runs(hostKhz, run) !== "catch-up";
          const rateNs = isLeftAlone ? (watch * RATE_PPB) / PPB : rateToleranceNs(run, watch);
          return within(
            BigInt(cell(run.measured, "unscaled", line, "clockAhead")),
            gain,
            FLOOR_NS + rateNs,
            "ns",
          );
        }),
      ),
  },
  {
    text: "without a master clock the TSC is a staircase: behind between exits, moved on at each",
    reason: "the hardware counts too slowly, and every exit asks for a clock update",
    applies: (run) => slowIsCaughtUp(run) && differsByOffset(run),
    judge: (run) =>
      all([
        within(number(run.measured, "lagOffCycles"), lacks(1n, run), stairsTolerance(run), "cycles"),
        within(number(run.measured, "stepOffCycles"), lacks(1n, run), stairsTolerance(run), "cycles"),
        within(number(run.measured, "behindAtEndOffCycles"), 0n, stairsTolerance(run), "cycles"),
      ]),
  },
  {
    text: "under a master clock it falls behind from exit to exit",
    reason: "the one adjustment was made for the reference, and nothing looks at the present",
    applies: (run) => slowIsCaughtUp(run) && run.axes.catchup === "reference",
    judge: (run) =>
      within(number(run.measured, "lagCycles"), lacks(BigInt(STAIRS), run), stairsTolerance(run), "cycles"),
  },
  {
    text: "computed for the present, it is moved on at each exit under a master clock too",
    reason: "the counter goes to where it should be now, and the reference's timestamp along with it",
    applies: (run) => slowIsCaughtUp(run) && run.axes.catchup === "now",
    judge: (run) => within(number(run.measured, "lagCycles"), lacks(1n, run), stairsTolerance(run), "cycles"),
  },
];
