import { all, equals, is, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { appliesTo, free } from "./applies.js";
import { ClockArithmetic } from "./clock-arithmetic.js";
import { WRAPPING_CYCLES } from "./far-deadline.js";
import type { NtpSlewParams } from "./params.js";
import { type PredictedAdvance, predictAdvance } from "./predict-advance.js";

type Run = JudgedRun<NtpSlewParams>;

const PS_PER_NS = 1_000n;

/** Those whose short deadlines, halting, run on the bent clock as it is. */
const bent = (run: Run): boolean => appliesTo(run, ["monotonic", "recheck-on-wake", "hardware-multiplexed"]);
const tunes = (run: Run): boolean =>
  free(run) && run.axes.advance === "auto-vcpu-band" && !appliesTo(run, ["recheck-without-restart"]);
const predicted = (run: Run): PredictedAdvance | undefined =>
  predictAdvance(run.params, bent(run) ? "bent" : "straight");

export const tuningExpectations: ReadonlyArray<ExpectationSpec<NtpSlewParams>> = [
  {
    text: "the timer advance takes the slew for overhead, and is early by it when the slew ends",
    reason:
      "an eighth of the error each time, within 100 to 10 000 cycles of it; the wait repays what is left of the advance after that, so the guest sees the eighth",
    applies: (run) => tunes(run) && predicted(run) !== undefined,
    judge: (run) => {
      const { measured } = run;
      const expected = predicted(run);
      if (expected === undefined) return all([]);
      const { settledNs, afterNs, worstAfterPs, toleranceNs } = expected;
      return all([
        within(number(measured, "advanceSettled"), settledNs, toleranceNs, "ns"),
        within(number(measured, "advanceAfter"), afterNs, toleranceNs, "ns"),
        within(number(measured, "advanceWorst"), worstAfterPs, toleranceNs * PS_PER_NS, "ps"),
      ]);
    },
  },
  {
    text: "a deadline 2^64 / 10^6 cycles away expires at once",
    reason: "cycles · 10^6 wraps at 64 bits before it is divided by the frequency",
    applies: (run) => free(run) && !appliesTo(run, ["compensated-rechecked"]),
    judge: ({ params, measured }) => {
      const clock = new ClockArithmetic(params.hostKhz, params.hz);
      return equals(number(measured, "far"), -clock.ps(WRAPPING_CYCLES), "ps");
    },
  },
  {
    text: "by host cycles it does not",
    reason: "the product is as wide as it needs to be",
    applies: (run) => appliesTo(run, ["compensated-rechecked"]),
    judge: ({ measured }) => is(measured.observations.far === undefined ? "none" : "an expiry", "none"),
  },
];
