import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findHotExports, packageSources } from "./hot-kernels/find-hot-exports.js";
import { lintHotSource } from "./hot-kernels/lint-hot-source.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const sources = packageSources(root);

/** Node releases the kernels are driven on, besides the running one, when CHRONOVISOR_ALL_NODES is 1. */
const OTHER_NODES = ["20.20.2", "22.23.3", "24.21.0"];

const COMPILER: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  customConditions: ["@chronovisor/source"],
  strict: true,
  noUncheckedIndexedAccess: true,
  types: [],
  noEmit: true,
};

describe("hot kernels, driven past optimisation in a process of their own", () => {
  let directory = "";
  let bundle = "";

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "hot-kernels-"));
    bundle = join(directory, "child.mjs");
    await build({
      entryPoints: [join(root, "test/hot-kernels/child.ts")],
      outfile: bundle,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "es2022",
    });
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("gives the right answers and does not abort on this Node, and leaves no hot export out", async () => {
    const { stdout } = await run(process.execPath, [bundle]);
    const { node, driven } = JSON.parse(stdout) as { node: string; driven: string[] };
    expect(node).toBe(process.version);
    expect(driven.sort()).toEqual(findHotExports(sources));
  });

  it.each(process.env.CHRONOVISOR_ALL_NODES === "1" ? OTHER_NODES : [])(
    "gives the right answers and does not abort on Node %s",
    async (version) => {
      const npx = ["--yes", "--prefer-offline", `node@${version}`];
      const had = await run("npx", [...npx, "--version"], { cwd: directory }).then(
        ({ stdout }) => stdout.trim() === `v${version}`,
        () => false,
      );
      if (!had) {
        process.stderr.write(`hot kernels: Node ${version} could not be had, nothing was driven on it\n`);
        return;
      }
      const { stdout } = await run("npx", [...npx, bundle], { cwd: directory });
      expect((JSON.parse(stdout) as { node: string }).node).toBe(`v${version}`);
    },
  );
});

describe("the source of hot kernels", () => {
  it("keeps every rule", () => {
    const program = ts.createProgram(sources, COMPILER);
    expect(lintHotSource(program, sources)).toEqual([]);
  });

  const HEAD = "const U = BigInt.asUintN;\n";
  it.each([
    ["const x = (a: bigint) => a;", []],
    ["export function storeX(o: BigUint64Array, a: bigint) { o[0] = U(64, U(64, a) >> 3n); }", []],
    ["export function storeX(o: BigUint64Array, a: bigint) { o[0] = a + 1n; }", ["every BigInt operation"]],
    [
      "export function storeX(o: BigUint64Array, a: bigint) { o[0] = U(64, a * a + 1n); }",
      ["every BigInt operation"],
    ],
    [
      "export function storeX(o: BigUint64Array, a: bigint) { o[0] = U(64, a >> 3n); }",
      ["the operand of >>"],
    ],
    [
      "export function storeX(o: BigUint64Array, a: bigint, s: bigint) { o[0] = U(64, a << s); }",
      ["shift counts"],
    ],
    ["export function storeX(o: BigUint64Array, a: bigint) { let b = U(64, a); o[0] = b; }", ["no let"]],
    ["export function storeX(o: BigUint64Array, a: bigint, c: number) { o[0] = c ? a : 1n; }", ["no ?:"]],
    ["export function storeX(o: BigUint64Array, a: bigint) { if (a < 1n) o[0] = 1n; }", ["no < on a bigint"]],
    ["export function storeX(o: BigUint64Array, a: bigint) { a = U(64, a); o[0] = a; }", ["no reassignment"]],
    ["export function storeX(o: BigUint64Array, a: bigint) { o[0] = U(64, -a); }", ["no unary"]],
    [
      "export class X { readL1(a: bigint, c: number): bigint { if (c) return a; return U(64, a); } }",
      ["one return"],
    ],
  ])("is judged: %s", (text, rules) => {
    const file = "/virtual/hot.ts";
    const host = ts.createCompilerHost(COMPILER);
    const onDisk = host.getSourceFile.bind(host);
    host.getSourceFile = (name, options) =>
      name === file ? ts.createSourceFile(name, HEAD + text, options, true) : onDisk(name, options);
    const breaches = lintHotSource(ts.createProgram([file], COMPILER, host), [file]);
    expect(breaches).toHaveLength(rules.length);
    for (const [i, rule] of rules.entries()) expect(breaches[i]).toContain(rule);
  });
});
