import type { HostEvent } from "../events.js";
import type { Arg, Mark, Row, Timeline } from "./timeline.js";

type CpuEvent = Extract<
  HostEvent,
  { kind: "cpu-runs" | "irq-begin" | "irq-end" | "hrtimer-expire" | "hrtimer-done" }
>;

/** What a slice is of, from the outside in: what the CPU runs, the interrupt over it, a callback in that. */
type Open = { readonly kind: "runs" | "irq" } | { readonly kind: "callback"; readonly timer: number };

/**
 * What one CPU does: a slice for what it runs, interrupts nested in it, and callbacks in those.
 *
 * A CPU switches when its interrupt is over, so a `cpu-runs` inside one is drawn at its end. What ended without having begun (it began
 * before the trace did) is left out; what encloses the end of another ends it too.
 */
export class CpuRow {
  readonly row: Row;
  readonly #timeline: Timeline;
  readonly #open: Open[] = [];
  #next: Mark | undefined;

  constructor(timeline: Timeline, cpu: number) {
    this.#timeline = timeline;
    this.row = { owner: { kind: "cpu", index: cpu }, title: undefined };
  }

  take(ns: bigint, event: CpuEvent): void {
    switch (event.kind) {
      case "cpu-runs":
        this.#next = markOf(event, "cpu", event.what === "vcpu" ? `vCPU ${event.vcpu}` : event.what);
        this.#switch(ns);
        return;
      case "irq-begin":
        this.#begin(ns, { kind: "irq" }, markOf(event, "irq", `irq:${event.what}`));
        return;
      case "irq-end":
        this.#endThrough(ns, (open) => open.kind === "irq");
        return;
      case "hrtimer-expire": {
        const { timer, name, nowNs } = event;
        const mark = markOf(event, "hrtimer", name, [
          ["timer", timer],
          ["nowNs", nowNs],
        ]);
        this.#begin(ns, { kind: "callback", timer }, mark);
        return;
      }
      case "hrtimer-done":
        this.#endThrough(ns, (open) => open.kind === "callback" && open.timer === event.timer);
        return;
    }
  }

  /** Ends what is open at the end of the run. */
  close(ns: bigint): void {
    this.#next = undefined;
    while (this.#open.length > 0) this.#end(ns);
  }

  #begin(ns: bigint, open: Open, mark: Mark): void {
    this.#open.push(open);
    this.#timeline.begin(ns, this.row, mark);
  }

  #end(ns: bigint): void {
    this.#open.pop();
    this.#timeline.end(ns, this.row);
  }

  /** Ends the innermost slice that is `meant`, and those inside it. */
  #endThrough(ns: bigint, meant: (open: Open) => boolean): void {
    if (!this.#open.some(meant)) return;
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      this.#end(ns);
      if (meant(last)) break;
    }
    this.#switch(ns);
  }

  /** Goes on to what the CPU runs next, unless an interrupt or a callback is on top. */
  #switch(ns: bigint): void {
    if (this.#next === undefined || this.#open.some(({ kind }) => kind !== "runs")) return;
    if (this.#open.length > 0) this.#end(ns);
    this.#begin(ns, { kind: "runs" }, this.#next);
    this.#next = undefined;
  }
}

function markOf(event: CpuEvent, category: string, name: string, args: readonly Arg[] = []): Mark {
  return {
    category,
    name,
    wording: "vocabulary",
    args: [["hostTsc", event.at], ...args],
    flow: undefined,
  };
}
