/**
 * The rules that keep BigInt code in machine words and away from V8's abort on Node 20:
 *
 *  1. every BigInt operation stands directly inside `asUintN(64 | 32, …)`;
 *  2. the operand of `>>` is itself such a call;
 *  3. shift counts are literals;
 *  4. no bigint is compared, reassigned, declared with `let`, or chosen by `?:`, `??`, `||`, `&&`;
 *  5. a function that returns a bigint has one `return`: two would merge where it is inlined.
 */

import ts from "typescript";
import { HOT_NAME } from "./find-hot-exports.js";

const KERNEL_FILE = /-kernels\.ts$/;
const STORE_NAME = /^store/;

const ARITHMETIC: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.PlusToken,
  ts.SyntaxKind.MinusToken,
  ts.SyntaxKind.AsteriskToken,
  ts.SyntaxKind.AsteriskAsteriskToken,
  ts.SyntaxKind.SlashToken,
  ts.SyntaxKind.PercentToken,
  ts.SyntaxKind.AmpersandToken,
  ts.SyntaxKind.BarToken,
  ts.SyntaxKind.CaretToken,
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
]);
const SHIFTS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
]);

/** Every breach of the rules in the hot functions of `files`, as `file:line: rule`. */
export function lintHotSource(program: ts.Program, files: readonly string[]): string[] {
  const checker = program.getTypeChecker();
  const breaches: string[] = [];

  for (const file of files) {
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`${file} is not part of the program`);
    for (const body of hotFunctions(source)) lintFunction(source, body);
  }
  return breaches;

  function lintFunction(source: ts.SourceFile, fn: ts.Node): void {
    const report = (node: ts.Node, rule: string) => {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      const name = source.fileName.split("/").pop();
      breaches.push(`${name}:${line + 1}: ${rule}`);
    };
    let bigintReturns = 0;
    const visit = (node: ts.Node): void => {
      if (ts.isBinaryExpression(node) && (isBigint(node.left) || isBigint(node.right))) {
        lintBinary(node, report);
      } else if (ts.isPrefixUnaryExpression(node) && isBigint(node.operand) && !isLiteral(node.operand)) {
        report(node, "no unary operation on a bigint");
      } else if (ts.isConditionalExpression(node) && isBigint(node)) {
        report(node, "no ?: that yields a bigint");
      } else if (ts.isVariableDeclaration(node) && isBigint(node.name)) {
        if ((node.parent.flags & ts.NodeFlags.Const) === 0) report(node, "no let of a bigint");
      } else if (ts.isReturnStatement(node) && node.expression && isBigint(node.expression)) {
        bigintReturns += 1;
        if (bigintReturns > 1) report(node, "one return of a bigint per function");
      }
      ts.forEachChild(node, visit);
    };
    visit(fn);
  }

  function lintBinary(node: ts.BinaryExpression, report: (node: ts.Node, rule: string) => void): void {
    const operator = node.operatorToken.kind;
    if (operator === ts.SyntaxKind.EqualsToken) {
      if (ts.isIdentifier(node.left)) report(node, "no reassignment of a bigint");
      return;
    }
    if (!ARITHMETIC.has(operator)) {
      report(node, `no ${node.operatorToken.getText()} on a bigint`);
      return;
    }
    if (!isWrap(wrapperOf(node))) report(node, "every BigInt operation directly inside asUintN(64 | 32, …)");
    if (SHIFTS.has(operator) && !isLiteral(node.right)) report(node, "shift counts are literals");
    if (operator === ts.SyntaxKind.GreaterThanGreaterThanToken && !isWrap(bare(node.left))) {
      report(node, "the operand of >> is itself wrapped");
    }
  }

  function isBigint(node: ts.Node): boolean {
    return (checker.getTypeAtLocation(node).flags & ts.TypeFlags.BigIntLike) !== 0;
  }
}

function* hotFunctions(source: ts.SourceFile): Iterable<ts.Node> {
  const whole = KERNEL_FILE.test(source.fileName);
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement)) {
      const name = statement.name?.text ?? "";
      if (whole || HOT_NAME.test(name) || STORE_NAME.test(name)) yield statement;
    } else if (ts.isClassDeclaration(statement)) {
      for (const member of statement.members) {
        if (ts.isMethodDeclaration(member) && HOT_NAME.test(member.name.getText(source))) yield member;
      }
    }
  }
}

/** The expression without the parentheses and type assertions around it. */
function bare(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) || ts.isAsExpression(node) ? bare(node.expression) : node;
}

/** What the expression stands in, past parentheses and type assertions. */
function wrapperOf(node: ts.Node): ts.Node {
  const { parent } = node;
  return ts.isParenthesizedExpression(parent) || ts.isAsExpression(parent) ? wrapperOf(parent) : parent;
}

function isWrap(node: ts.Node): boolean {
  if (!ts.isCallExpression(node)) return false;
  const [bits] = node.arguments;
  return (
    /^(?:U|BigInt\.asUintN)$/.test(node.expression.getText()) && /^(?:64|32)$/.test(bits?.getText() ?? "")
  );
}

function isLiteral(node: ts.Node): boolean {
  return ts.isBigIntLiteral(node);
}
