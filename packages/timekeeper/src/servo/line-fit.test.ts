import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitLine, type Point } from "./line-fit.js";

const size = (value: bigint): bigint => (value < 0n ? -value : value);

describe("fitLine", () => {
  it.each<[string, [bigint, bigint][], { slope: bigint; newest: bigint } | undefined]>([
    ["nothing has no line", [], undefined],
    ["one point has no slope", [[5n, 7n]], undefined],
    [
      "points of one instant have no slope",
      [
        [5n, 7n],
        [5n, 9n],
      ],
      undefined,
    ],
    [
      "two points give the line through them",
      [
        [0n, 10n],
        [4n, 30n],
      ],
      { slope: 5n, newest: 30n },
    ],
    [
      "an outlier in the middle moves the height, not the slope",
      [
        [0n, 0n],
        [1n, 9n],
        [2n, 0n],
      ],
      { slope: 0n, newest: 3n },
    ],
    [
      "a slope of one half is rounded away from zero",
      [
        [0n, 0n],
        [2n, 1n],
      ],
      { slope: 1n, newest: 1n },
    ],
    [
      "a slope of minus one half too",
      [
        [0n, 0n],
        [2n, -1n],
      ],
      { slope: -1n, newest: -1n },
    ],
    [
      "a slope of 2/5 is rounded down",
      [
        [0n, 0n],
        [5n, 2n],
      ],
      { slope: 0n, newest: 2n },
    ],
    [
      "a height of 5/6 is rounded up",
      [
        [0n, 0n],
        [1n, 0n],
        [2n, 1n],
      ],
      { slope: 1n, newest: 1n },
    ],
  ])("%s", (_, points, expected) => {
    expect(fitLine(points.map(([x, y]) => ({ x, y })))).toEqual(expected);
  });

  // The reference is the textbook's: deviations from the means, here scaled by n to stay whole.
  it("is the textbook's line to nearest", () => {
    const point: fc.Arbitrary<Point> = fc.record({
      x: fc.bigInt({ min: 0n, max: 10n ** 18n }),
      y: fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }),
    });
    fc.assert(
      fc.property(fc.array(point, { minLength: 2, maxLength: 64 }), (points) => {
        const n = BigInt(points.length);
        const sumX = points.reduce((sum, { x }) => sum + x, 0n);
        const sumY = points.reduce((sum, { y }) => sum + y, 0n);
        const deviations = points.map(({ x, y }) => ({ dx: n * x - sumX, dy: n * y - sumY }));
        const spread = deviations.reduce((sum, { dx }) => sum + dx * dx, 0n);
        const common = deviations.reduce((sum, { dx, dy }) => sum + dx * dy, 0n);
        fc.pre(spread > 0n);
        const line = fitLine(points);
        const last = points.at(-1);
        if (line === undefined || last === undefined) throw new Error("no line");
        expect(2n * size(line.slope * spread - common) <= spread).toBe(true);
        const height = sumY * spread + common * (n * last.x - sumX);
        expect(2n * size(line.newest * n * spread - height) <= n * spread).toBe(true);
      }),
    );
  });
});
