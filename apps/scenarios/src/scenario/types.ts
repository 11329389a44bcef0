import type { TraceRun, TraceSink } from "@chronovisor/trace";
import type { z } from "zod";
import type { KernelChoice } from "../kernels/kernels.js";
import type { OpenTrace } from "../machine/trace/open-trace.js";

/** Base units: what a value is counted in. Display scales them; JSON carries them as they are. */
export type Unit = "ns" | "ps" | "cycles" | "Hz" | "kHz" | "ppb" | "count" | "name" | "flag";

/** An exact value with its unit. Integers are bigint (decimal strings in JSON), names are text, flags boolean. */
export interface Quantity {
  readonly value: bigint | string | boolean;
  readonly unit: Unit;
}

/** What an observation is, before any run: its unit and the words a reader sees. */
export interface ObservationSpec {
  readonly unit: Unit;
  readonly title: string;
  /** Shown in the table; the others are in `--json` and in expectations only. */
  readonly headline?: true;
  /** An error or a difference, early or late: shown with a plus sign when it is positive. */
  readonly signed?: true;
  /** Some runs have nothing to measure here: shown as `–`, null in JSON. Any other must be measured by every run. */
  readonly optional?: true;
}

/** A quantity over true time. Points are `[ns, value]`, ascending; time counts from the start unless the title says otherwise. */
export interface Series {
  readonly title: string;
  readonly unit: Unit;
  readonly points: ReadonlyArray<readonly [bigint, bigint]>;
}

/** Samples with `from ≤ sample < to`. */
export interface Bucket {
  readonly from: bigint;
  readonly to: bigint;
  readonly count: bigint;
}

/** Exact samples by nearest rank (the smallest with that share at or below it); `mean` is rounded half-even. */
export interface Quantiles {
  readonly min: bigint;
  readonly p50: bigint;
  readonly p90: bigint;
  readonly p99: bigint;
  /** 99.9 %. */
  readonly p999: bigint;
  readonly max: bigint;
  readonly mean: bigint;
}

/** How often a quantity took which values, as `distributionOf` counts them. */
export interface Distribution {
  readonly title: string;
  readonly unit: Unit;
  /** Samples in all. */
  readonly count: bigint;
  /** Ascending and without gaps from the first bucket with a sample to the last, bounds at 1, 2 and 5 times powers of ten. */
  readonly buckets: readonly Bucket[];
  /** Absent when there was no sample. */
  readonly quantiles: Quantiles | undefined;
}

/** One assertion after the run. `held` is undefined where it was stated for other parameters. */
export interface Expectation {
  readonly text: string;
  readonly held: boolean | undefined;
  readonly expected: string;
  readonly got: string;
  readonly reason: string;
}

/** Where a story comes from: a commit, or a page of the model. */
export interface Source {
  readonly title: string;
  readonly commit?: string;
  readonly url?: string;
}

/** Everything a run yields: a pure function of scenario, kernel choice, parameters and seed. */
export interface RunResult {
  readonly scenario: string;
  /** Release such as `v4.16`, or `v4.16 + periodicAdvance=resync` where axes are overridden. */
  readonly kernel: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, Quantity>>;
  readonly seed: number;
  /** By name, in the order of the scenario; undefined where an optional one was not measured. */
  readonly observations: Readonly<Record<string, Quantity | undefined>>;
  readonly series: Readonly<Record<string, Series>>;
  readonly tables: Readonly<Record<string, Table>>;
  readonly distributions: Readonly<Record<string, Distribution>>;
  readonly expectations: readonly Expectation[];
}

/** One column of a table: its name in JSON, its unit, and its head on a screen. */
export interface TableColumn {
  readonly name: string;
  readonly unit: Unit;
  readonly title: string;
  /** As of an observation: positive values have a plus sign. */
  readonly signed?: true;
}

/** Rows of quantities, for what neither one number nor one curve says (interrupts delivered by the hour). */
export interface Table {
  readonly title: string;
  readonly columns: readonly TableColumn[];
  readonly rows: ReadonlyArray<readonly (bigint | string | boolean)[]>;
}

/** Called as a run goes: how far simulated time has come. Never changes the outcome. */
export interface Progress {
  readonly simulatedNs: bigint;
  readonly totalNs: bigint;
  readonly ticks: bigint;
}

/** What a caller may watch and stop a run by. */
export interface RunHooks {
  /** Called as simulated time passes. */
  readonly onProgress?: (progress: Progress) => void;
  /** Checked between slices of work; an aborted run throws `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Run catch-ups callback by callback instead of in closed form: same bytes, much slower. */
  readonly stepped?: boolean;
  /**
   * Asked for each machine that the run wants to show, its main one first, where that machine is to tell what happens in it: the
   * events are those of the same run without it. Undefined, and it tells nothing.
   */
  readonly trace?: (run: TraceRun) => TraceSink | undefined;
}

