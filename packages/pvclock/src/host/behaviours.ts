import { checkObject, checkOneOf } from "../argument-checks.js";

/**
 * What changed in the host's side of the pvclock between kernels, one axis per change, values oldest first
 * (docs/model/kernel-history §3). The last axes are proposals: every release has their first value
 * (docs/model/pvclock §10). Which vCPU additions and TSC writes ask for a new reference is an axis of clocksource's
 * `VmTsc`, which asks (`vcpuAddRefresh`).
 */
export const PVCLOCK_BEHAVIOURS = {
  /** The host clock behind kvmclock: before v5.5, v5.5 (53fafdbb8b21), v5.6 (8171cd68806b). */
  base: ["boot", "mixed", "raw"],
  /** Where a raised GUEST_STOPPED shows: before v6.15, v6.15 (93fb0b10e712, 24c166378026). */
  stoppedFlag: ["bleeds", "kvmclock-only"],
  /** Whether a work item renews every vCPU's clock each 300 s: before v6.19, v6.19 (43ddbf16edf5). */
  periodicSync: ["300s", "none"],
  /** When a global update reaches the other vCPUs: before v6.19, v6.19 (446fcce2a52b), v7.1 (8fe2e698fce4). */
  globalUpdate: ["delayed-100ms", "immediate", "ratelimited"],
  /** Whether mapping Xen's shared_info takes a new reference: before v7.3, v7.3 (633d7652f80f). */
  xenMapYank: ["yank", "none"],
  /**
   * What a SYSTEM_TIME write does to the area at once: nothing; or TSC_STABLE is cleared there with one version step, as
   * recorded from a running v6.18 on a host without TSC scaling (docs/model/pvclock, "Observed on a running kernel"). When
   * it changed, and whether it is the kernel or that host, is not established.
   */
  systemTimeWrite: ["keeps-page", "clears-stable"],
  /** How the host reads a guest's clock (`preciseGetClock`, proposed). */
  getClock: ["direct", "via-guest-tsc"],
  /** The unit the guest's frequency is scaled in (`hzScale`, proposed). */
  guestKhz: ["truncated-khz", "hz"],
  /** What a master clock asks of the vCPUs' counters (`offsetTscOk`, proposed). */
  masterClockTsc: ["equal-offset", "equal-frequency"],
  /** How often N requests for a new reference take one (`dedupMasterclock`, proposed). */
  masterClockRequests: ["each-vcpu", "once"],
  /** Whether global updates happen where a master clock makes them useless (`noGratuitousGlobal`, proposed). */
  gratuitousGlobal: ["always", "without-master-clock"],
  /** The instant software catch-up is computed for (`catchupNow`, proposed). */
  catchup: ["reference", "now"],
  /** How software catch-up takes a reference before the counter's last write (`catchupNegative`, proposed). */
  catchupDelta: ["unsigned", "signed"],
} as const;

/** The axes of {@link PVCLOCK_BEHAVIOURS}. */
export type PvclockAxis = keyof typeof PVCLOCK_BEHAVIOURS;

/** One value per axis. */
export type PvclockBehaviours = {
  readonly [Axis in PvclockAxis]: (typeof PVCLOCK_BEHAVIOURS)[Axis][number];
};

/** The newest kernel's values; no proposal among them. */
export const NEWEST_PVCLOCK_BEHAVIOURS: PvclockBehaviours = {
  base: "raw",
  stoppedFlag: "kvmclock-only",
  periodicSync: "none",
  globalUpdate: "ratelimited",
  xenMapYank: "none",
  systemTimeWrite: "keeps-page",
  getClock: "direct",
  guestKhz: "truncated-khz",
  masterClockTsc: "equal-offset",
  masterClockRequests: "each-vcpu",
  gratuitousGlobal: "always",
  catchup: "reference",
  catchupDelta: "unsigned",
};

/** Throws unless every axis has one of its values. */
export function checkBehaviours(fn: string, behaviours: PvclockBehaviours): void {
  checkObject(fn, "behaviours", behaviours);
  for (const axis of Object.keys(PVCLOCK_BEHAVIOURS) as PvclockAxis[]) {
    checkOneOf<string>(fn, axis, behaviours[axis], PVCLOCK_BEHAVIOURS[axis]);
  }
}
