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
  /**
   * How it came to be behind, each time it did: it had been held up, as nothing of it expired for at least as long; or it had gone on
   * expiring meanwhile, so that it was its target that had come to be in the past. Times in cycles do not tell.
   */
  readonly fellBehind: Readonly<Record<"heldUp" | "whileExpiring" | "unknown", number>>;
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
  readonly #fellBehind = { heldUp: 0, whileExpiring: 0, unknown: 0 };
  #was: "punctual" | "behind" = "punctual";
  #lastNs: bigint | undefined;
  /** When the last expiry came that had been waited for by more than one and a half periods. */
  #gapEndNs: bigint | undefined;

  /** It was set to expire at an instant of its clock. */
  started(expiresNs: bigint): void {
    this.#expires = expiresNs;
  }

  /**
   * Its callback began at an instant of its clock.
   *
   * @param timeNs - the log's time, where that is ns.
   */
  expired(time: bigint, nowNs: bigint, timeNs: bigint | undefined): void {
    this.#noteGap(timeNs);
    const expires = this.#expires;
    this.#expires = undefined;
    // Set before the log began: whether it is late cannot be told.
    if (expires === undefined) return;
    const late = nowNs - expires;
    this.#lateness.add(time, late);
    if (late > LATE_NS) this.#late += 1;
    if (this.#lastExpired !== undefined) this.#takeDistance(expires - this.#lastExpired);
    this.#lastExpired = expires;
    if (this.#periodNs !== undefined && late >= this.#periodNs) this.#countBehind(late, timeNs);
    else this.#was = "punctual";
  }

  /** The timer expired by another means than its hrtimer, at an instant that no log has: its distances begin anew. */
  expiredElsewhere(timeNs: bigint | undefined): void {
    this.#noteGap(timeNs);
    this.#was = "punctual";
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
      fellBehind: { ...this.#fellBehind },
      skipped: this.#skipped,
    };
  }

  #noteGap(timeNs: bigint | undefined): void {
    const period = this.#periodNs;
    const last = this.#lastNs;
    this.#lastNs = timeNs;
    if (period === undefined || last === undefined || timeNs === undefined) return;
    if ((timeNs - last) * 2n >= period * 3n) this.#gapEndNs = timeNs;
  }

  #countBehind(late: bigint, timeNs: bigint | undefined): void {
    this.#behind += 1;
    if (this.#was === "behind") return;
    this.#was = "behind";
    if (timeNs === undefined) this.#fellBehind.unknown += 1;
    else if (this.#gapEndNs !== undefined && timeNs - this.#gapEndNs <= late) this.#fellBehind.heldUp += 1;
    else this.#fellBehind.whileExpiring += 1;
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
