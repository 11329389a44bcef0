import {
  DivideError,
  mulS64U64Shr,
  mulU64U32Div,
  mulU64U32DivPortable,
  mulU64U32Shr,
  mulU64U64DivU64,
  mulU64U64DivU64Portable,
  mulU64U64Shr,
  shlDivU64,
} from "@chronovisor/clocksource";
import type { JudgeRow, Replay } from "../replay.js";
import { big, compare, maybeBig, num } from "../row-fields.js";

/** The rows of `math/`: wide fixed point, one row per call, no state. */
export const mathReplays: readonly Replay[] = [
  stateless("mul_u64_u32_shr", (row) =>
    compare(
      { result: big(row, "result") },
      { result: mulU64U32Shr(big(row, "a"), num(row, "mul"), num(row, "shift")) },
    ),
  ),
  stateless("mul_u64_u64_shr", (row) =>
    compare(
      { result: big(row, "result") },
      { result: mulU64U64Shr(big(row, "a"), big(row, "mul"), num(row, "shift")) },
    ),
  ),
  stateless("mul_s64_u64_shr", (row) => {
    const result = mulS64U64Shr(big(row, "a"), big(row, "mul"), num(row, "shift"));
    return compare(
      { result: big(row, "result"), result_signed: big(row, "result_signed") },
      { result, result_signed: BigInt.asIntN(64, result) },
    );
  }),
  stateless("mul_u64_u64_div_u64", (row) => {
    const [a, mul, div] = [big(row, "a"), big(row, "mul"), big(row, "div")];
    return compare(
      { x86: maybeBig(row, "x86"), generic: maybeBig(row, "generic") },
      {
        x86: unlessDivideError(() => mulU64U64DivU64(a, mul, div)),
        generic: unlessDivideError(() => mulU64U64DivU64Portable(a, mul, div)),
      },
    );
  }),
  stateless("mul_u64_u32_div", (row) => {
    const [a, mul, div] = [big(row, "a"), num(row, "mul"), num(row, "div")];
    return compare(
      { x86: maybeBig(row, "x86"), generic: maybeBig(row, "generic") },
      {
        x86: unlessDivideError(() => mulU64U32Div(a, mul, div)),
        generic: unlessDivideError(() => mulU64U32DivPortable(a, mul, div)),
      },
    );
  }),
  stateless("u64_shl_div_u64", (row) => {
    const result = shlDivU64(big(row, "a"), num(row, "shift"), big(row, "divisor"));
    return compare(
      { overflow: num(row, "overflow"), result: maybeBig(row, "result") },
      { overflow: result === undefined ? 1 : 0, result },
    );
  }),
];

function stateless(file: string, judge: JudgeRow): Replay {
  return { area: "math", file, create: () => judge };
}

/** A divide error is a row's "no result". */
function unlessDivideError(divide: () => bigint): bigint | undefined {
  try {
    return divide();
  } catch (error) {
    if (error instanceof DivideError) return undefined;
    throw error;
  }
}
