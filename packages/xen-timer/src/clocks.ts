import type { HostTsc, KvmclockNs, MonotonicNs } from "@chronovisor/clocksource";
import type { XenTimerBehaviours } from "./behaviours.js";

/** How a Xen timer reads host time. A `HostClock` is one; a host whose clock can leave the TSC answers `undefined`. */
export interface XenHostClock {
  /** CLOCK_MONOTONIC now (`ktime_get`). */
  monotonicNs(): MonotonicNs;
  /** The host TSC now (`rdtsc`). */
  tsc(): HostTsc;
  /**
   * Both from ONE read of the TSC through KVM's copy of the timekeeper; undefined when the host's clock is not TSC-based,
   * or the host is 32-bit.
   */
  sample(): { readonly monotonicNs: MonotonicNs; readonly tsc: HostTsc } | undefined;
}

/** One vCPU's guest clock as a function of the host TSC (definition B of docs/model/pvclock §2). */
export interface VcpuGuestClock {
  /** What the guest's clock reads when the host TSC is `tsc`. */
  nsAt(tsc: HostTsc): KvmclockNs;
}

/** The guest clock, as the kernel sees it and as the guest does. */
export interface XenGuestClock {
  /** KVM's own reading now, definition C, or A without master clock (`get_kvmclock_ns`). */
  kvmclockNs(): KvmclockNs;
  /**
   * The clock the guest itself reads, by KVM's cached copy of the parameters or by those in the guest's Xen area.
   * Undefined when it must not be used: no master clock, no CONSTANT_TSC, no area written on this host (`cached`: version
   * 0), or an area that is gone or whose scale is not the vCPU's (`area`).
   */
  vcpuClock(source: XenTimerBehaviours["xenTimerClock"]): VcpuGuestClock | undefined;
}
