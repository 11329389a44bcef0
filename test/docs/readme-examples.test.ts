import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { members, publishable, root } from "../workspace.ts";
import { countAssertions, exampleModule } from "./example-module.ts";
import { fences } from "./markdown.ts";
import { runExamples } from "./run-examples.ts";

const places = [{ name: "the workspace", directory: root }, ...members];

const blocks = places
  .map(({ directory }) => join(directory, "README.md"))
  .filter((path) => existsSync(path))
  .flatMap((path) =>
    fences(readFileSync(path, "utf8")).map((fence) => ({ ...fence, place: `${path}:${fence.line}` })),
  )
  .filter(({ language, code }) => language === "ts" && countAssertions(code) > 0);

describe("the README of", () => {
  it.each(publishable)("$name exists and shows its use", ({ directory }) => {
    const path = join(directory, "README.md");
    expect(existsSync(path), path).toBe(true);
    expect(blocks.filter(({ place }) => place.startsWith(path)).length, path).toBeGreaterThan(0);
  });
});

describe.runIf(blocks.length > 0)("the code at", async () => {
  const runs = await runExamples(blocks.map(({ code }) => exampleModule(code)));

  it.each(blocks.map((block, index) => ({ ...block, run: runs[index] })))(
    "$place prints what it says",
    ({ run }) => {
      expect(run?.error).toBeUndefined();
      expect(run?.checked.map(({ expression, got }) => `${expression} // => ${got}`)).toEqual(
        run?.checked.map(({ expression, expected }) => `${expression} // => ${expected}`),
      );
    },
  );
});
