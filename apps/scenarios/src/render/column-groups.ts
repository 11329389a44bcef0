/** Columns between two cells, as in `alignedTable`. */
const GAP = 2;

/** Runs of neighbours in `places`, so many of them, none longer than another by more than one. */
function evenly(places: readonly number[], groups: number): readonly (readonly number[])[] {
  return Array.from({ length: groups }, (_, group) =>
    places.slice(
      Math.ceil((group * places.length) / groups),
      Math.ceil(((group + 1) * places.length) / groups),
    ),
  );
}

/**
 * Places of the columns of a table, in as few groups as fit, each laid out below the last. Place 0, which the others are
 * read against, is at the left of every group where that takes no further one.
 *
 * @param margin - columns of the row labels
 * @param widths - columns of each column
 * @returns nothing when not even two columns fit side by side
 */
export function columnGroups(
  margin: number,
  widths: readonly number[],
  width: number,
): readonly (readonly number[])[] | undefined {
  const places = widths.map((_, place) => place);
  const fits = (group: readonly number[]): boolean =>
    (group.length > 1 || places.length === 1) &&
    group.reduce((sum, place) => sum + GAP + (widths[place] ?? 0), margin) <= width;
  for (let count = 1; count < Math.max(2, places.length); count++) {
    const besideFirst = evenly(places.slice(1), count).map((group) => [0, ...group]);
    const once = evenly(places, count);
    const fitting = [besideFirst, once].find((groups) => groups.every(fits));
    if (fitting !== undefined) return fitting;
  }
  return undefined;
}
