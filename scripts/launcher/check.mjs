import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { build, turbo } from "./build.mjs";
import { run } from "./processes.mjs";
import { members, ROOT, tool } from "./workspace.mjs";

const node = (name, args, command = name) =>
  run(process.execPath, [tool(name, command), ...args], { cwd: ROOT });

/** The publishable members, each checked as it would be packed. */
const published = () => members().filter(({ manifest }) => !manifest.private);

/** The checks that are not tests, each with the name a reader sees. They run in this order, cheap ones first. */
const steps = [
  ["biome", () => node("@biomejs/biome", ["ci", "--error-on-warnings", "."], "biome")],
  ["types of the packages and apps", () => turbo("typecheck", ["--continue"])],
  ["types of the workspace tests", () => node("typescript", ["-p", "test/tsconfig.json"], "tsc")],
  ["build", build],
  ["knip", () => node("knip", [])],
  ["publint", () => each((directory) => node("publint", ["run", directory, "--strict"]))],
  [
    "are the types wrong",
    () => each((directory) => node("@arethetypeswrong/cli", ["--pack", directory, "--quiet"], "attw")),
  ],
  ["size-limit", () => node("size-limit", [])],
];

async function each(checkDirectory) {
  for (const { directory } of published()) {
    const code = await checkDirectory(directory);
    if (code !== 0) return code;
  }
  return 0;
}

/**
 * Runs every step, so that a broken one does not hide the next, and returns 1 if any was.
 *
 * @param args - `--report FILE` also writes `{ passed, failed }` there
 */
export async function check(args) {
  const { values } = parseArgs({ args, options: { report: { type: "string" } } });
  const broken = [];
  for (const [name, step] of steps) {
    process.stdout.write(`\n== ${name}\n`);
    const code = await step();
    if (code > 128) return code;
    if (code !== 0) broken.push(name);
  }
  const counts = { passed: steps.length - broken.length, failed: broken.length };
  process.stdout.write(`\n${counts.passed} steps passed, ${counts.failed} failed\n`);
  for (const name of broken) process.stdout.write(`  failed: ${name}\n`);
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify(counts));
  return broken.length === 0 ? 0 : 1;
}
