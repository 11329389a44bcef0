import * as fc from "fast-check";
import { expect, it } from "vitest";
import { spread } from "./end-labels.js";

it.each<[number[], number[]]>([
  [[], []],
  [[100], [100]],
  [[300], [240]],
  [
    [10, 10, 50],
    [10, 24, 50],
  ],
  [
    [50, 10, 10],
    [50, 10, 24],
  ],
  [
    [240, 240],
    [226, 240],
  ],
  [
    [0, 0, 0],
    [0, 14, 28],
  ],
  [
    [230, 240, 240],
    [212, 226, 240],
  ],
])("labels wanted at %j stand at %j", (wanted, places) => {
  expect(spread(wanted, 14, 240)).toEqual(places);
});

it("keeps labels apart, in their order and inside, as long as there is room", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 240 }), { maxLength: 17 }), (wanted) => {
      const places = spread(wanted, 14, 240);
      const order = wanted
        .map((_, index) => index)
        .sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0) || a - b);
      for (const [index, place] of order.entries()) {
        const at = places[place] ?? Number.NaN;
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at).toBeLessThanOrEqual(240);
        const before = order[index - 1];
        if (before !== undefined) expect(at - (places[before] ?? 0)).toBeGreaterThanOrEqual(14);
      }
    }),
  );
});
