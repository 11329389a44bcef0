import { describe, expect, it } from "vitest";
import { conform } from "./conform.js";
import { shippedReplays } from "./replays.js";

const { files } = await conform();

describe("the published rows", () => {
  it.each(files.filter((file) => file.covered))("$area/$file all agree", ({ rows, passed, firstFailure }) => {
    expect(firstFailure).toBeNull();
    expect(passed).toBe(rows);
  });

  it("are replayed by one replay per file, and no replay is for a file that is not there", () => {
    const covered = files.filter((file) => file.covered).map(({ area, file }) => `${area}/${file}`);
    const replays = shippedReplays.map(({ area, file }) => `${area}/${file}.jsonl`);
    expect(replays.sort()).toEqual(covered.sort());
  });
});
