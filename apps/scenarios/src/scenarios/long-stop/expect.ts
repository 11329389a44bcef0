import { all, atLeast, atMost, equals, is, type Judgement, number } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { conservation } from "../conservation.js";
import { hvServesPeriodicTimers, preemptionTimerStepNs } from "../preemption-timer.js";
import { effectivePeriod } from "../timer-period.js";
import type { LongStopParams } from "./params.js";
import { exitsToCatchUp, negativeRemainderWraps, perExitNs, type Storm, stormOf } from "./predict.js";
import { LONGEST_WATCHED_NS, PERIODS_AFTER } from "./watch.js";

type Run = JudgedRun<LongStopParams>;

const clean = ({ params }: Run): boolean => params.fault === "none";
/** The figures of §S004 are stated for clocks that agree: the calibrated frequency is the real one, and no slewing. */
const clocksAgree = ({ params }: Run): boolean =>
  params.hostHz === params.hostKhz * 1000n && params.monoRatePpm === 0n;
/** The stop found the preemption timer armed: a kernel that uses it for periodic timers, and only the vCPU stood still. */
const fromHv = (run: Run): boolean =>
  clean(run) &&
  clocksAgree(run) &&
  hvServesPeriodicTimers(run.params, run.axes) &&
  run.params.stopped === "vcpu" &&
  run.params.timerAdvance === "off";
/** The broken timer is left to its hrtimer. */
const zeroPeriod = ({ params, axes }: Run): boolean =>
  params.fault === "zero-period" &&
  params.stopped === "vcpu" &&
  !hvServesPeriodicTimers(params, axes) &&
  perExitNs(params) < effectivePeriod(params.period);
const generation = (run: Run, value: string): boolean => run.axes.periodicAdvance === value;
const periodOf = ({ params }: Run): bigint => effectivePeriod(params.period);
/** Leaving and entering the guest take no time, as §S004 places the costs. */
const free = ({ params }: Run): boolean => params.exitCost === 0n && params.entryCost === 0n;
/** An exit and the entry after it take less than a period: otherwise the next tick is late too, for ever. */
const exitsKeepUp = (run: Run): boolean => perExitNs(run.params) < periodOf(run);
/** What a stop leaves of the period is a cycle of the guest at least, and more than the way back into it takes. */
const leavesTime = (run: Run): boolean => {
  const { stop, exitCost, entryCost, guestKhz } = run.params;
  const left = periodOf(run) - stop;
  return left > exitCost + entryCost && left * guestKhz > 2_000_000n;
};
/** A callback takes less than a period: otherwise an interrupt never gets to its end. */
const callbacksKeepUp = (run: Run): boolean => run.params.callbackCost < periodOf(run);
/** One exit per missed period, and all of them within the second that a run follows them for. */
const exitsAreFollowed = (run: Run): boolean =>
  run.params.load !== "alternating" &&
  exitsKeepUp(run) &&
  exitsToCatchUp(run.params) * perExitNs(run.params) < LONGEST_WATCHED_NS;
const late = (run: Run): boolean => run.params.stop > periodOf(run);
/** The remainder below zero became a deadline beyond the preemption timer's reach. */
const fallsBack = (run: Run): boolean =>
  fromHv(run) &&
  generation(run, "resync") &&
  run.axes.switchToSw === "expire-and-advance" &&
  late(run) &&
  !negativeRemainderWraps(run.params);

/** Nothing brings the preemption timer back: before v5.17 any halt that ends tries it again. */
const staysOnHrtimer = ({ params, axes }: Run): boolean =>
  params.load === "running" ||
  (axes.unblockToHv === "if-was-hv" && !(params.load === "alternating" && params.idleModel === "software"));

/**
 * The storm of a fallback: the exit and the software start each advanced by a period, and the interrupt comes the
 * device's minimum later. Undefined where nothing is due by then, or where the kernel hangs.
 */
function stormAfterFallback(run: Run): Storm | undefined {
  const period = periodOf(run);
  const lateNs = run.params.stop + run.params.minDelta - 2n * period;
  return run.params.stop < 2n * period ? undefined : stormOf(lateNs, period, run.params.callbackCost);
}

/**
 * A tick is taken up to an interrupt's work, and two steps of the preemption timer, off the grid; n2c() drops less
 * than a cycle of the guest per period.
 */
const gridTolerance = ({ params }: Run): bigint =>
  ((params.stop / effectivePeriod(params.period) + PERIODS_AFTER + 1n) * 1_000_000n) / params.guestKhz +
  params.handler +
  params.callbackCost +
  params.minDelta +
  params.exitCost +
  params.entryCost +
  2n * preemptionTimerStepNs(params) +
  1_000n;

const sameGrid = (run: Run): Judgement => {
  const period = periodOf(run);
  const phase = number(run.measured, "phase");
  const off = phase > period / 2n ? period - phase : phase;
  return atMost(off, gridTolerance(run), "ns");
};

const rebased = (run: Run): Judgement => {
  const period = periodOf(run);
  const shift = (number(run.measured, "phase") - (run.params.stop % period) + 2n * period) % period;
  const off = shift > period / 2n ? period - shift : shift;
  return atMost(off, gridTolerance(run), "ns");
};

