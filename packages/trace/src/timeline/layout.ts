import type { TraceSink } from "../event-log.js";
import { EventTimes } from "../event-times.js";
import type { HostEvent, TraceEvent, VcpuEvent } from "../events.js";
import type { TraceRun } from "../exporter.js";
import { ClockRows } from "./clock-rows.js";
import { CpuRow } from "./cpu-rows.js";
import { HrtimerSpans } from "./hrtimer-spans.js";
import type { Arg, Row, Timeline } from "./timeline.js";
import { flowOf, VcpuRow } from "./vcpu-rows.js";

const NS_PER_MS = 1_000_000n;

/** Threads a trace has rows for, of each kind: more CPUs than Linux supports, and a bound on what is held. */
const MAX_THREADS = 2 ** 16;

/** How a drawing of a run may be chosen. */
export interface TimelineOptions {
  /**
   * Simulated time between two readings of the clocks that the file keeps, ns, at least 1; both readings at a step are kept besides.
   * After 10 000 of them it doubles.
   *
   * @defaultValue 10 ms
   */
  readonly clockSnapshotNs?: bigint;
  /**
   * Where the drawing begins, true ns: of a part of a run, its first instant. What says what the run is stands there.
   *
   * @defaultValue 0
   */
  readonly startNs?: bigint;
}

/** What a format asks of a run. */
export interface TimelineFormat {
  readonly createTimeline: () => Timeline;
  /** The exporter, as complaints name it. */
  readonly fnName: string;
  /** Where a run gets too long for it, and the complaint that is then made. */
  readonly limit?: { readonly ns: bigint; readonly expected: string };
}

/** An exit, until the event after it tells whether the thread left the guest for it. */
interface HeldExit {
  readonly ns: bigint;
  readonly event: Extract<VcpuEvent, { kind: "vm-exit" }>;
}

/**
 * Lays the events of a run out on rows, in constant memory: per CPU and vCPU, per timer that is armed, per name of a counter. Ends
 * what is open when the run does, so that begins and ends balance.
 */
export class TimelineLayout implements TraceSink {
  readonly #fnName: string;
  readonly #limit: TimelineFormat["limit"];
  readonly #timeline: Timeline;
  readonly #times: EventTimes;
  readonly #cpus: readonly CpuRow[];
  readonly #vcpus: readonly VcpuRow[];
  readonly #hrtimers: HrtimerSpans;
  readonly #clocks: ClockRows;
  readonly #host: Row = { owner: { kind: "host" }, title: undefined };
  #exit: HeldExit | undefined;
  #lastNs = 0n;

  constructor(run: TraceRun, options: TimelineOptions, { createTimeline, fnName, limit }: TimelineFormat) {
    const { clockSnapshotNs = 10n * NS_PER_MS, startNs = 0n } = options;
    checkCount(fnName, "CPUs", run.cpus, 1);
    checkCount(fnName, "vCPUs", run.vcpus, 0);
    if (typeof startNs !== "bigint" || startNs < 0n) {
      throw new RangeError(`${fnName}: expected a startNs of at least 0n, got ${String(startNs)}`);
    }
    if (typeof clockSnapshotNs !== "bigint" || clockSnapshotNs < 1n) {
      const got = String(clockSnapshotNs);
      throw new RangeError(`${fnName}: expected a clockSnapshotNs of at least 1n, got ${got}`);
    }
    this.#fnName = `${fnName}.emit`;
    this.#limit = limit;
    this.#times = new EventTimes(run.tscHz, "ascending", fnName);
    const timeline = createTimeline();
    this.#timeline = timeline;
    this.#cpus = Array.from({ length: run.cpus }, (_, cpu) => new CpuRow(timeline, cpu));
    this.#vcpus = Array.from({ length: run.vcpus }, (_, vcpu) => new VcpuRow(timeline, vcpu));
    this.#hrtimers = new HrtimerSpans(timeline, run.cpus);
    this.#clocks = new ClockRows(timeline, run.vcpus, clockSnapshotNs, this.#fnName);
  }

