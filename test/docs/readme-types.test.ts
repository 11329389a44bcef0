import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { members } from "../workspace.ts";
import { fences } from "./markdown.ts";

/** Strict, as a newcomer's project is; an example may leave a name unused and reads the workspace's sources. */
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  customConditions: ["@chronovisor/source"],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
};

/** The typed examples of a member's README, each as a file that lies beside it, so that imports resolve as there. */
const examples = members
  .map(({ directory }) => ({ directory, readme: join(directory, "README.md") }))
  .filter(({ readme }) => existsSync(readme))
  .flatMap(({ directory, readme }) =>
    fences(readFileSync(readme, "utf8"))
      .filter(({ language, code }) => language === "ts" && code.includes("import "))
      .map(({ code, line }) => ({
        place: `${readme}:${line}`,
        file: join(directory, `README.line-${line}.ts`),
        code,
      })),
  );

function problems(): ReadonlyMap<string, string> {
  const sources = new Map(examples.map(({ file, code }) => [file, code]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.readFile = (path) => sources.get(path) ?? readFile(path);
  host.getSourceFile = (path, version) => {
    const code = sources.get(path);
    return code === undefined ? getSourceFile(path, version) : ts.createSourceFile(path, code, version);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return new Map(
    [...sources.keys()].map((path) => {
      const found = ts.getPreEmitDiagnostics(program, program.getSourceFile(path));
      const lines = found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
      return [path, lines.join("\n")];
    }),
  );
}

describe("an example that is copied into a strict project", () => {
  const found = problems();

  it("is there to be checked", () => {
    expect(examples.length).toBeGreaterThan(5);
  });

  it.each(examples)("typechecks: $place", ({ file }) => {
    expect(found.get(file)).toBe("");
  });
});
