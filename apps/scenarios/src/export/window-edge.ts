import type { HostTsc } from "@chronovisor/clocksource";
import type { TraceEvent } from "@chronovisor/trace";

const NS_PER_S = 1_000_000_000n;

/** Where on the counter's axis true time reaches an instant, by the epoch that holds. */
export class WindowEdge {
  readonly #tscHz: bigint;
  readonly #ns: bigint;
  #tsc = 0n;

  constructor(tscHz: bigint, ns: bigint) {
    this.#tscHz = tscHz;
    this.#ns = ns;
    this.#move(0n, 0n);
  }

  /** The first value of the counter at or after the instant. One in the past is before all that comes: a sleep went over it. */
  get tsc(): HostTsc {
    return this.#tsc as HostTsc;
  }

  /** Whether an event happens at or after the instant. */
  isReachedBy(event: TraceEvent): boolean {
    if (event.kind === "epoch") this.#move(event.at, event.ns);
    return event.at >= this.#tsc;
  }

  #move(at: bigint, ns: bigint): void {
    const distance = (this.#ns - ns) * this.#tscHz;
    // Rounded up: before that cycle, true time rounded down is still less. Of a negative one the division drops the fraction upwards.
    this.#tsc = at + (distance > 0n ? distance + NS_PER_S - 1n : distance) / NS_PER_S;
  }
}
