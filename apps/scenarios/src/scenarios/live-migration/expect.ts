import { all, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { expectUnscaled } from "./expect-unscaled.js";
import { expectWrites } from "./expect-writes.js";
import { CLOCK_METHODS, type LiveMigrationParams, nsIn, TSC_METHODS } from "./params.js";
import { MigrationModel, type PredictedKernel } from "./predict.js";
import { SKEW_SHOWN_NS } from "./run-methods.js";
import { cell } from "./table-cells.js";

type Run = JudgedRun<LiveMigrationParams>;

const model = ({ params, axes }: Run): MigrationModel =>
  new MigrationModel(params, axes as unknown as PredictedKernel);

const METHODS = TSC_METHODS.flatMap((tsc) => CLOCK_METHODS.map((clock) => ({ tsc, clock })));

/** The page's hosts and times, to the cycle. */
function asOnThePage(run: Run): boolean {
  const { params, axes } = run;
  return (
    axes.guestKhz === "truncated-khz" &&
    axes.getClock === "direct" &&
    params.sourceKhz === 2_900_000n &&
    params.guestKhz === 2_500_000n &&
    params.destinationKhz === 3_100_000n &&
    params.scaling === "present" &&
    params.fracBits === "48" &&
    params.age === 3_600_000_000_000n &&
    params.sourceUptime === 82_800_000_000_000n &&
    params.destinationUptime === 1_000_000_000_000n &&
    params.blackout === 500_000_000n &&
    params.skew === 0n &&
    params.gap === 0n
  );
}

function ns(run: Run, table: string, line: number, column: string): bigint {
  return BigInt(cell(run.measured, table, line, column));
}

/** The TSC's tolerance in ns, of which a cell of the table has lost the fraction. */
const tscToleranceNs = (run: Run, tsc: (typeof METHODS)[number]["tsc"]): bigint =>
  2n + nsIn(model(run).tscTolerance(tsc), run.params.guestKhz);

export const liveMigrationExpectations: ReadonlyArray<ExpectationSpec<LiveMigrationParams>> = [
  {
    text: "the page's example: 13 584 s into the future by the documented formula",
    reason: "it adds cycles of two hosts to an offset in cycles of the guest",
    applies: asOnThePage,
    judge: ({ measured }) => equals(number(measured, "documentedAhead"), 13_584_000_000_000n, "ns"),
  },
  {
    text: "the page's example: KVM_GET_CLOCK gives 1439843 ns less than the guest read",
    reason: "400 ns a second of the guest's age, for the kHz that the guest's rate is rounded down to",
    applies: asOnThePage,
    judge: ({ measured }) => equals(number(measured, "behindAtGet"), 1_439_843n, "ns"),
  },
  {
    text: "KVM_GET_CLOCK is behind the guest by what their two scales part since the reference",
    reason: "KVM scales the host's TSC at once; the guest's goes through the ratio and a rate in whole kHz",
    judge: (run) => {
      const { guestNs, clockNs } = model(run);
      return within(number(run.measured, "behindAtGet"), guestNs - clockNs, 1n, "ns");
    },
  },
  {
    text: "the guest's TSC goes on where it should, or is off by what the formula forgets",
    reason: "an offset is in guest cycles: each host's TSC has to be scaled by its own ratio first",
    judge: (run) =>
      all([
        within(
          number(run.measured, "tscAheadCycles"),
          model(run).arrival(run.params.tsc, run.params.clock, run.params.skew).tscAhead,
          model(run).tscTolerance(run.params.tsc),
          "cycles",
        ),
        ...METHODS.map(({ tsc, clock }, line) =>
          within(
            ns(run, "methods", line, "tscAhead"),
            nsIn(model(run).arrival(tsc, clock, run.params.skew).tscAhead, run.params.guestKhz),
            tscToleranceNs(run, tsc),
            "ns",
          ),
        ),
      ]),
  },
  {
    text: "KVM_SET_CLOCK restores KVM's reckoning, and KVM_SET_CLOCK_GUEST the clock as a function of the TSC",
    reason: "the one takes over what GET_CLOCK was behind, the other whatever the TSC is off by",
    judge: (run) =>
      all(
        METHODS.map(({ tsc, clock }, line) =>
          within(
            ns(run, "methods", line, "clockAhead"),
            model(run).arrival(tsc, clock, run.params.skew).clockAhead,
            model(run).clockToleranceNs(tsc) + (clock === "set-clock" ? 0n : tscToleranceNs(run, tsc)),
            "ns",
          ),
        ),
      ),
  },
  {
    text: "restored by KVM_SET_CLOCK_GUEST, the clock is within 2 ns of what the TSC said on the source",
    reason: "the reference moves and floors change; nothing else does",
    applies: (run) => model(run).setClockGuest() === 0n,
    judge: (run) =>
      all(
        METHODS.flatMap(({ clock }, line): Judgement[] =>
          clock === "set-clock" ? [] : [within(ns(run, "methods", line, "clockAgainstTsc"), 0n, 2n, "ns")],
        ),
      ),
  },
  {
    text: "KVM_SET_CLOCK_GUEST is refused by a host on which the guest's TSC runs at another rate",
    reason: "a clock of that rate cannot be a function of this TSC: −ERANGE beyond a kHz",
    applies: ({ params }) => params.clock === "set-clock-guest",
    judge: (run) => equals(number(run.measured, "setClockGuest"), model(run).setClockGuest(), "count"),
  },
  {
    text: "a skew of CLOCK_REALTIME moves TSC and clock if both come of one reading, else the clock alone",
    reason: "the offset is computed from the clock that was moved; IA32_TSC is written as it was saved",
    judge: (run) =>
      all(
        METHODS.flatMap(({ tsc, clock }, line) => {
          const before = model(run).arrival(tsc, clock, run.params.skew);
          const after = model(run).arrival(tsc, clock, run.params.skew + SKEW_SHOWN_NS);
          const tscShift = nsIn(after.tscAhead - before.tscAhead, run.params.guestKhz);
          const tolerance = tscToleranceNs(run, tsc);
          return [
            within(ns(run, "skew", line, "tscShift"), tscShift, tolerance, "ns"),
            within(
              ns(run, "skew", line, "clockShift"),
              after.clockAhead - before.clockAhead,
              tolerance + model(run).clockToleranceNs(tsc),
              "ns",
            ),
          ];
        }),
      ),
  },
  {
    text: "the vCPUs' counters are taken for one, and a master clock holds them",
    reason: "the same offset on each, or the same value within a second",
    judge: ({ measured }) => is(measured.observations.masterClock, true),
  },
  ...expectUnscaled,
  ...expectWrites,
];
