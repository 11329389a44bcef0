import { all, between, equals, is, type Judgement, number } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { appliesTo, type DeadlineClock, plain } from "./applies.js";
import { BLOCKED, slewChanges, WAIT_CASES, type WaitCase } from "./cases.js";
import type { NtpSlewParams } from "./params.js";
import { type Prediction, predictWait } from "./predict.js";

type Run = JudgedRun<NtpSlewParams>;

/** L2's timer counts steps of 32 cycles. */
const NESTED_STEP_CYCLES = 32n;

const named = new Map([...WAIT_CASES, BLOCKED].map((wait) => [wait.id, wait]));
const idsOf = (chosen: (wait: WaitCase) => boolean): readonly string[] =>
  WAIT_CASES.filter(chosen).map(({ id }) => id);

/** A forward slew that nothing looks at before the device fires. */
const isIdleForward = (wait: WaitCase): boolean => wait.ticks === "no" && wait.slew === 1 && wait.later === 1;
const STEADY = idsOf((wait) => !slewChanges(wait) && !isIdleForward(wait));
const IDLE_FORWARD = idsOf(isIdleForward);
const CHANGING = idsOf(slewChanges);
const EVERY = [...named.keys()];
const IN_GUEST = idsOf((wait) => wait.waits === "spins");
const HALTED = ["slowIdle", "slewsBackIdle", BLOCKED.id];

/** Armed for the slew in force, or on a clock that has none. */
const STRAIGHT: readonly DeadlineClock[] = [
  "raw",
  "rate-compensated",
  "restart-on-update",
  "mapped-each-tick",
  "compensated-rechecked",
];
/** Of those, the ones whose scaled wait an idle CPU hands to a device that does not know of the slew. */
const SCALED: readonly DeadlineClock[] = STRAIGHT.filter((mitigation) => mitigation !== "raw");
/** Of those on RAW or scaled, the ones that hear of a change. */
const FOLLOWING: readonly DeadlineClock[] = STRAIGHT.filter(
  (mitigation) => mitigation !== "rate-compensated",
);

function predicted({ params, axes }: Run, wait: WaitCase): Prediction | undefined {
  const { wait: steadyNs, longWait, blockedWait, hostKhz, slew } = params;
  const waitNs = wait === BLOCKED ? blockedWait : slewChanges(wait) ? longWait : steadyNs;
  const cycles = (waitNs * hostKhz * 2n + 1_000_000n) / 2_000_000n;
  return predictWait(
    { khz: hostKhz, hz: params.hz, axes },
    {
      ...wait,
      cycles: wait.victim === "nested" ? cycles - (cycles % NESTED_STEP_CYCLES) : cycles,
      slewPpb: BigInt(wait.slew) * slew,
      laterPpb: BigInt(wait.later) * slew,
      changeNs: params.changeAt,
    },
  );
}

/** Each wait ended where the arithmetic says; one that may have been lost or not is not judged. */
function judgeWaits(run: Run, ids: readonly string[]): Judgement {
  return all(
    ids.flatMap((id) => {
      const wait = named.get(id);
      const expected = wait === undefined ? undefined : predicted(run, wait);
      if (expected === undefined) return [];
      const got = run.measured.observations[id];
      if (expected === "lost" || typeof got !== "bigint") {
        return [
          is(typeof got === "bigint" ? "an expiry" : "none", expected === "lost" ? "none" : "an expiry"),
        ];
      }
      return [between(got, expected.lo, expected.hi, "ps")];
    }),
  );
}

interface WaitsExpected {
  readonly text: string;
  readonly reason: string;
  readonly mitigations: readonly DeadlineClock[];
  readonly ids: readonly string[];
  readonly device?: "fixed-mult" | "coupled";
}

function expectWaits({
  text,
  reason,
  mitigations,
  ids,
  device,
}: WaitsExpected): ExpectationSpec<NtpSlewParams> {
  return {
    text,
    reason,
    applies: (run) =>
      plain(run) && appliesTo(run, mitigations) && (device === undefined || run.axes.eventDevice === device),
    judge: (run) => judgeWaits(run, ids),
  };
}

/** Expirations until what is left of `wait` at rate 1 + p, a share p / (1 + p) of it each time, is below 1 ns. */
function mostRounds({ blockedWait, slew }: NtpSlewParams): bigint {
  let rounds = 1n;
  for (let left = blockedWait; left > 0n; left = (left * slew) / (1_000_000_000n + slew)) rounds += 1n;
  return rounds;
}

