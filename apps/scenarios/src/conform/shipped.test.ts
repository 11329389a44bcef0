import { describe, expect, it } from "vitest";
import { conform } from "./conform.js";
import { shippedReplays } from "./replays.js";

const { files } = await conform();

describe("the published rows", () => {
  it.each(files.filter((file) => file.covered))("$area/$file all agree", ({ rows, passed, firstFailure }) => {
    expect(firstFailure).toBeNull();
    expect(passed).toBe(rows);
  });

  it.each(shippedReplays)("have the file that the replay $area/$file is for", ({ area, file }) => {
    expect(files.map((known) => `${known.area}/${known.file}`)).toContain(`${area}/${file}.jsonl`);
  });

  it("are replayed by one replay per file", () => {
    const names = shippedReplays.map(({ area, file }) => `${area}/${file}`);
    expect(names).toEqual([...new Set(names)]);
  });
});
