import type { HostTsc } from "@chronovisor/clocksource";

/**
 * The time of one CPU. What runs on it spends its own time: CPUs work side by side, and what falls due on a busy one waits
 * for it.
 */
export class Lane {
  /** What runs here is not over before this instant. */
  busyUntil: HostTsc = 0n as HostTsc;
  /** Called when code of this CPU is about to run: the machine's `smp_processor_id` follows it. */
  onCurrent: (() => void) | undefined;
}
