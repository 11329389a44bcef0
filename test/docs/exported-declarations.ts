import { join } from "node:path";
import ts from "typescript";
import type { Member } from "../workspace.ts";

/** An export of a package's index, with what its documentation says. */
export interface ExportedDeclaration {
  readonly name: string;
  /** `callable` is a function or a class: what has behaviour that an example can show. */
  readonly kind: "callable" | "value" | "type";
  /** `file:line` of the declaration. */
  readonly place: string;
  /** The text above the first tag, empty when there is none. */
  readonly doc: string;
  /** The texts of its `@example` tags and of those of its members. */
  readonly examples: readonly string[];
}

/** Reads the public exports of a member through the compiler, as a consumer of its index would see them. */
export function exportedDeclarations(member: Member): readonly ExportedDeclaration[] {
  const index = join(member.directory, "src", "index.ts");
  const program = ts.createProgram([index], compilerOptions(member));
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(index);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) return [];
  return checker.getExportsOfModule(module).map((symbol) => describe(symbol, checker, member));
}

function compilerOptions(member: Member): ts.CompilerOptions {
  const config = ts.readConfigFile(join(member.directory, "tsconfig.json"), ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config.config, ts.sys, member.directory).options;
}

function describe(exported: ts.Symbol, checker: ts.TypeChecker, member: Member): ExportedDeclaration {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const declaration = symbol.declarations?.[0];
  if (declaration === undefined) throw new Error(`${member.name}: ${exported.name} has no declaration`);
  return {
    name: exported.name,
    kind: kindOf(symbol, declaration, checker),
    place: placeOf(declaration),
    doc: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    examples: [symbol, ...classMembers(symbol)].flatMap(examplesOf),
  };
}

function kindOf(
  symbol: ts.Symbol,
  declaration: ts.Declaration,
  checker: ts.TypeChecker,
): ExportedDeclaration["kind"] {
  if (symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) return "callable";
  if (!(symbol.flags & ts.SymbolFlags.Value)) return "type";
  const callable = checker.getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures().length > 0;
  return callable ? "callable" : "value";
}

function classMembers(symbol: ts.Symbol): readonly ts.Symbol[] {
  if (!(symbol.flags & ts.SymbolFlags.Class)) return [];
  return [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
}

function examplesOf(symbol: ts.Symbol): readonly string[] {
  return (symbol.declarations ?? [])
    .flatMap((declaration) => ts.getJSDocTags(declaration))
    .filter((tag) => tag.tagName.text === "example")
    .map((tag) => ts.getTextOfJSDocComment(tag.comment) ?? "");
}

function placeOf(declaration: ts.Declaration): string {
  const source = declaration.getSourceFile();
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(declaration.getStart()).line + 1}`;
}
