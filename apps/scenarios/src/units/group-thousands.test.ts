import * as fc from "fast-check";
import { expect, it } from "vitest";
import { groupThousands } from "./group-thousands.js";

it.each<[bigint, string]>([
  [0n, "0"],
  [999n, "999"],
  [-999n, "-999"],
  [1_000n, "1 000"],
  [-1_234_567n, "-1 234 567"],
  [2n ** 64n - 1n, "18 446 744 073 709 551 615"],
])("%d is %s", (value, text) => {
  expect(groupThousands(value)).toBe(text);
});

it("adds spaces and nothing else, three digits between them", () => {
  fc.assert(
    fc.property(fc.bigInt(), (value) => {
      const groups = groupThousands(value).replace("-", "").split(" ");
      expect(BigInt(groupThousands(value).replaceAll(" ", ""))).toBe(value);
      expect(groups.slice(1).every((group) => group.length === 3)).toBe(true);
    }),
  );
});
