/**
 * The clocksource watchdog: every half second it reads each suspect clock between two reads of a trusted one, and marks the
 * suspect unstable when the two disagree about the time since the last pass.
 *
 * What it does not see: a forward jump larger than about half a second makes the interval longer than a second, and such
 * an interval is not compared; the baselines have been replaced already, so the jump is forgotten. A backward jump has no
 * upper bound: beyond half a second its elapsed time reads 0 and the difference is all of the other clock's.
 *
 * Source: `kernel/time/clocksource.c:clocksource_watchdog`, `cs_watchdog_read`; docs/model/clocksource-tsc §4.
 */

import { checkInteger, checkOneOf, checkU32, checkU64 } from "../argument-checks.js";
import { CLOCKSOURCE_BEHAVIOURS } from "../behaviours.js";
import { elapsedNs } from "./cycles-to-ns.js";
import type {
  UnstableReason,
  WatchdogBaseline,
  WatchdogOptions,
  WatchdogSource,
  WatchdogState,
  WatchdogTuning,
} from "./watchdog-types.js";

/** A longer time between two passes is not compared (`WATCHDOG_INTERVAL_MAX_NS`, twice the interval). */
const INTERVAL_MAX_NS = 1_000_000_000n;
/** What a pass that was cut short adds to the next expiry, seconds. */
const SKIP_WAIT_SEC = 300n;
const U64_BITS = 64;

/** The watchdog's constants by kernel, with the Kconfig defaults for the skew. */
export const WATCHDOG_TUNING: Readonly<Record<"6.1" | "6.12", WatchdogTuning>> = {
  "6.1": { maxSkewNs: 100_000, readLimit: "max-skew", deltaRule: "msb" },
  "6.12": { maxSkewNs: 125_000, readLimit: "margins", deltaRule: "seven-eighths" },
};

interface Watched {
  readonly source: WatchdogSource;
  unstable: boolean;
  baseline: WatchdogBaseline | undefined;
}

type Reading =
  | { readonly kind: "usable"; readonly baseline: WatchdogBaseline }
  | { readonly kind: "skip"; readonly watchdogDelayNs: bigint }
  | { readonly kind: "unstable"; readonly delayNs: bigint };

/**
 * Reads per source and pass before the source is given up: one, plus half the CPUs' base-2 logarithm, plus one.
 *
 * @param onlineCpus - 1 … 8192.
 * @returns the number of attempts.
 * @throws TypeError or RangeError unless `onlineCpus` is such a number.
 * Source: docs/model/clocksource-tsc §4.
 * @example
 * watchdogReadAttempts(64) // => 5
 */
export function watchdogReadAttempts(onlineCpus: number): number {
  checkInteger("watchdogReadAttempts", "onlineCpus", onlineCpus, 1, 8192);
  const log2 = 31 - Math.clz32(onlineCpus);
  return Math.floor(log2 / 2) + 2;
}

/**
 * A watchdog over some clocks. The caller runs {@link check} when {@link expiresJiffies} is reached, on {@link cpu}.
 *
 * @example
 * const counter = { mask: 2n ** 64n - 1n, mult: 1, shift: 0, maxCycles: 2n ** 62n, maxRawDelta: 2n ** 63n };
 * let now = 0n;
 * const hpet = { name: "hpet", ...counter, uncertaintyMarginNs: 250_000, read: () => now };
 * const tsc = { name: "tsc", ...counter, uncertaintyMarginNs: 250_000, read: () => (now * 1001n) / 1000n };
 * const cpus = { hz: 250, onlineCpus: 4, startJiffies: 0n, tuning: WATCHDOG_TUNING["6.12"] };
 * const watchdog = new ClocksourceWatchdog({ ...cpus, watchdog: hpet, sources: [tsc] });
 * watchdog.check(125n);
 * now = 500_001_000n;
 * watchdog.check(250n);
 * watchdog.isUnstable("tsc") // => true
 */
export class ClocksourceWatchdog {
  readonly #options: WatchdogOptions;
  readonly #intervalJiffies: bigint;
  readonly #watched: readonly Watched[];
  #expiresJiffies: bigint;
  #cpu = 0;
  #resetPending = 0;

