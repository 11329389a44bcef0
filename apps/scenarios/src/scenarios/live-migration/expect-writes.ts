import { all, equals, is, type Judgement, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { cyclesIn, type LiveMigrationParams } from "./params.js";
import { MigrationModel, type PredictedKernel } from "./predict.js";
import { isWithinSecond, rateToleranceNs } from "./predict-unscaled.js";
import { cell } from "./table-cells.js";
import { lastWrites, youngCases } from "./tsc-writes.js";

type Run = JudgedRun<LiveMigrationParams>;

const model = ({ params, axes }: Run): MigrationModel =>
  new MigrationModel(params, axes as unknown as PredictedKernel);

/** What the floors and the rate of the host's clock make of the time between two writes, cycles. */
function writeGapTolerance({ params }: Run): bigint {
  return 2n + cyclesIn(2n + rateToleranceNs(params.writeGap, params), params.guestKhz);
}

export const expectWrites: ReadonlyArray<ExpectationSpec<LiveMigrationParams>> = [
  {
    text: "a vCPU whose TSC is written within a second of the others', edges excluded, shares their counter",
    reason: "KVM takes it for the same counter saved a moment later, and gives it the offset of the first",
    judge: (run) =>
      all(
        lastWrites(run.params).flatMap((last, line): Judgement[] => {
          const off = BigInt(cell(run.measured, "writes", line, "off"));
          const joins = isWithinSecond(off, run.params);
          return [
            last.off === undefined
              ? within(
                  off,
                  -cyclesIn(run.params.writeGap, run.params.guestKhz),
                  writeGapTolerance(run),
                  "cycles",
                )
              : equals(off, last.off, "cycles"),
            is(cell(run.measured, "writes", line, "joined"), joins),
            ...(joins ? [equals(BigInt(cell(run.measured, "writes", line, "apart")), 0n, "cycles")] : []),
          ];
        }),
      ),
  },
  {
    text: "one that does not costs the VM its master clock",
    reason: "all counters must be one",
    applies: ({ axes }) => axes.masterClockTsc === "equal-offset",
    judge: (run) =>
      all(
        lastWrites(run.params).map((_, line) =>
          is(
            cell(run.measured, "writes", line, "masterClock"),
            isWithinSecond(BigInt(cell(run.measured, "writes", line, "off")), run.params),
          ),
        ),
      ),
  },
  {
    text: "the first TSC written to a VM is taken as it is, or before v6.7 for the VM's own within a second of it",
    reason: "the creation of a vCPU counted as a write of user space's",
    judge: (run) =>
      all(
        youngCases(run.params).map((off, line) => {
          const ahead = BigInt(cell(run.measured, "young", line, "tscAhead"));
          return model(run).snaps(off)
            ? within(ahead, model(run).snappedAhead(off), model(run).creationTolerance(), "cycles")
            : equals(ahead, 0n, "cycles");
        }),
      ),
  },
];
