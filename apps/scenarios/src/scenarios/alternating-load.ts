import type { GuestTsc } from "@chronovisor/clocksource";
import type { LapicMachine } from "../machine/lapic-machine.js";

export interface Halves {
  /** True ns since the start at which the first half begins. */
  readonly startNs: bigint;
  readonly lengthNs: bigint;
  readonly first: "idle" | "running";
}

/** Guest TSC at which half number `index` ends. */
export function halfEnd(
  { host, vcpu }: LapicMachine,
  { startNs, lengthNs }: Halves,
  index: number,
): GuestTsc {
  return vcpu.tsc.readL1(host.tscAt(startNs + lengthNs * BigInt(index + 1)));
}

/** The idle halves of an alternating load end by a wake-up that has nothing to do with the timer. */
export function scheduleWakeUps({ host, vcpu }: LapicMachine, { startNs, lengthNs, first }: Halves): void {
  let half = first === "idle" ? 1n : 2n;
  const scheduleNext = (): void => {
    host.timeline.add({
      at: host.tscAt(startNs + lengthNs * half),
      name: "wake-up",
      act: () => {
        vcpu.unhalt();
        half += 2n;
        scheduleNext();
      },
    });
  };
  scheduleNext();
}
