import type { XenMachine } from "./machine.js";

const NS_PER_HOUR = 3_600_000_000_000n;
/** How long the two clocks are compared. */
export const TSDRIFT_HOURS = 24n;
export const TSDRIFT_NS: bigint = TSDRIFT_HOURS * NS_PER_HOUR;

/** One line of the program: how far the guest's clock is ahead of KVM_GET_CLOCK. */
export interface DriftSample {
  readonly hour: bigint;
  readonly ns: bigint;
  readonly aheadNs: bigint;
}

/** Reads both clocks at every hour of a day, at one instant each. */
export function tsdrift({ host, clock, guest }: XenMachine, onHour: () => void): DriftSample[] {
  return Array.from({ length: Number(TSDRIFT_HOURS) }, (_, i) => {
    const hour = BigInt(i + 1);
    host.engine.runUntil(host.tscAt(hour * NS_PER_HOUR));
    onHour();
    return { hour, ns: hour * NS_PER_HOUR, aheadNs: guest.clockNs() - clock.getClock().clock };
  });
}
