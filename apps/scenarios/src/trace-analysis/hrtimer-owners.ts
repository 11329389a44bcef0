import type { GuestTimerKind } from "./findings.js";
import type { VcpuWatch } from "./vcpu-watch.js";

/** Callbacks of guests' timers, by the names they had. */
const GUEST_TIMERS: ReadonlyMap<string, GuestTimerKind> = new Map([
  ["apic_timer_fn", "lapic"],
  ["xen_timer_callback", "xen"],
  ["stimer_timer_callback", "hyper-v"],
]);

/** Timers told apart. */
const MAX_TIMERS = 65_536;

/** Whose timer a callback is; `undefined` for one of the host's own. */
export function guestTimerKind(callback: string): GuestTimerKind | undefined {
  return GUEST_TIMERS.get(callback);
}

/** A guest's timer as the host's: known by its pointer, which is a key even where it is hashed. */
interface Hrtimer {
  owner: VcpuWatch | undefined;
  last: "start" | "expiry";
}

/**
 * Which vCPU an hrtimer belongs to. A vCPU's thread starts its own timers; a timer that is started again from its callback interrupts
 * whatever runs there, also another vCPU's thread, so a start that follows an expiry says nothing.
 */
export class HrtimerOwners {
  readonly #timers = new Map<bigint, Hrtimer>();

  started(hrtimer: bigint, thread: VcpuWatch | undefined): VcpuWatch | undefined {
    const timer = this.#timer(hrtimer);
    if (timer.owner === undefined && timer.last === "start") timer.owner = thread;
    timer.last = "start";
    return timer.owner;
  }

  expired(hrtimer: bigint): VcpuWatch | undefined {
    const timer = this.#timer(hrtimer);
    timer.last = "expiry";
    return timer.owner;
  }

  #timer(hrtimer: bigint): Hrtimer {
    const known = this.#timers.get(hrtimer);
    if (known !== undefined) return known;
    if (this.#timers.size >= MAX_TIMERS) {
      const [oldest] = this.#timers.keys();
      if (oldest !== undefined) this.#timers.delete(oldest);
    }
    const timer: Hrtimer = { owner: undefined, last: "start" };
    this.#timers.set(hrtimer, timer);
    return timer;
  }
}
