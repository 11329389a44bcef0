import { EventTimes } from "../event-times.js";
import type { TraceEvent } from "../events.js";
import type { TraceExporter, TraceRun, WriteText } from "../exporter.js";
import type { TraceSeries } from "../series/trace-series.js";
import { TextPieces } from "../text-pieces.js";
import { CpuSignals } from "./cpu-signals.js";
import { SeriesSignals } from "./series-signals.js";
import type { VcdStrings } from "./state-variable.js";
import { type Bit, VcdFile, type VcdVariable } from "./vcd-file.js";
import { VcpuSignals } from "./vcpu-signals.js";

/** What one `#time` is, and picoseconds of it. */
const TIMESCALES = { "1ns": 1_000n, "1ps": 1n } as const;

const PS_PER_NS = 1_000n;

/** Viewers hold a time in 64 bits, signed. */
const MAX_TIME = 2n ** 63n - 1n;

/** More CPUs than Linux supports, and a bound on what is held. */
const MAX_THREADS = 2 ** 16;

/** How a VCD file is written. */
export interface VcdOptions {
  /**
   * What times are counted in. Picoseconds show the edges of cycles: 2.5 GHz is 400 ps, exact; 3 GHz is not.
   *
   * @defaultValue `1ns`
   */
  readonly timescale?: keyof typeof TIMESCALES;
  /**
   * Whether words are text, which GTKWave and Surfer read and other readers reject, or numbers, which all do: `vcdTranslateFiles` has
   * their names for GTKWave. With text the file also has what VM exits were for, and what the guest remarked.
   *
   * @defaultValue `off`
   */
  readonly strings?: VcdStrings;
  /**
   * Counters and clocks to write, which the head of the file names: `SeriesCollector` tells which there are.
   *
   * @defaultValue none
   */
  readonly series?: readonly TraceSeries[];
  /**
   * Where the file begins, with nothing known, true ns: of a part of a run, its first instant.
   *
   * @defaultValue 0
   */
  readonly startNs?: bigint;
}

/**
 * Writes a run as a value change dump (`.vcd`), for GTKWave, Surfer and other waveform viewers. What is a wire:
 *
 * - of each vCPU, where its thread is (`state`, `in_guest`), its LAPIC timer (`armed`, `hv_timer` for the preemption timer, `deadline`
 *   as it was armed), its interrupts (`irr`, `isr`, with the highest vector of each), `tsc_offset` and `pvclock_version`;
 * - of each CPU, what it `runs` and whether it is in an interrupt (`irq`);
 * - the VM's `master_clock`, and the series asked for: counters, and of clocks what they gained on true time since the first reading.
 *
 * Until an event tells a wire's value, it is `x`, a real and a text are absent. Of several changes at one instant each is written, so
 * an interrupt that takes no time is a glitch and not nothing. Events that change no wire are left out; numbers of reals are exact in
 * the file and doubles in a viewer. There is no `$date`: the same events give the same bytes.
 *
 * Text is handed on in pieces of some 64 Ki characters. What is held is bounded by the CPUs, the vCPUs and the series.
 *
 * Source: IEEE 1364 section "Value change dump files" (docs/model/trace-formats §5).
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * let file = "";
 * const run = { scenario: "one tick", kernel: "v6.12", params: {}, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 1, vcpus: 1 };
 * const exporter = new VcdExporter(run, (text) => { file += text; });
 * exporter.emit({ kind: "inject", at: hostTsc(2_500_000n), vcpu: 0, vector: 0xec, coalesced: "no" });
 * exporter.end();
 * file.split("\n").filter((line) => line.includes(" irr")) // => [ '$var wire 1 ) irr $end', '$var wire 8 * irr_vector $end' ]
 * file.split("$end\n").at(-1) // => '#1000000\n1)\nb11101100 *\n'
 */
export class VcdExporter implements TraceExporter {
  readonly #times: EventTimes;
  readonly #psPerTime: bigint;
  readonly #pieces: TextPieces;
  readonly #file: VcdFile;
  readonly #cpus: readonly CpuSignals[];
  readonly #vcpus: readonly VcpuSignals[];
  readonly #masterClock: VcdVariable<Bit>;
  readonly #series: SeriesSignals;

