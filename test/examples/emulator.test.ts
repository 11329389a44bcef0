import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { fences } from "../docs/markdown.ts";
import { root } from "../workspace.ts";

const run = promisify(execFile);
const directory = join(root, "examples", "emulator");
const start = (...args: readonly string[]) => run(process.execPath, [join(directory, "start.mjs"), ...args]);

/** What the README says is printed. */
async function promised(): Promise<string> {
  const blocks = fences(await readFile(join(directory, "README.md"), "utf8"));
  return blocks.find(({ language }) => language === "text")?.code.trim() ?? "";
}

/** A page as far as its script sees one. The process ends when the machine does: nothing is armed then. */
const PAGE_IN_NODE = `
globalThis.document = { querySelector: () => ({ append: (line) => process.stdout.write(line) }) };
await import("./page.js");
`;

describe("the emulator example", () => {
  it("prints in Node what its README says", async () => {
    const expected = await promised();
    expect(expected.split("\n").length).toBeGreaterThan(10);
    const { stdout, stderr } = await start();
    expect([stdout.trim(), stderr]).toEqual([expected, ""]);
  });

  it("shows the same in a page that loads nothing but its own script", async () => {
    const out = await mkdtemp(join(tmpdir(), "emulator-page-"));
    try {
      await start("--page", out);
      const html = await readFile(join(out, "index.html"), "utf8");
      expect(html.match(/(?:src|href)="[^"]*"/g)).toEqual(['src="page.js"']);
      const page = join(out, "page-in-node.mjs");
      await writeFile(page, PAGE_IN_NODE);
      expect((await run(process.execPath, [page])).stdout.trim()).toBe(await promised());
    } finally {
      await rm(out, { recursive: true });
    }
  });

  it("refuses an option it does not know", async () => {
    await expect(start("--pages")).rejects.toMatchObject({
      code: 2,
      stderr: "usage: node examples/emulator/start.mjs [--page DIRECTORY]\n",
    });
  });

  it("is well typed", () => {
    const path = join(directory, "tsconfig.json");
    const { config } = ts.readConfigFile(path, ts.sys.readFile);
    const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, directory);
    const program = ts.createProgram(fileNames, options);
    const problems = ts.getPreEmitDiagnostics(program);
    expect(fileNames.length).toBe(5);
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "))).toEqual([]);
  });
});
