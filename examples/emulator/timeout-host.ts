import { type HostClock, hostTsc, type MonotonicNs, monotonicNs } from "@chronovisor/clocksource";
import type { OnExpiry, Timer } from "@chronovisor/hrtimer";

/** The longest delay `setTimeout` takes; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

const nowNs = (): bigint => BigInt(Math.round(performance.now() * 1e6));
const sample = (): ReturnType<HostClock["sample"]> => {
  const now = nowNs();
  return { monotonicNs: monotonicNs(now), tsc: hostTsc(now) };
};

/** Real time, and a counter of 1 GHz that is the same number. */
export const clock: HostClock = {
  monotonicNs: () => sample().monotonicNs,
  tsc: () => sample().tsc,
  sample,
};

/** A timer over `setTimeout`: the whole of what a device needs from an emulator. */
export class TimeoutTimer implements Timer {
  armed = false;
  expiresNs: MonotonicNs = monotonicNs(0n);
  #timeout: ReturnType<typeof setTimeout> | undefined;
  readonly #onExpiry: OnExpiry;

  constructor(onExpiry: OnExpiry) {
    this.#onExpiry = onExpiry;
  }

  start(expiresNs: MonotonicNs): void {
    this.cancel();
    this.armed = true;
    this.expiresNs = expiresNs;
    this.#wait();
  }

  cancel(): boolean {
    clearTimeout(this.#timeout);
    const wasArmed = this.armed;
    this.armed = false;
    return wasArmed;
  }

  #wait(): void {
    const leftMs = Math.max(0, Math.ceil(Number(this.expiresNs - nowNs()) / 1e6));
    this.#timeout = setTimeout(() => this.#expire(), Math.min(leftMs, MAX_DELAY_MS));
  }

  #expire(): void {
    // A timeout may come a fraction of a millisecond early, and an interrupt must not.
    if (nowNs() < this.expiresNs) {
      this.#wait();
      return;
    }
    this.armed = false;
    const nextNs = this.#onExpiry(this);
    if (nextNs !== undefined) this.start(nextNs);
  }
}
