import { all, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { cellParams, PAUSES_NS, WAYS } from "./matrix.js";
import type { SetClockPauseParams } from "./params.js";
import { predictLost, predictOutcomes, predictTscCycles } from "./predict.js";

type Run = JudgedRun<SetClockPauseParams>;

const NS_PER_MS = 1_000_000n;

/** The floor of the scaled counter, and whole cycles of the host's at either end. */
function toleranceCycles({ hostKhz, guestKhz }: SetClockPauseParams): bigint {
  return 2n + (2n * guestKhz) / hostKhz;
}

/** A pause is of whole cycles of the host's TSC. */
function cycleNs({ hostKhz }: SetClockPauseParams): bigint {
  return NS_PER_MS / hostKhz + 1n;
}

function lostAsPredicted({ params, axes, measured }: Run): Judgement {
  const { ns, toleranceNs } = predictLost(params, axes);
  return within(number(measured, "lost"), ns, toleranceNs, "ns");
}

/** One of the outcomes that rounding leaves open: mostly one. */
function oneOf(got: unknown, outcomes: ReadonlySet<string>): Judgement {
  const text = String(got);
  return { held: outcomes.has(text), expected: [...outcomes].join(" or "), got: text };
}

export const setClockPauseExpectations: ReadonlyArray<ExpectationSpec<SetClockPauseParams>> = [
  {
    text: "a clock set to what it was loses the pause, and what KVM had reckoned wrong",
    reason: "KVM_GET_CLOCK reckons by the host's TSC and scale, the guest by its own",
    applies: ({ params }) => params.set === "clock" && params.kvmclock === "new",
    judge: lostAsPredicted,
  },
  {
    text: "moved on by CLOCK_REALTIME it loses only what KVM had reckoned wrong, and gains the gap",
    reason: "CLOCK_REALTIME advanced by the pause, and is read after the reference it is added to",
    applies: ({ params }) => params.set === "realtime",
    judge: lostAsPredicted,
  },
  {
    text: "set by the guest's TSC it loses nothing",
    reason: "the TSC counted on: the clock stays the function of it that it was, to about a ns",
    applies: ({ params }) => params.set === "guest",
    judge: lostAsPredicted,
  },
  {
    text: "without a master clock it loses the pause, less or more by what NTP's clock and its own part",
    reason: "KVM_GET_CLOCK gives the host's clock; each update put the guest's on it",
    applies: ({ params }) => params.kvmclock === "old",
    judge: lostAsPredicted,
  },
  {
    text: "the TSC counts on over the pause",
    reason: "nobody saved or set it",
    judge: ({ params, axes, measured }) =>
      within(number(measured, "tsc"), predictTscCycles(params, axes), toleranceCycles(params), "cycles"),
  },
  {
    text: "under TSC_STABLE the guest reads what the clock was set to, before what it had read or not",
    reason: "a clock that is marked stable is not clamped",
    applies: ({ params }) => params.kvmclock === "new",
    judge: ({ params, measured }) =>
      all([
        is(measured.observations.stable, true),
        within(
          number(measured, "across"),
          params.pause + params.gap - number(measured, "lost"),
          cycleNs(params),
          "ns",
        ),
      ]),
  },
  {
    text: "clamped, it stands still until it has caught up",
    reason: "without TSC_STABLE a guest keeps the largest value it ever returned",
    applies: ({ params, measured }) =>
      params.kvmclock === "old" && measured.observations.standstill !== undefined,
    judge: ({ params, axes, measured }) =>
      all([
        equals(number(measured, "across"), 0n, "ns"),
        // It may have stood still before: an update had just put it on the host's clock.
        within(
          number(measured, "standstill"),
          number(measured, "lost") - params.pause,
          predictLost(params, axes).toleranceNs,
          "ns",
        ),
        is(measured.observations.stands, true),
      ]),
  },
  {
    text: "the guest's watchdog notices half a millisecond to half a second",
    reason:
      "less is within its limit of 500 µs, 400 µs up to 6.1; more makes the interval longer than the second it compares",
    judge: ({ params, axes, measured }) =>
      oneOf(measured.observations.outcome, predictOutcomes(params, axes)),
  },
  {
    text: "every pause in every way has the outcome of that rule",
    reason: "GUEST_STOPPED helps only a guest in which something besides kvm-clock looks at it, and in time",
    judge: ({ params, axes, measured }) => {
      const rows = measured.tables.matrix?.rows ?? [];
      return all([
        equals(BigInt(rows.length), BigInt(PAUSES_NS.length), "count"),
        ...PAUSES_NS.flatMap((pause, line) =>
          WAYS.map((way, i) =>
            oneOf(rows[line]?.[i + 1], predictOutcomes(cellParams(params, pause, way), axes)),
          ),
        ),
      ]);
    },
  },
  {
    text: "set to 0 right after the start, the clock starts at 0",
    reason: "the offset is taken from the reference itself, not from a later reading of the host's clock",
    applies: ({ params }) => params.kvmclock === "new",
    judge: ({ measured }) => equals(number(measured, "startAtZero"), 0n, "ns"),
  },
];
