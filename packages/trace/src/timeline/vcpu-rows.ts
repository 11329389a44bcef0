import type { ExpiryOutcome, TimerBackend, VcpuEvent, VcpuState } from "../events.js";
import { msrName } from "./msr-names.js";
import type { Arg, Flow, Mark, Row, Span, Timeline } from "./timeline.js";

/** Events of a vCPU that happen on its own thread; its timer's callbacks happen on a CPU. */
export type VcpuThreadEvent = Exclude<VcpuEvent, { kind: "hrtimer-callback" | "hrtimer-catch-up" }>;

type Of<K extends VcpuEvent["kind"]> = Extract<VcpuEvent, { kind: K }>;

const STATE_NAMES: Readonly<Record<VcpuState, string>> = {
  guest: "guest",
  host: "host",
  blocked: "halted",
  userspace: "userspace",
  preempted: "preempted",
};

/** Names of marks are made once: a viewer's table of names is asked for each of them by its text. */
const EXPIRED_NAMES: Readonly<Record<ExpiryOutcome, string>> = {
  coalesced: "timer expired: coalesced",
  pending: "timer expired: pending",
  injected: "timer expired: injected",
  posted: "timer expired: posted",
};
const BACKEND_NAMES: Readonly<Record<TimerBackend, string>> = {
  hrtimer: "backend: hrtimer",
  "preemption-timer": "backend: preemption-timer",
};
const ARMED_NAMES: Readonly<Record<TimerBackend, string>> = {
  hrtimer: "armed: hrtimer",
  "preemption-timer": "armed: preemption-timer",
};
const VECTORS = 256;
const INJECT_NAMES = vectorNames("inject");
const INTERRUPT_NAMES = vectorNames("interrupt");
const EOI_NAMES = vectorNames("eoi");

/**
 * One vCPU: slices for where its thread is, spans for how long each backend of its LAPIC timer is armed, instants for the rest.
 *
 * An exit that makes the thread leave the guest names the slice that follows, `exit: REASON`; one that is handled without leaving is
 * an instant. Which of the two it is shows in the event after it, so the last exit is held back until then.
 */
export class VcpuRow {
  readonly row: Row;
  readonly #timeline: Timeline;
  readonly #timers: Row;
  readonly #injections: Row;
  readonly #program: Row;
  readonly #armed = new Map<TimerBackend, Span>();
  #state: "unknown" | "shown" = "unknown";
  #exitReason: string | undefined;

  constructor(timeline: Timeline, vcpu: number) {
    this.#timeline = timeline;
    const owner = { kind: "vcpu", index: vcpu } as const;
    this.row = { owner, title: undefined };
    this.#timers = { owner, title: "LAPIC timer" };
    this.#injections = { owner, title: "injections" };
    this.#program = { owner, title: "guest program" };
  }

