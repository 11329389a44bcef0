import type { HostTsc } from "@chronovisor/clocksource";
import { type EqualTarget, HRTIMER_MODE_HARD, type Hrtimer, HrtimerSystem } from "@chronovisor/hrtimer";
import { Engine } from "../engine/engine.js";
import { Timeline } from "../engine/timeline.js";
import { CpuTrace } from "../trace/cpu-trace.js";
import { MachineTrace } from "../trace/machine-trace.js";
import type { TraceOrder } from "../trace/trace-order.js";
import { createEventTimer, type EventTimerKind } from "./event-timer.js";
import { HostCpu } from "./host-cpu.js";
import type { HostSleep } from "./host-sleep.js";
import { HostTick, type HostTickOptions, type TickHost } from "./host-tick.js";
import { type HostClockOptions, HostTime } from "./host-time.js";

const U64_MAX = 2n ** 64n - 1n;

/** What one CPU is like. */
export interface HostCpuOptions {
  /** Whether it serves the timers of others, or is one of nohz_full. Default: it does. */
  readonly timers?: "housekeeping" | "nohz_full";
  /** Its scheduler tick; without one it takes an interrupt only for its timers. */
  readonly tick?: HostTickOptions;
  /** Whether something besides guests keeps it busy. Default: nothing. */
  readonly load?: "idle" | "busy";
}

export interface HostOptions {
  /** Actual frequency of the TSC in Hz. */
  readonly tscHz: bigint;
  readonly clock: HostClockOptions;
  /** Frequency of the TSC as the kernel calibrated it; by default the actual one, rounded down. */
  readonly tscKhz?: number;
  /** The clock event devices; `ideal` by default. */
  readonly eventDevice?: EventTimerKind;
  /** Shortest time an ideal device can be set to. */
  readonly minDeltaNs: bigint;
  readonly cpus: readonly HostCpuOptions[];
  /** Where the axis begins; CLOCK_MONOTONIC reads 0 there. */
  readonly startTsc: bigint;
  /** From an interrupt sent to another CPU to its arrival, ns; none by default. */
  readonly ipiNs?: bigint;
  readonly equalTarget?: EqualTarget;
  readonly forceLocal?: "off" | "on";
  /** Callbacks of one timer interrupt before the machine is declared stuck. */
  readonly maxCallbacksPerInterrupt?: number;
  /** Where it tells what happens; by default nowhere. */
  readonly trace?: TraceOrder | undefined;
}

/** A host machine: its axis, its clocks, its CPUs with their timers, and what the scenario will do to it. */
export class Host {
  readonly engine: Engine;
  readonly clock: HostTime;
  readonly hrtimers: HrtimerSystem;
  readonly cpus: readonly HostCpu[];
  readonly timeline: Timeline = new Timeline();
  /** What it tells, if anybody listens. */
  readonly trace: MachineTrace | undefined;
  readonly tscHz: bigint;
  readonly startTsc: HostTsc;
  /** From an interrupt sent to another CPU to its arrival, host cycles. */
  readonly ipiCycles: bigint;
  readonly #clockListeners: (() => void)[] = [];
  /** True time since the start less the axis, in cycles: what the TSC did not count, and where it started. */
  #uncounted: bigint;
  /** CPUs that serve the timers of others. */
  readonly #housekeeping: ReadonlySet<number>;

