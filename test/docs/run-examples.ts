import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { members, root } from "../workspace.ts";

/** One asserted value of an example. */
export interface Checked {
  readonly expression: string;
  readonly expected: string;
  /** What it was, as `util.inspect` prints it on one line; or the error it threw. */
  readonly got: string;
}

/** What an example did: its assertions in order, and the error that ended it early, if one did. */
export interface ExampleRun {
  readonly checked: readonly Checked[];
  readonly error: string | undefined;
}

/** Runs in its own process, so that an example may print, and cannot reach the tests. */
const RUNNER = `
import { inspect } from "node:util";
const show = (value) => inspect(value, { breakLength: Infinity, compact: true });
const runs = [];
console.log = () => {};
for (const file of process.argv.slice(2)) {
  const checked = [];
  globalThis.check = (read, expected, expression) => {
    checked.push({ expression, expected, got: show(read()) });
  };
  try {
    await import(file);
    runs.push({ checked });
  } catch (error) {
    runs.push({ checked, error: String(error) });
  }
}
process.stdout.write(JSON.stringify(runs));
`;

/** Workspace packages by name, from their sources: examples need no build. */
const alias = Object.fromEntries(
  members.map(({ name, directory }) => [name, join(directory, "src", "index.ts")]),
);

/** Bundles the modules from source and runs them one after another in one Node process. */
export async function runExamples(modules: readonly string[]): Promise<readonly ExampleRun[]> {
  if (modules.length === 0) return [];
  // Beside the app's dependencies, which are all of them: a bundle then finds the published vectors as the app does.
  const directory = await mkdtemp(join(root, "apps", "scenarios", "node_modules", ".examples-"));
  try {
    const entryPoints = await Promise.all(
      modules.map(async (text, index) => {
        const path = join(directory, `example-${index}.ts`);
        await writeFile(path, text);
        return path;
      }),
    );
    await build({
      entryPoints,
      outdir: directory,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      alias,
      conditions: ["@chronovisor/source"],
      banner: {
        js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
      },
      logLevel: "silent",
    });
    const runner = join(directory, "runner.mjs");
    await writeFile(runner, RUNNER);
    const bundles = entryPoints.map((path) => path.replace(/\.ts$/, ".mjs"));
    const { stdout } = await promisify(execFile)(process.execPath, [runner, ...bundles], {
      maxBuffer: 2 ** 26,
    });
    return JSON.parse(stdout) as readonly ExampleRun[];
  } finally {
    await rm(directory, { recursive: true });
  }
}
