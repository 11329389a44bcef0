import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { conform } from "./conform.js";
import type { Replay } from "./replay.js";
import { conforms } from "./report.js";
import { big, compare, num } from "./row-fields.js";

/** Judges rows whose `sum` is the sum of `a` and `b`; a negative `a` makes the "package" throw. */
const adding: Replay = {
  area: "math",
  file: "add",
  create: () => (row) => {
    const a = num(row, "a");
    if (a < 0) throw new RangeError(`add: expected a natural number, got ${a}`);
    return compare({ sum: big(row, "sum") }, { sum: BigInt(a) + big(row, "b") });
  },
};

/** Judges rows whose `n` counts up from the `config` row. */
const counting: Replay = {
  area: "clock",
  file: "count",
  create: () => {
    let next = 0n;
    return (row) => {
      if (row.op === "config") {
        next = big(row, "start");
        return undefined;
      }
      next += 1n;
      return compare({ n: big(row, "n") }, { n: next });
    };
  },
};

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "conform-"));
});
afterEach(() => rm(data, { recursive: true }));

async function write(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(data, file)), { recursive: true });
  await writeFile(join(data, file), content);
}

const run = (areas?: readonly string[]) => conform({ data, areas, replays: [adding, counting] });

describe("conform counts", () => {
  it("every row of a file that agrees as passed", async () => {
    await write(
      "math/add.jsonl",
      '{"a":1,"b":"2","sum":"3"}\n{"a":0,"b":"18446744073709551616","sum":"18446744073709551616"}\n',
    );
    const report = await run();
    expect(report.files).toEqual([
      { area: "math", file: "add.jsonl", rows: 2, passed: 2, failed: 0, covered: true, firstFailure: null },
    ]);
    expect(conforms(report, { strict: true })).toBe(true);
  });

  it("a row with one changed digit as failed, and shows the first one", async () => {
    await write(
      "math/add.jsonl",
      '{"a":1,"b":"2","sum":"3"}\n{"a":1,"b":"2","sum":"4"}\n{"a":1,"b":"2","sum":"5"}\n',
    );
    const report = await run();
    expect(report.files).toEqual([
      {
        area: "math",
        file: "add.jsonl",
        rows: 3,
        passed: 1,
        failed: 2,
        covered: true,
        firstFailure: { line: 2, row: { a: 1, b: "2", sum: "4" }, expected: { sum: "4" }, got: { sum: "3" } },
      },
    ]);
    expect(conforms(report, { strict: false })).toBe(false);
  });

  it("a row that makes a package throw as failed, with the error as what came", async () => {
    await write("math/add.jsonl", '{"a":-1,"b":"2","sum":"1"}\n{"a":1,"b":"2","sum":"3"}\n');
    const [file] = (await run()).files;
    expect(file).toMatchObject({ rows: 2, passed: 1, failed: 1 });
    expect(file?.firstFailure?.got).toBe("RangeError: add: expected a natural number, got -1");
  });

  it("a set-up row as passed, and keeps its state for the rows after it", async () => {
    await write("clock/count.jsonl", '{"op":"config","start":"7"}\n{"n":"8"}\n{"n":"9"}\n');
    expect((await run()).files[0]).toMatchObject({ rows: 3, passed: 3, failed: 0 });
  });

  it("a file no replay knows as not covered, with its lines, and only --strict minds", async () => {
    await write("math/subtract.jsonl", '{"a":1}\n{"a":2}\n');
    const report = await run();
    expect(report.files[0]).toEqual({
      area: "math",
      file: "subtract.jsonl",
      rows: 2,
      passed: 0,
      failed: 0,
      covered: false,
      firstFailure: null,
    });
    expect(conforms(report, { strict: false })).toBe(true);
    expect(conforms(report, { strict: true })).toBe(false);
  });

  it("a last line without its newline", async () => {
    await write("math/add.jsonl", '{"a":1,"b":"2","sum":"3"}\n{"a":1,"b":"2","sum":"3"}');
    expect((await run()).files[0]).toMatchObject({ rows: 2, passed: 2 });
  });

  it("rows longer than one chunk of the stream", async () => {
    const padding = "é".repeat(100_000);
    await write("math/add.jsonl", `{"a":1,"b":"2","sum":"3","note":"${padding}"}\n`.repeat(3));
    expect((await run()).files[0]).toMatchObject({ rows: 3, passed: 3 });
  });

  it("only the areas asked for, and nothing but row files", async () => {
    await write("math/add.jsonl", '{"a":1,"b":"2","sum":"3"}\n');
    await write("math/README.md", "not rows");
    await write("README.md", "not an area");
    await write("clock/count.jsonl", '{"n":"1"}\n');
    expect((await run()).files.map((file) => file.area)).toEqual(["clock", "math"]);
    expect((await run(["math"])).files.map((file) => `${file.area}/${file.file}`)).toEqual([
      "math/add.jsonl",
    ]);
  });
});

