import type { MonotonicNs } from "@chronovisor/clocksource";

/** `attempt`: refuse an instant that has passed. `force`: then fire as soon as the device can (the kernel's `force` 0 and 1). */
export type ProgramForce = "attempt" | "force";

/** The per-CPU hardware that calls {@link HrtimerCpu.interrupt} at the one instant it was last told. */
export interface EventDevice {
  /**
   * Sets the one pending event; it replaces the one before. `KTIME_MAX` stops the device and always succeeds.
   *
   * @param expiresNs - CLOCK_MONOTONIC nanoseconds, 0 … KTIME_MAX.
   * @returns true = programmed; false = already past and not forced, nothing was set
   *   (`tick_program_event`, kernel/time/tick-oneshot.c).
   */
  program(expiresNs: MonotonicNs, force: ProgramForce): boolean;
}
