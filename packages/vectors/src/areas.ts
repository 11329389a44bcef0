/** A directory of the data: one part of timekeeping. */
export type Area =
  | "math"
  | "clocksource"
  | "tsc"
  | "pvclock"
  | "lapic"
  | "hvtimer"
  | "xen"
  | "hrtimer"
  | "timekeeping"
  | "live-kvm";

/** Every area, low layers first, with what its rows are about. */
export const areas: readonly { readonly area: Area; readonly title: string }[] = [
  { area: "math", title: "64- and 128-bit multiply, shift and divide helpers" },
  { area: "clocksource", title: "counter to nanoseconds: mult and shift, limits, the cycle counter" },
  { area: "tsc", title: "guest TSC frequency, scaling and offset" },
  { area: "pvclock", title: "the paravirtual clock, guest and host side" },
  { area: "lapic", title: "the local APIC timer" },
  { area: "hvtimer", title: "the VMX preemption timer" },
  { area: "xen", title: "Xen PV timers" },
  { area: "hrtimer", title: "high-resolution timers: queue, forward, whole sequences" },
  { area: "timekeeping", title: "the host's CLOCK_* family and NTP" },
  { area: "live-kvm", title: "a running in-kernel APIC and kvmclock, through the ioctl interface" },
];
