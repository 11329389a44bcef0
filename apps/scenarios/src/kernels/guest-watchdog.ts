import { type DeltaRule, WATCHDOG_TUNING, type WatchdogTuning } from "@chronovisor/clocksource";

/** The kernel's clocksource watchdog, with Kconfig's default for the skew. */
export function watchdogTuning(axes: Readonly<Record<string, string>>): WatchdogTuning {
  const constants = WATCHDOG_TUNING[axes.guestWatchdog === "margins" ? "6.12" : "6.1"];
  return { ...constants, deltaRule: axes.negMotion as DeltaRule };
}