  /**
   * @param run - what the trace is of: 1 to 65 536 CPUs, and up to as many vCPUs.
   * @param write - is given the file's text, in order.
   * @param options - resolution, how words are written, and which series.
   * @throws RangeError for counts outside those, a frequency below 1 Hz, or an option of no such value.
   */
  constructor(run: TraceRun, write: WriteText, options: VcdOptions = {}) {
    const { timescale = "1ns", strings = "off", series = [], startNs = 0n } = options;
    checkCount("CPUs", run.cpus, 1);
    checkCount("vCPUs", run.vcpus, 0);
    checkWord("timescale", timescale, Object.keys(TIMESCALES));
    checkWord("strings", strings, ["off", "on"]);
    if (typeof startNs !== "bigint" || startNs < 0n) {
      throw new RangeError(`VcdExporter: expected a startNs of at least 0n, got ${String(startNs)}`);
    }
    this.#times = new EventTimes(run.tscHz, "ascending", "VcdExporter", "ps");
    this.#psPerTime = TIMESCALES[timescale];
    this.#pieces = new TextPieces(write);
    const file = new VcdFile(this.#pieces);
    this.#file = file;
    file.section("version", "chronovisor");
    file.section("comment", headline(run));
    file.section("timescale", timescale.replace("1", "1 "));
    this.#cpus = file.scope("host", () =>
      Array.from({ length: run.cpus }, (_, cpu) =>
        file.scope(`cpu${cpu}`, () => new CpuSignals(file, strings)),
      ),
    );
    const vm = file.scope("vm", () => ({
      masterClock: file.bit("master_clock"),
      vcpus: Array.from({ length: run.vcpus }, (_, vcpu) =>
        file.scope(`vcpu${vcpu}`, () => new VcpuSignals(file, strings, "VcdExporter.emit")),
      ),
    }));
    this.#masterClock = vm.masterClock;
    this.#vcpus = vm.vcpus;
    this.#series = file.scope("series", () => new SeriesSignals(file, series));
    file.begin((startNs * PS_PER_NS) / TIMESCALES[timescale]);
  }

  /**
   * Takes the next event of the run.
   *
   * @throws RangeError for an event after `end`, earlier than the one before it, of a CPU or vCPU that the run does not have, of a vector
   *   above 255, or later than 2^63 units of the timescale: 106 days of picoseconds.
   */
  emit(event: TraceEvent): void {
    const ps = this.#times.next(event);
    const time = ps / this.#psPerTime;
    if (time > MAX_TIME) {
      throw new RangeError(`VcdExporter.emit: expected a time of at most ${MAX_TIME}, got ${time}`);
    }
    this.#file.at(time);
    switch (event.kind) {
      case "cpu-runs":
      case "irq-begin":
      case "irq-end":
        checked("CPU", this.#cpus, event.cpu).take(event);
        return;
      case "counter":
      case "clocks":
        this.#series.take(ps / PS_PER_NS, event);
        return;
      case "master-clock":
        this.#masterClock.set(event.masterClock === "on" ? "1" : "0");
        return;
      case "epoch":
      case "hrtimer-start":
      case "hrtimer-expire":
      case "hrtimer-done":
      case "hrtimer-cancel":
        return;
      default:
        checked("vCPU", this.#vcpus, event.vcpu).take(event);
    }
  }

  /** Writes when the run ended, and what is held back. Once is enough. */
  end(): void {
    if (this.#times.end() === "again") return;
    this.#file.mark();
    this.#pieces.flush();
  }
}

function headline({ scenario, kernel, seed, params }: TraceRun): string {
  const set = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  return [`scenario ${scenario}`, `kernel ${kernel}`, ...set, `seed ${seed}`].join(", ");
}

function checkCount(of: string, count: number, least: number): void {
  if (Number.isInteger(count) && count >= least && count <= MAX_THREADS) return;
  throw new RangeError(`VcdExporter: expected ${least} to ${MAX_THREADS} ${of}, got ${count}`);
}

function checkWord(option: string, got: string, words: readonly string[]): void {
  if (words.includes(got)) return;
  throw new RangeError(`VcdExporter: expected ${option} to be one of ${words.join(", ")}, got ${got}`);
}

function checked<T>(of: string, rows: readonly T[], index: number): T {
  const row = rows[index];
  if (row !== undefined) return row;
  throw new RangeError(`VcdExporter.emit: expected a ${of} below ${rows.length}, got ${index}`);
}
