import type { KvmclockNs, MonotonicNs } from "@chronovisor/clocksource";
import type { DeliveryResult } from "../events/delivery-result.js";
import type { SamplePath } from "./sampling.js";

/** One start of the timer. */
export interface XenTimerStart {
  /** The timeout in force; not the one asked for when the workaround replaced it. */
  readonly guestAbsNs: KvmclockNs;
  readonly workedAround: boolean;
  /** What the guest clock was taken to read. */
  readonly guestNowNs: bigint;
  readonly deltaNs: bigint;
  readonly path: SamplePath;
  /** What CLOCK_MONOTONIC read and the instant the hrtimer was armed for; undefined when it expired at once. */
  readonly armed: { readonly monotonicNowNs: MonotonicNs; readonly expiresNs: MonotonicNs } | undefined;
}

/** What an expiry came to: delivered with this result, left to the vCPU's loop, or swallowed by one already left to it. */
export type XenTimerExpiry = DeliveryResult | "deferred" | "coalesced-with-pending";

/** What the timer reports. Each handler is optional. */
export interface XenTimerEvents {
  onStart(start: XenTimerStart): void;
  onStop(): void;
  /** The callback ran: at its time, or inside a start that found it past. */
  onExpire(expiry: XenTimerExpiry): void;
  /** A deferred expiry was delivered; `would-block`: it is lost. */
  onInject(result: DeliveryResult): void;
}
