import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnGroups } from "./column-groups.js";

describe("columnGroups", () => {
  it.each<[string, number, number[], number, number[][] | undefined]>([
    ["one that fits", 10, [10], 22, [[0]]],
    ["one that does not", 10, [10], 21, undefined],
    ["two that fit", 10, [10, 10], 34, [[0, 1]]],
    ["two that do not", 10, [10, 10], 33, undefined],
    ["all of them where there is room", 10, [5, 5, 5, 5], 38, [[0, 1, 2, 3]]],
    [
      "the first again where that takes no further group",
      10,
      [10, 10, 10],
      34,
      [
        [0, 1],
        [0, 2],
      ],
    ],
    [
      "the first once where again would take one more",
      10,
      [10, 10, 10, 10],
      34,
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [
      "even shares",
      10,
      [10, 10, 10, 10, 10, 10, 10],
      70,
      [
        [0, 1, 2, 3],
        [0, 4, 5, 6],
      ],
    ],
    [
      "one wide column among narrow ones",
      10,
      [5, 5, 30, 5],
      56,
      [
        [0, 1, 2],
        [0, 3],
      ],
    ],
  ])("sets %s", (_title, margin, widths, width, groups) => {
    expect(columnGroups(margin, widths, width)).toEqual(groups);
  });

  it("shows every column, in order, none wider than the width and none alone", () => {
    const widths = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(
        widths,
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 30, max: 200 }),
        (given, margin, width) => {
          const groups = columnGroups(margin, given, width);
          if (groups === undefined) {
            // Then some column fits beside neither the first nor a neighbour.
            expect(margin + 4 + 2 * Math.max(...given) > width).toBe(true);
            return;
          }
          const shown = groups.flatMap((group, index) =>
            index > 0 ? group.filter((place) => place > 0) : group,
          );
          expect(shown).toEqual(given.map((_, place) => place));
          for (const group of groups) {
            expect(group.length).toBeGreaterThan(1);
            expect(group.reduce((sum, place) => sum + 2 + (given[place] ?? 0), margin)).toBeLessThanOrEqual(
              width,
            );
          }
        },
      ),
    );
  });
});
