import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConformCommandOptions, conformCommand } from "./command.js";

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "conform-"));
  for (const area of ["lapic", "moon"]) {
    await mkdir(join(data, area));
    await writeFile(join(data, area, "phases.jsonl"), '{"day":1}\n{"day":2}\n');
  }
});
afterEach(() => rm(data, { recursive: true }));

async function run(options: ConformCommandOptions): Promise<{ readonly code: number; readonly out: string }> {
  const written: string[] = [];
  const code = await conformCommand(
    { data, ...options },
    { stdout: { write: (text) => written.push(text) } },
  );
  return { code, out: written.join("") };
}

describe("the conform command", () => {
  it("prints one JSON object and nothing else under --json", async () => {
    const { code, out } = await run({ json: true, area: "moon" });
    expect(JSON.parse(out)).toEqual({
      files: [
        {
          area: "moon",
          file: "phases.jsonl",
          rows: 2,
          passed: 0,
          failed: 0,
          covered: false,
          firstFailure: null,
        },
      ],
    });
    expect(code).toBe(0);
  });

  it("exits 1 under --strict when a file is not covered, and says so", async () => {
    const { code, out } = await run({ strict: true, area: "moon" });
    expect(out.split("\n")).toEqual([
      " file               rows  passed  failed",
      " moon/phases.jsonl     2       -       -  not covered",
      "",
      " does not conform: 0 rows passed and 0 failed in 0 files, 1 file not covered (--strict)",
      "",
    ]);
    expect(code).toBe(1);
  });

  it.each([
    ["one name", "moon", ["moon"]],
    ["a comma list", "moon, lapic", ["lapic", "moon"]],
    ["repeated flags", ["lapic", "moon"], ["lapic", "moon"]],
    ["repeated comma lists", ["moon", "lapic,moon"], ["lapic", "moon"]],
  ])("takes --area as %s", async (_title, area, areas) => {
    const { out } = await run({ json: true, area });
    expect(JSON.parse(out).files.map((file: { area: string }) => file.area)).toEqual(areas);
  });

  it("prints nothing when the request is wrong", async () => {
    const written: string[] = [];
    const io = { stdout: { write: (text: string) => written.push(text) } };
    await expect(conformCommand({ data, area: "sun" }, io)).rejects.toThrow(
      "--area: expected one of lapic, moon",
    );
    expect(written).toEqual([]);
  });
});
