import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Row } from "../replay.js";
import { MalformedRow } from "../row-fields.js";
import { shippedDataDirectory } from "../shipped-data.js";
import { xenReplays } from "./xen.js";

const judgeOf = (file: string) => {
  const judge = xenReplays.find((replay) => replay.file === file)?.create();
  if (judge === undefined) throw new Error(`no replay of xen/${file}`);
  return judge;
};

const rowsOf = (file: string): readonly Row[] =>
  readFileSync(join(shippedDataDirectory(), "xen", `${file}.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** A value of the column's type that is wrong. */
function wrong(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (value === "hrtimer" || value === "immediate") return value === "hrtimer" ? "immediate" : "hrtimer";
  return value === null ? "5" : (BigInt(value as string) + 1n).toString();
}

describe.each([
  ["linux_workaround", ["guest_abs_effective", "delta", "action", "expiry"]],
  [
    "start_timer",
    [
      "kernel_now",
      "guest_now",
      "guest_abs_effective",
      "delta",
      "action",
      "expiry",
      "timer_expires_after",
      "pending_after",
    ],
  ],
  [
    "clock_sampling",
    [
      "host_mul",
      "host_shift",
      "guest_now_guest_path",
      "guest_now_host_path",
      "kernel_now_clock",
      "kernel_now_ktime",
      "fixed_expiry",
      "old_expiry",
      "old_minus_fixed",
    ],
  ],
])("a row of %s", (file, columns) => {
  it.each(columns)("fails by a wrong %s, among armed and immediate timers alike", (column) => {
    const judge = judgeOf(file);
    for (const row of rowsOf(file).slice(0, 60)) {
      expect(judge({ ...row, [column]: wrong(row[column]) })).toBeDefined();
    }
  });
});

it("a fallback without its second reading does not follow the layout", () => {
  const row = rowsOf("start_timer").find(({ clock_path }) => clock_path === "kvmclock");
  expect(() => judgeOf("start_timer")({ ...row, host_tsc_second: null })).toThrow(MalformedRow);
});
