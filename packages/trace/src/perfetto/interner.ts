/** Texts a sequence remembers, of each sort: what a run has names for is a few hundred, and what is over is written out each time. */
const MOST_TEXTS = 4_096;

/** A text, and the id it was given: from 1, since 0 is no id. */
export type InternedText = readonly [iid: number, text: string];

/** Numbers the texts of one sort that a packet sequence repeats. */
export class Interner {
  readonly #iids = new Map<string, number>();
  #fresh: InternedText[] = [];

  /** The id of `text`, or nothing when the table is full and `text` is not in it. */
  iid(text: string): number | undefined {
    const known = this.#iids.get(text);
    if (known !== undefined || this.#iids.size === MOST_TEXTS) return known;
    const iid = this.#iids.size + 1;
    this.#iids.set(text, iid);
    this.#fresh.push([iid, text]);
    return iid;
  }

  /** The ids given since this was last asked: a packet defines them for those after it, and for itself. */
  takeFresh(): readonly InternedText[] {
    if (this.#fresh.length === 0) return NOTHING;
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}

const NOTHING: readonly InternedText[] = [];