  /**
   * @param options - see {@link WatchdogOptions}.
   * @throws TypeError or RangeError for an option outside its domain, or two sources of one name.
   */
  constructor(options: WatchdogOptions) {
    const fn = "ClocksourceWatchdog";
    checkInteger(fn, "hz", options.hz, 1, 1000);
    checkInteger(fn, "onlineCpus", options.onlineCpus, 1, 8192);
    checkU64(fn, "startJiffies", options.startJiffies);
    checkInteger(fn, "tuning.maxSkewNs", options.tuning.maxSkewNs, 0, 2 ** 31 - 1);
    checkOneOf(fn, "tuning.readLimit", options.tuning.readLimit, ["margins", "max-skew"]);
    checkOneOf(fn, "tuning.deltaRule", options.tuning.deltaRule, CLOCKSOURCE_BEHAVIOURS.negMotion);
    for (const source of [options.watchdog, ...options.sources]) {
      checkU32(fn, `${source.name}.uncertaintyMarginNs`, source.uncertaintyMarginNs);
    }
    const names = options.sources.map((source) => source.name);
    if (new Set(names).size !== names.length) {
      throw new RangeError(`${fn}: expected sources of different names, got ${names.join(", ")}`);
    }
    this.#options = options;
    this.#intervalJiffies = BigInt(options.hz >> 1);
    this.#watched = options.sources.map((source) => ({ source, unstable: false, baseline: undefined }));
    this.#expiresJiffies = BigInt.asUintN(U64_BITS, options.startJiffies + this.#intervalJiffies);
  }

  /** The jiffy of the next pass: the previous EXPIRY plus half a second, however late the pass ran. */
  get expiresJiffies(): bigint {
    return this.#expiresJiffies;
  }

  /** The CPU of the next pass: the timer hops to the next one at every run. */
  get cpu(): number {
    return this.#cpu;
  }

  /** Passes that only take new baselines. */
  get resetPending(): number {
    return this.#resetPending;
  }

  /**
   * Whether a source was marked unstable.
   *
   * @param name - the source's name.
   * @throws RangeError for a name that is not watched.
   */
  isUnstable(name: string): boolean {
    const watched = this.#watched.find(({ source }) => source.name === name);
    if (watched === undefined) {
      throw new RangeError(`ClocksourceWatchdog.isUnstable: expected a watched source, got ${name}`);
    }
    return watched.unstable;
  }

  /** Keeps the next pass from comparing (`clocksource_touch_watchdog`, resume). */
  touch(): void {
    this.#resetPending += 1;
  }

  /**
   * One pass over all sources, and the next expiry.
   *
   * @param nowJiffies - the jiffy the pass runs in, u64; only a pass with too long an interval looks at it.
   * @throws TypeError or RangeError unless `nowJiffies` is a u64.
   */
  check(nowJiffies: bigint): void {
    checkU64("ClocksourceWatchdog.check", "nowJiffies", nowJiffies);
    const resetAtStart = this.#resetPending > 0;
    let extraJiffies = 0n;
    for (const watched of this.#watched) {
      if (watched.unstable) continue;
      const reading = this.#read(watched.source);
      if (reading.kind === "skip") {
        for (const other of this.#watched) other.baseline = undefined;
        extraJiffies = SKIP_WAIT_SEC * BigInt(this.#options.hz);
        this.#options.events?.onSkipped?.(watched.source, reading.watchdogDelayNs);
        break;
      }
      if (reading.kind === "unstable") {
        this.#markUnstable(watched, { kind: "read-back", delayNs: reading.delayNs });
        continue;
      }
      if (this.#compare(watched, reading.baseline) === "too-long") this.#expiresJiffies = nowJiffies;
    }
    if (resetAtStart) this.#resetPending -= 1;
    this.#cpu = (this.#cpu + 1) % this.#options.onlineCpus;
    this.#expiresJiffies = BigInt.asUintN(
      U64_BITS,
      this.#expiresJiffies + this.#intervalJiffies + extraJiffies,
    );
  }

  /** The whole state, as plain JSON. Options, sources and events are the caller's. */
  state(): WatchdogState {
    return {
      expiresJiffies: String(this.#expiresJiffies),
      cpu: this.#cpu,
      resetPending: this.#resetPending,
      sources: this.#watched.map(({ source, unstable, baseline }) => ({
        name: source.name,
        unstable,
        baseline: baseline ? { watchdog: String(baseline.watchdog), source: String(baseline.source) } : null,
      })),
    };
  }