describe("conform refuses, naming the place,", () => {
  it.each([
    ["a missing comma", '{"a":1 "b":2}\n', 'math/add.jsonl:1:8: expected JSON, found "\\""'],
    [
      "an empty line",
      '{"a":1,"b":"2","sum":"3"}\n\n',
      "math/add.jsonl:2:1: expected JSON, found the end of the line",
    ],
    ["a row that is a list", "[1]\n", "math/add.jsonl:1:1: expected a JSON object, found [1]"],
    ["a row that is null", "null\n", "math/add.jsonl:1:1: expected a JSON object, found null"],
    [
      "a file cut inside a row",
      '{"a":1,"b":"2","sum":"3"}\n{"a":1,"b',
      "math/add.jsonl:2:10: the file ends in the middle of a row",
    ],
    [
      "a missing column",
      '{"a":1,"sum":"3"}\n',
      'math/add.jsonl:1:17: column "b" is missing (expected a decimal string)',
    ],
    [
      "a column of the wrong type",
      '{"a":"1","b":"2"}\n',
      'math/add.jsonl:1:2: column "a": expected an integer, got "1"',
    ],
    [
      "a number that is not exact",
      '{"a":1,"sum":"3","b":1e20}\n',
      'math/add.jsonl:1:18: column "b": expected a decimal string, got 100000000000000000000',
    ],
    [
      "a decimal string with a stray sign",
      '{"a":1,"sum":"3","b":"+2"}\n',
      'math/add.jsonl:1:18: column "b": expected a decimal string, got "+2"',
    ],
    ["an empty file", "", "math/add.jsonl: the file is empty"],
  ])("%s", async (_title, content, message) => {
    await write("math/add.jsonl", content);
    await expect(run()).rejects.toThrow(expect.objectContaining({ name: "ChronovisorError", message }));
  });

  it("a file that is not UTF-8", async () => {
    await write("math/add.jsonl", Uint8Array.of(0x7b, 0xff, 0x7d, 0x0a));
    await expect(run()).rejects.toThrow("math/add.jsonl: cannot be read: it is not UTF-8");
  });

  it("a malformed row even where no replay would read it", async () => {
    await write("math/subtract.jsonl", "{\n");
    await expect(run()).rejects.toThrow("math/subtract.jsonl:1:2: expected JSON, found the end of the line");
  });

  it("a directory that is not there", async () => {
    const missing = join(data, "nowhere");
    await expect(conform({ data: missing })).rejects.toThrow(
      `--data: cannot read ${missing}: no such directory`,
    );
  });

  it("a directory without areas", async () => {
    await expect(run()).rejects.toThrow("--data: expected sub-directories with .jsonl files, found none in");
  });

  it("an unknown area, with the areas there are and the nearest", async () => {
    await write("math/add.jsonl", '{"a":1,"b":"2","sum":"3"}\n');
    await write("clock/count.jsonl", '{"n":"1"}\n');
    await expect(run(["mat"])).rejects.toThrow(
      '--area: expected one of clock, math, got "mat" (did you mean math?)',
    );
  });
});
