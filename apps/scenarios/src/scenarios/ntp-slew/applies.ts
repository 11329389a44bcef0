import type { DeadlineClock } from "@chronovisor/lapic";
import type { JudgedRun } from "../../scenario/types.js";
import type { NtpSlewParams } from "./params.js";

export type { DeadlineClock } from "@chronovisor/lapic";

type Run = JudgedRun<NtpSlewParams>;

/** Whether the kernel deals with NTP in one of these ways. */
export function appliesTo({ axes }: Run, mitigations: readonly DeadlineClock[]): boolean {
  return mitigations.some((mitigation) => mitigation === axes.deadlineClock);
}

/** The figures are stated for exits and entries that take no time. */
export function free({ params }: Run): boolean {
  return params.exitCost === 0n && params.entryCost === 0n;
}

/** And for timers armed for the deadline itself. */
export function plain(run: Run): boolean {
  return free(run) && run.params.advance === "off";
}
