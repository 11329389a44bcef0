import { EventTimes } from "../event-times.js";
import type { TraceEvent } from "../events.js";
import type { TraceExporter, TraceRun, WriteText } from "../exporter.js";
import { TextPieces } from "../text-pieces.js";
import { csvCell, csvRow } from "./cell.js";
import { EVENT_COLUMNS, type EventCells, eventCells } from "./event-cells.js";

const COLUMN_INDEX: ReadonlyMap<string, number> = new Map(
  EVENT_COLUMNS.map((column, index) => [column, index]),
);
const EMPTY_ROW: readonly string[] = EVENT_COLUMNS.map(() => "");

/**
 * Writes the events of a run as one long CSV table (`events.csv`), for a query: a row per event, a column per quantity or word that any
 * of them has, empty where an event has none. A reading of the clocks is a row per clock, of one `seq`.
 *
 * Exact: integers are plain decimal, `t_ns` true time since the start of the run, rounded down, `host_tsc_cycles` the counter. Columns
 * of counts beyond 2^53 need a reader that knows them: a spreadsheet rounds, DuckDB reads UBIGINT, pandas needs `dtype="uint64"`. A
 * field that starts with `= + - @` is a number: text that would has one `'` before it. What the run is has no room here;
 * `traceRunToJson` makes a file beside it.
 *
 * Text is handed on in pieces of some 64 Ki characters; nothing else is held.
 *
 * Source: RFC 4180, LF instead of CR LF (docs/model/trace-formats §4).
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * let file = "";
 * const run = { scenario: "one tick", kernel: "v6.12", params: {}, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 1, vcpus: 1 };
 * const exporter = new CsvEventsExporter(run, (text) => { file += text; });
 * exporter.emit({ kind: "vm-exit", at: hostTsc(2_500_000n), vcpu: 0, reason: "HLT" });
 * exporter.end();
 * const [head, row] = file.split("\n").map((line) => line.split(","));
 * head.slice(0, 6) // => [ 't_ns', 'seq', 'cpu', 'vcpu', 'kind', 'host_tsc_cycles' ]
 * row.slice(0, 6) // => [ '1000000', '0', '', '0', 'vm-exit', '2500000' ]
 * row[head.indexOf("reason")] // => 'HLT'
 */
export class CsvEventsExporter implements TraceExporter {
  readonly #times: EventTimes;
  readonly #pieces: TextPieces;
  #seq = 0;

  /**
   * @param run - what the trace is of; only its frequency is used.
   * @param write - is given the file's text, in order.
   * @throws RangeError for a frequency below 1 Hz.
   */
  constructor(run: TraceRun, write: WriteText) {
    this.#times = new EventTimes(run.tscHz, "any", "CsvEventsExporter");
    this.#pieces = new TextPieces(write);
    this.#pieces.add(csvRow(EVENT_COLUMNS));
  }

  /**
   * Takes the next event of the run.
   *
   * @throws RangeError for an event after `end`.
   */
  emit(event: TraceEvent): void {
    const row = EMPTY_ROW.slice();
    put(row, {
      t_ns: this.#times.next(event),
      seq: this.#seq,
      cpu: "cpu" in event ? event.cpu : undefined,
      vcpu: "vcpu" in event ? event.vcpu : undefined,
      kind: event.kind,
      host_tsc_cycles: event.at,
      flow: "flow" in event ? event.flow : undefined,
    });
    for (const own of eventCells(event)) {
      put(row, own);
      this.#pieces.add(`${row.join(",")}\n`);
    }
    this.#seq += 1;
  }

  /** Hands on what is held back. Once is enough. */
  end(): void {
    this.#times.end();
    this.#pieces.flush();
  }
}

/** Fills in the columns that an event has: most rows have eight of the 43. */
function put(row: string[], cells: EventCells): void {
  for (const [column, cell] of Object.entries(cells)) {
    const index = COLUMN_INDEX.get(column);
    if (index !== undefined) row[index] = csvCell(cell);
  }
}
