import type { MonotonicNs } from "@chronovisor/clocksource";
import { ClockBase } from "./clock-base.js";
import { BASES_PER_CPU, CLOCK_OF_BASE, SOFT_BASE } from "./clock-id.js";
import { type Engine, offsetOf } from "./engine.js";
import { HrtimerLoopError } from "./errors.js";
import type { EventDevice } from "./event-device.js";
import type { Hrtimer } from "./hrtimer.js";
import type { HrtimerCpu } from "./hrtimer-cpu.js";
import { HrtimerNode } from "./hrtimer-node.js";
import { KTIME_MAX } from "./ktime.js";

const MAX_PASSES = 3;
/** A hung interrupt pushes the device out by the time it took, at most by this. */
const MAX_HANG_DELAY_NS = 100_000_000n;
const HARD_BASES = 0x0f;
const SOFT_BASES = 0xf0;

/** `struct hrtimer_cpu_base`: the one implementation of {@link HrtimerCpu}, with the fields the start path writes. Internal. */
export class CpuBase implements HrtimerCpu {
  readonly id: number;
  readonly device: EventDevice;
  readonly #engine: Engine;
  readonly #bases: readonly ClockBase[];
  /** Bit i: base i has queued timers. */
  activeBases = 0;
  expiresNext: bigint = KTIME_MAX;
  softExpiresNext: bigint = KTIME_MAX;
  /** A hint for the start path; it may name a timer that has left. */
  nextTimer: HrtimerNode | undefined;
  softNextTimer: HrtimerNode | undefined;
  online = true;
  inHrtirq = false;
  hangDetected = false;
  softirqActivated = false;
  nrEvents = 0;
  nrRetries = 0;
  nrHangs = 0;
  maxHangNs = 0;
  passes = 0;
  /** Inside interrupt or runSoftirq. */
  isExpiring = false;
  offsetsSequence = -1;
  /** Now of the pass that is running callbacks. */
  #passNow = 0n;
  #callbacks = 0;
  #runningBase: ClockBase | undefined;

