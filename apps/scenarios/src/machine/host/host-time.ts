import {
  type ClockRate,
  type CyclesToNsForm,
  type HostTsc,
  type MonotonicNs,
  type MonotonicRawNs,
  registerClocksource,
  type SteeredHostClock,
} from "@chronovisor/clocksource";
import { Timekeeper, type TimekeeperClocksource } from "@chronovisor/timekeeper";
import type { Engine } from "../engine/engine.js";
import { ChipsetClock, type ChipsetCounter } from "./chipset-counter.js";
import { type HostCounter, TSC_COUNTER } from "./host-counter.js";
import { NanosecondCounter } from "./nanosecond-counter.js";

/**
 * What the host's clocks are made from.
 *
 * `exact`: the timekeeper counts nanoseconds that a counter of its own brings, off by `ratePpb` against the TSC and by
 * nothing else: no mult rounds, no tick steers. The page's figures are stated for this clock.
 * `tsc`: the timekeeper is driven by the TSC, with the kernel's mult and shift, and NTP steers it tick by tick.
 */
export type HostClockOptions =
  | { readonly kind: "exact"; readonly ratePpb: bigint }
  | {
      readonly kind: "tsc";
      readonly tscKhz: number;
      readonly hz: number;
      readonly realtimeNs?: bigint;
      readonly cyclesToNs?: CyclesToNsForm;
    };

const MASK = 2n ** 64n - 1n;
/** CONFIG_HZ where no tick steers: it sets the unit of NTP's arithmetic only. */
const UNSTEERED_HZ = 250;
/** WATCHDOG_MAX_SKEW of the kernel's defaults, in ns: it does not enter mult and shift. */
const WATCHDOG_MAX_SKEW_NS = 125_000;

/** A counter that is nanoseconds already: one each, nothing to convert. */
const NANOSECONDS = { scale: 1, freq: 0, mult: 1, shift: 0 };

type Clocksource = TimekeeperClocksource & { readonly maxIdleNs: bigint };

function clocksource(
  counter: typeof NANOSECONDS | { scale: number; freq: number },
  mask: bigint = MASK,
): Clocksource {
  return { ...registerClocksource({ ...counter, mask, watchdogMaxSkewNs: WATCHDOG_MAX_SKEW_NS }), mask };
}

/**
 * The host's clocks: the timekeeper over a counter that is a function of the axis.
 *
 * Reads are remembered per instant, because the kernel reads the clock several times within one event.
 */
export class HostTime implements SteeredHostClock {
  readonly timekeeper: Timekeeper;
  /** Called when CLOCK_MONOTONIC runs at another rate than before. */
  onRateChange: (() => void) | undefined;
  /** Called after every update of the timekeeper, as KVM's notifier is. */
  onUpdate: (() => void) | undefined;
  /** Called when CLOCK_REALTIME or CLOCK_BOOTTIME moved against CLOCK_MONOTONIC. */
  onClockSet: ((clocks: "wall" | "boot") => void) | undefined;
  readonly #engine: Engine;
  readonly #options: HostClockOptions;
  readonly #tscHz: bigint;
  #counter: HostCounter;
  #maxIdleNs: bigint;
  /** The counter whose rate can be set; undefined under a TSC, which has none. */
  readonly #settable: NanosecondCounter | undefined;
  #monoMult: number;
  #readTsc: HostTsc | undefined;
  #readNs: MonotonicNs = 0n as MonotonicNs;
  #dueNs: bigint | undefined;
  #dueTsc: HostTsc = 0n as HostTsc;

  constructor(engine: Engine, tscHz: bigint, options: HostClockOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#tscHz = tscHz;
    this.#settable =
      options.kind === "exact" ? new NanosecondCounter(engine.now, tscHz, options.ratePpb) : undefined;
    this.#counter = this.#settable ?? TSC_COUNTER;
    const counter = this.#counter;
    const source = clocksource(
      options.kind === "exact" ? NANOSECONDS : { scale: 1000, freq: options.tscKhz },
    );
    this.#maxIdleNs = source.maxIdleNs;
    this.timekeeper = new Timekeeper({
      clocksource: source,
      hz: options.kind === "exact" ? UNSTEERED_HZ : options.hz,
      read: () => counter.read(engine.now),
      ...(options.kind === "tsc" && options.cyclesToNs !== undefined
        ? { cyclesToNs: options.cyclesToNs }
        : {}),
      ...(options.kind === "tsc" && options.realtimeNs !== undefined
        ? { realtimeNs: options.realtimeNs }
        : {}),
      events: {
        onUpdate: () => this.#updated(),
        onClockSet: (clocks) => this.onClockSet?.(clocks),
      },
    });
    this.#monoMult = this.timekeeper.rate().monoMult;
  }

