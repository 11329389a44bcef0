import { describe, expect, it } from "vitest";
import { vectorFiles, vectorPath } from "./index.js";

describe("vectorPath", () => {
  it("names every file as a sub-path of the package", () => {
    for (const file of vectorFiles) {
      expect(vectorPath(file)).toBe(`@chronovisor/vectors/data/${file.area}/${file.file}.jsonl`);
    }
  });

  it.each([
    ["an empty name", "", 'vectorPath: expected file to be a plain name, got ""'],
    ["a path", "../secret", 'vectorPath: expected file to be a plain name, got "../secret"'],
    [
      "a name with its ending",
      "cyc2ns.jsonl",
      'vectorPath: expected file to be a plain name, got "cyc2ns.jsonl"',
    ],
  ])("refuses %s", (_title, file, message) => {
    expect(() => vectorPath({ area: "math", file })).toThrow(new TypeError(message));
  });

  it("refuses an area that is not a name", () => {
    // @ts-expect-error: the type already refuses it; a caller without types is told as well.
    expect(() => vectorPath({ area: "a/b", file: "cyc2ns" })).toThrow(
      "vectorPath: expected area to be a plain name",
    );
  });
});
