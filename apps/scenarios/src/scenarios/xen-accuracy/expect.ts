import { all, atLeast, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { callTsc } from "./call-instant.js";
import type { XenAccuracyParams } from "./params.js";
import { ClockModel, type PredictedKernel } from "./predict.js";
import { TSDRIFT_HOURS } from "./tsdrift.js";

type Run = JudgedRun<XenAccuracyParams>;

/** Each clock's own floor at either end of a wait. */
const FLOORS_NS = 2n;

/** The floors, and a cycle of the slower counter at either end: a timer fires at a whole one. */
function toleranceNs({ hostKhz, guestKhz }: XenAccuracyParams): bigint {
  return FLOORS_NS + 2_000_000n / (hostKhz < guestKhz ? hostKhz : guestKhz);
}
/** The report's instant: 8.104 s after the reference, at 3.0 → 2.5 GHz on VMX. */
const REPORTED_TSC = 24_312_283_136n;
const CYCLES_PER_HOUR_AND_KHZ = 3_600_000n;

const model = ({ params, axes }: Run): ClockModel =>
  new ClockModel(params, axes as unknown as PredictedKernel);
const split = ({ axes }: Run): boolean => axes.xenStart === "split-samples";
const released = ({ axes }: Run): boolean => axes.guestKhz === "truncated-khz" && axes.getClock === "direct";

/** The report's case, to the cycle. */
function asReported(run: Run): boolean {
  const { hostKhz, guestKhz, fracBits, referenceTsc, request, gap, reset, fallback } = run.params;
  return (
    released(run) &&
    hostKhz === 3_000_000n &&
    guestKhz === 2_500_000n &&
    fracBits === "48" &&
    referenceTsc === 0n &&
    callTsc(run.params) === REPORTED_TSC &&
    request === 100_000n &&
    gap === 0n &&
    reset === 0n &&
    fallback === "none"
  );
}

function lateAsPredicted(run: Run): Judgement {
  const expected = model(run).latencyNs() - run.params.request;
  return within(number(run.measured, "late"), expected, toleranceNs(run.params), "ns");
}

export const xenAccuracyExpectations: ReadonlyArray<ExpectationSpec<XenAccuracyParams>> = [
  {
    text: "a timer of 100 µs takes 103243 ns, as reported",
    reason: "8.104 s after its reference the guest's clock is 3243 ns ahead of what KVM takes it for",
    applies: (run) => split(run) && asReported(run),
    judge: ({ measured }) => is(measured.observations.line, "103243/100000 (3.2430%)"),
  },
  {
    text: "a timer is late by what the guest's clock is ahead, and by what passes between the two reads",
    reason: "KVM subtracts its own reckoning of the guest's clock, and adds the rest to a clock read later",
    applies: split,
    judge: lateAsPredicted,
  },
  {
    text: "a timer is late by nothing, however old the reference",
    reason: "the guest's clock and the host's are read at one TSC; the wait itself is off by their rates",
    applies: (run) => !split(run) && run.params.fallback === "none",
    judge: lateAsPredicted,
  },
  {
    text: "where the clocks cannot be read together, what passes between the two reads remains",
    reason: "early if the host's clock is read first; late, and by the old reckoning, if KVM's is",
    applies: (run) => !split(run) && run.params.fallback !== "none",
    judge: lateAsPredicted,
  },
  {
    text: "KVM's reckoning and the guest's part by this much since the reference",
    reason: "KVM scales the host's TSC at once; the guest's goes through the ratio and a rate in whole kHz",
    judge: (run) => {
      const clocks = model(run);
      return within(
        number(run.measured, "ahead"),
        clocks.aheadNs(clocks.callCycles()),
        toleranceNs(run.params),
        "ns",
      );
    },
  },
  {
    text: "they part evenly over a day",
    reason: "two linear clocks: nothing but a new reference brings them together",
    judge: (run) => {
      const clocks = model(run);
      const points = run.measured.series.tsdrift?.points ?? [];
      return all([
        equals(BigInt(points.length), TSDRIFT_HOURS, "count"),
        ...points.map(([, aheadNs], i) => {
          const cycles = BigInt(i + 1) * run.params.hostKhz * CYCLES_PER_HOUR_AND_KHZ;
          return within(aheadNs, clocks.aheadNs(cycles), FLOORS_NS, "ns");
        }),
      ]);
    },
  },
  {
    text: "a timer that comes early costs the guest an interrupt for nothing",
    reason: "its clock has not reached the time it asked for, so it sets the timer again",
    applies: ({ measured, params }) => number(measured, "late") + params.handler < -toleranceNs(params),
    judge: ({ measured }) => atLeast(number(measured, "interrupts"), 2n, "count"),
  },
  {
    text: "one that does not, costs one",
    reason: "a Xen timer expires once",
    applies: ({ measured, params }) => number(measured, "late") + params.handler > toleranceNs(params),
    judge: ({ measured }) => equals(number(measured, "interrupts"), 1n, "count"),
  },
  {
    text: "a new reference restores the accuracy and makes the guest's clock jump",
    reason: "it takes the guest's clock from the host's again, from which it had drifted the other way",
    applies: ({ params }) => params.reset > 0n,
    judge: (run) => {
      const cycles = (run.params.reset * run.params.hostKhz) / 1_000_000n;
      return within(number(run.measured, "jump"), model(run).jumpNs(cycles), toleranceNs(run.params), "ns");
    },
  },
];
