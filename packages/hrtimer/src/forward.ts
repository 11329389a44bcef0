import { addSafe, checkKtime } from "./ktime.js";

/** What {@link hrtimerForward} needs to know of a timer. */
export interface ForwardInput {
  /** Hard expiry, signed 64-bit nanoseconds of the timer's clock. */
  readonly expiresNs: bigint;
  /** Soft expiry; it moves by the same amount. */
  readonly softExpiresNs: bigint;
  /** Now, on the same clock. */
  readonly nowNs: bigint;
  /** Period; raised to the resolution when shorter. */
  readonly intervalNs: bigint;
  /** `hrtimer_resolution`: 1 ns in high-resolution mode, the tick length otherwise. */
  readonly resolutionNs: bigint;
}

/** Where {@link hrtimerForward} moved a timer, and by how many intervals. */
export interface Forwarded {
  /** Unsigned 64-bit; 0 when the timer has not expired yet. */
  readonly overruns: bigint;
  readonly expiresNs: bigint;
  readonly softExpiresNs: bigint;
}

/** {@link hrtimerForward} without the argument checks. */
export function forwardUnchecked(input: ForwardInput): Forwarded {
  let { expiresNs, softExpiresNs } = input;
  const late = BigInt.asIntN(64, input.nowNs - expiresNs); // wraps, as the kernel's ktime_sub does
  if (late < 0n) return { overruns: 0n, expiresNs, softExpiresNs };
  let interval = input.intervalNs;
  if (interval < input.resolutionNs) interval = input.resolutionNs;
  let overruns = 1n;
  if (late >= interval) {
    overruns = late / interval;
    // The two additions of whole intervals wrap; only the last one saturates.
    expiresNs = BigInt.asIntN(64, expiresNs + overruns * interval);
    softExpiresNs = BigInt.asIntN(64, softExpiresNs + overruns * interval);
    if (expiresNs > input.nowNs) return { overruns, expiresNs, softExpiresNs };
    overruns += 1n;
  }
  return {
    overruns,
    expiresNs: addSafe(expiresNs, interval),
    softExpiresNs: addSafe(softExpiresNs, interval),
  };
}

/**
 * Moves an expired timer forward by whole intervals until it lies after now, and counts them.
 *
 * The difference now − expires and the bulk addition wrap at signed 64 bits; the last addition saturates to KTIME_MAX,
 * also when the soft expiry is negative (docs/model/hrtimer §2). A timer that has not expired is returned unchanged.
 *
 * @param input - the timer's expiries, now, interval and resolution, each signed 64-bit nanoseconds of one clock.
 * @returns overruns and the new expiries (`hrtimer_forward`, kernel/time/hrtimer.c; docs/model/hrtimer §4).
 * @throws RangeError outside signed 64 bits or for a resolution below 1 ns, TypeError for anything but a bigint.
 * @example
 * const timer = { expiresNs: 1_000n, softExpiresNs: 1_000n, intervalNs: 100n, resolutionNs: 1n };
 * hrtimerForward({ ...timer, nowNs: 1_250n }) // => { overruns: 3n, expiresNs: 1300n, softExpiresNs: 1300n }
 * hrtimerForward({ ...timer, nowNs: 900n }).overruns // => 0n
 */
export function hrtimerForward(input: ForwardInput): Forwarded {
  checkKtime("hrtimerForward", "expiresNs", input.expiresNs);
  checkKtime("hrtimerForward", "softExpiresNs", input.softExpiresNs);
  checkKtime("hrtimerForward", "nowNs", input.nowNs);
  checkKtime("hrtimerForward", "intervalNs", input.intervalNs);
  checkKtime("hrtimerForward", "resolutionNs", input.resolutionNs);
  if (input.resolutionNs < 1n) {
    throw new RangeError(`hrtimerForward: expected resolutionNs of at least 1, got ${input.resolutionNs}`);
  }
  return forwardUnchecked(input);
}
