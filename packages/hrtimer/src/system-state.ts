import { BASES_PER_CPU } from "./clock-id.js";
import type { CpuBase } from "./cpu-base.js";
import type { HrtimerNode } from "./hrtimer-node.js";

/** One timer as plain data; instants as decimal strings. Its callback is not part of it. */
export interface HrtimerState {
  readonly name: string;
  readonly clock: number;
  readonly isSoft: boolean;
  readonly isHard: boolean;
  readonly expiresNs: string;
  readonly softExpiresNs: string;
  /** Where it is queued, or was last: a CPU and one of its eight bases. */
  readonly cpu: number;
  readonly base: number;
}

/** One CPU as plain data. Timers are named by the order in which they were created. */
export interface HrtimerCpuState {
  readonly online: boolean;
  readonly expiresNext: string;
  readonly softExpiresNext: string;
  readonly nextTimer: number | null;
  readonly softNextTimer: number | null;
  readonly hangDetected: boolean;
  readonly softirqActivated: boolean;
  readonly nrEvents: number;
  readonly nrRetries: number;
  readonly nrHangs: number;
  readonly maxHangNs: number;
  readonly passes: number;
  readonly offsetsSequence: number;
  /** By base. */
  readonly offsetsNs: readonly string[];
  /** By base: the queued timers in the order they would expire. */
  readonly queues: readonly (readonly number[])[];
}

/** A whole system as plain JSON-safe data. */
export interface HrtimerSystemState {
  readonly currentCpu: number;
  readonly timers: readonly HrtimerState[];
  readonly cpus: readonly HrtimerCpuState[];
}

/** Saves one timer. */
export function saveTimer(timer: HrtimerNode): HrtimerState {
  return {
    name: timer.name,
    clock: timer.clock,
    isSoft: timer.isSoft,
    isHard: timer.isHard,
    expiresNs: timer.expires.toString(),
    softExpiresNs: timer.softExpires.toString(),
    cpu: timer.base.cpu.id,
    base: timer.base.index,
  };
}

/** Saves one CPU. */
export function saveCpu(cpu: CpuBase): HrtimerCpuState {
  const bases = Array.from({ length: BASES_PER_CPU }, (_, index) => cpu.baseAt(index));
  return {
    online: cpu.online,
    expiresNext: cpu.expiresNext.toString(),
    softExpiresNext: cpu.softExpiresNext.toString(),
    nextTimer: cpu.nextTimer?.id ?? null,
    softNextTimer: cpu.softNextTimer?.id ?? null,
    hangDetected: cpu.hangDetected,
    softirqActivated: cpu.softirqActivated,
    nrEvents: cpu.nrEvents,
    nrRetries: cpu.nrRetries,
    nrHangs: cpu.nrHangs,
    maxHangNs: cpu.maxHangNs,
    passes: cpu.passes,
    offsetsSequence: cpu.offsetsSequence,
    offsetsNs: bases.map((base) => base.offsetNs.toString()),
    queues: bases.map((base) => base.inOrder().map((timer) => timer.id)),
  };
}

/** Writes a saved CPU into a fresh one and queues its timers, in order, without touching the device. */
export function restoreCpu(cpu: CpuBase, state: HrtimerCpuState, timers: readonly HrtimerNode[]): void {
  cpu.online = state.online;
  cpu.expiresNext = BigInt(state.expiresNext);
  cpu.softExpiresNext = BigInt(state.softExpiresNext);
  cpu.nextTimer = state.nextTimer === null ? undefined : timerAt(timers, state.nextTimer);
  cpu.softNextTimer = state.softNextTimer === null ? undefined : timerAt(timers, state.softNextTimer);
  cpu.hangDetected = state.hangDetected;
  cpu.softirqActivated = state.softirqActivated;
  cpu.nrEvents = state.nrEvents;
  cpu.nrRetries = state.nrRetries;
  cpu.nrHangs = state.nrHangs;
  cpu.maxHangNs = state.maxHangNs;
  cpu.passes = state.passes;
  cpu.offsetsSequence = state.offsetsSequence;
  state.offsetsNs.forEach((offset, index) => {
    cpu.baseAt(index).setOffset(BigInt(offset));
  });
  state.queues.forEach((queue, index) => {
    for (const id of queue) cpu.baseAt(index).enqueue(timerAt(timers, id));
  });
}

function timerAt(timers: readonly HrtimerNode[], id: number): HrtimerNode {
  const timer = timers[id];
  if (timer === undefined)
    throw new RangeError(`fromState: expected a timer below ${timers.length}, got ${id}`);
  return timer;
}
