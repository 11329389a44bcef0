import { HRTIMER_BEHAVIOURS, type HrtimerBehaviours } from "./behaviours.js";
import type { HrtimerClock } from "./clock.js";
import {
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_OF_BASE,
  CLOCK_REALTIME,
  CLOCK_TAI,
  type HrtimerClockId,
  SOFT_BASE,
} from "./clock-id.js";
import { CpuBase } from "./cpu-base.js";
import { Engine } from "./engine.js";
import type { EventDevice } from "./event-device.js";
import type { HrtimerEvents } from "./events.js";
import type { Hrtimer } from "./hrtimer.js";
import type { HrtimerCpu } from "./hrtimer-cpu.js";
import { type HrtimerIdentity, HrtimerNode } from "./hrtimer-node.js";
import { checkKtime } from "./ktime.js";
import {
  checkMode,
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_HARD,
  HRTIMER_MODE_REL,
  HRTIMER_MODE_SOFT,
  type HrtimerMode,
} from "./mode.js";
import { type EqualTarget, firstOnlineHousekeeping, type TimerMigration } from "./placement.js";
import { type HrtimerSystemState, restoreCpu, saveCpu, saveTimer } from "./system-state.js";
import type { OnExpiry } from "./timer.js";
import type { Topology } from "./topology.js";

const DEFAULT_MAX_CALLBACKS = 20_000_000;
const ALL_BASES = 0xff;
/** Bases a step of CLOCK_REALTIME moves (`CLOCK_SET_WALL`: REALTIME and TAI, hard and soft). */
const CLOCK_SET_WALL_BASES = 0b1010_1010;
/** Bases a suspend moves (`CLOCK_SET_BOOT`: BOOTTIME, hard and soft). */
const CLOCK_SET_BOOT_BASES = 0b0100_0100;

/** The options with named values, and those values. */
const OPTION_VALUES: readonly (readonly [
  "equalTarget" | "forceLocal" | "preemption" | "resolution" | "timerMigration",
  readonly string[],
])[] = [
  ["timerMigration", ["on", "off"]],
  ["equalTarget", HRTIMER_BEHAVIOURS.equalTarget],
  ["forceLocal", HRTIMER_BEHAVIOURS.forceLocal],
  ["resolution", ["high", "low"]],
  ["preemption", ["none", "rt"]],
];

/** What a {@link HrtimerSystem} is made of. */
export interface HrtimerSystemOptions {
  readonly clock: HrtimerClock;
  /** One per CPU; the index is the CPU's id. */
  readonly cpus: readonly { readonly device: EventDevice }[];
  readonly events?: HrtimerEvents;
  readonly topology?: Topology;
  /** Default `on`. */
  readonly timerMigration?: TimerMigration;
  /** Default `move` (v4.16 and later). */
  readonly equalTarget?: EqualTarget;
  /** A CPU's next timer stays there when it is started again (2021 and later). Default `on`. */
  readonly forceLocal?: HrtimerBehaviours["forceLocal"];
  /** Default `high`: nanoseconds. `low`: timers expire from the tick, and `tickNs` is the resolution. */
  readonly resolution?: "high" | "low";
  /** Tick length in ns for `resolution: "low"`; default 4 000 000 (CONFIG_HZ=250). */
  readonly tickNs?: bigint;
  /** `rt`: every timer made without HRTIMER_MODE_HARD expires in the softirq too. Default `none`. */
  readonly preemption?: "none" | "rt";
  /** Callbacks one interrupt may run before {@link HrtimerLoopError}; default 20 000 000. */
  readonly maxCallbacksPerInterrupt?: number;
  /** How an IPI reaches a CPU, which then has to `retrigger()`. Default: at once. */
  readonly sendIpi?: (cpu: HrtimerCpu) => void;
}

/** What a timer is fixed to for its life. */
export interface CreateTimerOptions {
  /** For messages; default `hrtimer<n>`. */
  readonly name?: string;
  /** A CLOCK_ constant; default CLOCK_MONOTONIC, and so is every unknown id, with a warning. */
  readonly clock?: number;
  /** SOFT and HARD count; REL with CLOCK_REALTIME gives CLOCK_MONOTONIC. Default HRTIMER_MODE_ABS. */
  readonly mode?: HrtimerMode;
}

