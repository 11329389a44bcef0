/** Runstates, by the number the guest sees (Xen public `vcpu.h`). */
export const RUNSTATE_RUNNING = 0;
export const RUNSTATE_RUNNABLE = 1;
export const RUNSTATE_BLOCKED = 2;
export const RUNSTATE_OFFLINE = 3;

/** One of the four. */
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
