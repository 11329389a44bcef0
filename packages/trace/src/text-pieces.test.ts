import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TextPieces } from "./text-pieces.js";

/** Where each text ends in all of them together. */
function endsOf(texts: readonly string[]): readonly number[] {
  return texts.map((_, i) => texts.slice(0, i + 1).join("").length);
}

describe("TextPieces", () => {
  it("hands on every character in order, in pieces that end where an add did", () => {
    const texts = fc.array(
      fc
        .tuple(fc.string({ unit: "binary" }), fc.nat({ max: 9_000 }))
        .map(([text, times]) => text.repeat(times)),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(texts, (added) => {
        const written: string[] = [];
        const pieces = new TextPieces((text) => written.push(text));
        for (const text of added) pieces.add(text);
        pieces.flush();
        expect(written.join("")).toBe(added.join(""));
        for (const piece of written.slice(0, -1)) expect(piece.length).toBeGreaterThanOrEqual(65_536);
        const ends = new Set(endsOf(added));
        for (const end of endsOf(written)) expect(ends).toContain(end);
      }),
      { numRuns: 20 },
    );
  });

  it("writes nothing for nothing", () => {
    const written: string[] = [];
    const pieces = new TextPieces((text) => written.push(text));
    pieces.add("");
    pieces.flush();
    expect(written).toEqual([]);
  });
});
