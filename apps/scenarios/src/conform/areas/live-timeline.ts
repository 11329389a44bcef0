import type { LapicTimer } from "@chronovisor/lapic";
import type { Mismatch, Row } from "../replay.js";
import { big, compare } from "../row-fields.js";
import { LiveApic, type LiveApicSetup } from "./live-apic.js";
import {
  type Countdown,
  endsWithin,
  explainCount,
  hull,
  type Interval,
  lateBy,
  modelInstants,
} from "./live-count.js";

const TIMER_MODE_PERIODIC = 1;
const TIMER_MODE_TSC_DEADLINE = 2;
const TIMER_MODE_RESERVED = 3;
const SAME_CLOCK: Interval = { min: 0n, max: 0n };

/** Columns `mono_before` and `mono_after`: the operation sampled the clock once, somewhere between them. */
export function bracketOf(row: Row): Interval {
  return { min: big(row, "mono_before"), max: big(row, "mono_after") };
}

/** A read of the current count: through its MSR, or out of a saved page. */
export interface CountRead {
  /** What the row calls it. */
  readonly column: string;
  readonly bracket: Interval;
  readonly value: bigint;
  readonly read: (live: LiveApic) => bigint | undefined;
}

/** Whether an operation computes the timer's target from the registers alone, whatever went before. */
export type OperationKind = "start" | "other";

/**
 * A local APIC whose operations happen somewhere in a bracket each. It is kept in the model's time, together with what is
 * known of the kernel's: see live-count.
 *
 * An operation runs on copies of the APIC at the corners of what is unknown, when it happened and how far the clocks are
 * apart. Where the count ends is monotonic in both, so the corners bound it.
 */
export class LiveTimeline {
  #live: LiveApic;
  /** Kernel ns minus model ns. */
  #offset: Interval = SAME_CLOCK;
  /** `either`: the last operation met an expiry, and both outcomes are legal. */
  #count: "known" | "either" = "known";

  constructor(setup: LiveApicSetup) {
    this.#live = new LiveApic(setup);
  }

  /** Performs an operation that sampled the clock in `bracket`, and returns its result. */
  operate<Result>(bracket: Interval, kind: OperationKind, act: (live: LiveApic) => Result): Result {
    const window = modelInstants(bracket, this.#offset);
    this.#live.advanceTo(window.min);
    // The first corner is the earliest, so that time does not go back in the APIC that is kept.
    const corners = [this.#offset.max, this.#offset.min].flatMap((offset) =>
      [bracket.min, bracket.max].map((kernelNs) => this.#corner(kernelNs - offset, offset, act)),
    );
    const [kept] = corners;
    const ends = hull(corners.map(({ end }) => ({ min: end, max: end })));
    if (kept === undefined || ends === undefined) throw new Error("an operation without corners");
    const { timer } = kept.live.apic;
    const starts = kind === "start" && timer.mode !== TIMER_MODE_RESERVED;
    const retargets = corners.some(({ retargeted }) => retargeted);
    if (starts) this.#count = "known";
    else if (retargets && this.#endsIn(window)) this.#count = "either";
    // Where two outcomes are legal the corners bound neither; the next start will say.
    if (starts || (retargets && this.#count === "known")) {
      this.#offset = { min: ends.min - timer.target, max: ends.max - timer.target };
    }
    this.#live = kept.live;
    return kept.result;
  }

  /** Performs an operation that samples no clock, and returns its result. */
  perform<Result>(act: (live: LiveApic) => Result): Result {
    return act(this.#live);
  }

  /** Judges a current count read in a bracket. */
  judgeCount({ column, bracket, value, read }: CountRead): Mismatch | undefined {
    const window = modelInstants(bracket, this.#offset);
    this.#live.advanceTo(window.min);
    const count = countdownOf(this.#live);
    if (count === undefined) return compare({ [column]: value }, { [column]: read(this.#live) });
    if (this.#count === "either") return undefined;
    const explained = explainCount(count, value, bracket, this.#offset);
    if (explained === undefined) {
      const [first, last] = [window.min, window.max].map((modelNs) => read(this.#at(modelNs)));
      return compare({ [column]: value }, { [column]: `${first} at the earliest, ${last} at the latest` });
    }
    this.#offset = explained.offset;
    if (explained.instants === undefined) return undefined;
    return compare({ [column]: value }, { [column]: read(this.#at(explained.instants.min)) });
  }

  #corner<Result>(modelNs: bigint, offset: bigint, act: (live: LiveApic) => Result) {
    const live = this.#at(modelNs);
    const before = shapeOf(live.apic.timer);
    const result = act(live);
    const { timer } = live.apic;
    return { live, result, end: timer.target + offset, retargeted: shapeOf(timer) !== before };
  }

  /** Whether an end of the running count can have been met in `window`, or just missed. */
  #endsIn(window: Interval): boolean {
    const count = countdownOf(this.#live);
    return count !== undefined && endsWithin(count, lateBy(window));
  }

  /** A copy of the APIC at an instant of the model. */
  #at(modelNs: bigint): LiveApic {
    const live = this.#live.clone();
    live.advanceTo(modelNs);
    return live;
  }
}

/** What a late callback would act on. */
function shapeOf({ mode, divide, period, target }: LapicTimer): string {
  return [mode, divide, period, target].join();
}

/** What the timer counts; undefined when it counts nothing. */
function countdownOf({ apic: { timer }, reloadedAt, busCycleNs }: LiveApic): Countdown | undefined {
  const { mode, tmict, period, divide, target } = timer;
  if (mode === TIMER_MODE_TSC_DEADLINE || tmict === 0 || period === 0n) return undefined;
  return {
    target,
    period: period < 0n ? -period : period,
    unit: busCycleNs * BigInt(divide),
    atTarget: mode === TIMER_MODE_PERIODIC && timer.hrtimerArmed ? "reload" : "stop",
    reloadedAt,
  };
}
