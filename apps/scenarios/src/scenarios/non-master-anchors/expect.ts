import { all, atMost, between, equals, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import type { NonMasterAnchorsParams } from "./params.js";
import { AnchorModel } from "./predict.js";
import { POLL_NS, POLL_PART, READ_EVERY_NS, READS } from "./read-clocks.js";

type Run = JudgedRun<NonMasterAnchorsParams>;

const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;
const FLOORS_NS = 2n;
/** What the reads can tell apart: between this and half the time between two of them. */
const SHORTEST_STAND_NS = 1_000n;
const LONGEST_STAND_NS: bigint = READ_EVERY_NS / 2n;
/** vCPU 1 reads within the 100 ms so often, give or take the read at their end. */
const READS_IN_DELAY = 20n;

const model = ({ params, axes }: Run): AnchorModel => new AnchorModel(params, axes);
/** Before v5.6 a vCPU's own reference goes by CLOCK_BOOTTIME, which the prediction does not have. */
const isRaw = ({ axes }: Run): boolean => axes.base === "raw";
const cycleNs = ({ hostKhz, guestKhz }: NonMasterAnchorsParams): bigint =>
  1n + NS_PER_MS / (hostKhz < guestKhz ? hostKhz : guestKhz);

function asFarApart(run: Run, apart: bigint, age: bigint): Judgement {
  const clocks = model(run);
  // The start took the time of a kick.
  const tolerance = FLOORS_NS + cycleNs(run.params) + magnitude(clocks.driftNs(run.params.ipi));
  return within(apart, clocks.apartNs(age), tolerance, "ns");
}

/** Whether vCPU 1 is seen to be ahead, long enough to tell and not as long as to its next read. */
function isStandSeen(run: Run): boolean {
  const apart = number(run.measured, "apart");
  const clocks = model(run);
  return (
    apart >= SHORTEST_STAND_NS && apart <= LONGEST_STAND_NS && (clocks.isDelayed || run.params.ipi >= POLL_NS)
  );
}

/** Whether what the clocks drift between later moves is too little for the reads to tell. */
function areLaterMovesUnseen(run: Run): boolean {
  const watchedNs = READS * READ_EVERY_NS + run.params.moveEvery;
  return magnitude(model(run).driftNs(watchedNs)) + FLOORS_NS < POLL_NS;
}

export const nonMasterAnchorsExpectations: ReadonlyArray<ExpectationSpec<NonMasterAnchorsParams>> = [
  {
    text: "a vCPU that is moved falls behind by what the other drifted since its reference",
    reason:
      "it is given a new one, on CLOCK_MONOTONIC_RAW; 300 s old, the other's is 17.8 µs ahead at 2.5 GHz",
    applies: (run) => isRaw(run) && model(run).isOff,
    judge: (run) => asFarApart(run, number(run.measured, "apart"), run.params.age),
  },
  {
    text: "with a sync every 300 s never by more than that; without one the more the older the VM",
    reason: "the sync gives every vCPU a new reference, and v6.19 dropped it",
    applies: (run) => isRaw(run) && model(run).isOff,
    judge: (run) =>
      all(
        (run.measured.tables.ages?.rows ?? []).map(([age, apart]) =>
          asFarApart(run, BigInt(apart ?? 0n), BigInt(age ?? 0n)),
        ),
      ),
  },
  {
    text: "the other follows 100 ms later, or as soon as a kick reaches it",
    reason: "the move asks for an update of all vCPUs, which up to v6.18 waits for others to ask",
    applies: (run) => model(run).isOff && number(run.measured, "apart") !== 0n,
    judge: (run) => within(number(run.measured, "lasts"), model(run).lastsNs(), cycleNs(run.params), "ns"),
  },
  {
    text: "on a master clock, or without offsets to tell, nobody falls behind",
    reason: "they share one reference, and a move asks for nothing",
    applies: (run) => !model(run).isOff,
    judge: ({ measured }) =>
      all([
        atMost(magnitude(number(measured, "apart")), 1n, "ns"),
        equals(number(measured, "stood"), 0n, "count"),
      ]),
  },
  {
    text: "the guest holds vCPU 0's clock for no longer than it is behind",
    reason: "without TSC_STABLE it returns the largest value any vCPU has read",
    applies: isStandSeen,
    judge: (run) => {
      const apart = number(run.measured, "apart");
      const shortest = apart - apart / (POLL_PART / 2n) - 3n * POLL_NS;
      // Moves that follow leave vCPU 0 further behind.
      const longest = apart + 2n * magnitude(model(run).driftNs(READS_IN_DELAY * READ_EVERY_NS));
      return between(number(run.measured, "stands"), shortest, longest, "ns");
    },
  },
  {
    text: "and does so at every read until the other follows",
    reason: "each time vCPU 1 reads first",
    applies: (run) => isStandSeen(run) && areLaterMovesUnseen(run),
    judge: (run) => {
      const stood = number(run.measured, "stood");
      return model(run).isDelayed
        ? between(stood, READS_IN_DELAY, READS_IN_DELAY + 1n, "count")
        : equals(stood, 1n, "count");
    },
  },
  {
    text: "each update kicks the other: one in 100 ms, one a move, or ten a second",
    reason:
      "a request that waits serves those that follow; at once it serves nobody else, until it is limited",
    judge: (run) => equals(number(run.measured, "kicks"), model(run).kicks(), "count"),
  },
  {
    text: "where updates are held back, clocks are apart by what they drift in a second",
    reason: "the next window lets ten through again",
    applies: (run) => isRaw(run) && model(run).isOff && run.axes.globalUpdate === "ratelimited",
    judge: (run) => {
      const drift = magnitude(model(run).driftNs(NS_PER_S + 2n * run.params.moveEvery));
      return atMost(number(run.measured, "laterApart"), drift + FLOORS_NS, "ns");
    },
  },
];
