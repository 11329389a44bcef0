import { all, atMost, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { EVENTS } from "./events.js";
import type { HypervPageParams } from "./params.js";
import { PageModel, type PredictedStep } from "./predict.js";

type Run = JudgedRun<HypervPageParams>;
type Cell = bigint | string | boolean;

const UNIT_NS = 100n;
const NS_PER_MS = 1_000_000n;
const DAY_NS = 86_400_000_000_000n;
/** The page floors once by itself; its offset floors twice more, once up. */
const PAGE_FLOORS_NS = 2n * UNIT_NS;
/** Either reading of a step. */
const STEP_FLOORS_NS = 2n * PAGE_FLOORS_NS;

const released = ({ axes }: Run): boolean => axes.guestKhz === "truncated-khz" && axes.getClock === "direct";
const isPagePair = ({ params }: Run): boolean =>
  params.hostKhz === 3_000_000n && params.guestKhz === 2_500_000n;
const model = ({ params, axes }: Run): PageModel => new PageModel(params, axes);
const eventRows = ({ measured }: Run): ReadonlyArray<readonly Cell[]> => measured.tables.events?.rows ?? [];

/** The sequence of a page; that of one under an emulated TSC is what it was on the source. */
function sequence(run: Run, page: "reference" | "moved" | "untouched"): bigint {
  const row = { reference: 1, moved: EVENTS.length, untouched: EVENTS.length + 1 }[page];
  return BigInt(eventRows(run)[row]?.[4] ?? 0n);
}

/** Each vCPU's request takes a new reference, unless one serves all. */
function rewrites({ params, axes }: Run): bigint {
  return axes.masterClockRequests === "once" ? 1n : params.vcpus;
}

/** A cycle of the slower counter: what a read of a clock rounds down to. */
function cycleNs({ hostKhz, guestKhz }: HypervPageParams): bigint {
  return NS_PER_MS / (hostKhz < guestKhz ? hostKhz : guestKhz) + 1n;
}

/** What the scale's last place makes of an age: it has 58 significant bits or more. */
function scaleNs({ age }: HypervPageParams): bigint {
  return 1n + (age >> 56n);
}

/** One row's step and distance from kvmclock. The host's events are seen a few cycles later. */
function stepped(run: Run, row: readonly Cell[] | undefined, predicted: PredictedStep): readonly Judgement[] {
  const off = STEP_FLOORS_NS + 4n * cycleNs(run.params);
  const ahead = BigInt(row?.[2] ?? 0n);
  return [
    within(BigInt(row?.[1] ?? 0n), predicted.step, off, "ns"),
    within(ahead, predicted.ahead, PAGE_FLOORS_NS + 2n * cycleNs(run.params), "ns"),
  ];
}

export const hypervPageExpectations: ReadonlyArray<ExpectationSpec<HypervPageParams>> = [
  {
    text: "the page's scale is 0x10624e40e147ae1",
    reason:
      "2^31 times kvmclock's multiplier 3435975211, a hundredth of it: units of 100 ns a cycle, times 2^64",
    applies: (run) => isPagePair(run) && run.axes.guestKhz === "truncated-khz",
    judge: ({ measured }) => is(measured.observations.scale, "0x10624e40e147ae1"),
  },
  {
    text: "the page keeps to kvmclock, to a unit of 100 ns",
    reason: "it says what kvmclock says, by one multiplication; from a reference at 0 it floors once",
    judge: ({ measured, params }) =>
      atMost(number(measured, "worst"), UNIT_NS + scaleNs(params) + cycleNs(params), "ns"),
  },
  {
    text: "after a day the counter without the page is 345 753 units behind it",
    reason: "KVM reckons from the host's TSC; the guest's clock is 34 575 350 ns ahead of that",
    applies: (run) =>
      released(run) && isPagePair(run) && run.params.fracBits === "48" && run.params.age === DAY_NS,
    judge: ({ measured }) =>
      all([
        within(number(measured, "fallback"), -345_753n, 1n, "count"),
        within(number(measured, "inForce"), 345_753n, 1n, "count"),
      ]),
  },
  {
    text: "the two part evenly, hour by hour",
    reason: "two linear clocks of one counter",
    judge: (run) =>
      all(
        (run.measured.series.fallback?.points ?? []).map(([ns, fallback]) =>
          within(
            fallback,
            new PageModel(run.params, run.axes, ns).fallback,
            PAGE_FLOORS_NS + cycleNs(run.params),
            "ns",
          ),
        ),
      ),
  },
  {
    text: "each event moves the guest's time from the clock it went by to the one it goes by then",
    reason: "page: the guest's TSC; counter: the host's; a new reference: CLOCK_MONOTONIC_RAW",
    judge: (run) => all(EVENTS.flatMap(({ id }, i) => stepped(run, eventRows(run)[i], model(run).event(id)))),
  },
  {
    text: "naming a page takes a new reference, so the counter steps to the host's clock, not to the guest's",
    reason: "the MSR's write asks for it, and it is taken before the page is written",
    judge: (run) =>
      within(
        number(run.measured, "named") * UNIT_NS,
        model(run).event("named").step,
        STEP_FLOORS_NS + cycleNs(run.params),
        "ns",
      ),
  },
  {
    text: "a new reference writes the page anew",
    reason: "its sequence goes on by one from what the guest finds there",
    judge: (run) =>
      all([
        is(eventRows(run)[1]?.[3], "set"),
        equals(sequence(run, "reference") - sequence(run, "untouched"), rewrites(run), "count"),
      ]),
  },
  {
    text: "a page taken away is not touched, and one that is lost has sequence 0",
    reason: "0 tells the guest to read the counter; without the enable bit KVM forgets the page",
    judge: (run) => {
      const [, , removed, lost, returned, renamed] = eventRows(run);
      return all([
        is(removed?.[3], "unset"),
        is(lost?.[3], "broken"),
        equals(BigInt(lost?.[4] ?? 1n), 0n, "count"),
        is(returned?.[3], "broken"),
        is(renamed?.[3], "set"),
      ]);
    },
  },
  {
    text: "moved to another host the guest's time steps to what KVM_SET_CLOCK set",
    reason: "KVM_GET_CLOCK gave what the counter goes by, and the page is written anew",
    judge: (run) => all(stepped(run, eventRows(run)[EVENTS.length], model(run).migration("off"))),
  },
  {
    text: "while it counts on an emulated TSC its page stays as it was, and its time goes on",
    reason: "a page that tells the time must not change then; kvmclock is where KVM_SET_CLOCK put it",
    judge: (run) =>
      all([
        ...stepped(run, eventRows(run)[EVENTS.length + 1], model(run).migration("on")),
        within(
          number(run.measured, "inForce") * UNIT_NS,
          -model(run).fallback,
          STEP_FLOORS_NS + cycleNs(run.params),
          "ns",
        ),
        equals(sequence(run, "moved") - sequence(run, "untouched"), rewrites(run), "count"),
      ]),
  },
];
