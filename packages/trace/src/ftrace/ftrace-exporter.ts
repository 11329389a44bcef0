import { EventTimes } from "../event-times.js";
import type { HostEvent, TraceEvent } from "../events.js";
import type { TraceExporter, TraceRun, WriteText } from "../exporter.js";
import { TextPieces } from "../text-pieces.js";
import type { PayloadDialect } from "./conversions.js";
import { headerText } from "./header-text.js";
import { releaseOf } from "./kernel-release.js";
import { type FtraceLayout, type LineStyle, lineText } from "./line-text.js";
import { type ThreadOnCpu, Threads } from "./threads.js";
import { hasWasArmed } from "./timer-events.js";
import { tracepointNamed } from "./tracepoints.js";
import { type Hit, VcpuLines } from "./vcpu-lines.js";

/** How a log is written. */
export interface FtraceOptions {
  /** @defaultValue `tracefs` */
  readonly layout?: FtraceLayout;
  /**
   * Digits of a time: to the microsecond, as the tools do unless asked, or to the nanosecond, as `trace-cmd report -t` does.
   *
   * @defaultValue `us`
   */
  readonly timestamps?: "us" | "ns";
  /**
   * Who prints the payloads.
   *
   * @defaultValue `kernel` for tracefs, `library` for the other two
   */
  readonly payloads?: PayloadDialect;
}

const LAYOUTS: readonly FtraceLayout[] = ["tracefs", "trace-cmd", "perf-script"];
const TIMESTAMPS: ReadonlyArray<"us" | "ns"> = ["us", "ns"];
const PAYLOADS: readonly PayloadDialect[] = ["kernel", "library"];

/** More threads than Linux runs, and a bound on what is held. */
const MAX_THREADS = 2 ** 16;

type CpuEvent = Exclude<HostEvent, { kind: "epoch" }>;

/**
 * Writes a run as the kernel would have logged it: lines of KVM's and hrtimers' tracepoints, in the formats of the run's kernel, so that
 * tools for such logs take it. Clock parameters, offsets, deadlines and expiries are exact in the payloads; the time of a line is true
 * time since the start of the run, rounded to the microsecond unless `timestamps` says otherwise.
 *
 * Events that the run's kernel has no tracepoint for are left out, a guest program's notes and counters among them. Pointers are keys without
 * a meaning, one per timer. Held is what each CPU and vCPU does, and 64 Ki characters.
 *
 * Source: Linux `arch/x86/kvm/trace.h`, `include/trace/events/timer.h` (docs/model/trace-formats §3.5).
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * let text = "";
 * const run = { scenario: "one tick", kernel: "v5.4", params: {}, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 2, vcpus: 1 };
 * const exporter = new FtraceExporter(run, (piece) => { text += piece; });
 * exporter.emit({ kind: "cpu-runs", at: hostTsc(0n), cpu: 1, what: "vcpu", vcpu: 0 });
 * exporter.emit({ kind: "acknowledge", at: hostTsc(2_501_250n), vcpu: 0, vector: 0xec });
 * exporter.end();
 * text.split("\n").at(-2) // => '       CPU 0/KVM-1000    [001] .....     0.001001: kvm_inj_virq: irq 236'
 */
export class FtraceExporter implements TraceExporter {
  readonly #times: EventTimes;
  readonly #pieces: TextPieces;
  readonly #style: LineStyle;
  readonly #threads: Threads;
  readonly #vcpus: readonly VcpuLines[];
  readonly #inInterrupt: ("no" | "yes")[];
  /** Where the callback of each vCPU's timer ran last. */
  readonly #callbackCpu: number[];

  /**
   * @param run - what the log is of: 1 to 65 536 CPUs, at most 65 536 vCPUs. Formats are those of its kernel's release.
   * @param write - is given the text, in order, in pieces that end with a line.
   * @param options - layout, digits of times, formats of payloads.
   * @throws RangeError for counts outside those, a frequency below 1 Hz, or an option of no such value.
   */
  constructor(run: TraceRun, write: WriteText, options: FtraceOptions = {}) {
    const { layout = "tracefs", timestamps = "us" } = options;
    const { payloads = layout === "tracefs" ? "kernel" : "library" } = options;
    checkOption("layout", layout, LAYOUTS);
    checkOption("timestamps", timestamps, TIMESTAMPS);
    checkOption("payloads", payloads, PAYLOADS);
    checkCount("CPUs", run.cpus, 1);
    checkCount("vCPUs", run.vcpus, 0);
    this.#times = new EventTimes(run.tscHz, "any", "FtraceExporter");
    this.#pieces = new TextPieces(write);
    this.#style = { layout, timestamps, payloads, release: releaseOf(run.kernel) };
    this.#threads = new Threads(run.cpus, run.vcpus);
    this.#vcpus = Array.from({ length: run.vcpus }, (_, vcpu) => new VcpuLines(vcpu));
    this.#inInterrupt = Array.from({ length: run.cpus }, () => "no");
    this.#callbackCpu = Array.from({ length: run.vcpus }, () => 0);
    this.#pieces.add(headerText(run, layout));
  }

