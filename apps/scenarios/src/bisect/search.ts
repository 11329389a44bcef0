/** How the places where something changes were looked for. */
export type SearchKind = "binary" | "exhaustive";

/** What a search found along the points 0 … last. */
export interface SearchResult<V> {
  readonly kind: SearchKind;
  /** What was found at the points that were looked at. */
  readonly values: ReadonlyMap<number, V>;
  /** Points whose value differs from that of the point before, of those known to: the first is the answer. */
  readonly changes: readonly number[];
}

/**
 * Looks for the first point whose value is not that of point 0, asking for as few as it can.
 *
 * While every point gives the value of one end or of the other, halving is enough: one change lies between, and it is
 * found. A third value says that there is more than one change: then every point is asked.
 *
 * @param last - the last point; the first is 0.
 * @param at - what is at some points; asked for several at once where that is known to be needed.
 * @param same - whether two values are the same.
 */
export async function searchChange<V>(
  last: number,
  at: (points: readonly number[]) => Promise<readonly V[]>,
  same: (a: V, b: V) => boolean,
): Promise<SearchResult<V>> {
  const values = new Map<number, V>();
  const ask = async (points: readonly number[]): Promise<void> => {
    const wanted = points.filter((point) => !values.has(point));
    const found = await at(wanted);
    wanted.forEach((point, i) => {
      values.set(point, found[i] as V);
    });
  };
  const value = (point: number): V => values.get(point) as V;

  await ask([0, last]);
  if (same(value(0), value(last))) return { kind: "binary", values, changes: [] };
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    await ask([middle]);
    if (same(value(middle), value(0))) low = middle;
    else if (same(value(middle), value(last))) high = middle;
    else {
      await ask(Array.from({ length: last + 1 }, (_, i) => i));
      const points = Array.from({ length: last }, (_, i) => i + 1);
      return { kind: "exhaustive", values, changes: points.filter((i) => !same(value(i), value(i - 1))) };
    }
  }
  return { kind: "binary", values, changes: [high] };
}
