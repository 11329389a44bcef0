/** A sample and when it was taken. */
export interface Sample {
  readonly time: bigint;
  readonly value: bigint;
}

/** What many samples come to. */
export interface TallySummary {
  readonly count: number;
  readonly min: bigint;
  readonly max: bigint;
  readonly sum: bigint;
  /** The three largest by magnitude, largest first; of equal ones the earliest. */
  readonly worst: readonly Sample[];
}

const WORST = 3;

const size = ({ value }: Sample): bigint => (value < 0n ? -value : value);

/** Adds samples up without keeping them. */
export class Tally {
  #count = 0;
  #min = 0n;
  #max = 0n;
  #sum = 0n;
  #worst: Sample[] = [];

  get count(): number {
    return this.#count;
  }

  add(time: bigint, value: bigint): void {
    if (this.#count === 0 || value < this.#min) this.#min = value;
    if (this.#count === 0 || value > this.#max) this.#max = value;
    this.#count += 1;
    this.#sum += value;
    const sample = { time, value };
    const place = this.#worst.findIndex((other) => size(other) < size(sample));
    if (place < 0 && this.#worst.length >= WORST) return;
    this.#worst.splice(place < 0 ? this.#worst.length : place, 0, sample);
    this.#worst = this.#worst.slice(0, WORST);
  }

  summary(): TallySummary {
    return {
      count: this.#count,
      min: this.#min,
      max: this.#max,
      sum: this.#sum,
      worst: [...this.#worst],
    };
  }
}
