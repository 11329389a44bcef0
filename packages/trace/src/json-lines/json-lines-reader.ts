import type { TraceSink } from "../event-log.js";
import type { TraceRun } from "../exporter.js";
import { TrueTime } from "../true-time.js";
import { decodeEvent, decodeRun, type JsonObject, Mismatch, parseLine } from "./decode-record.js";
import { JsonLinesError } from "./json-lines-error.js";
import { MAX_LINE_LENGTH } from "./limits.js";
import type { TextDigest } from "./text-digest.js";

/** Where what is read goes: first the run, then its events. Another format's exporter can be made in `begin`. */
export interface JsonLinesTarget extends TraceSink {
  begin(run: TraceRun): void;
}

/** How a JSON Lines file is read. */
export interface JsonLinesReaderOptions {
  /** SHA-256 of the file's text, compared with what its last line tells. Without one, it is not looked at. */
  readonly digest?: TextDigest;
}

/**
 * Reads what `JsonLinesExporter` wrote, given to it in pieces of any size, and hands on the run and every event as it was emitted.
 *
 * A file that is cut, or of which a line is not as it was written, is refused with the line: numbers that do not run on, times that are
 * not those of their counters, fields missing or too many, and, given a digest, any other change. What came before it has been handed
 * on. Holds one line, of at most 2^24 characters.
 *
 * Source: docs/model/trace-formats §4.
 *
 * @example
 * const kinds = [];
 * const reader = new JsonLinesReader({ begin: (run) => kinds.push(run.scenario), emit: (event) => kinds.push(event.kind) });
 * reader.write('{"type":"run","format":"chronovisor-events","version":1,"scenario":"one tick","kernel":"v6.12","params":{},');
 * reader.write('"seed":1,"tscHz":"2500000000","tscKhz":2500000,"cpus":1,"vcpus":1}\n');
 * reader.write('{"type":"event","seq":0,"tNs":"1000000","kind":"kick","at":"2500000","vcpu":0}\n{"type":"end","events":1}\n');
 * reader.end();
 * kinds // => [ 'one tick', 'kick' ]
 */
export class JsonLinesReader {
  readonly #target: JsonLinesTarget;
  readonly #digest: TextDigest | undefined;
  #rest = "";
  #lines = 0;
  #events = 0;
  /** Present once the first line was read. */
  #time: TrueTime | undefined;
  #last: "to come" | "read" = "to come";
  #failure: JsonLinesError | undefined;

  /**
   * @param target - is given the run and its events.
   * @param options - the digest.
   */
  constructor(target: JsonLinesTarget, options: JsonLinesReaderOptions = {}) {
    this.#target = target;
    this.#digest = options.digest;
  }

  /**
   * Takes the next piece of the file in.
   *
   * @throws JsonLinesError for a line that is not as it was written.
   */
  write(text: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    let from = 0;
    for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
      const line = this.#rest + text.slice(from, to);
      this.#rest = "";
      from = to + 1;
      this.#lines += 1;
      this.#take(line);
    }
    this.#rest += text.slice(from);
    if (this.#rest.length > MAX_LINE_LENGTH) {
      this.#lines += 1;
      this.#fail("damaged", `a line of at most ${MAX_LINE_LENGTH} characters`, "a longer one");
    }
  }

  /**
   * The file is over.
   *
   * @throws JsonLinesError for a file that is cut.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#lines += 1;
    if (this.#rest !== "") this.#fail("cut", "a whole line", `${this.#rest.length} characters of it`);
    if (this.#last === "to come") this.#fail("cut", "an end line", "the end of the file");
  }

  #take(line: string): void {
    const record = this.#checked(parseLine(line));
    if (this.#last === "read") this.#fail("damaged", "nothing after the end line", line.slice(0, 80));
    if (record.type === "end") {
      this.#takeEnd(record);
      return;
    }
    this.#digest?.update(`${line}\n`);
    if (this.#time === undefined) {
      const run = this.#checked(decodeRun(record));
      this.#time = new TrueTime(run.tscHz);
      this.#target.begin(run);
      return;
    }
    this.#takeEvent(record, this.#time);
  }

  #takeEvent(record: JsonObject, time: TrueTime): void {
    const event = this.#checked(decodeEvent(record));
    if (record.seq !== this.#events) {
      this.#fail("damaged", `seq ${this.#events}`, JSON.stringify(record.seq) ?? "none");
    }
    time.note(event);
    const tNs = time.at(event.at).toString();
    if (record.tNs !== tNs) this.#fail("damaged", `tNs ${tNs}`, JSON.stringify(record.tNs) ?? "none");
    this.#events += 1;
    this.#target.emit(event);
  }

  #takeEnd({ events, sha256 }: JsonObject): void {
    if (this.#time === undefined) this.#fail("damaged", "a run line", "an end line");
    if (events !== this.#events) {
      this.#fail("damaged", `${this.#events} events in the end line`, JSON.stringify(events) ?? "none");
    }
    const expected = this.#digest?.hex();
    if (expected !== undefined && sha256 !== expected) {
      this.#fail("damaged", `sha256 ${expected}`, JSON.stringify(sha256) ?? "none");
    }
    this.#last = "read";
  }

  #checked<T extends object>(decoded: T | Mismatch): T {
    if (decoded instanceof Mismatch) this.#fail("damaged", decoded.expected, decoded.got);
    return decoded;
  }

  #fail(fault: "cut" | "damaged", expected: string, got: string): never {
    this.#failure = new JsonLinesError(fault, this.#lines, expected, got);
    throw this.#failure;
  }
}
