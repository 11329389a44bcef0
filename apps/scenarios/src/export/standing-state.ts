import type { TraceEvent } from "@chronovisor/trace";

type ExitEvent = Extract<TraceEvent, { kind: "vm-exit" }>;

/**
 * What stands at an instant of a run: of each CPU, what it runs and the interrupt and callback it is in; of each vCPU, where its thread
 * is, what its timer is armed for, which interrupts wait and are in service, its offset and its clock; the timers that are armed, the
 * master clock, and the newest value of every counter. Each is the event that said so, in the order they came. What is only an instant,
 * a kick or a remark, leaves nothing behind.
 *
 * Held is one event for each of these, however long the run.
 */
export class StandingState {
  readonly #standing = new Map<string, TraceEvent>();
  /** An exit belongs to the state of its vCPU that comes next, and names it. */
  #exit: ExitEvent | undefined;

  /** Events that say what stands. */
  events(): readonly TraceEvent[] {
    return [...this.#standing.values()];
  }

  /** Takes the next event of the run. */
  take(event: TraceEvent): void {
    for (const place of endedBy(event)) this.#standing.delete(place);
    if (event.kind === "vcpu-state" && event.state === "host" && this.#exit?.vcpu === event.vcpu) {
      this.#standing.set(`exit ${event.vcpu}`, this.#exit);
    }
    this.#exit = event.kind === "vm-exit" ? event : undefined;
    const place = placeOf(event);
    if (place === undefined) return;
    // Deleted first: it comes last now, though something stood there before.
    this.#standing.delete(place);
    this.#standing.set(place, event.kind === "hrtimer-start" ? { ...event, was: "idle" } : event);
  }
}

/** The place where an event stands until another takes it or it is over; undefined for one that is over at once. */
function placeOf(event: TraceEvent): string | undefined {
  switch (event.kind) {
    case "cpu-runs":
    case "irq-begin":
      return `${event.kind} ${event.cpu}`;
    case "hrtimer-start":
    case "hrtimer-expire":
      return `${event.kind} ${event.timer}`;
    case "vcpu-state":
    case "tsc-offset":
    case "tsc-matched":
    case "pvclock-update":
      return `${event.kind} ${event.vcpu}`;
    case "timer-armed":
      return `${event.kind} ${event.vcpu} ${event.backend}`;
    case "inject":
    case "acknowledge":
      return `${event.kind} ${event.vcpu} ${event.vector}`;
    case "master-clock":
      return event.kind;
    case "counter":
      return `${event.kind} ${event.vcpu ?? "host"} ${event.unit} ${event.name}`;
    default:
      return undefined;
  }
}

/** The places that an event ends what stood in. */
function endedBy(event: TraceEvent): readonly string[] {
  switch (event.kind) {
    case "irq-end":
      return [`irq-begin ${event.cpu}`];
    case "hrtimer-expire":
    case "hrtimer-cancel":
      return [`hrtimer-start ${event.timer}`];
    case "hrtimer-done":
      return [`hrtimer-expire ${event.timer}`];
    case "vcpu-state":
      return [`exit ${event.vcpu}`];
    case "timer-disarmed":
      return [`timer-armed ${event.vcpu} ${event.backend}`];
    case "timer-expired":
      // One that a start found past was never armed.
      if (event.source === "callback") return [`timer-armed ${event.vcpu} hrtimer`];
      return event.source === "preemption-timer" ? [`timer-armed ${event.vcpu} preemption-timer`] : [];
    case "acknowledge":
      return [`inject ${event.vcpu} ${event.vector}`];
    case "eoi":
      return [`acknowledge ${event.vcpu} ${event.vector}`];
    default:
      return [];
  }
}
