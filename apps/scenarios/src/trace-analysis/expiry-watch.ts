import { Tally, type TallySummary } from "./tally.js";

/** How punctual a timer was. */
export interface ExpiryFindings {
  /** The distance of its expiries in its own clock, ns, once two in a row were the same. */
  readonly periodNs: bigint | undefined;
  /** From the time it was set to, to the reading of its clock when its callback began; ns. */
  readonly lateness: TallySummary;
  /** Expiries later than 100 µs. */
  readonly late: number;
  /** Expiries at least a period late: a periodic timer that catches up. */
  readonly behind: number;
  /** Periods that were left out between two expiries of the hrtimer. */
  readonly skipped: bigint;
}

/** Later than any wake-up from an idle state: a host that was busy, stopped or asleep. */
const LATE_NS = 100_000n;

/** Follows the starts and expiries of one hrtimer. */
export class ExpiryWatch {
  #expires: bigint | undefined;
  #lastExpired: bigint | undefined;
  #lastDistance: bigint | undefined;
  #periodNs: bigint | undefined;
  readonly #lateness = new Tally();
  #late = 0;
  #behind = 0;
  #skipped = 0n;

  /** It was set to expire at an instant of its clock. */
  started(expiresNs: bigint): void {
    this.#expires = expiresNs;
  }

  /** Its callback began at an instant of its clock. */
  expired(time: bigint, nowNs: bigint): void {
    const expires = this.#expires;
    this.#expires = undefined;
    // Set before the log began: whether it is late cannot be told.
    if (expires === undefined) return;
    const late = nowNs - expires;
    this.#lateness.add(time, late);
    if (late > LATE_NS) this.#late += 1;
    if (this.#lastExpired !== undefined) this.#takeDistance(expires - this.#lastExpired);
    this.#lastExpired = expires;
    if (this.#periodNs !== undefined && late >= this.#periodNs) this.#behind += 1;
  }

  /** The timer expired by another means than its hrtimer, at an instant that no log has: its distances begin anew. */
  expiredElsewhere(): void {
    this.#expires = undefined;
    this.#lastExpired = undefined;
    this.#lastDistance = undefined;
  }

  findings(): ExpiryFindings {
    return {
      periodNs: this.#periodNs,
      lateness: this.#lateness.summary(),
      late: this.#late,
      behind: this.#behind,
      skipped: this.#skipped,
    };
  }

  #takeDistance(distance: bigint): void {
    const period = this.#periodNs;
    if (distance > 0n && distance === this.#lastDistance) this.#periodNs = distance;
    else if (period !== undefined && distance > period && distance % period === 0n) {
      this.#skipped += distance / period - 1n;
    }
    this.#lastDistance = distance;
  }
}