const isEarly = (run: Run): boolean => {
  const expected = predicted({ ...run, axes: { ...run.axes, deadlineClock: "monotonic" } }, BLOCKED);
  return expected !== undefined && expected !== "lost" && expected.hi < 0n;
};

export const waitExpectations: ReadonlyArray<ExpectationSpec<NtpSlewParams>> = [
  expectWaits({
    text: "unmended, a steady slew p makes a wait W / (1 + p) − W wrong: late if slow, early if fast",
    reason:
      "to a unit of the multiplier, that NTP dithers by; a device is programmed 1 µs ahead or more, and sees the part of a forward slew that a tick before the deadline sees",
    mitigations: ["monotonic"],
    ids: STEADY,
  }),
  expectWaits({
    text: "a forward slew is exact on an idle CPU if nobody makes up for it",
    reason: "the device was programmed by a multiplier of its own, and nothing looks at the clock before it",
    mitigations: ["monotonic", "recheck-on-wake"],
    ids: IDLE_FORWARD,
    device: "fixed-mult",
  }),
  expectWaits({
    text: "made up for, it is p · W late there: worse than unmended",
    reason: "the wait is p · W longer on a clock that runs fast, and the device does not know that it does",
    mitigations: SCALED,
    ids: IDLE_FORWARD,
    device: "fixed-mult",
  }),
  expectWaits({
    text: "a device that follows the clock is exact with mitigation, and early without",
    reason: "from v7.1 it is programmed by the rate of the moment, like any other wait",
    mitigations: ["monotonic", ...SCALED],
    ids: IDLE_FORWARD,
    device: "coupled",
  }),
  expectWaits({
    text: "made up for, a steady slew costs a unit of the multiplier",
    reason: "the wait is scaled by what divides it again; 1 µs and a tick's gain of the device come on top",
    mitigations: STRAIGHT,
    ids: STEADY,
  }),
  expectWaits({
    text: "a slew that changes costs what is left of the wait, times the change",
    reason: "the queued timer keeps its instant: a stale p is no better than none, and worse when p ends",
    mitigations: ["monotonic", "rate-compensated"],
    ids: CHANGING,
  }),
  expectWaits({
    text: "following the change, it costs what the clock gains until the next look at it",
    reason: "RAW knows no slew; scaled again at the update, or mapped at the next tick, the rest is right",
    mitigations: FOLLOWING,
    ids: CHANGING,
  }),
  expectWaits({
    text: "asked at its expiry, no wait ends a nanosecond early, and a late one stays late",
    reason: "what is left waits again, p times shorter each time; there is nothing to ask before the expiry",
    mitigations: ["recheck-on-wake", "compensated-rechecked"],
    ids: EVERY,
  }),
  expectWaits({
    text: "in guest mode, the hardware's timer is right to its step of 32 cycles",
    reason: "it counts the TSC",
    mitigations: ["hardware-multiplexed"],
    ids: IN_GUEST,
  }),
  expectWaits({
    text: "halted, it is as unmended as without",
    reason: "a preemption timer runs in guest mode only: the hrtimer takes over",
    mitigations: ["hardware-multiplexed"],
    ids: HALTED,
  }),
  expectWaits({
    text: "a re-check that arms nothing loses every early wake-up for ever",
    reason: "not expired, says the counter, and the timer that would ask again is gone",
    mitigations: ["recheck-without-restart"],
    ids: EVERY,
  }),
  {
    text: "a halted guest is woken by one callback; re-checked, by as many as it takes to leave no nanosecond",
    reason: "x86 injects unasked at the first expiry; a re-check starts the rest, a share p / (1 + p), anew",
    applies: (run) => plain(run) && !appliesTo(run, ["recheck-without-restart"]) && isEarly(run),
    judge: (run) => {
      const { params, measured } = run;
      const callbacks = number(measured, "blockedCallbacks");
      const lost = is(measured.observations.lost, false);
      if (appliesTo(run, ["recheck-on-wake"])) {
        return all([lost, between(callbacks, 2n, mostRounds(params), "count")]);
      }
      if (appliesTo(run, ["compensated-rechecked"])) return lost;
      return all([lost, equals(callbacks, 1n, "count")]);
    },
  },
];