export const longStopExpectations: ReadonlyArray<ExpectationSpec<LongStopParams>> = [
  conservation,
  {
    text: "the host is never stuck with interrupts off",
    reason: "longer than the watchdog allows is what the hard lockup detector reports",
    // Without the clamp the storm is what this kernel does; the next expectation says how long.
    applies: (run) => clean(run) && callbacksKeepUp(run) && (generation(run, "resync-clamped") || !late(run)),
    judge: ({ measured }) =>
      all([is(measured.observations.lockup, false), is(measured.observations.livelock, false)]),
  },
  {
    text: "a late first look costs one exit, one synchronous start, and the hrtimer for good",
    reason:
      "T − now below zero becomes a deadline some 2^63 cycles away; out of reach, so the hrtimer takes over",
    applies: (run) => fallsBack(run) && staysOnHrtimer(run),
    judge: ({ measured }) =>
      all([
        equals(number(measured, "hvExp"), 1n, "count"),
        equals(number(measured, "swStart"), 1n, "count"),
        is(measured.observations.backend, "sw"),
      ]),
  },
  {
    text: "every missed period is a callback of one interrupt, and the passes after it absorb the time it took",
    reason: "the first pass runs ⌊L/P⌋ − 1 with time standing still; busy ≈ that · c / (1 − c/P)",
    applies: (run) => fallsBack(run) && free(run) && stormAfterFallback(run) !== undefined,
    judge: (run) => {
      const storm = stormAfterFallback(run);
      if (storm === undefined) return is("", "a storm");
      const { measured } = run;
      return all([
        equals(number(measured, "cbPass1"), storm.firstPass, "count"),
        equals(number(measured, "cb"), storm.callbacks, "count"),
        equals(number(measured, "passes"), BigInt(storm.passes), "count"),
        is(measured.observations.lockup, storm.busyNs >= run.params.watchdog),
      ]);
    },
  },
  {
    text: "the ticks go on where the old grid has them",
    reason: "the target only ever moved by whole periods",
    applies: (run) =>
      fromHv(run) &&
      run.params.load === "running" &&
      (generation(run, "resync") || generation(run, "independent")) &&
      exitsKeepUp(run),
    judge: sameGrid,
  },
  {
    text: "a guest TSC high enough makes the sum wrap into the past: one exit per missed period instead",
    reason: "smallest n with n·P > L + (n − 1) · re-exit; interrupts are on between exits",
    applies: (run) =>
      fromHv(run) &&
      generation(run, "resync") &&
      late(run) &&
      negativeRemainderWraps(run.params) &&
      exitsAreFollowed(run),
    judge: (run) =>
      all([
        equals(number(run.measured, "hvExp"), exitsToCatchUp(run.params), "count"),
        equals(number(run.measured, "cb"), 0n, "count"),
        is(run.measured.observations.backend, "hv"),
      ]),
  },
  {
    text: "two deadlines that move on their own catch up one exit per missed period",
    reason: "smallest n with n·P > L + (n − 1) · re-exit",
    applies: (run) => fromHv(run) && generation(run, "independent") && late(run) && exitsAreFollowed(run),
    judge: (run) => equals(number(run.measured, "hvExp"), exitsToCatchUp(run.params), "count"),
  },
  {
    text: "a stop of a period or more costs exactly two expirations, both by the preemption timer",
    reason: "the first moves the target to now, so the second is due at once; missed periods are dropped",
    applies: (run) =>
      fromHv(run) &&
      generation(run, "resync-clamped") &&
      run.params.stop >= periodOf(run) &&
      exitsKeepUp(run),
    judge: ({ measured }) =>
      all([
        equals(number(measured, "hvExp"), 2n, "count"),
        equals(number(measured, "cb"), 0n, "count"),
        equals(number(measured, "swStart"), 0n, "count"),
      ]),
  },
  {
    text: "the preemption timer stays in use",
    reason: "the clamped remainder is never below zero, so the deadline is never out of reach",
    applies: (run) => fromHv(run) && generation(run, "resync-clamped") && run.params.load === "running",
    judge: ({ measured }) => is(measured.observations.backend, "hv"),
  },
  {
    text: "the ticks go on from the resume: the phase moves by the stop modulo the period",
    reason: "the target was set to the moment of the first look",
    applies: (run) =>
      fromHv(run) &&
      generation(run, "resync-clamped") &&
      late(run) &&
      run.params.load === "running" &&
      exitsKeepUp(run),
    judge: rebased,
  },
  {
    text: "a stop shorter than a period costs one expiration and leaves the grid alone",
    reason: "the next target still lies ahead",
    applies: (run) => fromHv(run) && exitsKeepUp(run) && leavesTime(run),
    judge: ({ measured }) => equals(number(measured, "expirations"), 1n, "count"),
  },
  {
    text: "a host CPU that takes no interrupts for the stop runs at most two callbacks after it",
    reason: "the clamp moves the target, and the hrtimer is set to the target",
    applies: (run) =>
      clean(run) &&
      generation(run, "resync-clamped") &&
      callbacksKeepUp(run) &&
      run.params.stopped === "cpu" &&
      !hvServesPeriodicTimers(run.params, run.axes),
    judge: ({ measured }) => atMost(number(measured, "cb"), 2n, "count"),
  },
  {
    text: "a period of 0 stops the timer after one callback, with a warning",
    reason: "re-queued unchanged it would be due again at once, for ever",
    applies: (run) => zeroPeriod(run) && run.axes.period0 === "stop-and-warn",
    judge: ({ measured }) =>
      all([
        is(measured.observations.livelock, false),
        equals(number(measured, "cb"), 1n, "count"),
        equals(number(measured, "warnings"), 1n, "count"),
      ]),
  },
  {
    text: "a period of 0 expires again and again, without end",
    reason: "the callback re-queues itself for a time that is due already",
    applies: (run) => zeroPeriod(run) && run.axes.period0 === "restart",
    judge: ({ measured }) => atLeast(number(measured, "cb"), 1_000n, "count"),
  },
];