/** The hooks as a story has them. */
export interface StoryHooks extends Omit<RunHooks, "trace"> {
  /** For a machine that is to be shown; the others are built without. */
  readonly openTrace?: OpenTrace | undefined;
}

/** What `build` measured, before expectations are judged. */
export interface Measured {
  readonly observations: Readonly<Record<string, bigint | string | boolean | undefined>>;
  readonly series: Readonly<Record<string, Series>>;
  readonly tables: Readonly<Record<string, Table>>;
  readonly distributions?: Readonly<Record<string, Distribution>>;
}

export interface RunContext<P> {
  readonly params: P;
  readonly kernel: KernelChoice;
  readonly seed: number;
  readonly hooks: StoryHooks;
}

/** Params of a scenario: one zod schema per name, made by the builders of `params.ts`. */
export type ParamShape = Readonly<Record<string, z.ZodType>>;
export type ParamValues<S extends ParamShape> = { readonly [K in keyof S]: z.output<S[K]> };

/** One assertion of a scenario, judged on what a run measured. */
export interface ExpectationSpec<P> {
  readonly text: string;
  readonly reason: string;
  /** Whether the figure is stated for these parameters; absent means always. */
  readonly applies?: (run: JudgedRun<P>) => boolean;
  readonly judge: (run: JudgedRun<P>) => {
    readonly held: boolean;
    readonly expected: string;
    readonly got: string;
  };
}

export interface JudgedRun<P> {
  readonly params: P;
  readonly axes: Readonly<Record<string, string>>;
  readonly measured: Measured;
}

/** One column of a scenario's own comparison. */
export interface ComparedKernel {
  /** A short name of the behaviour, shown over the column: `M2 rate-compensated`. */
  readonly label: string;
  /** A kernel expression, as in `variants`. */
  readonly kernel: string;
}

/** A cause of what a scenario observes, and what would take it away. */
export interface BudgetTerm {
  /** Its key in JSON. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** Parameters, as they would be typed, and behaviours under which it is gone. */
  readonly ideal: {
    readonly params?: Readonly<Record<string, string>>;
    readonly axes?: Readonly<Record<string, string>>;
  };
}

/** How an observation splits into its causes: each is taken away in turn, in this order, and what that changes is its share. */
export interface Budget {
  /** A number that a run measures. */
  readonly observation: string;
  /** The observation in ns over which it built up, where it is a drift: its shares are then also shown as rates. */
  readonly over?: string;
  readonly terms: readonly BudgetTerm[];
  /** What is left when all of them are gone. */
  readonly rest: string;
}

/** One scenario: what it is called, what can be set, how it is run, what it measures and what must hold. */
export interface ScenarioDefinition<S extends ParamShape = ParamShape> {
  readonly id: string;
  readonly title: string;
  /** Two or three sentences for someone who has not read the patch. */
  readonly story: string;
  /** One line beside the title: commit and release of the fix. */
  readonly fix: string;
  /** One of those a report is on when none is named. */
  readonly featured?: true;
  readonly sources: readonly Source[];
  readonly params: S;
  /** Kernel expressions: a release, optionally with overrides (`v4.16 + switchToSw=arm-past`). */
  readonly variants: { readonly before: string; readonly after: string };
  /** Behaviour axes that play a part; where kernels differ in others, a screen only counts them. Absent, all may. */
  readonly axes?: readonly string[];
  /** Columns of a plain `compare`, where before and after are not the whole story. Differences are marked against the first. */
  readonly comparison?: readonly ComparedKernel[];
  /** What its headline is made of, for `explain`. */
  readonly budgets?: readonly Budget[];
  /** The observation a verdict speaks of. */
  readonly headline: string;
  /** The series that is plotted; absent, none is. */
  readonly plot?: string;
  /** The distribution that is drawn; absent, none is. */
  readonly histogram?: string;
  readonly observe: Readonly<Record<string, ObservationSpec>>;
  /** Simulated length of a run, for progress. */
  readonly lengthNs: (params: ParamValues<S>) => bigint;
  readonly run: (context: RunContext<ParamValues<S>>) => Measured;
  readonly expect: ReadonlyArray<ExpectationSpec<ParamValues<S>>>;
  /** One sentence on what a run shows, from its result and what the screen calls it: its kernel, or the label of its column. */
  readonly verdict: (result: RunResult, name: string) => string;
}
