import { readChatter } from "./chatter.js";
import { readEnvelope } from "./envelope.js";
import { LineSplitter } from "./line-splitter.js";
import type { TraceTextRecord } from "./text-record.js";
import { TRACEPOINTS } from "./tracepoints.js";

/** Why a line is not among the records. */
export type SkipReason = "not-an-event" | "unknown-event" | "payload" | "too-long";

/** A line that was passed over. */
export interface SkippedLine {
  /** From 1. */
  readonly line: number;
  /** Its first 200 characters. */
  readonly text: string;
  /** For a payload, where it stops being what its event prints, in characters from 1. */
  readonly column?: number;
}

/** The lines that were passed over for one reason. */
export interface Skipped {
  readonly count: number;
  /** The first three. */
  readonly examples: readonly SkippedLine[];
}

/** What a log had in it. */
export interface TraceTextSummary {
  readonly lines: number;
  readonly records: number;
  readonly skipped: Readonly<Record<SkipReason, Skipped>>;
  /** Notices of the tracer that it lost events, and how many where it said so: more may be gone. */
  readonly lost: { readonly notices: number; readonly events: bigint };
}

/** Takes what is read, in the order of the log. */
export interface TraceTextHandler {
  readonly onRecord: (record: TraceTextRecord) => void;
  /** Events of a CPU are missing here: so many, if the log says. */
  readonly onLost?: (cpu: number, events: bigint | undefined) => void;
}

const EXAMPLES = 3;
const EXAMPLE_LENGTH = 200;

/** Colours: `ESC [ … m` and other control sequences of ECMA-48. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with a control character
const ESCAPES = /\u001b\[[0-9;]{0,32}[A-Za-z]/g;

interface Tally {
  count: number;
  readonly examples: SkippedLine[];
}

/**
 * Reads the text of a kernel log of KVM's and timers' events: tracefs `trace` and `trace_pipe`, `trace-cmd report` (also `-l`),
 * `perf script` (also without CPUs), of any kernel, in the formats of the kernel and of libtraceevent, also mixed. It takes text in chunks of any size, holds one line,
 * and never throws for what a line says: a line that is no record is counted by why, with three examples of each.
 *
 * Headers, blank lines and stacks are passed over without a word, and `LOST EVENTS` is counted apart. Colours and CRLF are taken off.
 * A line of more than 65 536 characters is not looked at.
 *
 * Source: docs/model/trace-formats §3.
 *
 * @example
 * const vectors = [];
 * const reader = new TraceTextReader({ onRecord: ({ fields }) => vectors.push(fields.vector) });
 * reader.write("       CPU 0/KVM-1000    [001] d....  3.000042: kvm_inj_");
 * reader.write("virq: IRQ 0xec\nCPU:1 [LOST 7 EVENTS]\nkilled\n");
 * reader.end();
 * vectors // => [ 236n ]
 * reader.summary().lost // => { notices: 1, events: 7n }
 * reader.summary().skipped["not-an-event"].examples // => [ { line: 3, text: 'killed' } ]
 */
export class TraceTextReader {
  readonly #handler: TraceTextHandler;
  readonly #lines = new LineSplitter((line, length) => this.#take(line, length));
  readonly #skipped: Readonly<Record<SkipReason, Tally>> = {
    "not-an-event": { count: 0, examples: [] },
    "unknown-event": { count: 0, examples: [] },
    payload: { count: 0, examples: [] },
    "too-long": { count: 0, examples: [] },
  };
  #lineCount = 0;
  #records = 0;
  #notices = 0;
  #lostEvents = 0n;
  #state: "open" | "ended" = "open";

  /** @param handler - is called from within `write` and `end`. */
  constructor(handler: TraceTextHandler) {
    this.#handler = handler;
  }

  /**
   * Reads on.
   *
   * @param chunk - the next piece of the log's text; it may end anywhere.
   * @throws RangeError after `end`, TypeError for what is no string.
   */
  write(chunk: string): void {
    if (typeof chunk !== "string") {
      throw new TypeError(`TraceTextReader.write: expected a string, got ${typeof chunk}`);
    }
    if (this.#state === "ended") {
      throw new RangeError(
        `TraceTextReader.write: expected no text after end(), got ${chunk.length} characters`,
      );
    }
    this.#lines.write(chunk);
  }

  /** Reads the last line, if it has no end. Once is enough. */
  end(): void {
    if (this.#state === "ended") return;
    this.#lines.end();
    this.#state = "ended";
  }

  /** What has been read so far. */
  summary(): TraceTextSummary {
    const skipped = (reason: SkipReason): Skipped => {
      const { count, examples } = this.#skipped[reason];
      return { count, examples: [...examples] };
    };
    return {
      lines: this.#lineCount,
      records: this.#records,
      skipped: {
        "not-an-event": skipped("not-an-event"),
        "unknown-event": skipped("unknown-event"),
        payload: skipped("payload"),
        "too-long": skipped("too-long"),
      },
      lost: { notices: this.#notices, events: this.#lostEvents },
    };
  }

  #take(raw: string, length: "whole" | "too-long"): void {
    this.#lineCount += 1;
    if (length === "too-long") {
      this.#skip("too-long", raw, undefined);
      return;
    }
    const line = raw.includes("\u001b") ? raw.replace(ESCAPES, "") : raw;
    const reading = readEnvelope(line);
    if (reading === undefined) {
      this.#takeChatter(line);
      return;
    }
    const tracepoint = TRACEPOINTS.get(reading.event);
    if (tracepoint === undefined) {
      this.#skip("unknown-event", line, undefined);
      return;
    }
    const payload = tracepoint.read(reading.payload);
    if (payload === undefined) {
      const isShown = this.#skipped.payload.examples.length < EXAMPLES;
      const column = isShown ? reading.payloadAt + tracepoint.mismatchAt(reading.payload) + 1 : undefined;
      this.#skip("payload", line, column);
      return;
    }
    const { fields, dialect } = payload;
    this.#records += 1;
    this.#handler.onRecord({
      ...reading.envelope,
      line: this.#lineCount,
      event: tracepoint.name,
      dialect,
      fields,
    });
  }

  #takeChatter(line: string): void {
    const chatter = readChatter(line);
    if (chatter === undefined) {
      this.#skip("not-an-event", line, undefined);
      return;
    }
    if (chatter.kind !== "lost") return;
    this.#notices += 1;
    this.#lostEvents += chatter.events ?? 0n;
    this.#handler.onLost?.(chatter.cpu, chatter.events);
  }

  #skip(reason: SkipReason, line: string, column: number | undefined): void {
    const tally = this.#skipped[reason];
    tally.count += 1;
    if (tally.examples.length >= EXAMPLES) return;
    const text = line.slice(0, EXAMPLE_LENGTH);
    tally.examples.push({ line: this.#lineCount, text, ...(column === undefined ? {} : { column }) });
  }
}
