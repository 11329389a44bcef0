import type { HostTsc } from "@chronovisor/clocksource";
import type { TraceEvent } from "./events.js";

const NS_PER_S = 1_000_000_000n;
const PS_PER_NS = 1_000n;

/**
 * True time on a run's axis: nanoseconds since its start, rounded down, by the TSC's actual frequency. The counter may be
 * stopped or set when the host sleeps; an `epoch` event then says where it goes on.
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * const time = new TrueTime(2_500_000_000n);
 * time.note({ kind: "epoch", at: hostTsc(1_000n), ns: 0n });
 * time.at(hostTsc(2_500n)) // => 600n
 */
export class TrueTime {
  readonly #tscHz: bigint;
  #epochTsc = 0n;
  #epochNs = 0n;

  /**
   * @param tscHz - the TSC's actual frequency, at least 1.
   * @throws RangeError for a frequency below 1.
   */
  constructor(tscHz: bigint) {
    if (tscHz < 1n) throw new RangeError(`TrueTime: expected a frequency of at least 1 Hz, got ${tscHz}`);
    this.#tscHz = tscHz;
  }

  /** Takes an epoch in; other events leave it as it is. */
  note(event: TraceEvent): void {
    if (event.kind !== "epoch") return;
    this.#epochTsc = event.at;
    this.#epochNs = event.ns;
  }

  /** Nanoseconds at host TSC `tsc`. */
  at(tsc: HostTsc): bigint {
    return this.#epochNs + ((tsc - this.#epochTsc) * NS_PER_S) / this.#tscHz;
  }
  /** Picoseconds at host TSC `tsc`: 2.5 GHz is 400 ps a cycle, exact; 3 GHz is rounded down. An epoch is a whole nanosecond. */
  psAt(tsc: HostTsc): bigint {
    return this.#epochNs * PS_PER_NS + ((tsc - this.#epochTsc) * NS_PER_S * PS_PER_NS) / this.#tscHz;
  }
}