  monotonicNs(): MonotonicNs {
    const tsc = this.#engine.now;
    if (tsc !== this.#readTsc) {
      this.#readTsc = tsc;
      this.#readNs = this.timekeeper.monotonicNs();
    }
    return this.#readNs;
  }

  rawNs(): MonotonicRawNs {
    return this.timekeeper.rawNs();
  }

  tsc(): HostTsc {
    return this.#engine.now;
  }

  sample(): { monotonicNs: MonotonicNs; tsc: HostTsc } {
    return { monotonicNs: this.monotonicNs(), tsc: this.#engine.now };
  }

  /** Nanoseconds per cycle of the TSC; where the counter is another, to 32 bits, and the same for both clocks. */
  rate(): ClockRate {
    if (this.#settable === undefined) return this.timekeeper.rate();
    const { mult, shift } = this.#settable.multiplier();
    return { monoMult: mult, rawMult: mult, shift };
  }

  /** The first host TSC at which CLOCK_MONOTONIC reads `ns` or more, at the present rate. */
  firstTscAt(ns: bigint): HostTsc {
    if (ns !== this.#dueNs) {
      this.#dueTsc = this.#counter.firstTscAt(this.timekeeper.monotonicCounterAt(ns));
      this.#dueNs = ns;
    }
    return this.#dueTsc;
  }

  /** The first host TSC at which CLOCK_MONOTONIC_RAW reads `ns` or more. */
  firstTscAtRaw(ns: bigint): HostTsc {
    return this.#counter.firstTscAt(this.timekeeper.rawCounterAt(ns));
  }

  /**
   * Sets the rate error of an exact clock from now on.
   *
   * @throws Error on a clock that the TSC drives: there NTP steers (`timekeeper.adjtimex`).
   */
  setRate(ratePpb: bigint): void {
    if (this.#settable === undefined) {
      throw new Error("HostTime.setRate: expected an exact clock, got one that the TSC drives");
    }
    this.#settable.setRate(this.#engine.now, ratePpb);
    this.#rateChanged();
  }

  /** Whether the TSC, or a counter of the chipset in its place, drives the timekeeper. */
  get isDrivenByTsc(): boolean {
    return this.#settable === undefined;
  }

  /**
   * Another counter drives the timekeeper from now on.
   *
   * @throws Error on an exact clock.
   */
  changeCounter(to: "tsc" | ChipsetCounter): void {
    const options = this.#options;
    if (options.kind === "exact") {
      throw new Error("HostTime.changeCounter: expected a clock that the TSC drives, got an exact one");
    }
    if (to === "tsc") {
      this.#drivenBy(TSC_COUNTER, clocksource({ scale: 1000, freq: options.tscKhz }));
      return;
    }
    const counter = new ChipsetClock(to, this.#tscHz, {
      now: () => this.#engine.now,
      lastCount: () => this.timekeeper.copy().mono.cycleLast,
    });
    const source = clocksource({ scale: 1, freq: Number(to.hz) }, counter.mask);
    this.#drivenBy(counter, { ...source, vclockMode: "none" });
  }

  /** The longest the timekeeper may be left alone, ns: half of what its counter converts or counts without an overflow. */
  get maxIdleNs(): bigint {
    return this.#maxIdleNs;
  }

  #drivenBy(counter: HostCounter, source: Clocksource): void {
    this.#counter = counter;
    this.#maxIdleNs = source.maxIdleNs;
    this.timekeeper.changeClocksource(source, () => counter.read(this.#engine.now));
    // Two counters may have one multiplier, at different shifts.
    this.#rateChanged();
  }

  #updated(): void {
    this.#readTsc = undefined;
    // Also at an unchanged rate: a step of CLOCK_REALTIME drops the fraction of a nanosecond, and what is due comes later.
    this.#dueNs = undefined;
    const { monoMult } = this.timekeeper.rate();
    if (monoMult !== this.#monoMult) {
      this.#monoMult = monoMult;
      this.#rateChanged();
    }
    this.onUpdate?.();
  }

  #rateChanged(): void {
    this.#dueNs = undefined;
    this.onRateChange?.();
  }
}
