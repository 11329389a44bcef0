import type { HostTsc } from "@chronovisor/clocksource";
import { HrtimerSystem } from "@chronovisor/hrtimer";
import { Engine } from "./engine.js";
import { FixedRateClock } from "./fixed-rate-clock.js";
import { HostCpu } from "./host-cpu.js";
import { Timeline } from "./timeline.js";

export interface HostOptions {
  /** Actual frequency of the TSC in Hz. */
  readonly tscHz: bigint;
  /** Rate error of CLOCK_MONOTONIC against the TSC, parts per 10^9. */
  readonly monoRatePpb: bigint;
  /** Shortest time the clock event device can be set to. */
  readonly minDeltaNs: bigint;
  readonly cpus: number;
  /** Where the axis begins; CLOCK_MONOTONIC reads 0 there. */
  readonly startTsc: bigint;
  /** Callbacks of one timer interrupt before the machine is declared stuck. */
  readonly maxCallbacksPerInterrupt?: number;
}

/** A host machine: its axis, its clock, its CPUs with their timers, and what the scenario will do to it. */
export class Host {
  readonly engine: Engine;
  readonly clock: FixedRateClock;
  readonly hrtimers: HrtimerSystem;
  readonly cpus: readonly HostCpu[];
  readonly timeline = new Timeline();
  readonly tscHz: bigint;
  readonly startTsc: HostTsc;

  constructor(options: HostOptions) {
    this.tscHz = options.tscHz;
    this.startTsc = options.startTsc as HostTsc;
    this.engine = new Engine(this.startTsc);
    this.clock = new FixedRateClock(this.engine, options.tscHz, options.monoRatePpb, 0n);
    const minDelta = this.cycles(options.minDeltaNs);
    this.cpus = Array.from(
      { length: options.cpus },
      (_, id) => new HostCpu(this.engine, this.clock, id, minDelta),
    );
    this.hrtimers = new HrtimerSystem({
      clock: this.clock,
      cpus: this.cpus.map((device) => ({ device })),
      ...(options.maxCallbacksPerInterrupt === undefined
        ? {}
        : { maxCallbacksPerInterrupt: options.maxCallbacksPerInterrupt }),
    });
    this.cpus.forEach((cpu, id) => {
      cpu.attach(this.hrtimers.cpu(id));
      this.engine.add(cpu);
    });
  }

  /** The cycles of `ns` nanoseconds of true time, to the nearest. */
  cycles(ns: bigint): bigint {
    return (ns * this.tscHz * 2n + 1_000_000_000n) / 2_000_000_000n;
  }

  /** Host TSC `ns` nanoseconds of true time after the start, rounded down. */
  tscAt(ns: bigint): HostTsc {
    return (this.startTsc + (ns * this.tscHz) / 1_000_000_000n) as HostTsc;
  }

  /** Nanoseconds of true time from the start to `tsc`, rounded down. */
  trueNs(tsc: HostTsc): bigint {
    return ((tsc - this.startTsc) * 1_000_000_000n) / this.tscHz;
  }

  /** Picoseconds in a signed number of cycles, rounded towards zero. */
  picoseconds(cycles: bigint): bigint {
    return (cycles * 1_000_000_000_000n) / this.tscHz;
  }

  /** Nanoseconds in a signed number of cycles, rounded towards zero. */
  nanoseconds(cycles: bigint): bigint {
    return (cycles * 1_000_000_000n) / this.tscHz;
  }

  /** Changes the rate of CLOCK_MONOTONIC now. Timers stay due at the readings they were armed for. */
  setMonotonicRate(ratePpb: bigint): void {
    this.clock.setRate(ratePpb);
    for (const cpu of this.cpus) cpu.clockRateChanged();
  }
}
