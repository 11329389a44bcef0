import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Bundles as tsup does, but with the packages' sources inside, so that nothing has to be built first. */
async function bundle(directory: string): Promise<void> {
  const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  await build({
    entryPoints: { cli: source("./cli.ts"), run: source("./cli/worker.ts") },
    outdir: directory,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    conditions: ["@chronovisor/source"],
    // CommonJS dependencies call require, which a module does not have.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    logLevel: "error",
  });
  // In front of the worker, a line that tells a test when a run has begun.
  await writeFile(
    join(directory, "worker.js"),
    `import { writeSync } from "node:fs";
     if (process.env.ANNOUNCE_RUN) writeSync(2, "running.");
     import("./run.js");`,
  );
  await writeFile(join(directory, "package.json"), '{ "type": "module" }');
}

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "chronovisor-cli-"));
  await bundle(directory);
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [join(directory, "cli.js"), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function end(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

const cli = (...args: string[]): Promise<Ended> => end(start(args));

const short = ["periodic-drift", "--duration", "1s"];

describe("the process", { timeout: 60_000 }, () => {
  it("runs a scenario in its worker and exits 0", async () => {
    const { code, out, err } = await cli("run", ...short);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("LAPIC periodic timer drift");
  });

  it("prints JSON and nothing else, the same bytes from two workers again", async () => {
    const first = await cli("compare", ...short, "--json");
    expect({ code: first.code, err: first.err }).toEqual({ code: 0, err: "" });
    const { columns } = JSON.parse(first.out) as { columns: { kernel: string }[] };
    expect(columns.map(({ kernel }) => kernel)).toEqual(["v4.16", "v4.17"]);
    expect((await cli("compare", ...short, "--json")).out).toBe(first.out);
  });

  it("writes no escape sequence and no progress into a pipe", async () => {
    const { out, err } = await cli("compare", ...short);
    expect(out + err).not.toContain(String.fromCharCode(27));
  });

  it.each<[string[], string]>([
    [["run", "periodic-drif"], "scenario: expected one of "],
    [["run", "periodic-drift", "--kernel", "v1.0"], "kernel: expected v4.5 or newer, got "],
    [["run", "periodic-drift", "--set", "perod=1ms"], "--set: expected a parameter ("],
    [["run", "periodic-drift", "--duration", "400d"], "--duration: expected 1ms to 30d, got"],
    [["run", "periodic-drift", "--duration", "3parsecs"], "--duration: expected a time such as"],
    [
      ["run", "periodic-drift", "--kernel", "v4.16", "--variant", "after"],
      "--variant: --kernel names a kernel",
    ],
    // Found by the run itself, inside the worker.
    [
      ["run", ...short, "--set", "period=1500ns", "--set", "busNs=1us"],
      "period: expected a multiple of busNs",
    ],
  ])("exits 2 with one line for %j", async (args, start) => {
    const { code, out, err } = await cli(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err.startsWith(`chronovisor: ${start}`)).toBe(true);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("stops at Ctrl-C in the middle of a run, quietly, with 130", async () => {
    const child = start(["run", "periodic-drift", "--variant", "before", "--duration", "30d"], {
      ANNOUNCE_RUN: "1",
    });
    const ended = end(child);
    await new Promise((resolve) => child.stderr?.once("data", resolve));
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 130, out: "", err: "running." });
  });

  it("does not mind a reader that goes away", async () => {
    const child = start(["list", "--json"]);
    child.stdout?.destroy();
    let err = "";
    child.stderr?.on("data", (chunk) => {
      err += chunk;
    });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});
