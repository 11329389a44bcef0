import type { HrtimerClockId } from "./clock-id.js";
import type { CpuBase } from "./cpu-base.js";
import type { HrtimerNode } from "./hrtimer-node.js";
import { SIGNED_BIAS, TimerHeap } from "./timer-heap.js";

/** The queue of one clock on one CPU (`struct hrtimer_clock_base`). Internal; the CPU base and the start path drive it. */
export class ClockBase {
  readonly cpu: CpuBase;
  readonly index: number;
  readonly clock: HrtimerClockId;
  /** clock − CLOCK_MONOTONIC as of the CPU's last refresh. */
  offsetNs = 0n;
  /** offsetNs is not zero: spares the common base two bigint additions per expiry. */
  isShifted = false;
  /** The timer whose callback executes. */
  running: HrtimerNode | undefined;
  readonly #heap = new TimerHeap(SIGNED_BIAS);
  /** By slot of the heap; a freed slot keeps its last timer until it is reused. */
  readonly #timers: HrtimerNode[] = [];

  constructor(cpu: CpuBase, index: number, clock: HrtimerClockId) {
    this.cpu = cpu;
    this.index = index;
    this.clock = clock;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** Queues a timer at its hard expiry, behind its equals; true if it became the first. */
  enqueue(timer: HrtimerNode): boolean {
    const slot = this.#heap.insert(timer.expires);
    this.#timers[slot] = timer;
    timer.slot = slot;
    timer.base = this;
    this.cpu.activeBases |= 1 << this.index;
    return this.#heap.first() === slot;
  }

  /** Takes a queued timer out. */
  dequeue(timer: HrtimerNode): void {
    this.#heap.remove(timer.slot);
    timer.slot = -1;
    if (this.#heap.size === 0) this.cpu.activeBases &= ~(1 << this.index);
  }

  /** Takes the first timer out to run it. */
  dequeueFirst(timer: HrtimerNode): void {
    this.#heap.pop();
    timer.slot = -1;
    if (this.#heap.size === 0) this.cpu.activeBases &= ~(1 << this.index);
  }

  /** Moves a queued timer to its new hard expiry, behind its equals; true if it is the first then. */
  requeue(timer: HrtimerNode): boolean {
    this.#heap.update(timer.slot, timer.expires);
    return this.#heap.first() === timer.slot;
  }

  head(): HrtimerNode | undefined {
    const slot = this.#heap.first();
    return slot < 0 ? undefined : this.#timers[slot];
  }

  /** An instant of this clock on CLOCK_MONOTONIC; the difference wraps, as the kernel's ktime_sub does. */
  toMonotonic(instant: bigint): bigint {
    return this.isShifted ? BigInt.asIntN(64, instant - this.offsetNs) : instant;
  }

  /** An instant of CLOCK_MONOTONIC on this clock; the sum wraps, as the kernel's ktime_add does. */
  fromMonotonic(instant: bigint): bigint {
    return this.isShifted ? BigInt.asIntN(64, instant + this.offsetNs) : instant;
  }

  setOffset(offsetNs: bigint): void {
    this.offsetNs = offsetNs;
    this.isShifted = offsetNs !== 0n;
  }

  /** The queued timers in the order they would expire. */
  inOrder(): HrtimerNode[] {
    return this.#heap.slotsInOrder().map((slot) => this.#timers[slot] as HrtimerNode);
  }
}
