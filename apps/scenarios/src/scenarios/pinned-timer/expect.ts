import {
  all,
  atLeast,
  atMost,
  between,
  equals,
  type Judgement,
  number,
  within,
} from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { conservation } from "../conservation.js";
import type { PinnedTimerParams } from "./params.js";
import {
  type Bounds,
  countTolerance,
  distanceNs,
  lateHere,
  lateKicked,
  latePosted,
  lateUnheard,
  shareElsewhere,
  unheardMean,
  unheardQuantile,
} from "./predict.js";

type Run = JudgedRun<PinnedTimerParams>;

/** Timers whose median is what the rule says, however a few of them meet a tick. */
const ENOUGH = 16n;
/** What costs must be small against, so that timers seldom meet an exit under way. */
const SELDOM = 64n;
/** Housekeeping ticks in a residual one, from which on the two have no phase to each other that matters. */
const MANY_TICKS = 20n;

const oneShot = ({ params }: Run): boolean => params.mode === "one-shot";
const periodic = ({ params }: Run): boolean => params.mode === "periodic";
const spins = ({ params }: Run): boolean => params.guest === "spins";
const placement = ({ axes }: Run, ...values: readonly string[]): boolean =>
  values.includes(axes.timerPlacement ?? "");
const pinned = (run: Run): boolean => placement(run, "pinned");
const unheard = (run: Run): boolean => placement(run, "unpinned") && spins(run);
const posted = (run: Run): boolean => placement(run, "posted") && run.params.inhibitAt === 0n;
const kicked = (run: Run): boolean => placement(run, "unpinned-kick", "posted") && !posted(run);

/** The thread keeps its CPU: nobody moves it, takes its time or takes the CPU away. */
const undisturbed = ({ params }: Run): boolean =>
  params.moveEvery === 0n && params.steal === 0n && params.unplugAt === 0n;

/** Exits, entries and interrupts across are short against the timer and against both ticks. */
const costsAreSmall = ({ params }: Run): boolean => {
  const { exitCost, exitJitter, entryCost, ipiCost, residual, tick } = params;
  const costs = SELDOM * (exitCost + exitJitter + entryCost + ipiCost);
  return costs <= distanceNs(params) && costs <= residual && costs <= tick;
};
const plain = (run: Run): boolean => undisturbed(run) && costsAreSmall(run);

const has = ({ measured }: Run, name: string): boolean => measured.observations[name] !== undefined;
const elsewhere = ({ measured }: Run): bigint => number(measured, "elsewhere");
const seen = ({ measured }: Run): bigint => number(measured, "seen");

/** Nothing beyond the bounds; and of enough one-shot timers, the median where jitter alone can move it. */
function late(run: Run, where: "here" | "elsewhere", { least, most }: Bounds): Judgement {
  const { measured, params } = run;
  const limit = atMost(number(measured, `${where}Max`), most, "ns");
  const count = where === "here" ? seen(run) - elsewhere(run) : elsewhere(run);
  if (!oneShot(run) || count < ENOUGH) return limit;
  const median = number(measured, `${where}P50`);
  const exact =
    params.exitJitter === 0n
      ? equals(median, least, "ns")
      : between(median, least, least + params.exitJitter, "ns");
  return all([exact, limit]);
}

/** Periods that leave no word for a running guest: they expire elsewhere. Before it has seen one, they may. */
const periodsUnheard = (run: Run): boolean => unheard(run) && (elsewhere(run) > 0n || seen(run) === 0n);