  take(ns: bigint, event: Exclude<VcpuThreadEvent, { kind: "vm-exit" }>): void {
    switch (event.kind) {
      case "vcpu-state":
        this.#become(ns, event);
        return;
      case "timer-armed":
        this.#arm(ns, event);
        return;
      case "timer-disarmed":
        this.#endSpan(ns, event.backend, "cancelled");
        return;
      case "timer-expired":
        if (event.source === "callback") this.#endSpan(ns, "hrtimer", event.outcome);
        if (event.source === "preemption-timer") this.#endSpan(ns, "preemption-timer", event.outcome);
        this.#instant(ns, event, "lapic", EXPIRED_NAMES[event.outcome], [["source", event.source]]);
        return;
      case "timer-advanced":
        this.#instant(ns, event, "lapic", "timer advanced", [
          ["targetNs", event.targetNs],
          ["deadlineGuestTsc", event.deadlineTsc],
        ]);
        return;
      case "backend":
        this.#instant(ns, event, "lapic", BACKEND_NAMES[event.backend], [["reason", event.reason]]);
        return;
      case "inject": {
        const mark = markOf(event, "lapic", nameOf(INJECT_NAMES, event.vector), [
          ["coalesced", event.coalesced],
        ]);
        this.#timeline.instant(ns, this.#injections, mark);
        return;
      }
      case "acknowledge":
        this.#instant(ns, event, "lapic", nameOf(INTERRUPT_NAMES, event.vector), []);
        return;
      case "eoi":
        this.#instant(
          ns,
          event,
          "lapic",
          event.vector === undefined ? "eoi" : nameOf(EOI_NAMES, event.vector),
          [],
        );
        return;
      case "msr-write":
        this.#instant(ns, event, "vcpu", `wrmsr ${msrName(event.msr)}`, [["value", event.value]]);
        return;
      case "xen-set-timer":
        this.#instant(ns, event, "vcpu", "xen: set timer", [["deadlineGuestNs", event.deadlineNs]]);
        return;
      case "kick":
      case "preemption-timer-exit":
        this.#instant(ns, event, "vcpu", event.kind, []);
        return;
      case "note":
        this.#timeline.instant(ns, this.#program, {
          ...markOf(event, "guest", event.text, []),
          wording: "free",
        });
        return;
      case "warning":
        this.#instant(ns, event, "warning", `warning: ${event.text}`, []);
        return;
      default:
        // A kind that is added to the events has to be drawn: this does not compile until it is.
        event satisfies never;
    }
  }

  /** Draws an exit that was handled without leaving the guest. */
  exitHandled(ns: bigint, event: Of<"vm-exit">): void {
    this.#exitReason = event.reason;
    this.#instant(ns, event, "vcpu", `exit: ${event.reason}`, []);
  }

  /** An exit that the next event, the thread being in the host, belongs to. */
  exitLeaves(event: Of<"vm-exit">): void {
    this.#exitReason = event.reason;
  }

  /** Ends what is open at the end of the run. */
  close(ns: bigint): void {
    for (const backend of [...this.#armed.keys()]) this.#endSpan(ns, backend, "still armed");
    if (this.#state === "shown") this.#timeline.end(ns, this.row);
    this.#state = "unknown";
  }

  #become(ns: bigint, event: Of<"vcpu-state">): void {
    const exited = event.state === "host" && this.#exitReason !== undefined;
    const name = exited ? `exit: ${this.#exitReason}` : STATE_NAMES[event.state];
    this.#exitReason = undefined;
    if (this.#state === "shown") this.#timeline.end(ns, this.row);
    this.#state = "shown";
    this.#timeline.begin(ns, this.row, markOf(event, "vcpu", name, []));
  }

  #arm(ns: bigint, event: Of<"timer-armed">): void {
    const { backend, deadline } = event;
    this.#endSpan(ns, backend, "re-armed");
    const unit = backend === "hrtimer" ? "expiresNs" : "deadlineGuestTsc";
    const mark = markOf(event, "lapic", ARMED_NAMES[backend], [
      ["backend", backend],
      [unit, deadline],
    ]);
    const span: Span = { row: this.#timers, id: backend, mark };
    this.#armed.set(backend, span);
    this.#timeline.beginSpan(ns, span);
  }

  #endSpan(ns: bigint, backend: TimerBackend, outcome: string): void {
    const span = this.#armed.get(backend);
    if (span === undefined) return;
    this.#armed.delete(backend);
    this.#timeline.endSpan(ns, span, [["outcome", outcome]]);
  }

  #instant(ns: bigint, event: VcpuEvent, category: string, name: string, args: readonly Arg[]): void {
    this.#timeline.instant(ns, this.row, markOf(event, category, name, args));
  }
}

function markOf(event: VcpuEvent, category: string, name: string, args: readonly Arg[]): Mark {
  return {
    category,
    name,
    wording: "vocabulary",
    args: [["hostTsc", event.at], ...args],
    flow: flowOf(event),
  };
}

/** The timer's flow an event is part of: the guest's end of interrupt is its last, or the expiry that one that waits has swallowed. */
export function flowOf(event: VcpuEvent): Flow | undefined {
  if (!("flow" in event) || event.flow === undefined) return undefined;
  const isLast = event.kind === "eoi" || (event.kind === "timer-expired" && event.outcome === "coalesced");
  return { id: event.flow, role: isLast ? "end" : "step" };
}

function vectorNames(prefix: string): readonly string[] {
  return Array.from({ length: VECTORS }, (_, vector) => `${prefix} 0x${vector.toString(16)}`);
}

/** A vector's name; of what is none the number. */
function nameOf(names: readonly string[], vector: number): string {
  return names[vector] ?? `vector ${vector}`;
}
