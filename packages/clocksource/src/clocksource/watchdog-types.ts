/** What a {@link ClocksourceWatchdog} is made from, what it reports, and what it saves. */

import type { DeltaRule } from "./clocksource-delta.js";
import type { ElapsedSource } from "./cycles-to-ns.js";

/** The constants of the watchdog in one kernel. */
export interface WatchdogTuning {
  /** `WATCHDOG_MAX_SKEW`, ns: what reading a clock may cost. */
  readonly maxSkewNs: number;
  /** What the read-back delay is held against: the margins of both clocks, or `maxSkewNs` and half of it. */
  readonly readLimit: "margins" | "max-skew";
  /** What counts as motion backwards. */
  readonly deltaRule: DeltaRule;
}

/** A clock the watchdog reads: the one under suspicion or the one it is held against. */
export interface WatchdogSource extends ElapsedSource {
  /** Unique among the sources of one watchdog. */
  readonly name: string;
  /** ns, u32 (`uncertainty_margin`). */
  readonly uncertaintyMarginNs: number;
  /** The counter now, u64. Every call is a separate read. */
  read(): bigint;
}

/** Why a source was marked unstable. */
export type UnstableReason =
  | { readonly kind: "read-back"; readonly delayNs: bigint }
  | { readonly kind: "skew"; readonly sourceNs: bigint; readonly watchdogNs: bigint };

/** What the watchdog reports. Everything is optional. */
export interface WatchdogEvents {
  /** The source lost its trust. For the TSC that is for good. */
  onUnstable?(source: WatchdogSource, reason: UnstableReason): void;
  /** The watchdog itself took too long to read: the pass was cut short, and the next is 300 s later than usual. */
  onSkipped?(source: WatchdogSource, watchdogDelayNs: bigint): void;
  /** Too long since the last pass: nothing compared, whatever happened in between is forgotten. */
  onIntervalTooLong?(source: WatchdogSource, intervalNs: bigint): void;
}

/** What a {@link ClocksourceWatchdog} is made from. */
export interface WatchdogOptions {
  readonly tuning: WatchdogTuning;
  /** Jiffies per second, 1 … 1000 (`HZ`). */
  readonly hz: number;
  /** Online CPUs, 1 … 8192: the timer hops over them, and they bound the read attempts. */
  readonly onlineCpus: number;
  /** The clock the others are held against. */
  readonly watchdog: WatchdogSource;
  /** The clocks under suspicion. */
  readonly sources: readonly WatchdogSource[];
  /** The jiffy the watchdog is started at, u64. */
  readonly startJiffies: bigint;
  readonly events?: WatchdogEvents;
}

/** The readings a comparison starts from. */
export interface WatchdogBaseline {
  readonly watchdog: bigint;
  readonly source: bigint;
}

/** A {@link ClocksourceWatchdog} as plain JSON; u64 are decimal strings. Sources are named, in the order given. */
export interface WatchdogState {
  readonly expiresJiffies: string;
  readonly cpu: number;
  readonly resetPending: number;
  readonly sources: readonly {
    readonly name: string;
    readonly unstable: boolean;
    readonly baseline: { readonly watchdog: string; readonly source: string } | null;
  }[];
}
