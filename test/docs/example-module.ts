import ts from "typescript";

/** The comment that turns a statement into an assertion. */
const ASSERTION = /\/\/ => (.*)$/;

/** Names that an example may use without importing them, and the module they come from. */
export interface ExampleScope {
  readonly module: string;
  readonly names: readonly string[];
}

/**
 * Rewrites an example into a module that reports every asserted value.
 *
 * `expression // => text` becomes a call of the global `check(expression, text)`; `const name = expression // => text`
 * checks the name after its declaration. Other statements stay as they are. A `// =>` that does not end a top-level
 * statement would assert nothing, so such an example becomes a module that throws.
 */
export function exampleModule(code: string, scope?: ExampleScope): string {
  // An asserted line is a whole statement: without a semicolon a next line such as `[a, b]` would continue it.
  const closed = code.replace(/;?[ \t]*(\/\/ => )/g, "; $1");
  const source = ts.createSourceFile("example.ts", closed, ts.ScriptTarget.ES2022, true);
  const statements = source.statements.map((statement) => rewrite(statement, source));
  const asserted = statements.filter(({ asserts }) => asserts).length;
  if (asserted !== countAssertions(code)) {
    return `throw new Error("expected every // => to end an expression or the declaration of one name");`;
  }
  const free = scope?.names.filter((name) => mentions(code, name) && !declares(source, name)) ?? [];
  const prelude =
    free.length === 0 ? [] : [`import { ${free.join(", ")} } from ${JSON.stringify(scope?.module)};`];
  return [...prelude, ...statements.map(({ text }) => text)].join("\n");
}

/** How many values an example asserts. */
export function countAssertions(code: string): number {
  return code.split("\n").filter((line) => ASSERTION.test(line)).length;
}

function rewrite(
  statement: ts.Statement,
  source: ts.SourceFile,
): { readonly text: string; readonly asserts: boolean } {
  const text = statement.getText(source);
  const end = statement.getEnd();
  const restOfLine = source.text.slice(end).split("\n", 1)[0] ?? "";
  const expected = ASSERTION.exec(restOfLine)?.[1]?.trim();
  if (expected === undefined) return { text, asserts: false };
  if (ts.isExpressionStatement(statement)) {
    return { text: checkCall(statement.expression.getText(source), expected), asserts: true };
  }
  const [declared, ...others] = declaredNames(statement);
  if (declared === undefined || others.length > 0) return { text, asserts: false };
  return { text: `${text}\n${checkCall(declared, expected)}`, asserts: true };
}

function checkCall(expression: string, expected: string): string {
  return `check(() => (${expression}), ${JSON.stringify(expected)}, ${JSON.stringify(expression)});`;
}

function declares(source: ts.SourceFile, name: string): boolean {
  return source.statements.some((statement) => declaredNames(statement).includes(name));
}

function declaredNames(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => bindingNames(name));
  }
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
    return [statement.name?.text ?? ""];
  if (!ts.isImportDeclaration(statement)) return [];
  const bindings = statement.importClause?.namedBindings;
  if (bindings === undefined) return [];
  return ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : [bindings.name.text];
}

function bindingNames(name: ts.BindingName): readonly string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) =>
    ts.isOmittedExpression(element) ? [] : bindingNames(element.name),
  );
}

function mentions(code: string, name: string): boolean {
  return new RegExp(`(?<![\\w$.])${name}(?![\\w$])`).test(code);
}
