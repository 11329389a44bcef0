import { all, equals, is, type Judgement, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import type { Outcome } from "./outcome.js";
import type { TscWatchdogParams } from "./params.js";
import { isRefused, predictOutcomes, predictPerCheck, predictPerDay, predictTakenKhz } from "./predict.js";
import { DELAYS, HOSTS_KHZ, leastSkew, nameOf, ROW, rateRow, SCALED_KHZ, scaledRow } from "./tables.js";

type Run = JudgedRun<TscWatchdogParams>;
type Axes = Run["axes"];

/** The page's figures are those of true half seconds; the guest's are so much shorter than its TSC is fast. */
const PAGE_TOLERANCE_NS = 1_000n;

const rowsOf = ({ measured }: Run, table: string): ReadonlyArray<readonly (bigint | string | boolean)[]> =>
  measured.tables[table]?.rows ?? [];

/** One of the outcomes that rounding leaves open: mostly one. */
function oneOf(got: unknown, outcomes: ReadonlySet<Outcome>, words: (outcome: Outcome) => string): Judgement {
  const expected = [...outcomes].map(words);
  return { held: expected.includes(String(got)), expected: expected.join(" or "), got: String(got) };
}

function judged(got: unknown, params: TscWatchdogParams, axes: Axes): Judgement {
  return oneOf(got, predictOutcomes(params, axes), nameOf);
}

/** A host's row of the rates, by its page. */
function rate(run: Run, hostKhz: bigint, perCheckNs: bigint, outcome: Outcome): Judgement {
  const row = rowsOf(run, "rates")[HOSTS_KHZ.indexOf(hostKhz)] ?? [];
  return all([
    within(BigInt(row[2] ?? 0n), perCheckNs, PAGE_TOLERANCE_NS, "ns"),
    is(row[3], nameOf(outcome)),
  ]);
}

const isNewer = ({ axes }: Run): boolean => axes.guestWatchdog === "margins";

export const tscWatchdogExpectations: ReadonlyArray<ExpectationSpec<TscWatchdogParams>> = [
  {
    text: "1200 ppm are 600 µs a check, and the TSC is given up",
    reason: "the limit is the margins of both clocks: 500 µs in half a second, 1000 ppm",
    applies: isNewer,
    judge: (run) => rate(run, 2_503_000n, 600_000n, "skew"),
  },
  {
    text: "900 ppm are 450 µs a check, and the TSC is kept",
    reason: "within the limit for ever, at 77.8 s a day: the watchdog looks for jumps",
    applies: isNewer,
    judge: (run) => rate(run, 2_502_250n, 450_000n, "kept"),
  },
  {
    text: "before the margins counted, 900 ppm were too much",
    reason: "a skew of 100 µs makes the limit 400 µs",
    applies: (run) => !isNewer(run),
    judge: (run) => rate(run, 2_502_250n, 450_000n, "skew"),
  },
  {
    text: "a host that cannot slow its TSC down refuses the frequency, and remembers it all the same",
    reason: "KVM_SET_TSC_KHZ stores what it was asked before it fails; KVM_GET_TSC_KHZ gives it",
    judge: ({ params, measured }) =>
      all([
        is(measured.observations.setTscKhz, isRefused(params) ? "−EINVAL" : "0"),
        equals(number(measured, "virtualKhz"), params.guestKhz, "kHz"),
      ]),
  },
  {
    text: "the guest takes its TSC for what it was calibrated to",
    reason: "kvm-clock's multiplier stands for a whole number of kHz, an even one if it is shifted",
    judge: ({ params, axes, measured }) =>
      equals(number(measured, "taken"), predictTakenKhz(params, axes), "kHz"),
  },
  {
    text: "in half a second the TSC gets so far ahead of kvm-clock",
    reason: "each check compares one interval: what went before is forgotten",
    applies: ({ measured }) => measured.observations.perCheck !== undefined,
    judge: ({ params, axes, measured }) => {
      const { ns, toleranceNs } = predictPerCheck(params, axes);
      return within(number(measured, "perCheck"), ns, toleranceNs, "ns");
    },
  },
  {
    text: "and so far in a day, whether it is noticed or not",
    reason: "two rates",
    judge: ({ params, axes, measured }) => {
      const { ns, toleranceNs } = predictPerDay(params, axes);
      return within(number(measured, "perDay"), ns, toleranceNs, "ns");
    },
  },
  {
    text: "the watchdog judges by its limits",
    reason: "slow reads are told from a slow watchdog first, then the intervals are compared",
    judge: ({ params, axes, measured }) =>
      oneOf(measured.observations.outcome, predictOutcomes(params, axes), (outcome) => outcome),
  },
  {
    text: "a rate is noticed at the second check, slow reads at the first",
    reason: "the first only takes a baseline",
    applies: ({ measured }) => measured.observations.check !== undefined,
    judge: ({ measured }) =>
      equals(number(measured, "check"), measured.observations.outcome === "skew" ? 2n : 1n, "count"),
  },
  {
    text: "so does every rate, with the default skew and with 50 µs",
    reason: "four times the skew in half a second",
    judge: (run) =>
      all(
        HOSTS_KHZ.flatMap((hostKhz, i) => {
          const row = rowsOf(run, "rates")[i] ?? [];
          const params = rateRow(hostKhz);
          return [judged(row[3], params, run.axes), judged(row[4], leastSkew(params), run.axes)];
        }),
      ),
  },
  {
    text: "and every delay of a read",
    reason:
      "a try that took too long is repeated, unless kvm-clock alone is as slow: then the pass is cut short",
    judge: (run) =>
      all(DELAYS.map((delays, i) => judged(rowsOf(run, "reads")[i]?.[3], { ...ROW, ...delays }, run.axes))),
  },
  {
    text: "calibrated by kvm-clock, a scaled TSC is kept: 0.2 µs a check",
    reason: "kHz are rounded down twice, by KVM for kvm-clock and by the guest for its TSC",
    judge: (run) =>
      all(
        SCALED_KHZ.flatMap(([hostKhz, guestKhz], i) => {
          const [, , shortKhz, perCheckNs, outcome] = rowsOf(run, "scaled")[i] ?? [];
          const params = scaledRow(hostKhz, guestKhz);
          const { ns, toleranceNs } = predictPerCheck(params, run.axes);
          return [
            equals(BigInt(shortKhz ?? 0n), guestKhz - predictTakenKhz(params, run.axes), "kHz"),
            within(BigInt(perCheckNs ?? 0n), ns, toleranceNs, "ns"),
            judged(outcome, params, run.axes),
          ];
        }),
      ),
  },
];
