import type { ClockRate } from "@chronovisor/clocksource";

/** The two backends: an hrtimer on CLOCK_MONOTONIC (a deadline's may be on RAW), or the VMX preemption timer. */
export type TimerBackend = "hrtimer" | "preemption-timer";

/** What issued an expiration: the callback, a preemption-timer exit, or a start that found its deadline past. */
export type ExpirySource = "callback" | "preemption-timer" | "software-start" | "hv-start";

/** What an expiration came to. A coalesced one found the previous still pending. */
export type ExpiryOutcome = "coalesced" | "pending" | "injected" | "posted";

/** One expiration. */
export interface TimerExpiry {
  readonly source: ExpirySource;
  readonly outcome: ExpiryOutcome;
}

/** One arming of a backend. */
export type TimerArming =
  | {
      readonly backend: "hrtimer";
      /** The clock `expiresNs` is of: RAW only for a deadline under a `deadlineClock` that says so. */
      readonly clock: "monotonic" | "raw";
      readonly expiresNs: bigint;
    }
  | {
      readonly backend: "preemption-timer";
      /** Guest TSC cycles. */
      readonly guestDeadline: bigint;
      /** Host TSC cycles, the advance taken off. */
      readonly hostDeadline: bigint;
    };

/** A guest's or user space's act that KVM answers with a warning or with silence. */
export type TimerWarning =
  | { readonly kind: "zero-period-callback" }
  | { readonly kind: "restored-count-above-period"; readonly tmcct: number };

/** A guest write that hardware or KVM ignores. */
export interface IgnoredTimerWrite {
  readonly register: "TMICT" | "TSC_DEADLINE";
  readonly value: bigint;
}

/** What an expiry that asked for the guest time left came to; one that is lost leaves no timer behind. */
export type RecheckOutcome = "expired" | "restarted" | "lost";

/** What a deadline's software timer reports under the `deadlineClock` values that look again. */
export interface DeadlineClockEvents {
  /**
   * An expiry asked how far the guest TSC has to go: guest cycles, the advance taken off, 0 or below once reached. One
   * that was restarted or lost is no expiration.
   */
  onRecheck(cyclesLeft: bigint, outcome: RecheckOutcome): void;
  /** An update of the host's timekeeper armed a deadline again; `armedAt` is undefined after a restore without it. */
  onCompensate(rate: ClockRate, armedAt: ClockRate | undefined): void;
}

/** What the timer reports. Each handler is optional; an absent one costs a comparison. */
export interface LapicTimerEvents extends DeadlineClockEvents {
  /** An expiration, once its outcome is known. */
  onExpire(expiry: TimerExpiry): void;
  /** An injection through LVTT, and whether it was accepted. */
  onInject(lvtt: number, accepted: boolean): void;
  /** A backend was armed; the hrtimer's own re-arming from its callback included. */
  onArm(arming: TimerArming): void;
  /** An armed backend was disarmed before it fired. */
  onDisarm(backend: TimerBackend): void;
  /** A periodic timer moved on: target in CLOCK_MONOTONIC ns, deadline in guest TSC cycles. */
  onAdvance(target: bigint, tscDeadline: bigint): void;
  /** The advance was tuned on an error of `deltaCycles` guest cycles. */
  onTune(advanceNs: number, deltaCycles: bigint): void;
  /** The backend in use changed; a fallback is a restart that had to leave the preemption timer. */
  onBackend(backend: TimerBackend, reason: "start" | "switch" | "fallback"): void;
  onWarn(warning: TimerWarning): void;
  onIgnored(write: IgnoredTimerWrite): void;
}
