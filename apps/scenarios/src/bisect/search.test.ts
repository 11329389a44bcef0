import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { searchChange } from "./search.js";

const search = (values: readonly number[]) => {
  const asked: number[] = [];
  const at = async (points: readonly number[]): Promise<readonly number[]> => {
    asked.push(...points);
    return points.map((point) => values[point] ?? Number.NaN);
  };
  return searchChange(values.length - 1, at, (a, b) => a === b).then((result) => ({ ...result, asked }));
};

describe("searchChange", () => {
  it("finds the one change by halving", async () => {
    const { kind, changes, asked } = await search([1, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect([kind, changes, asked]).toEqual(["binary", [5], [0, 8, 4, 6, 5]]);
  });

  it("finds nothing where both ends are the same, whatever lies between", async () => {
    const { changes, asked } = await search([1, 2, 1]);
    expect([changes, asked]).toEqual([[], [0, 2]]);
  });

  it("tries everything once a value is that of neither end, and names every change", async () => {
    const { kind, changes, asked } = await search([1, 1, 3, 3, 2, 2]);
    expect([kind, changes]).toEqual(["exhaustive", [2, 4]]);
    expect([...asked].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("needs no third run for a single step", async () => {
    const { changes, asked } = await search([1, 2]);
    expect([changes, asked]).toEqual([[1], [0, 1]]);
  });

  it("names a change that is one, and asks for no point twice", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { minLength: 2, maxLength: 40 }), async (values) => {
        const { changes, asked, kind } = await search(values);
        expect(new Set(asked).size).toBe(asked.length);
        for (const point of changes) expect(values[point]).not.toBe(values[point - 1]);
        if (kind === "exhaustive") {
          const all = values.flatMap((value, i) => (i > 0 && value !== values[i - 1] ? [i] : []));
          expect(changes).toEqual(all);
        } else if (values[0] !== values.at(-1)) expect(changes).toHaveLength(1);
      }),
    );
  });
});
