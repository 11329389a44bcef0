import type { XenGuest } from "./xen-guest.js";

/** What a guest makes of one timer. */
export interface Latency {
  /** From asking to the first interrupt, by the guest's clock, ns. */
  readonly ns: bigint;
  /** Interrupts until the clock had reached the time asked for. */
  readonly interrupts: number;
}

/**
 * Sets one timer `requestNs` ahead and waits for it. `handlerNs` after an interrupt the guest looks whether its time has come,
 * and if not sets the timer again for the same time.
 */
export function timerlat(guest: XenGuest, requestNs: bigint, handlerNs: bigint): Latency {
  const start = guest.clockNs();
  const due = start + requestNs;
  let first: bigint | undefined;
  let interrupts = 0;
  do {
    guest.setTimer(due);
    guest.waitForEvent();
    first ??= guest.clockNs() - start;
    interrupts += 1;
    guest.work(handlerNs);
  } while (guest.clockNs() < due);
  return { ns: first, interrupts };
}

const DIGITS = 4;
const ONE_PERCENT = 10n ** BigInt(DIGITS);

/** As the program prints it: `103243/100000 (3.2430%)`. */
export function formatLatency(ns: bigint, requestNs: bigint): string {
  const scaled = ((ns - requestNs) * 100n * ONE_PERCENT) / requestNs;
  const size = scaled < 0n ? -scaled : scaled;
  const fraction = (size % ONE_PERCENT).toString().padStart(DIGITS, "0");
  return `${ns}/${requestNs} (${scaled < 0n ? "-" : ""}${size / ONE_PERCENT}.${fraction}%)`;
}