/** Which clocks were set: `wall` = CLOCK_REALTIME or CLOCK_TAI, `boot` = CLOCK_BOOTTIME after a suspend. */
export type ClockSet = "wall" | "boot";

/**
 * The timers of one host: a base per CPU, and the rules that move timers between them
 * (kernel/time/hrtimer.c; docs/model/hrtimer).
 *
 * `currentCpu` stands for `smp_processor_id()`: the simulation sets it to the CPU whose code it is about to run. Nothing
 * fires by itself: call {@link HrtimerCpu.interrupt} when a CPU's device reaches what it was programmed to.
 *
 * @throws RangeError without a CPU, or for `maxCallbacksPerInterrupt` or `tickNs` below 1; TypeError for an option value
 *   that is not in its list.
 * @example
 * let now = 0n;
 * const device = { at: 0n, program(expiresNs, force) { this.at = expiresNs; return force === "force" || expiresNs > now; } };
 * const system = new HrtimerSystem({ clock: { monotonicNs: () => now }, cpus: [{ device }] });
 * const fired = [];
 * const timer = system.createTimer(() => { fired.push(now); return now < 300n ? now + 100n : undefined; });
 * timer.start(100n, HRTIMER_MODE_ABS);
 * while (timer.armed) { now = device.at; system.cpu(0).interrupt(); }
 * fired // => [ 100n, 200n, 300n ]
 */
export class HrtimerSystem {
  readonly #engine: Engine;
  readonly #timers: HrtimerNode[] = [];
  /** createTimer calls so far; behind #timers.length only after fromState. */
  #created = 0;

