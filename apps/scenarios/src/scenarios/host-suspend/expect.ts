import { all, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun, Table } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { TSC_IN_SLEEP, type TscInSleep } from "./machine.js";
import type { HostSuspendParams } from "./params.js";
import { SuspendModel } from "./predict.js";
import { writeDistances } from "./user-writes.js";

type Run = JudgedRun<HostSuspendParams>;
type Cell = bigint | string | boolean;

/** Each clock's own floor. */
const FLOORS_NS = 2n;
/** What is left of the guest's TSC and what is given to it floor apart. */
const FLOORS_CYCLES = 2n;
const NS_PER_MS = 1_000_000n;
/** A guest's TSC within this of its host's runs as its host's: its deadlines are off by as much. */
const TOLERANCE_PPM = 260n;
/** What a timer is set too late by, by the floors on its way. */
const TIMER_NS = 2_000n;

const model = ({ params, axes }: Run): SuspendModel => new SuspendModel(params, axes);
const rows = (table: Table | undefined): ReadonlyArray<readonly Cell[]> => table?.rows ?? [];

/** A cycle of the slower counter: what a read of the clock rounds down to. */
function cycleNs({ hostKhz, guestKhz }: HostSuspendParams): bigint {
  return NS_PER_MS / (hostKhz < guestKhz ? hostKhz : guestKhz) + 1n;
}

/** Guest cycles at the frequency the guest has been told. */
function guestNs(cycles: bigint, { guestKhz }: HostSuspendParams): bigint {
  return (cycles * NS_PER_MS) / guestKhz;
}

/** Judges one column of the table of clocks, row by row. */
function column(run: Run, index: number, judge: (cell: bigint, tsc: TscInSleep) => Judgement): Judgement {
  const cells = rows(run.measured.tables.clocks).map((row) => row[index]);
  return all([
    equals(BigInt(cells.length), BigInt(TSC_IN_SLEEP.length), "count"),
    ...TSC_IN_SLEEP.map((tsc, i) => judge(BigInt(cells[i] ?? 0n), tsc)),
  ]);
}

/** Without a master clock old kernels renew every clock from time to time: it has run off less by then. */
function isRenewed({ axes }: Run, tsc: TscInSleep): boolean {
  return tsc === "resets" && axes.periodicSync === "300s";
}

/** The page's example, to the cycle. */
function asOnPage({ params }: Run): boolean {
  const { tsc, hostKhz, guestKhz, fracBits, age, resetTo } = params;
  return (
    tsc === "resets" &&
    hostKhz === 3_000_000n &&
    guestKhz === 2_500_000n &&
    fracBits === "48" &&
    age === 3_000_000_000_000n &&
    resetTo === 5_000_000_000n
  );
}

