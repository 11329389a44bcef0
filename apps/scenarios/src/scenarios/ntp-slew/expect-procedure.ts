import { all, atMost, between, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { appliesTo, free } from "./applies.js";
import { ClockArithmetic } from "./clock-arithmetic.js";
import type { NtpSlewParams } from "./params.js";
import { predictRuns, predictUnslewedRun, slewsAtLimit } from "./predict-procedure.js";
import { LONGEST_SLEW_NS, SET_AT_NS } from "./procedure.js";

type Run = JudgedRun<NtpSlewParams>;

const NS_PER_S = 1_000_000_000n;
const PS_PER_NS = 1_000n;
/** An offset so many times the network's jitter leaves no doubt about its sign. */
const CLEAR = 100n;

const DIRECTIONS = [
  { direction: "behind", series: "procedure", slewTime: "slewTime" },
  { direction: "ahead", series: "procedureAhead", slewTime: "slewTimeAhead" },
] as const;

const errorsIn = ({ measured }: Run, series: string): readonly bigint[] =>
  measured.series[series]?.points.map(([, error]) => error) ?? [];

/** Runs of one direction in the interval that the arithmetic gives each; those that are not are quoted. */
function judgeRuns(run: Run): Judgement {
  return all(
    DIRECTIONS.flatMap(({ direction, series, slewTime }) => {
      const slewNs = run.measured.observations[slewTime];
      const points = run.measured.series[series]?.points ?? [];
      const ended = typeof slewNs === "bigint" ? slewNs : undefined;
      const runs = predictRuns(run.params, run.axes, direction, ended, points);
      const judged = runs.map(({ errorPs, expected: { lo, hi } }) => between(errorPs, lo, hi, "ps"));
      const broken = judged.filter(({ held }) => !held);
      return broken.length > 0 ? broken.slice(0, 1) : judged.slice(0, 1);
    }),
  );
}

/** Whether a run that meets no slew passes: its rounding, a unit of dither and the device's 1 µs are tolerated. */
const passesUnslewed = ({ params, axes }: Run): boolean => {
  const bounds = predictUnslewedRun(params, axes);
  const limit = params.tolerance * PS_PER_NS;
  return bounds !== undefined && bounds.lo >= -limit && bounds.hi <= limit;
};

export const procedureExpectations: ReadonlyArray<ExpectationSpec<NtpSlewParams>> = [
  {
    text: "setting the date does not touch CLOCK_MONOTONIC, and marks the clock as not synchronised",
    reason: "wall_to_monotonic takes the step; NTP's state is cleared",
    judge: ({ measured }) =>
      all([equals(number(measured, "monotonicStep"), 0n, "ns"), is(measured.observations.unsync, true)]),
  },
  {
    text: "the slew that removes the offset takes offset / limit",
    reason: "to the jitter of the one measurement it is taken from",
    applies: (run) =>
      free(run) &&
      slewsAtLimit(run.params) &&
      (run.params.offset * NS_PER_S) / run.params.maxSlew < LONGEST_SLEW_NS,
    judge: ({ params, measured }) => {
      const { offset, maxSlew, jitter, hz } = params;
      const expected = (offset * NS_PER_S) / maxSlew;
      const clock = new ClockArithmetic(params.hostKhz, hz);
      // A clock drifts by what its multiplier rounds, and a tick of 10^9/HZ ns, cut to whole ones, by up to a ns each.
      const driftNs = (ns: bigint): bigint => clock.unitOf(ns) + (ns * hz) / NS_PER_S;
      const unsure = jitter + driftNs(SET_AT_NS);
      // The daemon counts RAW, which rounds alike; it sets a rate in 2^-16 ppm, and acts on whole ns.
      const rounding = driftNs(expected) + expected / maxSlew + 3n;
      const tolerance = (unsure * NS_PER_S) / maxSlew + rounding;
      return all(
        DIRECTIONS.map(({ slewTime }) => within(number(measured, slewTime), expected, tolerance, "ns")),
      );
    },
  },
  {
    text: "each run of L2 ends where its mitigation leaves it under the slew it began and ended in",
    reason: "a wait like those above; only the run during which the slew ends sees a change",
    applies: (run) => free(run) && slewsAtLimit(run.params),
    judge: judgeRuns,
  },
  {
    text: "unmended, runs that fail are early while the clock speeds up, and late while it slows down",
    reason: "L1 finds its TSC short of the deadline; L2 reads one past it",
    applies: (run) =>
      free(run) &&
      appliesTo(run, ["monotonic"]) &&
      run.params.offset >= CLEAR * run.params.jitter &&
      passesUnslewed(run),
    judge: (run) => {
      const limit = run.params.tolerance * PS_PER_NS;
      const most = errorsIn(run, "procedure").reduce((a, b) => (b > a ? b : a), 0n);
      const least = errorsIn(run, "procedureAhead").reduce((a, b) => (b < a ? b : a), 0n);
      return all([atMost(most, limit, "ps"), atMost(-least, limit, "ps")]);
    },
  },
  {
    text: "no run that begins once the slew has ended fails",
    reason: "the rate is the counter's again",
    applies: (run) => free(run) && passesUnslewed(run),
    judge: ({ measured }) => equals(number(measured, "failedAfterSlew"), 0n, "count"),
  },
];
