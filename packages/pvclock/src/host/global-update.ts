/**
 * The work that spreads one vCPU's clock update to all of them, and what holds it back. Nothing runs by itself: where the
 * kernel schedules work, an event says so and the owner calls back.
 *
 *     delayed-100ms   the others follow 100 ms after the FIRST request; later ones do not move it
 *     immediate       the others follow at once
 *     ratelimited     at once, but loads of a vCPU have 10 per second and VM; beyond, only the vCPU itself
 *
 * Source: `arch/x86/kvm/x86.c:kvm_gen_kvmclock_update`, `kvmclock_update_fn`, `lib/ratelimit.c`; docs/model/pvclock §5.4.
 */

const NSEC_PER_MSEC = 1_000_000n;
const NSEC_PER_SEC = 1_000_000_000n;

/** How long a global update waits under `delayed-100ms`, ns (`KVMCLOCK_UPDATE_DELAY`). */
export const GLOBAL_UPDATE_DELAY_NS: bigint = 100n * NSEC_PER_MSEC;
/** How often clocks are synchronised under `periodicSync: "300s"`, ns (`KVMCLOCK_SYNC_PERIOD`). */
export const PERIODIC_SYNC_NS: bigint = 300n * NSEC_PER_SEC;

const RATE_INTERVAL_NS = NSEC_PER_SEC;
const RATE_BURST = 10;

/** A {@link LoadRateLimit} as plain JSON. */
export interface LoadRateLimitState {
  /** When the present window began, ns, decimal; null before the first request. */
  readonly beganNs: string | null;
  /** Requests let through in it. */
  readonly passed: number;
}

/** At most 10 in a window of one second. A window begins with a request, and ends with the first one later than that. */
export class LoadRateLimit {
  #beganNs: bigint | undefined;
  #passed = 0;

  /** Whether a request made now, on a clock that stands still in suspend, is let through. */
  allows(nowNs: bigint): boolean {
    if (this.#beganNs === undefined || nowNs - this.#beganNs > RATE_INTERVAL_NS) {
      this.#beganNs = nowNs;
      this.#passed = 0;
    }
    if (this.#passed === RATE_BURST) return false;
    this.#passed += 1;
    return true;
  }

  state(): LoadRateLimitState {
    return { beganNs: this.#beganNs === undefined ? null : String(this.#beganNs), passed: this.#passed };
  }

  /** @throws SyntaxError or RangeError for a saved state that is none. */
  static fromState({ beganNs, passed }: LoadRateLimitState): LoadRateLimit {
    const limit = new LoadRateLimit();
    if (beganNs !== null) limit.#beganNs = BigInt(beganNs);
    if (!Number.isInteger(passed) || passed < 0 || passed > RATE_BURST) {
      throw new RangeError(`LoadRateLimit.fromState: expected passed in 0 … ${RATE_BURST}, got ${passed}`);
    }
    limit.#passed = passed;
    return limit;
  }
}
