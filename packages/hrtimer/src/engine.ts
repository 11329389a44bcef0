import { type ClockOffsets, type HrtimerClock, NO_OFFSETS } from "./clock.js";
import type { ClockBase } from "./clock-base.js";
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME, type HrtimerClockId } from "./clock-id.js";
import type { CpuBase } from "./cpu-base.js";
import type { HrtimerEvents } from "./events.js";
import type { CancelResult } from "./hrtimer.js";
import type { HrtimerNode } from "./hrtimer-node.js";
import { addSafe } from "./ktime.js";
import { HRTIMER_MODE_HARD, HRTIMER_MODE_PINNED, HRTIMER_MODE_REL, HRTIMER_MODE_SOFT } from "./mode.js";
import { type Placement, selectBase } from "./placement.js";

/** What an {@link Engine} is made of. */
export interface EngineConfig {
  readonly clock: HrtimerClock;
  readonly events: HrtimerEvents;
  readonly resolutionNs: bigint;
  readonly isHighRes: boolean;
  readonly isPreemptRt: boolean;
  readonly isForceLocal: boolean;
  readonly placement: Placement;
  readonly maxCallbacksPerInterrupt: number;
  readonly sendIpi: ((cpu: CpuBase) => void) | undefined;
}

/** What every CPU and timer of one system shares, and the start and cancel paths that cross CPUs. Internal. */
export class Engine {
  readonly clock: HrtimerClock;
  readonly events: HrtimerEvents;
  readonly resolutionNs: bigint;
  readonly isHighRes: boolean;
  readonly isPreemptRt: boolean;
  readonly isForceLocal: boolean;
  readonly placement: Placement;
  readonly maxCallbacksPerInterrupt: number;
  readonly #sendIpi: ((cpu: CpuBase) => void) | undefined;
  readonly cpus: CpuBase[] = [];
  /** The CPU that code runs on now; set as soon as there is one. */
  declare current: CpuBase;

  constructor(config: EngineConfig) {
    this.clock = config.clock;
    this.events = config.events;
    this.resolutionNs = config.resolutionNs;
    this.isHighRes = config.isHighRes;
    this.isPreemptRt = config.isPreemptRt;
    this.isForceLocal = config.isForceLocal;
    this.placement = config.placement;
    this.maxCallbacksPerInterrupt = config.maxCallbacksPerInterrupt;
    this.#sendIpi = config.sendIpi;
  }

  /** Offsets of the other clocks now. */
  offsets(): ClockOffsets {
    return this.clock.offsets?.() ?? NO_OFFSETS;
  }

  /** Reads a clock directly, not through a base's remembered offset. */
  now(clock: HrtimerClockId): bigint {
    const monotonic = this.clock.monotonicNs();
    return clock === CLOCK_MONOTONIC
      ? monotonic
      : BigInt.asIntN(64, monotonic + offsetOf(this.offsets(), clock));
  }

  /** Queues a timer (`hrtimer_start_range_ns`, docs/model/hrtimer §4). */
  start(timer: HrtimerNode, timeNs: bigint, deltaNs: bigint, mode: number): void {
    if (!this.#isModeConsistent(timer, mode)) {
      this.events.onWarning?.({ kind: "mode-mismatch", timer, mode });
    }
    const here = this.current;
    const base = timer.base;
    const isNextHere = base.cpu === here && here.nextTimer === timer;
    const isForcedLocal = isNextHere && here.online && this.isForceLocal;
    const isRequeued = isForcedLocal && timer.slot >= 0;
    if (!isRequeued && timer.slot >= 0) {
      base.dequeue(timer);
      if (isNextHere) here.reprogramAfterRemoval();
    }

    const time = (mode & HRTIMER_MODE_REL) === 0 ? timeNs : addSafe(timeNs, this.now(timer.clock));
    timer.softExpires = time;
    timer.expires = deltaNs === 0n && time >= 0n ? time : addSafe(time, BigInt.asIntN(64, deltaNs));

    const target = isForcedLocal ? base : this.#selectBase(timer, here, (mode & HRTIMER_MODE_PINNED) !== 0);
    const isFirst = isRequeued ? base.requeue(timer) : target.enqueue(timer);
    this.events.onStart?.(timer, mode);
    if (target.cpu.inHrtirq) return;
    if (isForcedLocal) target.cpu.forceReprogramIfChanged();
    else if (isFirst) {
      if (here.online) here.reprogram(timer);
      else this.sendIpi(target.cpu);
    }
  }

  /** `hrtimer_try_to_cancel`. */
  tryToCancel(timer: HrtimerNode): CancelResult {
    const base = timer.base;
    if (base.running === timer) return -1;
    if (timer.slot < 0) return 0;
    base.dequeue(timer);
    this.events.onCancel?.(timer);
    // A remote CPU's device is left to fire in vain.
    if (base.cpu === this.current && base.cpu.nextTimer === timer) base.cpu.reprogramAfterRemoval();
    return 1;
  }

  sendIpi(cpu: CpuBase): void {
    this.events.onIpi?.(cpu.id);
    if (this.#sendIpi === undefined) cpu.retrigger();
    else this.#sendIpi(cpu);
  }

  #isModeConsistent(timer: HrtimerNode, mode: number): boolean {
    return this.isPreemptRt
      ? ((mode & HRTIMER_MODE_HARD) !== 0) === timer.isHard
      : ((mode & HRTIMER_MODE_SOFT) !== 0) === timer.isSoft;
  }

  #selectBase(timer: HrtimerNode, here: CpuBase, isPinned: boolean): ClockBase {
    if (this.cpus.length === 1) return timer.base;
    return selectBase(this, timer, here, isPinned ? "pinned" : "unpinned");
  }
}

/** The offset of one clock. */
export function offsetOf(offsets: ClockOffsets, clock: HrtimerClockId): bigint {
  if (clock === CLOCK_MONOTONIC) return 0n;
  if (clock === CLOCK_REALTIME) return offsets.realtimeNs;
  return clock === CLOCK_BOOTTIME ? offsets.boottimeNs : offsets.taiNs;
}
