import type { AdjtimexResult, Timex } from "../ntp/timex.js";

/** The clock a servo steers: CLOCK_REALTIME, and adjtimex as user space calls it. A Timekeeper is one. */
export interface SteerableClock {
  /** CLOCK_REALTIME now, ns. */
  realtimeNs(): bigint;
  adjtimex(timex: Timex): AdjtimexResult;
}

/** What one exchange with a time server tells a client. */
export interface OffsetMeasurement {
  /** Reference − clock, ns: positive when the clock is behind. It is wrong by up to half of `delayNs`. */
  readonly offsetNs: bigint;
  /** How long the exchange was on the way, there and back, ns. */
  readonly delayNs: bigint;
}

/** Something a servo can measure a clock against. `ReferenceClock` is one. */
export interface TimeReference {
  measure(clock: { realtimeNs(): bigint }): OffsetMeasurement;
}

/** What the servos have in common. */
export interface ServoOptions {
  readonly clock: SteerableClock;
  readonly reference: TimeReference;
  /**
   * The axis of every instant a servo names, ns. It must not be one that adjtimex moves: CLOCK_MONOTONIC_RAW of the steered
   * clock (slews are then exact), or true time.
   */
  readonly nowNs: () => bigint;
  /** From one measurement to the next, at least `tickNs`. Default 64 s. */
  readonly pollNs?: bigint;
  /** The host's tick, 1/CONFIG_HZ: no poll can be shorter. Default 4 000 000 (CONFIG_HZ=250). */
  readonly tickNs?: bigint;
  readonly events?: Partial<ServoEvents>;
}

/**
 * What became of a measurement. `accepted`: the clock is steered by it. `clock-was-set`: accepted, and everything older was
 * dropped because no drift explains the jump (ChronyServo). `spike`: ignored until the stepout has passed (NtpdServo).
 * `panic`: too far off to be believed, and the servo stopped (NtpdServo).
 */
export type SampleVerdict = "accepted" | "clock-was-set" | "spike" | "panic";

/** A measurement as a servo took it. */
export interface ServoSample extends OffsetMeasurement {
  /** On the servo's axis. */
  readonly atNs: bigint;
  readonly verdict: SampleVerdict;
}

/** An offset that is being removed without a jump. */
export type Slew =
  | {
      readonly kind: "rate";
      /** What is removed, ns; positive speeds the clock up. */
      readonly offsetNs: bigint;
      /** What adjtimex was given: µs per 1/100 s, and ppm × 2^16. The frequency correction is contained in both together. */
      readonly tick: bigint;
      readonly freq: bigint;
      /** When the offset is gone, on the servo's axis. */
      readonly endNs: bigint;
    }
  | {
      readonly kind: "pll";
      readonly offsetNs: bigint;
      /** The kernel removes 2^-(2+timeConstant) of what is left, every second. */
      readonly timeConstant: number;
    };

/** What a servo reports. Every handler is optional. */
export interface ServoEvents {
  /** A measurement was taken; comes before what it leads to. */
  onSample(sample: ServoSample): void;
  /** CLOCK_REALTIME was stepped by `offsetNs`. */
  onStep(offsetNs: bigint): void;
  /** A slew began, or replaced the one before. */
  onSlew(slew: Slew): void;
  /** The rate is back at the frequency correction alone (ChronyServo; the kernel's own loop has no end). */
  onSlewEnd(atNs: bigint): void;
  /** An offset above the panic threshold: the servo does nothing more (NtpdServo). */
  onPanic(offsetNs: bigint): void;
  /** adjtimex refused a step: its result, −22. The clock is as it was, but for the NTP state that any step clears. */
  onRefused(result: number): void;
}
