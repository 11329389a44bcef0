import type { MonotonicNs } from "@chronovisor/clocksource";
import type { ClockBase } from "./clock-base.js";
import type { HrtimerClockId } from "./clock-id.js";
import type { Engine } from "./engine.js";
import { HrtimerDeadlockError } from "./errors.js";
import { forwardUnchecked } from "./forward.js";
import type { CancelResult, Hrtimer } from "./hrtimer.js";
import { addSafe, checkKtime, checkU64 } from "./ktime.js";
import { checkMode, HRTIMER_MODE_ABS, type HrtimerMode } from "./mode.js";
import type { OnExpiry } from "./timer.js";

/** What a timer is fixed to for its life. */
export interface HrtimerIdentity {
  readonly id: number;
  readonly name: string;
  readonly clock: HrtimerClockId;
  readonly isSoft: boolean;
  readonly isHard: boolean;
}

/** The one implementation of {@link Hrtimer}: `struct hrtimer`, with the fields its bases write. Internal. */
export class HrtimerNode implements Hrtimer {
  readonly id: number;
  readonly name: string;
  readonly clock: HrtimerClockId;
  readonly isSoft: boolean;
  readonly isHard: boolean;
  readonly #engine: Engine;
  onExpiry: OnExpiry;
  base: ClockBase;
  /** Slot in the base's heap, −1 while not queued (the kernel's `state`). */
  slot = -1;
  /** Hard expiry, the queue key. Never written while queued. */
  expires = 0n;
  softExpires = 0n;

  constructor(engine: Engine, identity: HrtimerIdentity, base: ClockBase, onExpiry: OnExpiry) {
    this.#engine = engine;
    this.id = identity.id;
    this.name = identity.name;
    this.clock = identity.clock;
    this.isSoft = identity.isSoft;
    this.isHard = identity.isHard;
    this.base = base;
    this.onExpiry = onExpiry;
  }

  get cpu(): number {
    return this.base.cpu.id;
  }

  get armed(): boolean {
    return this.slot >= 0;
  }

  get isQueued(): boolean {
    return this.slot >= 0;
  }

  get active(): boolean {
    return this.slot >= 0 || this.base.running === this;
  }

  get expiresNs(): MonotonicNs {
    return this.expires as MonotonicNs;
  }

  get softExpiresNs(): bigint {
    return this.softExpires;
  }

  get clockNowNs(): bigint {
    return this.#engine.now(this.clock);
  }

  start(timeNs: bigint, mode: HrtimerMode): void {
    checkKtime("start", "timeNs", timeNs);
    checkMode("start", mode);
    this.#engine.start(this, timeNs, 0n, mode);
  }

  startRange(timeNs: bigint, deltaNs: bigint, mode: HrtimerMode): void {
    checkKtime("startRange", "timeNs", timeNs);
    checkU64("startRange", "deltaNs", deltaNs, "nanoseconds");
    checkMode("startRange", mode);
    this.#engine.start(this, timeNs, deltaNs, mode);
  }

  startExpires(mode: HrtimerMode): void {
    checkMode("startExpires", mode);
    // A difference of two ktimes handed on as u64, as hrtimer_start_expires does.
    this.#engine.start(this, this.softExpires, BigInt.asUintN(64, this.expires - this.softExpires), mode);
  }

  restart(): void {
    this.startExpires(HRTIMER_MODE_ABS);
  }

  tryToCancel(): CancelResult {
    return this.#engine.tryToCancel(this);
  }

  cancel(): boolean {
    const result = this.#engine.tryToCancel(this);
    if (result < 0) throw new HrtimerDeadlockError(this.name);
    return result === 1;
  }

  getRemaining(): bigint {
    return BigInt.asIntN(64, this.expires - this.clockNowNs);
  }

  forward(nowNs: bigint, intervalNs: bigint): bigint {
    checkKtime("forward", "nowNs", nowNs);
    checkKtime("forward", "intervalNs", intervalNs);
    const { overruns, expiresNs, softExpiresNs } = forwardUnchecked({
      expiresNs: this.expires,
      softExpiresNs: this.softExpires,
      nowNs,
      intervalNs,
      resolutionNs: this.#engine.resolutionNs,
    });
    if (overruns === 0n) return 0n;
    if (this.slot >= 0) {
      this.#engine.events.onWarning?.({ kind: "forward-while-queued", timer: this });
      return 0n;
    }
    this.expires = expiresNs;
    this.softExpires = softExpiresNs;
    return overruns;
  }

  forwardNow(intervalNs: bigint): bigint {
    return this.forward(this.clockNowNs, intervalNs);
  }

  setExpires(timeNs: bigint): void {
    checkKtime("setExpires", "timeNs", timeNs);
    this.#checkNotQueued("setExpires");
    this.expires = timeNs;
    this.softExpires = timeNs;
  }

  setExpiresRange(timeNs: bigint, deltaNs: bigint): void {
    checkKtime("setExpiresRange", "timeNs", timeNs);
    checkU64("setExpiresRange", "deltaNs", deltaNs, "nanoseconds");
    this.#checkNotQueued("setExpiresRange");
    this.softExpires = timeNs;
    this.expires = addSafe(timeNs, BigInt.asIntN(64, deltaNs));
  }

  addExpires(deltaNs: bigint): void {
    checkKtime("addExpires", "deltaNs", deltaNs);
    this.#checkNotQueued("addExpires");
    this.expires = addSafe(this.expires, deltaNs);
    this.softExpires = addSafe(this.softExpires, deltaNs);
  }

  #checkNotQueued(fn: string): void {
    if (this.slot >= 0)
      throw new Error(`${fn}: expected timer "${this.name}" not to be queued, got a queued one`);
  }
}