  constructor(engine: Engine, id: number, device: EventDevice) {
    this.#engine = engine;
    this.id = id;
    this.device = device;
    this.#bases = Array.from(
      { length: BASES_PER_CPU },
      (_, index) => new ClockBase(this, index, CLOCK_OF_BASE[index % SOFT_BASE] ?? CLOCK_OF_BASE[0]),
    );
    this.refreshOffsets();
  }

  baseAt(index: number): ClockBase {
    return this.#bases[index] as ClockBase;
  }

  get queued(): number {
    return this.#bases.reduce((sum, base) => sum + base.size, 0);
  }

  interrupt(): void {
    const engine = this.#engine;
    const before = this.#beginCallbacks("interrupt");
    try {
      if (engine.isHighRes) this.#interruptHighRes();
      else this.#interruptLowRes();
    } finally {
      this.#endCallbacks(before);
    }
  }

  /** `hrtimer_interrupt`, docs/model/hrtimer §6.1. */
  #interruptHighRes(): void {
    this.nrEvents++;
    let now = this.#updateNow();
    const entry = now;
    for (let pass = 1; ; pass++) {
      this.passes = pass;
      this.inHrtirq = true;
      this.expiresNext = KTIME_MAX;
      this.#expire(now);
      this.expiresNext = this.#updateNext();
      this.inHrtirq = false;
      if (this.device.program(this.expiresNext as MonotonicNs, "attempt")) {
        this.hangDetected = false;
        return;
      }
      now = this.#updateNow();
      this.nrRetries++;
      if (pass === MAX_PASSES) break;
    }
    this.nrHangs++;
    this.hangDetected = true;
    const took = now - entry;
    // The kernel compares and stores the low 32 bits only: a hang of over 4.29 s is remembered short.
    const tookU32 = Number(BigInt.asUintN(32, took));
    if (tookU32 > this.maxHangNs) this.maxHangNs = tookU32;
    this.device.program(
      (now + (took > MAX_HANG_DELAY_NS ? MAX_HANG_DELAY_NS : took)) as MonotonicNs,
      "force",
    );
    this.#engine.events.onWarning?.({ kind: "interrupt-hang", cpu: this.id, tookNs: took });
  }

  /** The same expiry work from the tick; nothing is programmed (`hrtimer_run_queues`). */
  #interruptLowRes(): void {
    this.passes = 1;
    this.#expire(this.#updateNow());
  }

  #expire(now: bigint): void {
    if (now >= this.softExpiresNext) {
      this.softExpiresNext = KTIME_MAX;
      this.softirqActivated = true;
      this.#engine.events.onSoftirqRaised?.(this.id);
    }
    this.#runQueues(0, this.activeBases & HARD_BASES, now);
  }

  runSoftirq(): void {
    const before = this.#beginCallbacks("runSoftirq");
    try {
      this.#runQueues(SOFT_BASE, this.activeBases & SOFT_BASES, this.#updateNow());
      this.softirqActivated = false;
      // softExpiresNext is still KTIME_MAX here, so reprogram records whatever the scan finds.
      if (this.#scanSoft() !== KTIME_MAX && this.softNextTimer !== undefined)
        this.reprogram(this.softNextTimer);
    } finally {
      this.#endCallbacks(before);
    }
  }

  horizon(timer: Hrtimer): MonotonicNs {
    if (!(timer instanceof HrtimerNode) || timer.base.cpu !== this || timer.base.running !== timer) {
      throw new Error(
        `horizon: expected a timer whose callback is running on CPU ${this.id}, got another one`,
      );
    }
    const other = timer.isQueued
      ? timer.base.inOrder().find((queued) => queued !== timer)
      : timer.base.head();
    const before = other === undefined ? KTIME_MAX : timer.base.toMonotonic(other.expires) - 1n;
    return (before < this.#passNow ? before : this.#passNow) as MonotonicNs;
  }

  /** `retrigger_next_event`: offsets refreshed, the next event found again and written even if it did not change. */
  retrigger(): void {
    this.refreshOffsets();
    const next = this.#updateNext();
    if (this.#engine.isHighRes) this.#reprogramTo(next);
  }

  /** A local removal of the next timer. Inside the interrupt its end re-evaluates everything. */
  reprogramAfterRemoval(): void {
    if (!this.inHrtirq) this.forceReprogramIfChanged();
  }

  /** `hrtimer_force_reprogram` with skip_equal. */
  forceReprogramIfChanged(): void {
    const next = this.#updateNext();
    if (next !== this.expiresNext) this.#reprogramTo(next);
  }

  /** What an enqueue that became first asks for (`hrtimer_reprogram`); `this` is the CPU code runs on. */
  reprogram(timer: HrtimerNode): void {
    const { base } = timer;
    const monotonic = base.toMonotonic(timer.expires);
    const expires = monotonic < 0n ? 0n : monotonic;
    if (timer.isSoft) {
      const owner = base.cpu;
      if (owner.softirqActivated || expires >= owner.softExpiresNext) return;
      owner.softNextTimer = timer;
      owner.softExpiresNext = expires;
      if (expires >= owner.expiresNext) return;
    }
    if (base.cpu !== this || expires >= this.expiresNext || this.inHrtirq) return;
    this.nextTimer = timer;
    this.#reprogramTo(expires);
  }

  /** Takes over the timekeeper's offsets if they changed (`hrtimer_update_base`); true if they had. */
  refreshOffsets(): boolean {
    const offsets = this.#engine.offsets();
    if (offsets.sequence === this.offsetsSequence) return false;
    this.offsetsSequence = offsets.sequence;
    for (const base of this.#bases) base.setOffset(offsetOf(offsets, base.clock));
    return true;
  }

  /** One of `bases` has a timer before the CPU's next event, or before its next soft event (`update_needs_ipi`). */
  hasHeadBeforeNext(bases: number): boolean {
    for (let index = 0; index < BASES_PER_CPU; index++) {
      const head = (bases & (1 << index)) === 0 ? undefined : this.baseAt(index).head();
      if (head === undefined) continue;
      const expires = head.base.toMonotonic(head.expires);
      if (expires < this.expiresNext) return true;
      if (index >= SOFT_BASE && !this.softirqActivated && expires < this.softExpiresNext) return true;
    }
    return false;
  }

  /** Plugs the CPU in: whatever an earlier life left behind is gone. */
  plug(): void {
    this.activeBases = 0;
    this.expiresNext = KTIME_MAX;
    this.softExpiresNext = KTIME_MAX;
    this.nextTimer = undefined;
    this.softNextTimer = undefined;
    this.hangDetected = false;
    this.softirqActivated = false;
    this.online = true;
    this.refreshOffsets();
  }

  #updateNow(): bigint {
    const now = this.#engine.clock.monotonicNs();
    if (this.#engine.clock.offsets !== undefined) this.refreshOffsets();
    return now;
  }

  /** Runs what is due on the bases of `active`, which was sampled before the first callback. */
  #runQueues(first: number, active: number, now: bigint): void {
    this.#passNow = now;
    for (let index = first; index < first + SOFT_BASE; index++) {
      if ((active & (1 << index)) === 0) continue;
      const base = this.#bases[index] as ClockBase;
      const baseNow = base.fromMonotonic(now);
      for (let head = base.head(); head !== undefined && baseNow >= head.softExpires; head = base.head()) {
        this.#run(base, head, baseNow);
      }
    }
  }

  /** `__run_hrtimer`, docs/model/hrtimer §5. */
  #run(base: ClockBase, timer: HrtimerNode, baseNow: bigint): void {
    if (this.#callbacks === this.#engine.maxCallbacksPerInterrupt) {
      throw new HrtimerLoopError(timer.name, this.#callbacks, timer.expires);
    }
    this.#callbacks++;
    this.#runningBase = base;
    base.running = timer;
    base.dequeueFirst(timer);
    this.#engine.events.onExpire?.(timer, baseNow);
    const again = timer.onExpiry(timer);
    this.#engine.events.onExpired?.(timer);
    if (again !== undefined && timer.slot < 0) {
      // The timer's own expiry keeps what forward or setExpiresRange left in the soft one.
      if (again !== timer.expires) timer.setExpires(again);
      base.enqueue(timer);
      this.#engine.events.onRestart?.(timer);
    }
    base.running = undefined;
  }

  #beginCallbacks(fn: string): CpuBase {
    if (this.isExpiring) {
      throw new Error(`${fn}: expected CPU ${this.id} outside its timer callbacks, got a nested call`);
    }
    if (!this.online) throw new Error(`${fn}: expected CPU ${this.id} to be online, got an offline one`);
    const before = this.#engine.current;
    this.#engine.current = this;
    this.isExpiring = true;
    this.#callbacks = 0;
    return before;
  }

  /** Also after a callback that threw. */
  #endCallbacks(before: CpuBase): void {
    this.#engine.current = before;
    this.isExpiring = false;
    this.inHrtirq = false;
    if (this.#runningBase !== undefined) this.#runningBase.running = undefined;
    this.#runningBase = undefined;
  }

  #reprogramTo(expires: bigint): void {
    this.expiresNext = expires;
    if (this.#engine.isHighRes && !this.hangDetected) this.device.program(expires as MonotonicNs, "force");
  }

  /** `hrtimer_update_next_event`: finds nextTimer again and returns its expiry; the caller stores it. */
  #updateNext(): bigint {
    let soft: bigint = KTIME_MAX;
    if (!this.softirqActivated) {
      soft = this.#scanSoft();
      this.softExpiresNext = soft;
    }
    const hard = this.#scanHard();
    if (hard > soft) {
      this.nextTimer = this.softNextTimer;
      return soft;
    }
    return hard;
  }

  #scanHard(): bigint {
    this.nextTimer = undefined;
    if ((this.activeBases & HARD_BASES) === 0) return KTIME_MAX;
    let earliest: bigint = KTIME_MAX;
    for (let index = 0; index < SOFT_BASE; index++) {
      if ((this.activeBases & (1 << index)) === 0) continue;
      const base = this.#bases[index] as ClockBase;
      const head = base.head() as HrtimerNode;
      const expires = base.toMonotonic(head.expires);
      if (expires < earliest) {
        earliest = expires;
        this.nextTimer = head;
      }
    }
    return earliest < 0n ? 0n : earliest;
  }

  #scanSoft(): bigint {
    this.softNextTimer = undefined;
    if ((this.activeBases & SOFT_BASES) === 0) return KTIME_MAX;
    let earliest: bigint = KTIME_MAX;
    for (let index = SOFT_BASE; index < BASES_PER_CPU; index++) {
      if ((this.activeBases & (1 << index)) === 0) continue;
      const base = this.#bases[index] as ClockBase;
      const head = base.head() as HrtimerNode;
      const expires = base.toMonotonic(head.expires);
      if (expires < earliest) {
        earliest = expires;
        this.softNextTimer = head;
      }
    }
    return earliest < 0n ? 0n : earliest;
  }
}