export const pinnedTimerExpectations: ReadonlyArray<ExpectationSpec<PinnedTimerParams>> = [
  conservation,
  {
    text: "a one-shot timer is late at worst, never lost, and never seen twice",
    reason: "the expiry is pending until the guest can take it, wherever its callback ran",
    applies: oneShot,
    judge: (run) => {
      const expirations = number(run.measured, "expirations");
      return all([
        atMost(expirations, run.params.timers, "count"),
        // A run that ends early may end on an expiry that waits.
        between(seen(run), expirations - 1n, expirations, "count"),
      ]);
    },
  },
  {
    text: "a pinned timer expires on the CPU that armed it",
    reason: "pinned is the one mode for which no other CPU is looked for",
    applies: (run) => pinned(run) && undisturbed(run),
    judge: (run) => equals(elsewhere(run), 0n, "count"),
  },
  {
    text: "an unpinned one expires elsewhere in min(1, delta / tick) of the cases",
    reason: "it moves iff the housekeeping CPU's next event is no later than it: a tick, if that CPU is busy",
    applies: (run) => !pinned(run) && oneShot(run) && plain(run),
    judge: (run) => {
      const share = shareElsewhere(run.params);
      const expected = (seen(run) * share.part) / share.whole;
      if (share.part === 0n) return equals(elsewhere(run), 0n, "count");
      return within(elsewhere(run), expected, countTolerance(seen(run), share), "count");
    },
  },
  {
    text: "expiring on its vCPU's CPU, a timer is late by an exit and an entry",
    reason: "the timer's interrupt is itself the exit; a halted guest needs the entry only",
    applies: (run) => plain(run) && has(run, "hereMax"),
    judge: (run) => late(run, "here", lateHere(run.params)),
  },
  {
    text: "expiring elsewhere without a word, it waits for the next exit",
    reason:
      "a request bit does not interrupt a guest; the CPU's residual tick does, and a halted guest wakes",
    applies: (run) => placement(run, "unpinned") && plain(run) && has(run, "elsewhereMax"),
    judge: (run) => atMost(number(run.measured, "elsewhereMax"), lateUnheard(run.params), "ns"),
  },
  {
    text: "the delays are those of a share p that waits for X, uniformly",
    reason: "quantile q > 1 − p is (q − (1 − p)) / p · X, the mean p · X / 2, besides exit and entry",
    applies: (run) =>
      unheard(run) &&
      oneShot(run) &&
      plain(run) &&
      seen(run) >= ENOUGH &&
      run.params.exitJitter === 0n &&
      shareElsewhere(run.params).part > 0n &&
      run.params.residual >= MANY_TICKS * run.params.tick,
    judge: (run) => {
      const { params, measured } = run;
      const mean = unheardMean(params, seen(run));
      const quantiles = [
        ["p90", 900n],
        ["p99", 990n],
      ] as const;
      return all([
        ...quantiles.flatMap(([name, permille]) => {
          const estimate = unheardQuantile(params, seen(run), permille);
          if (estimate === undefined) return [];
          return [within(number(measured, name), estimate.value, estimate.tolerance, "ns")];
        }),
        within(number(measured, "mean"), mean.value, mean.tolerance, "ns"),
      ]);
    },
  },
  {
    text: "expiring elsewhere with a kick, it is late by an interrupt across besides",
    reason: "the callback interrupts the vCPU's CPU, and that exit finds the request",
    applies: (run) => kicked(run) && plain(run) && run.params.inhibitAt === 0n && has(run, "elsewhereMax"),
    judge: (run) => late(run, "elsewhere", lateKicked(run.params)),
  },
  {
    text: "posted from elsewhere, it takes the notification and no exit",
    reason: "the callback sets the bit where the processor looks for it, and the guest never leaves",
    applies: (run) => posted(run) && plain(run) && has(run, "elsewhereMax"),
    judge: (run) => {
      const ticks = number(run.measured, "length") / run.params.residual + 1n;
      const exits = seen(run) - elsewhere(run) + ticks;
      const noExits = spins(run)
        ? [
            equals(number(run.measured, "kicks"), 0n, "count"),
            ...(run.params.nohzFull.includes(Number(run.params.vcpuCpu))
              ? [atMost(number(run.measured, "interruptExits"), exits, "count")]
              : []),
          ]
        : [];
      return all([late(run, "elsewhere", latePosted(run.params)), ...noExits]);
    },
  },
  {
    text: "every period expires on the CPU of the first",
    reason: "the callback re-arms its timer on its own CPU, where it has to stay",
    applies: (run) => periodic(run) && undisturbed(run),
    judge: (run) => {
      if (elsewhere(run) === 0n) return equals(elsewhere(run), 0n, "count");
      return equals(elsewhere(run), seen(run), "count");
    },
  },
  {
    text: "a running guest sees one period per residual tick, the others find it pending still",
    reason: "nothing else makes it exit, and one pending expiry swallows those behind it",
    applies: (run) =>
      periodic(run) &&
      plain(run) &&
      periodsUnheard(run) &&
      elsewhere(run) > 0n &&
      distanceNs(run.params) <= run.params.residual,
    judge: (run) => {
      const watched = (run.params.timers - 1n) * distanceNs(run.params);
      return within(seen(run), watched / run.params.residual, 2n, "count");
    },
  },
  {
    text: "the guest sees every period",
    reason: "each expiry reaches it before the next is due",
    applies: (run) => periodic(run) && plain(run) && !periodsUnheard(run),
    judge: (run) => atLeast(seen(run), number(run.measured, "expirations") - 1n, "count"),
  },
];
