import type { HostTsc } from "@chronovisor/clocksource";
import { type ClockReadings, nominalNs, type TracedClocks, VcpuClockReadings } from "./clock-readings.js";
import type { Teller, TracedHost } from "./traced-machine.js";

const NS_PER_MS = 1_000_000n;
/** Simulated time from one reading to the next, and readings after which it doubles (docs/model/trace-formats §1.4). */
const FIRST_DISTANCE_NS = 10n * NS_PER_MS;
const READINGS_PER_DISTANCE = 10_000;

/**
 * What every clock of a machine reads, told as the run goes: every 10 ms of simulated time, after 10 000 readings every 20 ms and so
 * on, and before and after each step. Between two events of the engine clocks only go on, so a reading is taken when it is first
 * known that nothing happens before its instant: the machine is not disturbed by it.
 */
export class ClockTrace {
  readonly #host: TracedHost;
  readonly #trace: Teller;
  readonly #tscKhz: number;
  readonly #added: TracedClocks[] = [];
  /** The other clocks less CLOCK_MONOTONIC, as they were last told. */
  #offsets = { realtimeNs: 0n, boottimeNs: 0n, taiNs: 0n };
  /** From the first reading on the clocks are the same. */
  #read: readonly VcpuClockReadings[] | undefined;
  /** What a cycle of the clocksource counts, as it was last told. */
  #mult: number | undefined;
  #dueNs = 0n;
  #besidesNs: bigint | undefined;
  #distanceNs = FIRST_DISTANCE_NS;
  #readings = 0;

  /** @param tscKhz - the TSC's frequency as the host's kernel calibrated it. */
  constructor(host: TracedHost, trace: Teller, tscKhz: number) {
    this.#host = host;
    this.#trace = trace;
    this.#tscKhz = tscKhz;
  }

  /** A vCPU's clocks are to be read. Those of one that is plugged into a running machine are not. */
  add(clocks: TracedClocks): void {
    this.#added.push(clocks);
  }

  /** Clocks are to be read at an instant besides, true ns: where a window of the run begins. */
  readAt(ns: bigint): void {
    this.#besidesNs = ns;
  }

  /** Nothing happens before `to`: takes the readings that are due by then, where no CPU's code is under way. */
  advance(to: HostTsc): void {
    const { engine } = this.#host;
    for (;;) {
      const isBesides = this.#besidesNs !== undefined && this.#besidesNs < this.#dueNs;
      const due = this.#host.tscAt(isBesides ? (this.#besidesNs ?? 0n) : this.#dueNs);
      const free = engine.freeFrom;
      const at = due < free ? free : due;
      if (at > to) return;
      this.#read ??= this.#added.map((clocks) => new VcpuClockReadings(clocks));
      engine.lookAt(at, () => this.readNow());
      const nowNs = this.#host.trueNs(at);
      if (this.#besidesNs !== undefined && this.#besidesNs <= nowNs) this.#besidesNs = undefined;
      // One that is taken besides leaves the others where they are.
      if (!isBesides) this.#plan(nowNs);
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

  /** The host's timekeeper was updated: CLOCK_MONOTONIC may run at another rate. */
  updated(): void {
    const { clock } = this.#host;
    if (!clock.isDrivenByTsc) return;
    const { monoMult } = clock.timekeeper.rate();
    if (monoMult === this.#mult) return;
    this.#mult = monoMult;
    const { now: at } = this.#trace;
    this.#trace.emit({ kind: "counter", at, name: "mult", unit: "count", value: BigInt(monoMult) });
  }

  #emit(clocks: ClockReadings): void {
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
    this.#offsets = this.#host.clock.timekeeper.offsets;
    for (const vcpu of this.#read ?? []) vcpu.settle();
  }

  #readingsNow(): ClockReadings {
    const { timekeeper } = this.#host.clock;
    const { realtimeNs, boottimeNs, taiNs } = this.#offsets;
    const { now } = this.#trace;
    const monotonic: bigint = timekeeper.monotonicNs();
    const host: ClockReadings = [
      ["CLOCK_REALTIME", monotonic + realtimeNs],
      ["CLOCK_MONOTONIC", monotonic],
      ["CLOCK_MONOTONIC_RAW", timekeeper.rawNs()],
      ["CLOCK_BOOTTIME", monotonic + boottimeNs],
      ["CLOCK_TAI", monotonic + taiNs],
      ["host_tsc", nominalNs(now, this.#tscKhz)],
    ];
    return [...host, ...(this.#read ?? []).flatMap((vcpu) => vcpu.at(now))].map(
      ([name, ns]) => [name, BigInt.asIntN(64, ns)] as const,
    );
  }
}
