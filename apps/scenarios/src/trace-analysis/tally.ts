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
  /** A power of two that at least half of the samples are smaller than by magnitude: what a few lost lines do not move. */
  readonly halfBelow: bigint;
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
  /** Samples by how many bits their magnitude has. */
  readonly #byBits: number[] = [];

  get count(): number {
    return this.#count;
  }

  add(time: bigint, value: bigint): void {
    if (this.#count === 0 || value < this.#min) this.#min = value;
    if (this.#count === 0 || value > this.#max) this.#max = value;
    this.#count += 1;
    this.#sum += value;
    const sample = { time, value };
    const bits = size(sample).toString(2).length;
    this.#byBits[bits] = (this.#byBits[bits] ?? 0) + 1;
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
      halfBelow: this.#halfBelow(),
      worst: [...this.#worst],
    };
  }

  #halfBelow(): bigint {
    let seen = 0;
    const bits = this.#byBits.findIndex((count = 0) => {
      seen += count;
      return seen * 2 >= this.#count;
    });
    return bits < 0 ? 0n : 1n << BigInt(bits);
  }
}
