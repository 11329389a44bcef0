/**
 * What changed in the LAPIC timer between kernels, one axis per change, values oldest first
 * (docs/model/kernel-history §3). `posted` is an option of every kernel that has it, never a release's default. Of
 * `deadlineClock` every release has the first value; the others are mitigations to compare it with.
 */
export const LAPIC_TIMER_BEHAVIOURS = {
  /** How a periodic timer's two deadlines move on: v4.10, v4.17 (d8f2f498d9ed), v6.19 (18ab3fc8e880). */
  periodicAdvance: ["independent", "resync", "resync-clamped"],
  /** The hrtimer's own expiry inside the callback: v4.5 and before, v6.19. */
  hrtimerRearm: ["add-period", "set-target"],
  /** A periodic callback with period 0: v4.5 and before, v6.19. */
  period0: ["restart", "stop-and-warn"],
  /** A software start that finds a periodic target past: v4.10, v4.17 (ecf08dad723d). */
  switchToSw: ["arm-past", "expire-and-advance"],
  /** Timer modes the preemption timer serves: before v4.8, v4.8, v4.10 (8003c9ae204e). */
  hvModes: ["none", "deadline", "all"],
  /** Whether unblocking returns to the preemption timer (read by the run loop): v4.8, v5.17 (98c25ead5eda). */
  unblockToHv: ["always", "if-was-hv"],
  /** Where the hrtimer runs and how its expiry reaches a running guest: v4.5, v4.6, v5.3, v5.3 as an option. */
  timerPlacement: ["unpinned", "pinned", "unpinned-kick", "posted"],
  /** How the timer advance tunes itself: before v4.20, v4.20, v5.1, v5.3, v5.4. */
  advance: [
    "fixed",
    "auto-global",
    "auto-vcpu-off-above-5000",
    "auto-vcpu-reset-above-5000",
    "auto-vcpu-band",
  ],
  /** The unit of the wait before entry under TSC scaling: before v5.1, v5.1 (b6aa57c69cb2). */
  advanceWait: ["guest-cycles", "scaled-ns"],
  /** When a new divisor acts: before v4.15, v4.15 (c301b909e4b9). */
  tdcr: ["at-next-tmict", "immediate"],
  /** Restoring a one-shot whose saved count is 0: before v6.3, v6.3. */
  oneshotRestore: ["full-period", "fire"],
  /**
   * How a software timer for a guest TSC deadline deals with NTP bending CLOCK_MONOTONIC: M0 to M6 of
   * docs/model/timekeeping-ntp §8 in their order, and the combination recommended there.
   */
  deadlineClock: [
    "monotonic",
    "raw",
    "rate-compensated",
    "restart-on-update",
    "recheck-on-wake",
    "mapped-each-tick",
    "hardware-multiplexed",
    "compensated-rechecked",
  ],
} as const;

/** The axes of {@link LAPIC_TIMER_BEHAVIOURS}. */
export type LapicTimerAxis = keyof typeof LAPIC_TIMER_BEHAVIOURS;

/**
 * Advances that no kernel has: published partial fixes and mistakes worth showing why they fail
 * (docs/model/scenarios-lapic S004, numbered as there).
 */
export const PERIODIC_ADVANCE_PROPOSALS = {
  /** (iii) The resynchronised TSC sum is assigned to the target instead of the deadline. */
  "resync-clamped-misassigned":
    "the TSC sum lands in the nanosecond target, which jumps by orders of magnitude",
  /** (iv) `resync` with a signed conversion: a late deadline is placed in the past. */
  "resync-signed": "no fallback to software, but one VM exit per missed period",
  /** (v) Clamp to one period back instead of to now. */
  "resync-clamped-one-period-back": "the remainder is still negative, so the fallback to software remains",
} as const;

/** A value of {@link PERIODIC_ADVANCE_PROPOSALS}. */
export type PeriodicAdvanceProposal = keyof typeof PERIODIC_ADVANCE_PROPOSALS;

/** Ways with a deadline that no x86 kernel has, worth showing why they fail (docs/model/timekeeping-ntp §8). */
export const DEADLINE_CLOCK_EXPERIMENTS = {
  /** ARM before 1c5631c73fc2. */
  "recheck-without-restart": "an early expiry is taken for none, and no timer is left: the wake-up is lost",
} as const;

/** A value of {@link DEADLINE_CLOCK_EXPERIMENTS}. */
export type DeadlineClockExperiment = keyof typeof DEADLINE_CLOCK_EXPERIMENTS;

type Released<Axis extends LapicTimerAxis> = (typeof LAPIC_TIMER_BEHAVIOURS)[Axis][number];

/** One value per axis. */
export interface LapicTimerBehaviours {
  readonly periodicAdvance: Released<"periodicAdvance"> | PeriodicAdvanceProposal;
  readonly hrtimerRearm: Released<"hrtimerRearm">;
  readonly period0: Released<"period0">;
  readonly switchToSw: Released<"switchToSw">;
  readonly hvModes: Released<"hvModes">;
  readonly unblockToHv: Released<"unblockToHv">;
  readonly timerPlacement: Released<"timerPlacement">;
  readonly advance: Released<"advance">;
  readonly advanceWait: Released<"advanceWait">;
  readonly tdcr: Released<"tdcr">;
  readonly oneshotRestore: Released<"oneshotRestore">;
  readonly deadlineClock: Released<"deadlineClock"> | DeadlineClockExperiment;
}

/** The newest kernel's values. */
export const NEWEST_LAPIC_TIMER_BEHAVIOURS: LapicTimerBehaviours = {
  periodicAdvance: "resync-clamped",
  hrtimerRearm: "set-target",
  period0: "stop-and-warn",
  switchToSw: "expire-and-advance",
  hvModes: "all",
  unblockToHv: "if-was-hv",
  timerPlacement: "unpinned-kick",
  advance: "auto-vcpu-band",
  advanceWait: "scaled-ns",
  tdcr: "immediate",
  oneshotRestore: "fire",
  deadlineClock: "monotonic",
};
