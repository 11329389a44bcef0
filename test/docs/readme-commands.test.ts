import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { members, root } from "../workspace.ts";
import { fences } from "./markdown.ts";

const cli = join(root, "apps", "scenarios", "dist", "cli.js");

/** A command line of a README and the output printed under it. */
interface Transcript {
  readonly command: string;
  readonly output: string;
}

/** The commands of a ```console block: a line starting with `$ ` and what follows up to the next one. */
function transcripts(code: string): readonly Transcript[] {
  return code
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = "", ...output] = part.split("\n");
      return { command, output: output.join("\n").trim() };
    });
}

/** Runs `chronovisor ...` through the build, into a shell's pipe (a socket cannot be `--out /dev/stdout`), and returns all it printed. */
function runCommand(command: string): Promise<string> {
  const words = command.replace(/^(?:npm run cli --|npx chronovisor|chronovisor) */, "").split(/ +/);
  const env = { ...process.env, NO_COLOR: "1", COLUMNS: "80" };
  return new Promise((resolve) => {
    const piped = ["-c", '"$@" | cat', "sh", process.execPath, cli, ...words];
    execFile("sh", piped, { cwd: root, env }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

/** How long a run took differs between machines, and nothing else may. */
const measured = (text: string) => text.replace(/simulated in .* times real time/g, "simulated in …").trim();

const blocks = [{ directory: root }, ...members]
  .map(({ directory }) => join(directory, "README.md"))
  .filter((path) => existsSync(path))
  .flatMap((path) => fences(readFileSync(path, "utf8")).map((fence) => ({ ...fence, path })))
  .filter(({ language }) => language === "console")
  .flatMap(({ code, path, line }) =>
    transcripts(code).map((transcript) => ({ ...transcript, place: `${path}:${line}` })),
  );

describe("the transcript reader", () => {
  it("splits a block at its commands", () => {
    expect(transcripts("$ chronovisor list\na\nb\n\n$ chronovisor --version\n1.0.0\n")).toEqual([
      { command: "chronovisor list", output: "a\nb" },
      { command: "chronovisor --version", output: "1.0.0" },
    ]);
  });
});

describe.runIf(blocks.length > 0)("the README shows what is printed by", () => {
  it.each(blocks)("$command ($place)", async ({ command, output }) => {
    expect(measured(await runCommand(command))).toBe(measured(output));
  });
});
