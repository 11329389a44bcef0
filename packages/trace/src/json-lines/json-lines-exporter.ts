import { EventTimes } from "../event-times.js";
import type { TraceEvent } from "../events.js";
import type { TraceExporter, TraceRun, WriteText } from "../exporter.js";
import { TextPieces } from "../text-pieces.js";
import { encodeEvent } from "./encode-event.js";
import { MAX_LINE_LENGTH } from "./limits.js";
import { FORMAT, traceRunToJson, VERSION } from "./run-record.js";
import type { TextDigest } from "./text-digest.js";

/** How a JSON Lines file is written. */
export interface JsonLinesOptions {
  /** SHA-256 of the file's text, told on its last line. Without one, a reader can tell a cut file but not a changed one. */
  readonly digest?: TextDigest;
}

/**
 * Writes a run as JSON Lines (`.jsonl`), one object per line, that `JsonLinesReader` reads back to the same events: what the run is,
 * then every event in the order it came, then how many there were and the SHA-256 of all lines before.
 *
 * Exact and without loss: 64-bit quantities are decimal text, small counts numbers. `tNs` is true time, ns since the start of the run,
 * rounded down; `at` the host TSC. The same events give the same bytes.
 *
 * Text is handed on in pieces of some 64 Ki characters; nothing else is held.
 *
 * Source: docs/model/trace-formats §4.
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * let file = "";
 * const run = { scenario: "one tick", kernel: "v6.12", params: {}, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 1, vcpus: 1 };
 * const exporter = new JsonLinesExporter(run, (text) => { file += text; });
 * exporter.emit({ kind: "note", at: hostTsc(2_500_000n), vcpu: 0, text: "tick" });
 * exporter.end();
 * file.split("\n")[1] // => '{"type":"event","seq":0,"tNs":"1000000","kind":"note","at":"2500000","vcpu":0,"text":"tick"}'
 * file.split("\n")[2] // => '{"type":"end","events":1}'
 */
export class JsonLinesExporter implements TraceExporter {
  readonly #times: EventTimes;
  readonly #pieces: TextPieces;
  readonly #write: WriteText;
  readonly #digest: TextDigest | undefined;
  #events = 0;

  /**
   * @param run - what the trace is of.
   * @param write - is given the file's text, in order.
   * @param options - the digest.
   * @throws RangeError for a frequency below 1 Hz, or a number of the run that is no safe integer.
   */
  constructor(run: TraceRun, write: WriteText, options: JsonLinesOptions = {}) {
    const { digest } = options;
    this.#times = new EventTimes(run.tscHz, "any", "JsonLinesExporter");
    this.#write = write;
    this.#digest = digest;
    this.#pieces = new TextPieces((text) => {
      digest?.update(text);
      write(text);
    });
    this.#line(JSON.stringify({ type: "run", format: FORMAT, version: VERSION, ...traceRunToJson(run) }));
  }

  /**
   * Takes the next event of the run.
   *
   * @throws RangeError for an event after `end`, a field that its type does not allow, or a text of more than 2^24 characters.
   */
  emit(event: TraceEvent): void {
    const tNs = this.#times.next(event);
    this.#line(encodeEvent(event, this.#events, tNs, "JsonLinesExporter.emit"));
    this.#events += 1;
  }

  /** Writes the last line. Once is enough. */
  end(): void {
    if (this.#times.end() === "again") return;
    this.#pieces.flush();
    const sha256 = this.#digest?.hex();
    const last = { type: "end", events: this.#events, ...(sha256 === undefined ? {} : { sha256 }) };
    this.#write(`${JSON.stringify(last)}\n`);
  }

  #line(line: string): void {
    if (line.length > MAX_LINE_LENGTH) {
      throw new RangeError(
        `JsonLinesExporter: expected lines of at most ${MAX_LINE_LENGTH} characters, got ${line.length}`,
      );
    }
    this.#pieces.add(`${line}\n`);
  }
}
