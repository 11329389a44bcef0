import { checkOneOf } from "./arguments.js";

/**
 * What changed in KVM's Xen time between kernels, one axis per change, values oldest first (docs/model/kernel-history §3,
 * whose names these are). Three axes are not on that page: their two values were read in 6.1 and in 6.12, and the release
 * between them that brought the change is not known.
 */
export const XEN_TIMER_BEHAVIOURS = {
  /** Where "now" comes from when a timer starts: v5.19 (536395260582), v6.9 (451a707813ae). */
  xenStart: ["split-samples", "single-sample"],
  /** A singleshot timeout in the past with VCPU_SSHOTTMR_future: v5.19, v6.7 (409f2e92a27a). */
  xenFutureFlag: ["etime", "ignored"],
  /** Who sets the event, and what starting over and saving make of an old expiry: v5.19, v6.7 (77c9b9dea4fb). */
  xenDelivery: ["deferred", "fast"],
  /** Whose copy of the vCPU's clock `single-sample` reads: v6.9, v6.15 (ca28aa63918b). */
  xenTimerClock: ["cached", "area"],
  /** How a structure is copied from a guest pointer: 6.1, 6.12. */
  xenArgumentCopy: ["physical", "virtual"],
  /** Who handles vCPU operations of a vCPU whose Xen id was never set: v5.19, v7.3 expected (e4ffb0ceb9f4). */
  xenRouting: ["in-kernel", "needs-vcpu-id"],
  /** Runstate times across a clock that stepped back: before v7.3, v7.3 expected (36a85200643e). */
  runstate: ["wrap", "clamped"],
  /** How REALTIME and the guest clock are read for the wall clock: 6.1, 6.12. */
  xenWallClock: ["split-reads", "single-read"],
  /** Whether latching the guest's mode moves the wall clock to the new layout: 6.1, 6.12. */
  xenLatch: ["silent", "rewrites-wall-clock"],
  /** Whether writing the wall clock makes the VM re-reference its clock: before v7.3, v7.3 expected (633d7652f80f). */
  xenMapYank: ["yank", "none"],
} as const;

/** The axes of {@link XEN_TIMER_BEHAVIOURS}. */
export type XenTimerAxis = keyof typeof XEN_TIMER_BEHAVIOURS;

/** One value per axis. */
export type XenTimerBehaviours = {
  readonly [Axis in XenTimerAxis]: (typeof XEN_TIMER_BEHAVIOURS)[Axis][number];
};

/** The newest kernel's values. */
export const NEWEST_XEN_TIMER_BEHAVIOURS: XenTimerBehaviours = {
  xenStart: "single-sample",
  xenFutureFlag: "ignored",
  xenDelivery: "fast",
  xenTimerClock: "area",
  xenArgumentCopy: "virtual",
  xenRouting: "needs-vcpu-id",
  runstate: "clamped",
  xenWallClock: "single-read",
  xenLatch: "rewrites-wall-clock",
  xenMapYank: "none",
};

/** `chosen` with the newest kernel's values where it says nothing; throws for a value no kernel has. */
export function completeBehaviours(fn: string, chosen: Partial<XenTimerBehaviours>): XenTimerBehaviours {
  const behaviours = { ...NEWEST_XEN_TIMER_BEHAVIOURS, ...chosen };
  for (const axis of Object.keys(XEN_TIMER_BEHAVIOURS) as XenTimerAxis[]) {
    checkOneOf<string>(fn, axis, behaviours[axis], XEN_TIMER_BEHAVIOURS[axis]);
  }
  return behaviours;
}
