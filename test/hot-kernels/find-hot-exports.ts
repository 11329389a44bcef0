import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** Hot by name: what ends in Into or Batch, the reads every simulated timer event makes, and the host's tick. */
export const HOT_NAME = /(?:Into|Batch)$|^(?:readL1|nsToCycles|monotonicNs|rawNs|tick)$/;

/** The TypeScript sources of every package, tests and benches left out. */
export function packageSources(root: string): string[] {
  const sources: string[] = [];
  for (const name of readdirSync(join(root, "packages"))) {
    const src = join(root, "packages", name, "src");
    for (const entry of readdirSync(src, { recursive: true, encoding: "utf8" })) {
      if (/(?<!\.test|\.bench|\.d)\.ts$/.test(entry)) sources.push(join(src, entry));
    }
  }
  return sources.sort();
}

/** Exported functions with a hot name, and such methods of exported classes as `Class.method`. */
export function findHotExports(files: readonly string[]): string[] {
  const found: string[] = [];
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
    for (const statement of source.statements) {
      if (!ts.canHaveModifiers(statement)) continue;
      const exported = ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
      if (!exported) continue;
      if (ts.isFunctionDeclaration(statement) && HOT_NAME.test(statement.name?.text ?? "")) {
        found.push(statement.name?.text ?? "");
      }
      if (!ts.isClassDeclaration(statement)) continue;
      for (const member of statement.members) {
        if (!ts.isMethodDeclaration(member) || !ts.isIdentifier(member.name)) continue;
        if (HOT_NAME.test(member.name.text)) found.push(`${statement.name?.text}.${member.name.text}`);
      }
    }
  }
  return found.sort();
}
