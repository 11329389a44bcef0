import type { HostEvent } from "../events.js";
import type { Row, Span, Timeline } from "./timeline.js";

type HrtimerEvent = Extract<HostEvent, { kind: "hrtimer-start" | "hrtimer-expire" | "hrtimer-cancel" }>;

const OUTCOME = { "hrtimer-start": "re-armed", "hrtimer-expire": "expired", "hrtimer-cancel": "cancelled" };

/**
 * How long each hrtimer is armed, under the CPU it was queued on: from its start to its expiry, its cancellation or the next start,
 * which may be on another CPU. Holds the armed timers, no more.
 */
export class HrtimerSpans {
  readonly #timeline: Timeline;
  readonly #rows: readonly Row[];
  readonly #armed = new Map<number, Span>();

  constructor(timeline: Timeline, cpus: number) {
    this.#timeline = timeline;
    this.#rows = Array.from({ length: cpus }, (_, index) => ({
      owner: { kind: "cpu", index },
      title: `hrtimer CPU ${index}`,
    }));
  }

  take(ns: bigint, event: HrtimerEvent): void {
    const armed = this.#armed.get(event.timer);
    if (armed !== undefined) this.#timeline.endSpan(ns, armed, [["outcome", OUTCOME[event.kind]]]);
    this.#armed.delete(event.timer);
    const row = this.#rows[event.cpu];
    if (event.kind !== "hrtimer-start" || row === undefined) return;
    const { at, timer, name, expiresNs, mode } = event;
    const span: Span = {
      row,
      id: `hrtimer ${timer}`,
      mark: {
        category: "hrtimer",
        name,
        wording: "vocabulary",
        args: [
          ["hostTsc", at],
          ["timer", timer],
          ["expiresNs", expiresNs],
          ["mode", mode],
        ],
        flow: undefined,
      },
    };
    this.#armed.set(timer, span);
    this.#timeline.beginSpan(ns, span);
  }

  /** Ends what is armed at the end of the run. */
  close(ns: bigint): void {
    for (const span of this.#armed.values()) this.#timeline.endSpan(ns, span, [["outcome", "still armed"]]);
    this.#armed.clear();
  }
}
