import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { members, root, sourceFiles } from "../workspace.ts";
import { sections } from "./markdown.ts";

const pages = new Map(
  readdirSync(join(root, "docs", "model"))
    .filter((name) => name.endsWith(".md"))
    .map(
      (name) =>
        [name.slice(0, -3), sections(readFileSync(join(root, "docs", "model", name), "utf8"))] as const,
    ),
);

/** `docs/model/lapic §7.6, §8` names a page, and every section sign that follows it a section of that page. */
const CITATION =
  /docs\/model\/([a-z][a-z-]*[a-z])(?:\.md)?((?:[\s,;*/-]*(?:and|to)?[\s*]*§[A-Z]?\d+(?:\.\w+)*)*)/g;
const SECTION = /§([A-Z]?\d+(?:\.\w+)*)/g;

function wrongCitations(text: string): readonly string[] {
  return [...text.matchAll(CITATION)].flatMap(([, page = "", cited = ""]) => {
    const known = pages.get(page);
    if (known === undefined) return [`docs/model/${page} is not a page`];
    return [...cited.matchAll(SECTION)]
      .map(([, section = ""]) => section)
      .filter((section) => !known.has(section))
      .map((section) => `docs/model/${page} has no §${section}`);
  });
}

const files = [
  ...members.flatMap((member) => [...sourceFiles(member), join(member.directory, "README.md")]),
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map((name) => join(root, name)),
].filter((path) => existsSync(path));

describe("citations of docs/model", () => {
  it("name pages and sections that exist", () => {
    const wrong = files.flatMap((path) =>
      wrongCitations(readFileSync(path, "utf8")).map((problem) => `${relative(root, path)}: ${problem}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each([
    ["a page that is not there", "see docs/model/lapic-timer §1", ["docs/model/lapic-timer is not a page"]],
    ["a section that is not there", "docs/model/hrtimer §99.", ["docs/model/hrtimer has no §99"]],
    ["the second of two sections", "docs/model/hrtimer §1, §98 and §2", ["docs/model/hrtimer has no §98"]],
    ["nothing in a good citation", "(docs/model/lapic §7.6; restore §8). docs/model/xen-timer), so", []],
  ])("are told apart: %s", (_title, text, problems) => {
    expect(wrongCitations(text)).toEqual(problems);
  });
});
