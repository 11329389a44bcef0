import { type GuestTsc, type HostTsc, scaleTsc, type VcpuTsc } from "@chronovisor/clocksource";
import { readCycles, type VcpuKvmclock, type VcpuTimeInfo } from "@chronovisor/pvclock";
import type { Host } from "../host.js";
import type { MachineTrace } from "./machine-trace.js";

const NS_PER_MS = 1_000_000n;
/** Simulated time from one reading to the next, and readings after which it doubles (docs/model/trace-formats §1.4). */
const FIRST_DISTANCE_NS = 10n * NS_PER_MS;
const READINGS_PER_DISTANCE = 10_000;

/** A guest's counter, as far as its readings go. */
export type TracedCounter = Pick<VcpuTsc, "l1Offset" | "l1Ratio" | "fractionBits" | "virtualTscKhz">;

type Readings = ReadonlyArray<readonly [name: string, ns: bigint]>;

/** By what a vCPU's clocks are read. */
interface GuestLine {
  readonly offset: bigint;
  readonly ratio: bigint;
  readonly khz: number;
  readonly info: VcpuTimeInfo | undefined;
}

interface TracedVcpu {
  readonly id: number;
  readonly counter: TracedCounter;
  readonly clock: VcpuKvmclock | undefined;
  line: GuestLine;
}

/**
 * What every clock of a machine reads, told as the run goes: every 10 ms of simulated time, after 10 000 readings every 20 ms and so
 * on, and before and after each step. Between two events of the engine clocks only go on, so a reading is taken when it is first
 * known that nothing happens before its instant: the machine is not disturbed by it.
 */
export class ClockTrace {
  readonly #host: Host;
  readonly #trace: MachineTrace;
  readonly #vcpus: TracedVcpu[] = [];
  /** CLOCK_REALTIME and CLOCK_BOOTTIME less CLOCK_MONOTONIC, as they were last told. */
  #offsets = { realtimeNs: 0n, boottimeNs: 0n };
  /** From the first reading on the clocks are the same. */
  #read: readonly TracedVcpu[] | undefined;
  #dueNs = 0n;
  #distanceNs = FIRST_DISTANCE_NS;
  #readings = 0;

  constructor(host: Host, trace: MachineTrace) {
    this.#host = host;
    this.#trace = trace;
  }

  /** A vCPU's TSC, and its kvmclock where its VM keeps one. One that is plugged into a running machine is not read. */
  add(id: number, counter: TracedCounter, clock?: VcpuKvmclock): void {
    this.#vcpus.push({ id, counter, clock, line: lineOf(counter, clock) });
  }

  /** Nothing happens before `to`: takes the readings that are due by then, where no CPU's code is under way. */
  advance(to: HostTsc): void {
    const { engine } = this.#host;
    for (;;) {
      const due = this.#host.tscAt(this.#dueNs);
      const free = engine.freeFrom;
      const at = due < free ? free : due;
      if (at > to) return;
      this.#read ??= [...this.#vcpus];
      engine.lookAt(at, () => this.readNow());
      this.#plan(this.#host.trueNs(at));
    }
  }

  /** Tells what the clocks read now, once they have been read at all. */
  readNow(): void {
    if (this.#read === undefined) return;
    this.#tell();
    this.#emit(this.#readingsNow());
  }

  /** A clock may have stepped just now: if one did, tells what they read before and after. */
  moved(): void {
    if (this.#read === undefined) return;
    const before = this.#readingsNow();
    this.#tell();
    const after = this.#readingsNow();
    if (before.every(([, ns], i) => ns === after[i]?.[1])) return;
    this.#emit(before);
    this.#emit(after);
  }

  #emit(clocks: Readings): void {
    this.#trace.emit({ kind: "clocks", at: this.#trace.now, clocks });
  }

  #plan(nowNs: bigint): void {
    this.#readings += 1;
    if (this.#readings === READINGS_PER_DISTANCE) {
      this.#readings = 0;
      this.#distanceNs *= 2n;
    }
    // After a reading that was put off, or a sleep, those that were due meanwhile are left out.
    this.#dueNs += this.#distanceNs * ((nowNs - this.#dueNs) / this.#distanceNs + 1n);
  }

  /** Takes over by what the clocks are read. */
  #tell(): void {
    const { realtimeNs, boottimeNs } = this.#host.clock.timekeeper.offsets;
    this.#offsets = { realtimeNs, boottimeNs };
    for (const vcpu of this.#read ?? []) vcpu.line = lineOf(vcpu.counter, vcpu.clock);
  }

  #readingsNow(): Readings {
    const { timekeeper } = this.#host.clock;
    const monotonic: bigint = timekeeper.monotonicNs();
    const host: Readings = [
      ["CLOCK_REALTIME", monotonic + this.#offsets.realtimeNs],
      ["CLOCK_MONOTONIC", monotonic],
      ["CLOCK_MONOTONIC_RAW", timekeeper.rawNs()],
      ["CLOCK_BOOTTIME", monotonic + this.#offsets.boottimeNs],
    ];
    return [...host, ...(this.#read ?? []).flatMap((vcpu) => this.#guestReadings(vcpu))].map(
      ([name, ns]) => [name, BigInt.asIntN(64, ns)] as const,
    );
  }

  #guestReadings({ id, counter, line }: TracedVcpu): Readings {
    const { offset, ratio, khz, info } = line;
    const scaled = scaleTsc(this.#trace.now, ratio, counter.fractionBits);
    const tsc = BigInt.asUintN(64, scaled + offset) as GuestTsc;
    const tscNs = khz === 0 ? 0n : (BigInt.asIntN(64, tsc) * NS_PER_MS) / BigInt(khz);
    const reading = [`guest_tsc.vcpu${id}`, tscNs] as const;
    return info === undefined ? [reading] : [reading, [`kvmclock.vcpu${id}`, readCycles(info, tsc)]];
  }
}

function lineOf(counter: TracedCounter, clock: VcpuKvmclock | undefined): GuestLine {
  const { l1Offset: offset, l1Ratio: ratio, virtualTscKhz: khz } = counter;
  return { offset, ratio, khz, info: clock?.cached };
}
