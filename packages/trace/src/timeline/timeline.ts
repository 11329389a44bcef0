/**
 * A drawing of a run: rows of CPUs and vCPUs with slices, instants, spans, counters and flows on them. `TimelineLayout` turns events
 * into calls of it; a viewer's format is one class that writes them down (docs/model/trace-formats §1.5).
 */

/** A value beside a mark: `bigint` for what is exact (any 64-bit quantity), `number` for small counts, text. */
export type ArgValue = bigint | number | string;

/** A named value beside a mark. */
export type Arg = readonly [name: string, value: ArgValue];

/** Whose a row is. A CPU and a vCPU are threads, the host and the VM the processes they belong to. */
export type RowOwner =
  | { readonly kind: "host" }
  | { readonly kind: "vm" }
  | { readonly kind: "cpu"; readonly index: number }
  | { readonly kind: "vcpu"; readonly index: number };

/** A row of the drawing: one object per row for a whole run, so that it can be a key. */
export interface Row {
  readonly owner: RowOwner;
  /** `undefined` for the owner's own row, a name for one under it. */
  readonly title: string | undefined;
}

/** A row of a quantity over time. */
export interface CounterRow extends Row {
  readonly title: string;
  readonly unit: "ns" | "count";
  /** What a title has no room for. */
  readonly description: string | undefined;
}

/** What joins marks of one timer: an arrow goes from each mark of an id to the next in time. */
export interface Flow {
  readonly id: number;
  readonly role: "step" | "end";
}

/** What a slice, a span or an instant says. */
export interface Mark {
  readonly category: string | undefined;
  readonly name: string;
  /** Whether the name is one of a few, or whatever a guest wrote. */
  readonly wording: "vocabulary" | "free";
  readonly args: readonly Arg[];
  readonly flow: Flow | undefined;
}

/** A slice that may overlap others of its row: one armed timer. One object from its begin to its end. */
export interface Span {
  readonly row: Row;
  /** Tells spans of a row that are open at once apart. */
  readonly id: string;
  readonly mark: Mark;
}

/** What every clock read at an instant, ns. */
export type ClockReadings = ReadonlyArray<readonly [name: string, ns: bigint]>;

/** Takes a drawing, in order of time. Times are true ns since the start. */
export interface Timeline {
  /** A slice begins on a row; slices of a row nest. */
  begin(ns: bigint, row: Row, mark: Mark): void;
  /** The slice of a row that began last ends. */
  end(ns: bigint, row: Row): void;
  instant(ns: bigint, row: Row, mark: Mark): void;
  beginSpan(ns: bigint, span: Span): void;
  endSpan(ns: bigint, span: Span, args: readonly Arg[]): void;
  counter(ns: bigint, row: CounterRow, value: bigint): void;
  /** All clocks, read at one instant; the same names in the same order every time. */
  snapshot(ns: bigint, clocks: ClockReadings): void;
}