  constructor(options: HrtimerSystemOptions) {
    const { cpus, resolution = "high", tickNs = 4_000_000n } = options;
    const maxCallbacks = options.maxCallbacksPerInterrupt ?? DEFAULT_MAX_CALLBACKS;
    if (cpus.length === 0) throw new RangeError("HrtimerSystem: expected at least one CPU, got none");
    if (!(Number.isSafeInteger(maxCallbacks) && maxCallbacks >= 1)) {
      throw new RangeError(
        `HrtimerSystem: expected maxCallbacksPerInterrupt to be a positive integer, got ${maxCallbacks}`,
      );
    }
    if (typeof tickNs !== "bigint") {
      throw new TypeError(`HrtimerSystem: expected tickNs to be a bigint, got ${typeof tickNs}`);
    }
    if (tickNs < 1n) throw new RangeError(`HrtimerSystem: expected tickNs of at least 1, got ${tickNs}`);
    for (const [option, values] of OPTION_VALUES) {
      const value = options[option];
      if (value !== undefined && !values.includes(value)) {
        throw new TypeError(`HrtimerSystem: expected ${option} ${values.join(" or ")}, got ${value}`);
      }
    }
    this.#engine = new Engine({
      clock: options.clock,
      events: options.events ?? {},
      resolutionNs: resolution === "high" ? 1n : tickNs,
      isHighRes: resolution === "high",
      isPreemptRt: options.preemption === "rt",
      isForceLocal: options.forceLocal !== "off",
      placement: {
        migration: options.timerMigration ?? "on",
        equalTarget: options.equalTarget ?? "move",
        topology: options.topology ?? {},
      },
      maxCallbacksPerInterrupt: maxCallbacks,
      sendIpi: options.sendIpi,
    });
    const bases = cpus.map(({ device }, id) => new CpuBase(this.#engine, id, device));
    this.#engine.cpus.push(...bases);
    this.#engine.current = this.#cpuBase("HrtimerSystem", 0);
  }

  /** The CPU that code runs on now (`smp_processor_id()`). @throws RangeError when set to an unknown CPU. */
  get currentCpu(): number {
    return this.#engine.current.id;
  }

  set currentCpu(id: number) {
    this.#engine.current = this.#cpuBase("currentCpu", id);
  }

  get cpuCount(): number {
    return this.#engine.cpus.length;
  }

  /**
   * One CPU.
   *
   * @param id - 0 … cpuCount − 1.
   * @throws RangeError for an unknown CPU.
   */
  cpu(id: number): HrtimerCpu {
    return this.#cpuBase("cpu", id);
  }

  /**
   * Makes a timer on the current CPU (`hrtimer_init`). It is not started.
   *
   * @param onExpiry - the callback. A returned instant queues the timer again on the same base unless the callback has
   *   started it itself; returning the timer's own `expiresNs`, as after `forward`, keeps its slack.
   * @throws TypeError unless `onExpiry` is a function, RangeError for a mode outside 0 … 15.
   */
  createTimer(onExpiry: OnExpiry, options: CreateTimerOptions = {}): Hrtimer {
    if (typeof onExpiry !== "function") {
      throw new TypeError(`createTimer: expected onExpiry to be a function, got ${typeof onExpiry}`);
    }
    const { clock = CLOCK_MONOTONIC, mode = HRTIMER_MODE_ABS } = options;
    checkMode("createTimer", mode);
    const id = this.#created++;
    const isHard = (mode & HRTIMER_MODE_HARD) !== 0;
    const isSoft = (mode & HRTIMER_MODE_SOFT) !== 0 || (this.#engine.isPreemptRt && !isHard);
    const known = knownClock(clock);
    // POSIX: relative sleeps on CLOCK_REALTIME are immune to clock sets.
    const isImmune = known === CLOCK_REALTIME && (mode & HRTIMER_MODE_REL) !== 0;
    const used = known === undefined || isImmune ? CLOCK_MONOTONIC : known;
    const identity = { id, name: options.name ?? `hrtimer${id}`, clock: used, isSoft, isHard };
    const timer = this.#adopt(identity, onExpiry) ?? this.#make(identity, onExpiry);
    if (known === undefined) this.#engine.events.onWarning?.({ kind: "unknown-clock", timer, clock });
    return timer;
  }

  /**
   * Tells every online CPU that clocks were set: offsets are refreshed everywhere, and a CPU is asked to look at its
   * queue again only if a timer of those clocks now comes before its next event (`clock_was_set`, docs/model/hrtimer §6.4).
   */
  clockWasSet(clocks: ClockSet): void {
    if (clocks !== "wall" && clocks !== "boot") {
      throw new TypeError(`clockWasSet: expected wall or boot, got ${clocks}`);
    }
    const bases = clocks === "wall" ? CLOCK_SET_WALL_BASES : CLOCK_SET_BOOT_BASES;
    for (const cpu of this.#engine.cpus) {
      if (cpu.online && cpu.refreshOffsets() && !cpu.inHrtirq && cpu.hasHeadBeforeNext(bases)) {
        this.#engine.sendIpi(cpu);
      }
    }
  }

  /** After a host suspend: every online CPU refreshes its offsets and writes its next event again. */
  resume(): void {
    for (const cpu of this.#engine.cpus) if (cpu.online) cpu.retrigger();
  }

  /**
   * Takes a CPU offline: its timers, pinned ones too, move to the first online housekeeping CPU in order, and that CPU is
   * told (`hrtimers_cpu_dying`, docs/model/hrtimer §7.1).
   *
   * @throws RangeError for an unknown or the last usable CPU, Error if it is offline already or runs a callback.
   */
  unplug(id: number): void {
    const dying = this.#cpuBase("unplug", id);
    if (!dying.online) throw new Error(`unplug: expected CPU ${id} to be online, got an offline one`);
    if (dying.isExpiring) throw new Error(`unplug: expected no running timer callback on CPU ${id}, got one`);
    dying.online = false;
    const heir = firstOnlineHousekeeping(this.#engine);
    if (heir === undefined) {
      dying.online = true;
      throw new RangeError(`unplug: expected another online housekeeping CPU, got only CPU ${id}`);
    }
    for (let index = 0; ALL_BASES >> index !== 0; index++) {
      for (const timer of dying.baseAt(index).inOrder()) {
        dying.baseAt(index).dequeue(timer);
        heir.baseAt(index).enqueue(timer);
      }
    }
    this.#engine.sendIpi(heir);
  }

  /**
   * Brings a CPU back with an empty base.
   *
   * @throws RangeError for an unknown CPU, Error if it is online.
   */
  plug(id: number): void {
    const cpu = this.#cpuBase("plug", id);
    if (cpu.online) throw new Error(`plug: expected CPU ${id} to be offline, got an online one`);
    cpu.plug();
  }

  /**
   * The system as plain data, to be restored by {@link HrtimerSystem.fromState}. Devices are not part of it.
   *
   * @throws Error inside a timer callback.
   */
  state(): HrtimerSystemState {
    const busy = this.#engine.cpus.find((cpu) => cpu.isExpiring);
    if (busy !== undefined)
      throw new Error(`state: expected no running timer callback, got one on CPU ${busy.id}`);
    return {
      currentCpu: this.currentCpu,
      timers: this.#timers.map(saveTimer),
      cpus: this.#engine.cpus.map(saveCpu),
    };
  }

  /**
   * Restores a system. Callbacks cannot be saved: the owners create their timers again, with the same options and in the
   * same order, and each `createTimer` gives back the saved timer, armed if it was. Nothing is programmed.
   *
   * @param options - as for the constructor, with as many CPUs as were saved.
   * @throws RangeError if the state names a CPU or timer that is not there, puts a timer on another clock's base, or holds
   *   an expiry outside signed 64 bits.
   */
  static fromState(options: HrtimerSystemOptions, state: HrtimerSystemState): HrtimerSystem {
    const system = new HrtimerSystem(options);
    const engine = system.#engine;
    if (state.cpus.length !== engine.cpus.length) {
      throw new RangeError(`fromState: expected ${engine.cpus.length} CPUs, got ${state.cpus.length}`);
    }
    state.timers.forEach((saved, id) => {
      const { name, isSoft, isHard } = saved;
      const clock = knownClock(saved.clock) ?? CLOCK_MONOTONIC;
      const index = baseIndex(clock, isSoft);
      if (saved.base !== index) {
        throw new RangeError(`fromState: expected timer ${id} on base ${index}, got ${saved.base}`);
      }
      const base = system.#cpuBase("fromState", saved.cpu).baseAt(index);
      const timer = new HrtimerNode(engine, { id, name, clock, isSoft, isHard }, base, () => {
        throw new Error(`interrupt: expected timer "${name}" to be created again before it expires`);
      });
      timer.expires = BigInt(saved.expiresNs);
      timer.softExpires = BigInt(saved.softExpiresNs);
      checkKtime("fromState", "expiresNs", timer.expires);
      checkKtime("fromState", "softExpiresNs", timer.softExpires);
      system.#timers.push(timer);
    });
    state.cpus.forEach((saved, id) => {
      restoreCpu(system.#cpuBase("fromState", id), saved, system.#timers);
    });
    system.currentCpu = state.currentCpu;
    return system;
  }

  /** The restored timer that a `createTimer` stands for, if any is left. */
  #adopt(identity: HrtimerIdentity, onExpiry: OnExpiry): HrtimerNode | undefined {
    const timer = this.#timers[identity.id];
    if (timer === undefined) return undefined;
    for (const key of ["name", "clock", "isSoft", "isHard"] as const) {
      if (timer[key] !== identity[key]) {
        throw new Error(
          `createTimer: expected restored timer ${identity.id} with ${key} ${timer[key]}, got ${identity[key]}`,
        );
      }
    }
    timer.onExpiry = onExpiry;
    return timer;
  }

  #make(identity: HrtimerIdentity, onExpiry: OnExpiry): HrtimerNode {
    const base = this.#engine.current.baseAt(baseIndex(identity.clock, identity.isSoft));
    const timer = new HrtimerNode(this.#engine, identity, base, onExpiry);
    this.#timers.push(timer);
    return timer;
  }

  #cpuBase(fn: string, id: number): CpuBase {
    const cpu = this.#engine.cpus[id];
    if (cpu === undefined) {
      throw new RangeError(`${fn}: expected a CPU id below ${this.#engine.cpus.length}, got ${id}`);
    }
    return cpu;
  }
}

function baseIndex(clock: HrtimerClockId, isSoft: boolean): number {
  return CLOCK_OF_BASE.indexOf(clock) + (isSoft ? SOFT_BASE : 0);
}

function knownClock(clock: number): HrtimerClockId | undefined {
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_REALTIME:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
      return clock;
    default:
      return undefined;
  }
}
