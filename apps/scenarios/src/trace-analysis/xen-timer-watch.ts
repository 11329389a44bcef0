/** How the host times a guest's Xen timers. */
export interface XenTimerFindings {
  /** Timers the guest set and the host armed. */
  readonly timers: number;
  /**
   * How fast the host's deadline moves away from the guest's, ppt of the time between timers, the guest's clock not having been set in
   * between. 0: the host times them by its own clock. What the guest's clock gains, negated: by the guest's.
   */
  readonly pace: { readonly ppt: bigint; readonly overNs: bigint } | undefined;
}

const PPT = 1_000_000_000_000n;

/**
 * Pairs each deadline that a guest gives Xen's `set_timer_op`, ns of its own clock, with the instant of CLOCK_MONOTONIC that the host
 * arms for it. Both are exact in a log. Their difference tells two clocks' distance; how it changes tells which clock the host
 * counted the wait by (docs/model/xen-timer §7).
 */
export class XenTimerWatch {
  #deadlineNs: bigint | undefined;
  #last: { readonly deadlineNs: bigint; readonly expiresNs: bigint } | undefined;
  #timers = 0;
  #movedNs = 0n;
  #overNs = 0n;

  /** The guest's clock got another reference: distances before and after have nothing to do with each other. */
  clockSet(): void {
    this.#last = undefined;
  }

  /** The guest asked for a timer; 0 stops the one it has. */
  asked(deadlineNs: bigint): void {
    this.#deadlineNs = deadlineNs === 0n ? undefined : deadlineNs;
  }

  /** The host armed its timer. */
  armed(expiresNs: bigint): void {
    const deadlineNs = this.#deadlineNs;
    this.#deadlineNs = undefined;
    if (deadlineNs === undefined) return;
    this.#timers += 1;
    const last = this.#last;
    if (last !== undefined && expiresNs > last.expiresNs) {
      this.#movedNs += expiresNs - deadlineNs - (last.expiresNs - last.deadlineNs);
      this.#overNs += expiresNs - last.expiresNs;
    }
    this.#last = { deadlineNs, expiresNs };
  }

  findings(): XenTimerFindings {
    return {
      timers: this.#timers,
      pace:
        this.#overNs === 0n ? undefined : { ppt: (this.#movedNs * PPT) / this.#overNs, overNs: this.#overNs },
    };
  }
}
