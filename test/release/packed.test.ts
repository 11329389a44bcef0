import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Member, publishable, root } from "../workspace.ts";
import { node, npm, pnpm } from "./pnpm.ts";

const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

let tarballs: string;
beforeAll(async () => {
  tarballs = await mkdtemp(join(tmpdir(), "chronovisor-packed-"));
  await pnpm(["-r", "pack", "--pack-destination", tarballs], root);
});
afterAll(() => rm(tarballs, { recursive: true }));

/** Installs tarballs into an empty project outside the workspace, as a consumer has it. */
async function consumer(packed: readonly Member[], npmArgs: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "chronovisor-consumer-"));
  const files = await readdir(tarballs);
  const dependencies = Object.fromEntries(
    packed.map(({ name }) => {
      const prefix = `${name.replace("@", "").replace("/", "-")}-`;
      const file = files.find(
        (candidate) => candidate.startsWith(prefix) && /^\d/.test(candidate.slice(prefix.length)),
      );
      return [name, `file:${join(tarballs, file ?? `missing tarball of ${name}`)}`];
    }),
  );
  await writeFile(
    join(directory, "package.json"),
    JSON.stringify({ name: "consumer", private: true, dependencies }),
  );
  await npm(["install", "--ignore-scripts", ...npmArgs], directory);
  return directory;
}

async function importedNames(name: string, directory: string): Promise<unknown> {
  const script = `import(${JSON.stringify(name)}).then((m) => console.log(JSON.stringify(Object.keys(m))))`;
  return JSON.parse(await node(["--input-type=module", "--eval", script], directory));
}

async function requiredNames(name: string, directory: string): Promise<unknown> {
  const script = `console.log(JSON.stringify(Object.keys(require(${JSON.stringify(name)})).sort()))`;
  return JSON.parse(await node(["--input-type=commonjs", "--eval", script], directory));
}

/** Type-checks an ESM and a CommonJS user of every package against the shipped declarations, and these themselves. */
async function typecheck(packed: readonly Member[], directory: string): Promise<string> {
  const names = packed.map(({ name }) => name);
  await writeFile(
    join(directory, "user.mts"),
    names
      .map(
        (name, index) =>
          `import * as m${index} from "${name}";\nexport const keys${index} = Object.keys(m${index});\n`,
      )
      .join(""),
  );
  await writeFile(
    join(directory, "user.cts"),
    names
      .map(
        (name, index) =>
          `import m${index} = require("${name}");\nexport const keys${index} = Object.keys(m${index});\n`,
      )
      .join(""),
  );
  await writeFile(
    join(directory, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        module: "nodenext",
        target: "es2022",
        lib: ["es2022"],
        types: [],
        strict: true,
        noEmit: true,
        skipLibCheck: false,
      },
      files: ["user.mts", "user.cts"],
    }),
  );
  // tsc prints what is wrong on standard output and exits 2, which would hide it.
  const run = `const r = require("node:child_process").spawnSync(process.execPath, [${JSON.stringify(tsc)}]); console.log(String(r.stdout))`;
  return (await node(["--eval", run], directory)).trim();
}

const packages = publishable.filter(({ group }) => group === "packages");

describe("the packed packages, installed from nothing but their tarballs,", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await consumer(packages, ["--offline"]);
  });
  afterAll(() => rm(directory, { recursive: true }));

  it.each(packages)("$name imports the same names in ESM and CommonJS", async ({ name }) => {
    const names = await importedNames(name, directory);
    expect(names).not.toEqual([]);
    expect(await requiredNames(name, directory)).toEqual(names);
  });

  it("type-check for ESM and CommonJS users", async () => {
    expect(await typecheck(packages, directory)).toBe("");
  });

  it("carry the rows of the vectors", async () => {
    const script = `const fs = require("node:fs");
      const path = require.resolve("@chronovisor/vectors/data/math/mul_u64_u32_shr.jsonl");
      console.log(fs.readFileSync(path, "utf8").split("\\n").length - 1)`;
    expect(await node(["--eval", script], directory)).toBe("1194\n");
  });

  it("carry no tests", async () => {
    const files = await readdir(join(directory, "node_modules", "@chronovisor"), { recursive: true });
    expect(files.filter((file) => /\.(test|bench)\.ts$/.test(file))).toEqual([]);
  });
});

describe("the packed application", () => {
  let directory: string | undefined;
  let reason = "";
  beforeAll(async () => {
    try {
      directory = await consumer(publishable, ["--prefer-offline"]);
    } catch (error) {
      // Its third-party dependencies come from the registry or npm's cache, and a machine may have neither.
      reason = String(error);
    }
  });
  afterAll(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  it("installs its command, which answers and finds the published rows", async ({ skip }) => {
    if (directory === undefined) return skip(`the registry cannot be had: ${reason}`);
    const bin = join(directory, "node_modules", "chronovisor", "dist", "cli.js");
    expect(await node([bin, "--version"], directory)).toMatch(/^\d+\.\d+\.\d+/);
    const report = JSON.parse(
      await node([bin, "conform", "--area", "math", "--strict", "--json"], directory),
    );
    expect(report.files.length).toBe(6);
  });

  it("imports the same names in ESM and CommonJS", async ({ skip }) => {
    if (directory === undefined) return skip(`the registry cannot be had: ${reason}`);
    const names = await importedNames("chronovisor", directory);
    expect(names).not.toEqual([]);
    expect(await requiredNames("chronovisor", directory)).toEqual(names);
  });
});