export const hostSuspendExpectations: ReadonlyArray<ExpectationSpec<HostSuspendParams>> = [
  {
    text: "KVM finds the TSC 8 995 000 000 000 cycles behind, and gives the guest 7 495 833 333 333 for them",
    reason: "9 000 000 000 000 less 5 000 000 000 cycles; scaled by 0xd55555555555 / 2^48, rounded down",
    applies: asOnPage,
    judge: ({ measured }) =>
      all([
        equals(number(measured, "lost"), 8_995_000_000_000n, "cycles"),
        equals(number(measured, "given"), 7_495_833_333_333n, "cycles"),
      ]),
  },
  {
    text: "KVM gives the guest what it finds the host's TSC behind by, scaled",
    reason: "the most any vCPU's last host TSC is ahead of the present one; 0 unless the TSC began anew",
    judge: (run) => {
      const { lost, given } = model(run).of(run.params.tsc);
      return all([
        equals(number(run.measured, "lost"), lost, "cycles"),
        equals(number(run.measured, "given"), given, "cycles"),
      ]);
    },
  },
  {
    text: "the guest's TSC gains the sleep only where the host's counts on",
    reason: "a TSC that stopped, or began anew and was made good, goes on at its old value",
    judge: (run) => {
      const floorNs = FLOORS_NS + FLOORS_CYCLES * cycleNs(run.params);
      return all([
        within(
          number(run.measured, "tscGain"),
          model(run).of(run.params.tsc).tscGain,
          FLOORS_CYCLES,
          "cycles",
        ),
        column(run, 1, (gain, tsc) =>
          within(gain, guestNs(model(run).of(tsc).tscGain, run.params), floorNs, "ns"),
        ),
      ]);
    },
  },
  {
    text: "its clock gains it on waking where the TSC counts on or began anew, not where it stopped",
    reason: "it is the TSC by a multiplier; without a master clock each vCPU takes a reference on its way in",
    judge: (run) =>
      column(run, 2, (gain, tsc) =>
        within(gain, model(run).of(tsc).clockGain, FLOORS_NS + cycleNs(run.params), "ns"),
      ),
  },
  {
    text: "a new reference puts it on the host's clock, which was told of the sleep",
    reason: "where the TSC stopped, the guest's clock jumps by the whole sleep",
    judge: (run) =>
      column(run, 3, (step, tsc) => {
        const most = magnitude(model(run).renewedStep());
        const floors = FLOORS_NS + 2n * cycleNs(run.params);
        return isRenewed(run, tsc)
          ? within(step, 0n, most + floors, "ns")
          : within(step, model(run).of(tsc).step, floors, "ns");
      }),
  },
  {
    text: "and then it is off by what the host's clock is off by",
    reason: "CLOCK_MONOTONIC_RAW's multiplier rounds; the sleep itself is told exactly",
    judge: (run) =>
      column(run, 4, (off, tsc) =>
        within(off, model(run).of(tsc).off, FLOORS_NS + cycleNs(run.params), "ns"),
      ),
  },
  {
    text: "the VM has lost its master clock for good where the TSC began anew, and only there",
    reason: "a counter that went backwards once is not trusted again, whatever new reference is asked for",
    judge: (run) =>
      all(rows(run.measured.tables.clocks).map((row, i) => is(row[5], TSC_IN_SLEEP[i] !== "resets"))),
  },
  {
    text: "CLOCK_MONOTONIC and RAW do not know of the sleep; BOOTTIME does",
    reason: "they go on where they stopped, and only the boot offset grows",
    judge: ({ measured, params }) =>
      all([
        equals(number(measured, "monotonicGain"), 0n, "ns"),
        equals(number(measured, "rawGain"), 0n, "ns"),
        equals(number(measured, "boottimeGain"), params.sleep, "ns"),
      ]),
  },
  {
    text: "a deadline is late by the whole sleep",
    reason: "KVM waits for it on CLOCK_MONOTONIC",
    judge: (run) => {
      const off = (run.params.wait * TOLERANCE_PPM) / 1_000_000n + TIMER_NS;
      return all(
        rows(run.measured.tables.timers).map(([, late]) =>
          within(BigInt(late ?? 0n), run.params.sleep, off, "ns"),
        ),
      );
    },
  },
  {
    text: "by the guest's own TSC it is late only where that TSC counted on",
    reason: "elsewhere the guest slept as well, and finds its deadline kept",
    judge: (run) => {
      const off = (run.params.wait * TOLERANCE_PPM) / 1_000_000n + TIMER_NS;
      return all(
        rows(run.measured.tables.timers).map(([, , error], i) => {
          const { tscGain } = model(run).of(TSC_IN_SLEEP[i] ?? "stops");
          return within(BigInt(error ?? 0n), guestNs(tscGain, run.params), off, "ns");
        }),
      );
    },
  },
  {
    text: "a periodic timer makes up for no tick: the next comes after the rest of its period, ten in ten periods",
    reason: "its period is one of CLOCK_MONOTONIC, which has none of the sleep to catch up with",
    judge: ({ measured, params }) =>
      all(
        rows(measured.tables.timers).flatMap(([, , , first, ticks]) => [
          within(BigInt(first ?? 0n), params.period / 2n, TIMER_NS, "ns"),
          equals(BigInt(ticks ?? 0n), 10n, "count"),
        ]),
      ),
  },
  {
    text: "a TSC that user space writes afterwards is compared with the host's clock in guest cycles",
    reason: "KVM forgot its last write, and carries 0 at time 0 on to now",
    judge: (run) => {
      const written = rows(run.measured.tables.writes);
      return all([
        equals(number(run.measured, "expectedWrite"), model(run).expectedWrite(), "cycles"),
        ...writeDistances(run.params).map((distance, i) =>
          equals(BigInt(written[i]?.[0] ?? 0n), distance, "cycles"),
        ),
      ]);
    },
  },
  {
    text: "within a second of it, edges excluded, it counts as in step; user space's first write only before v6.7",
    reason: "both comparisons are strict; since v6.7 a first write is taken as it is",
    judge: (run) => {
      const second = run.params.guestKhz * 1000n;
      const slop = run.axes.userTsc === "1s-slop";
      return all(
        rows(run.measured.tables.writes).flatMap(([distance, first, later]) => {
          const isNear = magnitude(BigInt(distance ?? 0n)) < second;
          return [is(first, isNear && slop), is(later, isNear)];
        }),
      );
    },
  },
  {
    text: "one that counts as in step throws the guest's TSC back to where the new host TSC puts it",
    reason: "it is given the offset of its generation, which is from before the sleep",
    judge: (run) => {
      const thrown = (distance: bigint, isTaken: boolean): bigint =>
        isTaken ? model(run).thrownBack(distance) : 0n;
      const isFirstTaken = run.axes.userTsc === "1s-slop";
      return all([
        within(number(run.measured, "writeOff"), thrown(0n, isFirstTaken), FLOORS_CYCLES, "cycles"),
        ...rows(run.measured.tables.writes).map(([distance, , later, off]) =>
          within(BigInt(off ?? 0n), thrown(BigInt(distance ?? 0n), later === true), FLOORS_CYCLES, "cycles"),
        ),
      ]);
    },
  },
];
