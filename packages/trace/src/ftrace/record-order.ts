import type { TraceTextRecord } from "./text-record.js";

/** What a log's order was like. */
export interface TraceTextOrderSummary {
  /** Records that repeated the one before them, to the instant, and were dropped. */
  readonly duplicates: number;
  /** Records that came after too many later ones to be put in their place: handed on where they were. */
  readonly outOfOrder: number;
}

/** Records that wait at first. CPUs' buffers are read in turns, and a turn is a page: far fewer events. */
const DEFAULT_CAPACITY = 4_096;
const MAX_CAPACITY = 2 ** 20;

/**
 * Puts the records of a log in order of time, those of one instant as they came, and drops repetitions, in constant memory: a record
 * is handed on when `capacity` later ones have come.
 *
 * @example
 * const times = [];
 * const order = new TraceTextOrder((record) => times.push(record.time));
 * const reader = new TraceTextReader({ onRecord: (record) => order.add(record) });
 * reader.write("  CPU 0/KVM-7 [000] d.... 2.000001: kvm_eoi: apicid 0 vector 236\n");
 * reader.write("  CPU 1/KVM-8 [001] d.... 2.000000: kvm_eoi: apicid 1 vector 236\n");
 * reader.end();
 * order.end();
 * times // => [ 2000000000n, 2000001000n ]
 */
export class TraceTextOrder {
  readonly #take: (record: TraceTextRecord) => void;
  readonly #capacity: number;
  /** Ascending, from `#first` on; what is before has been handed on. */
  #held: TraceTextRecord[] = [];
  #first = 0;
  #lastTime: bigint | undefined;
  #duplicates = 0;
  #outOfOrder = 0;

  /**
   * @param take - is given the records in order.
   * @param capacity - records that wait, 1 … 2^20.
   * @throws RangeError for a capacity outside that range.
   */
  constructor(take: (record: TraceTextRecord) => void, capacity: number = DEFAULT_CAPACITY) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY) {
      throw new RangeError(`TraceTextOrder: expected a capacity from 1 to ${MAX_CAPACITY}, got ${capacity}`);
    }
    this.#take = take;
    this.#capacity = capacity;
  }

  /** Takes the next record of the log. */
  add(record: TraceTextRecord): void {
    if (this.#lastTime !== undefined && record.time < this.#lastTime) {
      this.#outOfOrder += 1;
      this.#take(record);
      return;
    }
    const held = this.#held;
    let at = held.length;
    // Almost every record is the latest. One of the same instant stays behind those that came before it.
    while (at > this.#first && (held[at - 1]?.time ?? 0n) > record.time) at -= 1;
    const before = at > this.#first ? held[at - 1] : undefined;
    if (before !== undefined && isSame(before, record)) {
      this.#duplicates += 1;
      return;
    }
    if (at === held.length) held.push(record);
    else held.splice(at, 0, record);
    if (held.length - this.#first > this.#capacity) this.#release();
  }

  /** Hands on what waits. */
  end(): void {
    while (this.#first < this.#held.length) this.#release();
  }

  summary(): TraceTextOrderSummary {
    return { duplicates: this.#duplicates, outOfOrder: this.#outOfOrder };
  }

  #release(): void {
    const record = this.#held[this.#first];
    if (record === undefined) return;
    this.#first += 1;
    if (this.#first >= this.#capacity) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
    this.#lastTime = record.time;
    this.#take(record);
  }
}

function isSame(a: TraceTextRecord, b: TraceTextRecord): boolean {
  if (a.time !== b.time || a.event !== b.event || a.cpu !== b.cpu || a.pid !== b.pid) return false;
  const names = Object.keys(a.fields);
  return (
    names.length === Object.keys(b.fields).length && names.every((name) => a.fields[name] === b.fields[name])
  );
}