  emit(event: TraceEvent): void {
    const ns = this.#times.next(event);
    if (this.#limit !== undefined && ns >= this.#limit.ns) {
      throw new RangeError(
        `${this.#fnName}: expected ${this.#limit.expected}, got ${event.kind} at ${ns} ns`,
      );
    }
    this.#lastNs = ns;
    this.#settleExit(event);
    switch (event.kind) {
      case "vm-exit":
        this.#vcpu(event.vcpu);
        this.#exit = { ns, event };
        return;
      case "hrtimer-callback":
      case "hrtimer-catch-up":
        this.#callback(ns, event);
        return;
      case "cpu-runs":
      case "irq-begin":
      case "irq-end":
      case "hrtimer-done":
        this.#cpu(event.cpu).take(ns, event);
        return;
      case "hrtimer-start":
      case "hrtimer-cancel":
        this.#cpu(event.cpu);
        this.#hrtimers.take(ns, event);
        return;
      case "hrtimer-expire":
        this.#hrtimers.take(ns, event);
        this.#cpu(event.cpu).take(ns, event);
        return;
      case "epoch":
        this.#epoch(ns, event);
        return;
      case "pvclock-update":
      case "tsc-offset":
      case "tsc-matched":
        this.#vcpu(event.vcpu);
        this.#clocks.take(ns, event);
        return;
      case "counter":
        if (event.vcpu !== undefined) this.#vcpu(event.vcpu);
        this.#clocks.take(ns, event);
        return;
      case "master-clock":
      case "clocks":
        this.#clocks.take(ns, event);
        return;
      default:
        this.#vcpu(event.vcpu).take(ns, event);
    }
  }

  /** Ends what is open, where the run ended. Tells whether this is the first time it is said. */
  end(): "first" | "again" {
    const which = this.#times.end();
    if (which === "again") return which;
    this.#settleExit(undefined);
    for (const vcpu of this.#vcpus) vcpu.close(this.#lastNs);
    for (const cpu of this.#cpus) cpu.close(this.#lastNs);
    this.#hrtimers.close(this.#lastNs);
    return which;
  }

  #settleExit(next: TraceEvent | undefined): void {
    if (this.#exit === undefined) return;
    const { ns, event } = this.#exit;
    this.#exit = undefined;
    const vcpu = this.#vcpu(event.vcpu);
    if (next?.kind === "vcpu-state" && next.vcpu === event.vcpu && next.state === "host") {
      vcpu.exitLeaves(event);
    } else {
      vcpu.exitHandled(ns, event);
    }
  }

  #callback(ns: bigint, event: Extract<VcpuEvent, { kind: "hrtimer-callback" | "hrtimer-catch-up" }>): void {
    this.#vcpu(event.vcpu);
    const args: Arg[] = [
      ["hostTsc", event.at],
      ["vcpu", event.vcpu],
    ];
    if (event.kind === "hrtimer-catch-up") args.push(["count", event.count]);
    this.#timeline.instant(ns, this.#cpu(event.cpu).row, {
      category: "lapic",
      name: event.kind === "hrtimer-callback" ? "LAPIC timer callback" : "LAPIC timer callbacks",
      wording: "vocabulary",
      args,
      flow: flowOf(event),
    });
  }

  #epoch(ns: bigint, event: Extract<HostEvent, { kind: "epoch" }>): void {
    const args: Arg[] = [["hostTsc", event.at]];
    const mark = {
      category: "cpu",
      name: "TSC goes on",
      wording: "vocabulary",
      args,
      flow: undefined,
    } as const;
    this.#timeline.instant(ns, this.#host, mark);
  }

  #cpu(index: number): CpuRow {
    const cpu = this.#cpus[index];
    if (cpu !== undefined) return cpu;
    throw new RangeError(`${this.#fnName}: expected a CPU below ${this.#cpus.length}, got ${index}`);
  }

  #vcpu(index: number): VcpuRow {
    const vcpu = this.#vcpus[index];
    if (vcpu !== undefined) return vcpu;
    throw new RangeError(`${this.#fnName}: expected a vCPU below ${this.#vcpus.length}, got ${index}`);
  }
}

function checkCount(fnName: string, of: string, count: number, least: number): void {
  if (Number.isInteger(count) && count >= least && count <= MAX_THREADS) return;
  throw new RangeError(`${fnName}: expected ${least} to ${MAX_THREADS} ${of}, got ${count}`);
}
