import { readFileSync } from "node:fs";
import { basename, relative } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { isTest, members, root, sourceFiles } from "../workspace.ts";

/**
 * What each package may import, as ARCHITECTURE draws it: downward only. A new package needs a line here.
 * An app may import every package and app it lists, but no package an app.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "@chronovisor/vectors": [],
  "@chronovisor/clocksource": [],
  "@chronovisor/timekeeper": ["@chronovisor/clocksource"],
  "@chronovisor/trace": ["@chronovisor/clocksource"],
  "@chronovisor/hrtimer": ["@chronovisor/clocksource"],
  "@chronovisor/pvclock": ["@chronovisor/clocksource"],
  "@chronovisor/lapic": ["@chronovisor/clocksource", "@chronovisor/hrtimer"],
  "@chronovisor/xen-timer": ["@chronovisor/clocksource", "@chronovisor/hrtimer", "@chronovisor/pvclock"],
};

/** Where time, chance or a platform would leak into a package that must be given all three. */
const FORBIDDEN_GLOBALS = new Set([
  "Date",
  "performance",
  "console",
  "process",
  "Buffer",
  "globalThis",
  "window",
  "document",
  "setTimeout",
  "setInterval",
  "queueMicrotask",
]);

/** Past this a file holds more than one idea. */
const MAX_LINES = 450;

const parse = (path: string) =>
  ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, /* setParentNodes */ true);

function importsOf(source: ts.SourceFile): readonly string[] {
  return ts.preProcessFile(source.text).importedFiles.map(({ fileName }) => fileName);
}

/** Identifiers that read a global: not `x.Date`, not a member's or a parameter's own name. */
function globalReads(source: ts.SourceFile): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && node.getText(source) === "Math.random")
      found.push("Math.random");
    if (ts.isIdentifier(node) && FORBIDDEN_GLOBALS.has(node.text) && !isOwnName(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node;
  return "name" in parent && parent.name === node;
}

const packages = members.filter(({ group }) => group === "packages");

describe.each(packages)("$name", (member) => {
  const sources = sourceFiles(member).filter((path) => !isTest(path));

  it("has a place in the layers", () => {
    expect(Object.keys(LAYERS)).toContain(member.name);
  });

  it("depends at run time on lower packages only", () => {
    const allowed = LAYERS[member.name] ?? [];
    expect(Object.keys(member.manifest.dependencies ?? {}).filter((name) => !allowed.includes(name))).toEqual(
      [],
    );
  });

  it("imports what it declares and nothing else", () => {
    const allowed = Object.keys(member.manifest.dependencies ?? {});
    const foreign = sources.flatMap((path) =>
      importsOf(parse(path))
        .filter((name) => !name.startsWith("./") && !name.startsWith("../") && !allowed.includes(name))
        .map((name) => `${relative(root, path)} imports ${name}`),
    );
    expect(foreign).toEqual([]);
  });

  it("reads no clock, no chance and no platform", () => {
    const leaks = sources.flatMap((path) =>
      globalReads(parse(path)).map((name) => `${relative(root, path)}: ${name}`),
    );
    expect(leaks).toEqual([]);
  });

  it("has an index of named exports and nothing else", () => {
    const index = sources.find((path) => relative(member.directory, path) === "src/index.ts");
    const statements = index === undefined ? [] : [...parse(index).statements];
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      const named = ts.isExportDeclaration(statement) && statement.exportClause !== undefined;
      expect(named, statement.getText()).toBe(true);
    }
  });
});

describe.each(members)("the files of $name", (member) => {
  it(`stay under ${MAX_LINES} lines`, () => {
    const long = sourceFiles(member)
      .filter((path) => !isTest(path))
      .map((path) => ({
        path: relative(root, path),
        lines: readFileSync(path, "utf8").split("\n").length - 1,
      }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(long).toEqual([]);
  });

  it("are named in kebab-case, for what they hold", () => {
    const odd = sourceFiles(member).filter(
      (path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|bench))?\.ts$/.test(basename(path)),
    );
    const bags = sourceFiles(member).filter((path) =>
      /^(utils?|helpers?|misc|common)\.ts$/.test(basename(path)),
    );
    expect([...odd, ...bags]).toEqual([]);
  });
});
