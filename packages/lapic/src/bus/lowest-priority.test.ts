import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastPickedIndex, vectorHashIndex } from "../index.js";

describe("vector hashing", () => {
  it("spreads consecutive vectors over the candidates in turn", () => {
    expect([0x30, 0x31, 0x32, 0x33].map((vector) => vectorHashIndex(vector, 3))).toEqual([0, 1, 2, 0]);
  });

  it("keeps a vector where it is while the candidates stay", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 1, max: 300 }),
        (vector, candidates) => {
          const picked = vectorHashIndex(vector, candidates);
          expect(picked).toBeLessThan(candidates);
          expect((vector - picked) % candidates).toBe(0);
        },
      ),
    );
  });
});

describe("the arbitration counters", () => {
  it.each([
    ["one candidate", [7], 0],
    ["the smallest", [3, 1, 2], 1],
    ["the first of equals", [2, 1, 1], 1],
    ["a negative counter is behind", [0, -1], 1],
    ["a counter that wrapped is ahead of one about to", [2 ** 31 - 1, -(2 ** 31)], 0],
  ] as const)("%s", (_, priorities, best) => {
    expect(leastPickedIndex(priorities)).toBe(best);
  });

  it("share interrupts evenly", () => {
    const counters = [0, 0, 0, 0];
    for (let i = 0; i < 40; i++) {
      const picked = leastPickedIndex(counters);
      counters[picked] = (counters[picked] ?? 0) + 1;
    }
    expect(counters).toEqual([10, 10, 10, 10]);
  });
});

describe("arguments", () => {
  it.each<[string, () => unknown]>([
    ["vectorHashIndex: expected vector in", () => vectorHashIndex(256, 1)],
    ["vectorHashIndex: expected candidates in", () => vectorHashIndex(1, 0)],
    ["leastPickedIndex: expected at least one candidate, got 0", () => leastPickedIndex([])],
    ["leastPickedIndex: expected priority in", () => leastPickedIndex([2 ** 31])],
  ])("%s", (text, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(text);
  });
});
