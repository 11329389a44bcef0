import { HPET } from "../../machine/host/chipset-counter.js";
import { all, equals, is, type Judgement, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { type CauseId, causesOf } from "./causes.js";
import { settleNs } from "./live-through.js";
import type { MasterClockLossParams } from "./params.js";
import { LossModel } from "./predict.js";

type Run = JudgedRun<MasterClockLossParams>;

/** Two clocks' floors. */
const FLOORS_NS = 2n;
/** From one count of the hpet to the next, rounded up. */
const HPET_STEP_NS = 1_000_000_000n / HPET.hz + 1n;

/** What the tables say of a step. */
interface Row {
  readonly master: unknown;
  readonly stable: unknown;
  readonly updates: bigint;
  readonly jump: bigint;
  readonly apart: bigint;
  readonly apartLater: bigint;
  readonly tscApart: bigint;
  readonly held: bigint;
}

const model = ({ params, axes }: Run): LossModel => new LossModel(params, axes);
const has =
  (...causes: readonly CauseId[]) =>
  ({ params }: Run): boolean =>
    causesOf(params).some(({ id }) => causes.includes(id));
/** Before v5.6 what is not a master clock goes by CLOCK_BOOTTIME, which the prediction does not have. */
const isRaw = ({ axes }: Run): boolean => axes.base === "raw";

/** The lines of a cause's steps in both tables, which have one for each step of each cause. */
function rowsOf({ params, measured }: Run, cause: CauseId): readonly Row[] {
  const causes = causesOf(params);
  const counts = causes.map(({ steps }) => steps(params).length);
  const at = causes.findIndex(({ id }) => id === cause);
  const first = counts.slice(0, at).reduce((total, count) => total + count, 0);
  const cells = Object.values(measured.tables).map(({ columns, rows }) =>
    rows.slice(first, first + (counts[at] ?? 0)).map((row) => columns.map(({ name }, i) => [name, row[i]])),
  );
  const [state = [], clocks = []] = cells;
  return state.map((row, i) => Object.fromEntries([...row, ...(clocks[i] ?? [])]) as unknown as Row);
}

function row(run: Run, cause: CauseId, step: number): Row {
  const found = rowsOf(run, cause)[step];
  if (found === undefined) throw new RangeError(`row: expected a step ${step} of ${cause}`);
  return found;
}

/** Master clock, flag and references, at every step. */
function asRuled(run: Run, cause: CauseId): Judgement {
  const predicted = model(run).steps(cause);
  return all([
    equals(BigInt(rowsOf(run, cause).length), BigInt(predicted.length), "count"),
    ...predicted.flatMap(({ isOnMaster, isTscStable, updates }, i) => [
      is(String(row(run, cause, i).master), isOnMaster ? "on" : "off"),
      is(String(row(run, cause, i).stable), isTscStable ? "set" : "clear"),
      equals(row(run, cause, i).updates, updates, "count"),
    ]),
  ]);
}

const ruled = (cause: CauseId, text: string, reason: string): ExpectationSpec<MasterClockLossParams> => ({
  text,
  reason,
  applies: has(cause),
  judge: (run) => asRuled(run, cause),
});

/** How far a step is to move vCPU 0's clock. */
function expectedJumpNs(run: Run, cause: CauseId, step: number): bigint {
  const clocks = model(run);
  const { age, dwell, offset } = run.params;
  const steps = clocks.steps(cause);
  // Only the second offset is vCPU 0's own and asks for nothing: its clock goes with its TSC.
  if (steps[step]?.updates === 0n) return clocks.movedNs(offset);
  if (step === 0) return clocks.yankNs(age);
  if (steps[step - 1]?.isOnMaster === true) return clocks.yankNs(dwell);
  const seenNs = age + dwell - settleNs(run.params);
  return clocks.yankNs(age + dwell - clocks.ownReferenceNs(age, seenNs));
}

/** The steps of causes that ask for a reference on the host's TSC. */
function yanks(run: Run): readonly Judgement[] {
  const clocks = model(run);
  return causesOf(run.params)
    .filter(({ id }) => id !== "clocksource" && clocks.steps(id)[0]?.updates !== 0n)
    .flatMap(({ id }) =>
      rowsOf(run, id).map(({ jump }, i) =>
        within(jump, expectedJumpNs(run, id, i), clocks.yankToleranceNs(), "ns"),
      ),
    );
}

export const masterClockLossExpectations: ReadonlyArray<ExpectationSpec<MasterClockLossParams>> = [
  {
    ...ruled(
      "offset",
      "a vCPU whose TSC offset is not the others' turns the master clock off, until theirs is moved too",
      "it asks for equal offsets, and each write that parts or joins them asks for a new reference",
    ),
    applies: (run) => has("offset")(run) && run.axes.masterClockTsc === "equal-offset",
  },
  {
    ...ruled(
      "offset",
      "a vCPU whose TSC offset is not the others' only loses TSC_STABLE",
      "the proposal asks for equal frequencies: each vCPU has a timestamp of its own from one reference",
    ),
    applies: (run) => has("offset")(run) && run.axes.masterClockTsc === "equal-frequency",
  },
  ruled(
    "tsc-write",
    "a guest that writes a vCPU's TSC keeps the master clock",
    "KVM counts no match and asks for no update: the clock it published is not the TSC's any more",
  ),
  {
    text: "and puts that vCPU's clock ahead by as much, until its next clock update",
    reason: "the periodic sync is one, up to v6.18; from v6.19 on nobody comes by",
    applies: has("tsc-write"),
    judge: (run) => {
      const clocks = model(run);
      const { age, dwell } = run.params;
      const [written, updated] = [row(run, "tsc-write", 0), row(run, "tsc-write", 1)];
      const left = (toNs: bigint): bigint =>
        clocks.syncs(age, toNs) ? 0n : clocks.movedNs(run.params.written);
      return all([
        within(written.apart, left(age + settleNs(run.params)), FLOORS_NS, "ns"),
        within(written.apartLater, left(age + dwell - settleNs(run.params)), FLOORS_NS, "ns"),
        within(updated.apart, 0n, FLOORS_NS, "ns"),
        equals(updated.tscApart, run.params.written, "cycles"),
      ]);
    },
  },
  {
    text: "a guest that writes TSC_ADJUST moves the TSC and not the clock",
    reason: "that write asks for a clock update, which is done before the guest goes on",
    applies: has("tsc-adjust"),
    judge: (run) => {
      const adjusted = row(run, "tsc-adjust", 0);
      return all([
        asRuled(run, "tsc-adjust"),
        equals(adjusted.tscApart, run.params.written, "cycles"),
        within(adjusted.apart, 0n, FLOORS_NS, "ns"),
      ]);
    },
  },
  ruled(
    "old-msr",
    "a boot vCPU that registers its clock by the old MSR turns the master clock off, by the new one on",
    "whoever uses the old number may not know TSC_STABLE",
  ),
  ruled(
    "clocksource",
    "a host that leaves the TSC turns it off; coming back alone does not turn it on",
    "KVM's notifier looks for a clocksource that is no TSC; something else has to ask for a reference then",
  ),
  ruled(
    "hotplug",
    "a vCPU that joins in step keeps the master clock",
    "its TSC starts at the others' offset; up to v6.6 it asks for a reference all the same",
  ),
  {
    text: "every new reference throws vCPU 0's clock by what it drifted since the last",
    reason:
      "the clock runs by the TSC's rate in whole ns per 2^32 cycles, a reference by CLOCK_MONOTONIC_RAW's",
    applies: (run) => isRaw(run) && has("offset", "old-msr", "hotplug")(run),
    judge: (run) => all(yanks(run)),
  },
  {
    text: "without a master clock vCPU 1 is ahead by what passed between KVM's two reads",
    reason: "each vCPU has a reference of its own: its TSC first, the host's clock after that",
    applies: (run) => isRaw(run) && has("offset", "old-msr")(run),
    judge: (run) =>
      all(
        (["offset", "old-msr"] as const)
          .filter((cause) => has(cause)(run))
          .map((cause) => row(run, cause, 0))
          .filter(({ master }) => master === "off")
          .map(({ apart }) => within(apart, run.params.gap, model(run).readingNs(), "ns")),
      ),
  },
  {
    text: "by hpet it is off by a count of that at either end, too",
    reason: "the host's clock moves on once in 70 ns",
    applies: has("clocksource"),
    judge: (run) =>
      within(row(run, "clocksource", 0).apart, run.params.gap, HPET_STEP_NS + model(run).readingNs(), "ns"),
  },
  {
    text: "a vCPU behind another stands still for the difference; with TSC_STABLE nothing is held",
    reason: "without the flag the guest returns the largest value any vCPU has read",
    judge: (run) =>
      all(
        causesOf(run.params)
          .flatMap(({ id }) => rowsOf(run, id))
          .map(({ stable, apart, held }) => {
            const expected = stable === "set" || apart < 0n ? 0n : apart;
            return equals(held, expected, "ns");
          }),
      ),
  },
];