  /** @throws RangeError without a CPU, or without one that serves the timers of others. */
  constructor(options: HostOptions) {
    const { tscHz, cpus: cpuOptions, ipiNs = 0n } = options;
    this.#housekeeping = new Set(
      cpuOptions.flatMap(({ timers }, id) => (timers === "nohz_full" ? [] : [id])),
    );
    if (this.#housekeeping.size === 0) {
      throw new RangeError(
        `Host: expected a housekeeping CPU, got ${cpuOptions.length} CPUs, all of them nohz_full`,
      );
    }
    this.tscHz = tscHz;
    this.startTsc = options.startTsc as HostTsc;
    this.#uncounted = -this.startTsc;
    this.ipiCycles = this.cycles(ipiNs);
    this.engine = new Engine(this.startTsc);
    this.clock = new HostTime(this.engine, tscHz, options.clock);
    const tscKhz = options.tscKhz ?? Number(tscHz / 1000n);
    const trace = options.trace === undefined ? undefined : new MachineTrace(this, options.trace, tscKhz);
    this.trace = trace;
    const device = {
      kind: options.eventDevice ?? ("ideal" as const),
      minDelta: this.cycles(options.minDeltaNs),
      tscKhz,
    };
    this.cpus = cpuOptions.map(
      (_, id) =>
        new HostCpu(
          this.engine,
          id,
          createEventTimer(this.engine, this.clock, device),
          trace === undefined ? undefined : new CpuTrace(trace, id),
        ),
    );
    this.hrtimers = new HrtimerSystem({
      clock: {
        monotonicNs: () => this.clock.monotonicNs(),
        offsets: () => this.clock.timekeeper.offsets,
      },
      cpus: this.cpus.map((cpu) => ({ device: cpu })),
      topology: {
        isIdle: (id) => this.cpus[id]?.idle ?? true,
        isHousekeeping: (id) => this.#housekeeping.has(id),
      },
      sendIpi: ({ id }) => this.#retrigger(id),
      ...(trace === undefined ? {} : { events: trace.hrtimers.events }),
      ...(options.equalTarget === undefined ? {} : { equalTarget: options.equalTarget }),
      ...(options.forceLocal === undefined ? {} : { forceLocal: options.forceLocal }),
      ...(options.maxCallbacksPerInterrupt === undefined
        ? {}
        : { maxCallbacksPerInterrupt: options.maxCallbacksPerInterrupt }),
    });
    this.clock.onRateChange = () => this.#rateChanged();
    this.clock.onClockSet = (clocks) => {
      this.hrtimers.clockWasSet(clocks);
      trace?.clocks.moved();
    };
    this.clock.onUpdate = () => this.#clockUpdated();
    for (const cpu of this.cpus) this.#attach(cpu);
    for (const cpu of this.cpus) this.#startTick(cpu, cpuOptions[cpu.id] ?? {});
    this.#chooseTimekeeper();
  }

  /**
   * One CPU.
   *
   * @throws RangeError for an id the host does not have.
   */
  cpu(id: number): HostCpu {
    const cpu = this.cpus[id];
    if (cpu === undefined)
      throw new RangeError(`Host.cpu: expected a CPU below ${this.cpus.length}, got ${id}`);
    return cpu;
  }

  /** The cycles of `ns` nanoseconds of true time, to the nearest. */
  cycles(ns: bigint): bigint {
    return (ns * this.tscHz * 2n + 1_000_000_000n) / 2_000_000_000n;
  }

  /** Host TSC `ns` nanoseconds of true time after the start, rounded down; after a sleep, of an instant since. */
  tscAt(ns: bigint): HostTsc {
    return ((ns * this.tscHz) / 1_000_000_000n - this.#uncounted) as HostTsc;
  }

  /** Nanoseconds of true time from the start to `tsc`, rounded down; after a sleep, of an instant since. */
  trueNs(tsc: HostTsc): bigint {
    return ((tsc + this.#uncounted) * 1_000_000_000n) / this.tscHz;
  }

  /** Picoseconds in a signed number of cycles, rounded towards zero. */
  picoseconds(cycles: bigint): bigint {
    return (cycles * 1_000_000_000_000n) / this.tscHz;
  }

  /** Nanoseconds in a signed number of cycles, rounded towards zero. */
  nanoseconds(cycles: bigint): bigint {
    return (cycles * 1_000_000_000n) / this.tscHz;
  }

  /** Changes the rate of an exact clock now. Timers stay due at the readings they were armed for. */
  setMonotonicRate(ratePpb: bigint): void {
    this.clock.setRate(ratePpb);
  }

  /** `listener` runs after every update of the timekeeper, as KVM's notifier does. */
  onClockUpdate(listener: () => void): void {
    this.#clockListeners.push(listener);
  }

  /**
   * The host sleeps: its clocks stand still, then learn how long it was; timers go on by CLOCK_MONOTONIC, to which it did not
   * happen. What the scenario had planned meanwhile happens on waking. Guests must be out. An end given to the engine before
   * is one of the old axis: where the TSC does not simply count on, the host sleeps between two runs of the engine.
   *
   * @throws RangeError for a negative length or a TSC beyond u64; Error on an exact clock, which no counter drives that a
   * sleep could stop.
   */
  sleep({ ns, tsc }: HostSleep): void {
    const { engine, clock } = this;
    if (!clock.isDrivenByTsc)
      throw new Error("Host.sleep: expected a clock that the TSC drives, got an exact one");
    if (ns < 0n) throw new RangeError(`Host.sleep: expected a length of 0 ns or more, got ${ns}`);
    const asleepAt = engine.now;
    const slept = this.cycles(ns);
    const wokenAt = tsc === "counts" ? asleepAt + slept : tsc === "stops" ? asleepAt : tsc.resetTo;
    if (wokenAt < 0n || wokenAt > U64_MAX)
      throw new RangeError(`Host.sleep: expected the TSC to come back as a u64, got ${wokenAt}`);
    this.trace?.clocks.readNow();
    clock.timekeeper.suspend();
    const uncounted = asleepAt + slept - wokenAt;
    this.#uncounted += uncounted;
    engine.moveTo(wokenAt as HostTsc, (at) => {
      const due = at - uncounted;
      return (due < wokenAt ? wokenAt : due) as HostTsc;
    });
    this.trace?.axisMoved();
    clock.timekeeper.resume(ns);
    this.trace?.clocks.readNow();
    this.hrtimers.resume();
  }

  /**
   * Takes a CPU down: its thread goes to `heir`, its tick stops, its timers, pinned ones too, go to a housekeeping CPU
   * (docs/model/hrtimer §7.1).
   *
   * @throws RangeError for an unknown or offline CPU, the last housekeeping one, or an heir that cannot take the thread;
   * nothing has changed then.
   */
  unplug(id: number, heir?: number): void {
    const cpu = this.cpu(id);
    if (!cpu.online) throw new RangeError(`Host.unplug: expected an online CPU, got ${cpu.name}, offline`);
    if (!this.cpus.some((other) => other !== cpu && other.online && this.#housekeeping.has(other.id))) {
      throw new RangeError(`Host.unplug: expected another housekeeping CPU online, got only ${cpu.name}`);
    }
    const { guest } = cpu;
    if (guest !== undefined) {
      if (heir === undefined || heir === id) {
        throw new RangeError(
          `Host.unplug: expected another CPU to take ${guest.name}, got ${heir === id ? cpu.name : "none"}`,
        );
      }
      guest.moveTo(this.cpu(heir));
    }
    cpu.tick?.stop();
    this.engine.on(cpu.lane, () => this.hrtimers.unplug(id));
    cpu.goOffline();
    this.#chooseTimekeeper();
  }

  /** Brings a CPU back, with no timers. */
  plug(id: number): void {
    const cpu = this.cpu(id);
    this.hrtimers.plug(id);
    cpu.goOnline();
    cpu.occupancyChanged();
    this.#chooseTimekeeper();
  }

  #attach(cpu: HostCpu): void {
    cpu.attach(this.hrtimers.cpu(cpu.id));
    if (this.cpus.length > 1) {
      cpu.lane.onCurrent = () => {
        this.hrtimers.currentCpu = cpu.id;
      };
    }
    this.engine.add(cpu);
  }

  #startTick(cpu: HostCpu, { tick, load }: HostCpuOptions): void {
    if (load === "busy") cpu.startHog();
    if (tick === undefined) return;
    const host: TickHost = {
      engine: this.engine,
      monotonicNs: () => this.clock.monotonicNs(),
      createTimer: (name, onExpiry) => {
        const timer: Hrtimer = this.engine.on(cpu.lane, () =>
          this.hrtimers.createTimer(() => onExpiry(timer), { name, mode: HRTIMER_MODE_HARD }),
        );
        this.trace?.hrtimers.calls(timer, "tick_sched_timer");
        return timer;
      },
      advanceClock: () => this.clock.timekeeper.tick(),
      tickChanged: () => this.#chooseTimekeeper(),
    };
    cpu.tick = new HostTick(host, cpu, tick);
    cpu.tick.start();
  }

  /**
   * A CPU whose tick stops hands the duty to one that ticks; with none, it catches up when it wakes. A nohz_full CPU keeps
   * time only where no housekeeping CPU has a tick.
   */
  #chooseTimekeeper(): void {
    const ticking = this.cpus.filter(({ online, tick }) => online && tick !== undefined);
    const housekeeping = ticking.filter(({ id }) => this.#housekeeping.has(id));
    const able = (housekeeping.length > 0 ? housekeeping : ticking).flatMap(({ tick }) => tick ?? []);
    const keeper = able.find(({ keepsTime }) => keepsTime);
    const next =
      keeper?.running === true ? keeper : (able.find(({ running }) => running) ?? keeper ?? able[0]);
    if (next !== undefined && next === keeper) return;
    for (const { tick } of this.cpus) if (tick !== undefined) tick.keepsTime = tick === next;
  }

  /** Asks another CPU to look at its timers again. */
  #retrigger(id: number): void {
    const cpu = this.cpu(id);
    const at = (this.engine.now + this.ipiCycles) as HostTsc;
    cpu.interruptAt(at, () => cpu.timers.retrigger());
  }

  #rateChanged(): void {
    for (const cpu of this.cpus) cpu.clockRateChanged();
  }

  #clockUpdated(): void {
    this.trace?.clocks.updated();
    for (const listener of this.#clockListeners) listener();
  }
}
