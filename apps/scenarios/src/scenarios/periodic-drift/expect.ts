import { getTimeScale, pvScale } from "@chronovisor/clocksource";
import { all, atMost, between, equals, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { conservation } from "../conservation.js";
import { hvServesPeriodicTimers, preemptionTimerStepNs } from "../preemption-timer.js";
import { effectivePeriod } from "../timer-period.js";
import { type StatedFigures, statedFigures } from "./figures.js";
import type { PeriodicDriftParams } from "./params.js";

type Run = JudgedRun<PeriodicDriftParams>;

const NS_PER_S = 1_000_000_000n;
const PS_PER_S = 1_000_000_000_000n;
const US_IN_PS = 1_000_000n;
const PS_PER_NS = 1_000n;
/** What the multiplier of a steered TSC may be off from the rate asked for: its rounding, and one unit of dither. */
const STEERING_PPB = 1_000n;

const independent = ({ axes }: Run): boolean => axes.periodicAdvance === "independent";
const resynchronised = ({ axes }: Run): boolean =>
  axes.periodicAdvance === "resync" || axes.periodicAdvance === "resync-clamped";
const hvServesPeriodic = ({ params, axes }: Run): boolean => hvServesPeriodicTimers(params, axes);
const slow = ({ params }: Run): boolean => params.monoRatePpm < 0n;
/** The deadline is compared in host cycles, which needs a guest TSC that is the host's. */
const unscaled = ({ params }: Run): boolean => params.guestKhz === params.hostKhz;
const free = ({ params }: Run): boolean =>
  params.exitCost === 0n && params.entryCost === 0n && params.wakeCost === 0n;
/** CLOCK_MONOTONIC's rate is the parameter's to the last digit, and no tick of the host comes in between. */
const exactClock = ({ params }: Run): boolean => params.clock === "exact";
const noAdvance = ({ params }: Run): boolean => params.timerAdvance === "off";

/** True time between two ticks of a timer locked to CLOCK_MONOTONIC, and of one locked to the TSC, shorter first. */
function periodsNs(p: PeriodicDriftParams): readonly [shorter: bigint, longer: bigint] {
  const period = effectivePeriod(p.period);
  const mono = (period * NS_PER_S) / (NS_PER_S + p.monoRatePpm);
  const tsc = (period * p.hostKhz * 1000n) / p.hostHz;
  return mono < tsc ? [mono, tsc] : [tsc, mono];
}

/** The guest is done with a tick, and waits for the next, before a step of the preemption timer could expire it. */
const keepsUp = ({ params }: Run): boolean =>
  params.handler + preemptionTimerStepNs(params) < periodsNs(params)[0];

/** No expiry is processed a period late; what becomes of one that is, is the story of long-stop. */
const neverLate = ({ params, axes }: Run): boolean => {
  const [shorter, longer] = periodsNs(params);
  const costs = 4n * (params.exitCost + params.entryCost) + params.wakeCost;
  return axes.periodicAdvance === "resync-clamped" || costs + longer < 2n * shorter;
};

/** Guest cycles KVM takes one period for. */
function periodCycles(p: PeriodicDriftParams): bigint {
  const { shift, mul } = getTimeScale(p.guestKhz * 1000n, NS_PER_S);
  return pvScale(effectivePeriod(p.period), mul, shift);
}

/** Distance of the two deadlines after `n` independent advances, in ps: CLOCK_MONOTONIC's instant less the TSC's. */
function lagAfter(p: PeriodicDriftParams, n: bigint): bigint {
  const rate = NS_PER_S + p.monoRatePpm;
  const targetTsc = (n * effectivePeriod(p.period) * p.hostHz + rate - 1n) / rate;
  return ((targetTsc - n * periodCycles(p)) * PS_PER_S) / p.hostHz;
}

/** |rate error| · P in ps: what one resynchronisation leaves, over a period that the expiry may come a step early for. */
function onePeriodPs(p: PeriodicDriftParams): bigint {
  const rate = NS_PER_S + p.monoRatePpm;
  const steering = p.clock === "exact" ? 0n : STEERING_PPB;
  const error = (p.monoRatePpm < 0n ? -p.monoRatePpm : p.monoRatePpm) + steering;
  // The converted period can be a cycle short, and the calibrated frequency off the real one.
  const khzError = (p.hostHz > p.hostKhz * 1000n ? 1n : -1n) * (p.hostHz - p.hostKhz * 1000n);
  const farthestPs = (effectivePeriod(p.period) + preemptionTimerStepNs(p)) * 1000n;
  return (farthestPs * error) / rate + (farthestPs * khzError) / p.hostHz + 1n;
}

/** One TSC cycle in ps, rounded up. */
const cyclePs = (p: PeriodicDriftParams): bigint => PS_PER_S / p.hostHz + 1n;

/** Periods of n2c(P) cycles that fit the run. */
const tscTicks = (p: PeriodicDriftParams): bigint =>
  (p.duration * p.hostHz) / NS_PER_S / periodCycles({ ...p, guestKhz: p.hostKhz });

const trueNsDue = ({ params }: Run): bigint => params.duration / effectivePeriod(params.period);

/** The stated row for each line of the run's table that has one. */
function statedRows(run: Run): ReadonlyArray<{ stated: StatedFigures; got: Record<string, bigint> }> {
  const table = run.measured.tables.delivered;
  if (table === undefined) return [];
  return statedFigures(run.params).flatMap((stated) => {
    const line = table.rows.find(([t]) => t === stated.tS * NS_PER_S);
    if (line === undefined) return [];
    const got = Object.fromEntries(table.columns.map(({ name }, i) => [name, line[i] as bigint]));
    return [{ stated, got }];
  });
}

function judgeSeen(run: Run): Judgement {
  return all(
    statedRows(run).map(({ stated, got }) => {
      const loose = run.params.load === "idle" || slow(run);
      const tolerance = loose ? stated.seen / 200n : 3n;
      return within(got.seen ?? 0n, stated.seen, tolerance, "count");
    }),
  );
}

function judgeExpirations(run: Run): Judgement {
  return all(
    statedRows(run).flatMap(({ stated, got }) => {
      const lagPeriods = magnitude(got.lag ?? 0n) / 1000n / effectivePeriod(run.params.period) + 3n;
      const tolerance = (figure: bigint): bigint => max(figure / 100n, lagPeriods);
      // Without the synchronous expiry a past target is a callback of the hrtimer armed for it.
      const pastAreCallbacks = run.axes.switchToSw === "arm-past";
      const cb = stated.cb + (pastAreCallbacks ? stated.swStart : 0n);
      return [
        within(got.cb ?? 0n, cb, tolerance(cb), "count"),
        within(got.hvExp ?? 0n, stated.hvExp, tolerance(stated.hvExp), "count"),
      ];
    }),
  );
}

const max = (x: bigint, y: bigint): bigint => (x > y ? x : y);

export const periodicDriftExpectations: ReadonlyArray<ExpectationSpec<PeriodicDriftParams>> = [
  conservation,
  {
    text: "no expiry injects more than once",
    reason: "an expiry is pending once, or injected at once",
    judge: ({ measured }) => atMost(number(measured, "inj"), number(measured, "expirations"), "count"),
  },
  {
    text: "the two deadlines part by the same amount on every tick",
    reason:
      "the target moves by P on CLOCK_MONOTONIC, the deadline by n2c(P) cycles: lag = n · (P/r − n2c(P)/f), n counting the arming too",
    // A run that ends before the first tick has moved no deadline yet.
    applies: (run) =>
      independent(run) &&
      hvServesPeriodic(run) &&
      unscaled(run) &&
      exactClock(run) &&
      number(run.measured, "expirations") > 0n,
    judge: ({ params, measured }) =>
      within(number(measured, "lag"), lagAfter(params, number(measured, "expirations") + 1n), US_IN_PS, "ps"),
  },
  {
    text: "the host loses no tick: expirations = t / P, less the halt in progress",
    reason: "nothing expires during a halt of up to the lag, and the burst after it catches up",
    applies: (run) => independent(run) && hvServesPeriodic(run) && free(run) && noAdvance(run),
    judge: (run) => {
      const { measured, params } = run;
      const ticks = trueNsDue(run);
      const periods = magnitude(number(measured, "lag")) / 1000n / effectivePeriod(params.period);
      const early = preemptionTimerStepNs(params) / effectivePeriod(params.period);
      const fastest = max(max(ticks, number(measured, "due")), tscTicks(params));
      return between(number(measured, "expirations"), ticks - periods - 2n, fastest + early + 1n, "count");
    },
  },
  {
    text: "interrupts seen by the guest follow the stated table",
    reason: "docs/model/scenarios-lapic §S000: within 0.5 %, or 3 where the clock runs fast",
    applies: (run) =>
      independent(run) && hvServesPeriodic(run) && exactClock(run) && statedRows(run).length > 0,
    judge: judgeSeen,
  },
  {
    text: "callbacks and preemption timer exits follow the stated table",
    reason: "docs/model/scenarios-lapic §S000: within 1 %, or the periods of one burst and 3",
    applies: (run) =>
      independent(run) && hvServesPeriodic(run) && exactClock(run) && statedRows(run).length > 0,
    judge: judgeExpirations,
  },
  {
    text: "no tick is lost before the lag passes two periods",
    reason: "one interrupt in service and one latched behind it absorb a burst of two",
    applies: (run) =>
      independent(run) &&
      run.params.load === "idle" &&
      free(run) &&
      keepsUp(run) &&
      magnitude(number(run.measured, "lag")) / 1000n <
        2n * effectivePeriod(run.params.period) - run.params.handler,
    judge: ({ measured }) => within(number(measured, "seen"), number(measured, "expirations"), 1n, "count"),
  },
  {
    text: "the deadlines never part by more than one period's rate error and the rounding of one reading",
    reason: "each advance computes the deadline from what CLOCK_MONOTONIC has left: nothing accumulates",
    applies: (run) => resynchronised(run) && hvServesPeriodic(run) && unscaled(run) && neverLate(run),
    // One cycle from the truncated conversion, one from the first cycle that reads a nanosecond, and the nanosecond.
    judge: ({ params, measured }) =>
      atMost(number(measured, "largestLag"), onePeriodPs(params) + 2n * cyclePs(params) + PS_PER_NS, "ps"),
  },
  {
    text: "the guest sees every tick CLOCK_MONOTONIC has due",
    reason: "both backends are locked to it, so ticks = ⌊mono(t) / P⌋ whichever serves",
    applies: (run) => resynchronised(run) && free(run) && keepsUp(run) && neverLate(run),
    judge: ({ measured }) => within(number(measured, "seen"), number(measured, "due"), 1n, "count"),
  },
  {
    text: "a halted guest is served by the hrtimer alone",
    reason: "it halts again before the deadline, and the lag is too small for the two to part",
    applies: (run) =>
      resynchronised(run) && run.params.load === "idle" && free(run) && noAdvance(run) && keepsUp(run),
    judge: ({ measured }) => equals(number(measured, "hvExp"), 0n, "count"),
  },
  {
    text: "a guest that never halts is served by the preemption timer alone, at the TSC's rate",
    reason: "the deadline moves by n2c(P) cycles: CLOCK_MONOTONIC has no say in it",
    applies: (run) =>
      independent(run) &&
      hvServesPeriodic(run) &&
      run.params.load === "running" &&
      unscaled(run) &&
      free(run) &&
      noAdvance(run) &&
      keepsUp(run),
    judge: ({ params, measured }) => {
      return all([
        equals(number(measured, "cb"), 0n, "count"),
        within(number(measured, "seen"), tscTicks(params), 1n, "count"),
      ]);
    },
  },
];
