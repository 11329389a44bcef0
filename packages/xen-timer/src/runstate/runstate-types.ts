/** On a host CPU. */
export const RUNSTATE_RUNNING = 0;
/** Waiting for a host CPU: preempted, or stolen from. */
export const RUNSTATE_RUNNABLE = 1;
/** Waiting for an event. */
export const RUNSTATE_BLOCKED = 2;
/** Neither running nor to be run. */
export const RUNSTATE_OFFLINE = 3;

/** A runstate by the number the guest sees (Xen public `vcpu.h`). */
export type RunstateValue = 0 | 1 | 2 | 3;

/** Nanoseconds spent running, runnable, blocked, offline; u64 each. */
export type RunstateTimes = readonly [bigint, bigint, bigint, bigint];

/** KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA and _ADJUST. */
export interface RunstateAttribute {
  /** u64: above 3 no state, and 2^64 − 1 under ADJUST keeps the one in force. */
  readonly state: bigint;
  readonly entryTimeNs: bigint;
  readonly timesNs: RunstateTimes;
}
