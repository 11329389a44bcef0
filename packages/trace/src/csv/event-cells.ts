import type { TraceEvent } from "../events.js";
import type { Cell } from "./cell.js";

/** Columns of `events.csv`: when and where, what, then every quantity and word that an event may have, named with its unit. */
export const EVENT_COLUMNS = [
  "t_ns",
  "seq",
  "cpu",
  "vcpu",
  "kind",
  "host_tsc_cycles",
  "flow",
  "timer",
  "name",
  "what",
  "state",
  "backend",
  "source",
  "outcome",
  "reason",
  "text",
  "vector",
  "coalesced",
  "msr",
  "msr_value",
  "callbacks",
  "deadline_ns",
  "deadline_guest_tsc_cycles",
  "deadline_guest_ns",
  "expires_ns",
  "now_ns",
  "mode",
  "was_armed",
  "value_ns",
  "value_count",
  "version",
  "tsc_timestamp_cycles",
  "system_time_ns",
  "tsc_to_system_mul",
  "tsc_shift",
  "flags",
  "from_cycles",
  "to_cycles",
  "master_clock",
  "clocksource",
  "all_matched",
  "matched_vcpus",
  "online_vcpus",
] as const;

type EventColumn = (typeof EVENT_COLUMNS)[number];

/** A row by its columns; those that are not there are empty. */
export type EventCells = Readonly<Partial<Record<EventColumn, Cell>>>;

/** Words for yes and no, as a table has them. */
const FLAG = { no: 0, yes: 1, off: 0, on: 1, idle: 0, armed: 1 } as const;

/** What an event has of its own, in rows: one, or for a reading of the clocks one per clock. */
export function eventCells(event: TraceEvent): readonly EventCells[] {
  if (event.kind === "clocks") return event.clocks.map(([name, ns]) => ({ name, value_ns: ns }));
  return [ownCells(event)];
}

function ownCells(event: Exclude<TraceEvent, { kind: "clocks" }>): EventCells {
  switch (event.kind) {
    case "msr-write":
      return { msr: event.msr, msr_value: event.value };
    case "xen-set-timer":
      return { deadline_guest_ns: event.deadlineNs };
    case "timer-armed":
      return event.backend === "hrtimer"
        ? { backend: event.backend, deadline_ns: event.deadline }
        : { backend: event.backend, deadline_guest_tsc_cycles: event.deadline };
    case "timer-disarmed":
      return { backend: event.backend };
    case "preemption-timer-exit":
    case "hrtimer-callback":
    case "kick":
    case "epoch":
    case "irq-end":
      return {};
    case "hrtimer-catch-up":
      return { callbacks: event.count };
    case "timer-expired":
      return { source: event.source, outcome: event.outcome };
    case "timer-advanced":
      return { deadline_ns: event.targetNs, deadline_guest_tsc_cycles: event.deadlineTsc };
    case "inject":
      return { vector: event.vector, coalesced: FLAG[event.coalesced] };
    case "acknowledge":
    case "eoi":
      return { vector: event.vector };
    case "vcpu-state":
      return { state: event.state };
    case "vm-exit":
      return { reason: event.reason };
    case "backend":
      return { backend: event.backend, reason: event.reason };
    case "note":
    case "warning":
      return { text: event.text };
    case "pvclock-update":
      return {
        version: event.version,
        tsc_timestamp_cycles: event.tscTimestamp,
        system_time_ns: event.systemTime,
        tsc_to_system_mul: event.tscToSystemMul,
        tsc_shift: event.tscShift,
        flags: event.flags,
      };
    case "tsc-offset":
      return { from_cycles: event.from, to_cycles: event.to };
    case "tsc-matched":
      return {
        master_clock: FLAG[event.masterClock],
        clocksource: event.clocksource,
        matched_vcpus: event.matched,
        online_vcpus: event.online,
      };
    case "master-clock":
      return {
        master_clock: FLAG[event.masterClock],
        clocksource: event.clocksource,
        all_matched: FLAG[event.matched],
      };
    case "counter":
      return event.unit === "ns"
        ? { name: event.name, value_ns: event.value }
        : { name: event.name, value_count: event.value };
    case "cpu-runs":
    case "irq-begin":
      return { what: event.what };
    case "hrtimer-start":
      return {
        timer: event.timer,
        name: event.name,
        expires_ns: event.expiresNs,
        mode: event.mode,
        was_armed: FLAG[event.was],
      };
    case "hrtimer-expire":
      return { timer: event.timer, name: event.name, now_ns: event.nowNs };
    case "hrtimer-done":
    case "hrtimer-cancel":
      return { timer: event.timer };
  }
}