  /**
   * Takes the next event of the run.
   *
   * @throws RangeError for an event after `end`, or of a CPU or vCPU that the run does not have.
   */
  emit(event: TraceEvent): void {
    const ns = this.#times.next(event);
    switch (event.kind) {
      case "epoch":
      case "clocks":
      case "counter":
        return;
      case "master-clock": {
        const fields = {
          useMasterClock: event.masterClock === "on" ? 1n : 0n,
          hostClock: event.clocksource,
          offsetMatched: event.matched === "yes" ? 1n : 0n,
        };
        this.#write(ns, this.#vmThread(), "thread", ["kvm_update_master_clock", fields]);
        return;
      }
      case "cpu-runs":
      case "irq-begin":
      case "irq-end":
      case "hrtimer-start":
      case "hrtimer-expire":
      case "hrtimer-done":
      case "hrtimer-cancel":
        this.#takeCpu(ns, event);
        return;
      default: {
        if (event.kind === "hrtimer-callback") {
          this.#checkCpu(event.cpu);
          this.#callbackCpu[event.vcpu] = event.cpu;
        }
        const vcpu = this.#vcpu(event.vcpu);
        for (const hit of vcpu.take(ns, event)) {
          const isPosted = event.kind === "inject" && vcpu.delivery === "posted";
          const thread = isPosted
            ? this.#threads.onCpu(this.#callbackCpu[event.vcpu] ?? 0)
            : this.#threads.ofVcpu(event.vcpu);
          this.#write(ns, thread, isPosted ? "hardirq" : "thread", hit);
        }
      }
    }
  }

  /** Hands on what is held back. Once is enough. */
  end(): void {
    this.#times.end();
    this.#pieces.flush();
  }

  #takeCpu(ns: bigint, event: CpuEvent): void {
    const { cpu } = event;
    this.#checkCpu(cpu);
    switch (event.kind) {
      case "cpu-runs":
        if (event.vcpu !== undefined) this.#vcpu(event.vcpu);
        this.#threads.note(event);
        return;
      case "irq-begin":
      case "irq-end":
        this.#inInterrupt[cpu] = event.kind === "irq-begin" ? "yes" : "no";
        return;
      case "hrtimer-start":
        for (const hit of this.#startHits(event)) this.#writeOnCpu(ns, cpu, hit);
        return;
      case "hrtimer-expire": {
        const { timer, name, nowNs } = event;
        const fields = { hrtimer: keyOf(timer), function: functionOf(name), now: nowNs };
        this.#writeOnCpu(ns, cpu, ["hrtimer_expire_entry", fields]);
        return;
      }
      case "hrtimer-done":
        this.#writeOnCpu(ns, cpu, ["hrtimer_expire_exit", { hrtimer: keyOf(event.timer) }]);
        return;
      case "hrtimer-cancel":
        this.#writeOnCpu(ns, cpu, ["hrtimer_cancel", { hrtimer: keyOf(event.timer) }]);
    }
  }

  /** Kernels before `was_armed` log the start of an armed timer as a cancellation and a start. */
  #startHits(event: Extract<HostEvent, { kind: "hrtimer-start" }>): readonly Hit[] {
    const hrtimer = keyOf(event.timer);
    const start: Hit = [
      "hrtimer_start",
      {
        hrtimer,
        function: functionOf(event.name),
        expires: event.expiresNs,
        softExpires: event.expiresNs,
        mode: event.mode.replace(/\s/g, "_"),
        wasArmed: event.was === "armed" ? 1n : 0n,
      },
    ];
    const isOneEvent = event.was === "idle" || hasWasArmed(this.#style.release);
    return isOneEvent ? [start] : [["hrtimer_cancel", { hrtimer }], start];
  }

  #writeOnCpu(ns: bigint, cpu: number, hit: Hit): void {
    const context = this.#inInterrupt[cpu] === "yes" ? "hardirq" : "thread";
    this.#write(ns, this.#threads.onCpu(cpu), context, hit);
  }

  #write(ns: bigint, envelope: ThreadOnCpu, context: "thread" | "hardirq", [event, fields]: Hit): void {
    if (!tracepointNamed(event).isIn(this.#style.release)) return;
    this.#pieces.add(lineText({ envelope, time: ns, context, event, fields }, this.#style));
  }

  /** What a VM does is done by the thread of its first vCPU. */
  #vmThread(): ThreadOnCpu {
    return this.#vcpus.length > 0 ? this.#threads.ofVcpu(0) : this.#threads.onCpu(0);
  }

  #checkCpu(cpu: number): void {
    if (Number.isInteger(cpu) && cpu >= 0 && cpu < this.#inInterrupt.length) return;
    throw new RangeError(`FtraceExporter.emit: expected a CPU below ${this.#inInterrupt.length}, got ${cpu}`);
  }

  #vcpu(index: number): VcpuLines {
    const vcpu = this.#vcpus[index];
    if (vcpu !== undefined) return vcpu;
    throw new RangeError(`FtraceExporter.emit: expected a vCPU below ${this.#vcpus.length}, got ${index}`);
  }
}

/** A timer's pointer, as a kernel that hashes them prints it: 32 bits, another for each of 2^32 timers, as an odd factor permutes them. */
function keyOf(timer: number): bigint {
  return BigInt.asUintN(32, BigInt(timer + 1) * 0x9e37_79b1n);
}

/** A function's name has no space and no slash. */
function functionOf(name: string): string {
  return name.replace(/[^\w.$-]/g, "_") || "0x0";
}

function checkOption(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new RangeError(`FtraceExporter: expected ${allowed.join(", ")} as ${name}, got ${String(value)}`);
}

function checkCount(of: string, count: number, least: number): void {
  if (Number.isInteger(count) && count >= least && count <= MAX_THREADS) return;
  throw new RangeError(`FtraceExporter: expected ${least} to ${MAX_THREADS} ${of}, got ${count}`);
}