  /**
   * A watchdog that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @param options - the same sources by name, in the same order; `startJiffies` is not looked at.
   * @returns a watchdog equal to the saved one.
   * @throws TypeError, RangeError or SyntaxError for other sources or a member that is no number of its width.
   */
  static fromState(state: WatchdogState, options: WatchdogOptions): ClocksourceWatchdog {
    const fn = "ClocksourceWatchdog.fromState";
    const watchdog = new ClocksourceWatchdog(options);
    watchdog.#expiresJiffies = BigInt(state.expiresJiffies);
    checkU64(fn, "expiresJiffies", watchdog.#expiresJiffies);
    checkInteger(fn, "cpu", state.cpu, 0, options.onlineCpus - 1);
    watchdog.#cpu = state.cpu;
    checkU32(fn, "resetPending", state.resetPending);
    watchdog.#resetPending = state.resetPending;
    const saved = state.sources.map(({ name }) => name).join(", ");
    const given = options.sources.map(({ name }) => name).join(", ");
    if (saved !== given) throw new RangeError(`${fn}: expected the sources ${saved}, got ${given}`);
    watchdog.#watched.forEach((watched, i) => {
      const { unstable, baseline } = state.sources[i] ?? { unstable: false, baseline: null };
      watched.unstable = unstable;
      watched.baseline = baseline ? readBaseline(fn, baseline) : undefined;
    });
    return watchdog;
  }

  /** Reads watchdog, source, watchdog, watchdog until the first pair lies close enough together. */
  #read(source: WatchdogSource): Reading {
    const { watchdog, tuning, onlineCpus } = this.#options;
    const { usableNs, skipNs } = readLimits(tuning, watchdog, source);
    let delayNs = 0n;
    for (let attempt = watchdogReadAttempts(onlineCpus); attempt > 0; attempt--) {
      const before = watchdog.read();
      const value = source.read();
      const after = watchdog.read();
      const again = watchdog.read();
      delayNs = elapsedNs(watchdog, before, after, tuning.deltaRule);
      if (delayNs <= usableNs) return { kind: "usable", baseline: { watchdog: before, source: value } };
      const watchdogDelayNs = elapsedNs(watchdog, after, again, tuning.deltaRule);
      if (watchdogDelayNs > skipNs) return { kind: "skip", watchdogDelayNs };
    }
    return { kind: "unstable", delayNs };
  }

  #compare(watched: Watched, next: WatchdogBaseline): "compared" | "too-long" {
    const { source, baseline } = watched;
    // Replaced before any comparison: whatever happened in this interval is never looked at again.
    watched.baseline = next;
    if (baseline === undefined || this.#resetPending > 0) return "compared";

    const { watchdog, tuning, events } = this.#options;
    const sourceNs = elapsedNs(source, baseline.source, next.source, tuning.deltaRule);
    const watchdogNs = elapsedNs(watchdog, baseline.watchdog, next.watchdog, tuning.deltaRule);
    const intervalNs = larger(asSigned(sourceNs), asSigned(watchdogNs));
    if (intervalNs > INTERVAL_MAX_NS) {
      events?.onIntervalTooLong?.(source, intervalNs);
      return "too-long";
    }
    // A 32-bit sum, as the margins are u32.
    const limitNs = BigInt((source.uncertaintyMarginNs + watchdog.uncertaintyMarginNs) >>> 0);
    const skewNs = asSigned(sourceNs - watchdogNs);
    if ((skewNs < 0n ? -skewNs : skewNs) > limitNs) {
      this.#markUnstable(watched, { kind: "skew", sourceNs, watchdogNs });
    }
    return "compared";
  }

  #markUnstable(watched: Watched, reason: UnstableReason): void {
    watched.unstable = true;
    watched.baseline = undefined;
    this.#options.events?.onUnstable?.(watched.source, reason);
  }
}

/** What reading may cost: up to `usable` the values stand, a watchdog slower than `skip` ends the pass. */
function readLimits(
  tuning: WatchdogTuning,
  watchdog: WatchdogSource,
  source: WatchdogSource,
): { readonly usableNs: bigint; readonly skipNs: bigint } {
  if (tuning.readLimit === "max-skew") {
    return { usableNs: BigInt(tuning.maxSkewNs), skipNs: BigInt(tuning.maxSkewNs >> 1) };
  }
  return {
    usableNs: BigInt((watchdog.uncertaintyMarginNs + source.uncertaintyMarginNs) >>> 0),
    skipNs: BigInt(watchdog.uncertaintyMarginNs),
  };
}

function readBaseline(
  fn: string,
  saved: { readonly watchdog: string; readonly source: string },
): WatchdogBaseline {
  const baseline = { watchdog: BigInt(saved.watchdog), source: BigInt(saved.source) };
  checkU64(fn, "baseline.watchdog", baseline.watchdog);
  checkU64(fn, "baseline.source", baseline.source);
  return baseline;
}

function asSigned(ns: bigint): bigint {
  return BigInt.asIntN(U64_BITS, ns);
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
