import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { areas, vectorFiles } from "../packages/vectors/src/index.ts";

const data = fileURLToPath(new URL("../packages/vectors/data/", import.meta.url));

/** Hexadecimal dumps may consist of digits only; they are not numbers. */
const HEX_COLUMNS = new Set(["bytes_hex", "bytes", "page", "pattern"]);

const isArea = (name: string) => !name.endsWith(".md");

/** Every number of a row: JSON numbers and decimal strings, with the column they stand in. */
function* numbers(value: unknown, column = ""): Generator<readonly [string, number | bigint]> {
  if (typeof value === "number") yield [column, value];
  else if (typeof value === "string" && !HEX_COLUMNS.has(column) && /^[-+]?\d/.test(value))
    yield [column, BigInt(value)];
  else if (Array.isArray(value)) for (const item of value) yield* numbers(item, column);
  else if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) yield* numbers(member, name);
  }
}

const linesOf = (area: string, file: string) =>
  readFileSync(`${data}${area}/${file}.jsonl`, "utf8").split("\n");

describe("the index of the vectors", () => {
  it("lists exactly the areas on disk", () => {
    expect(areas.map(({ area }) => area).sort()).toEqual(readdirSync(data).filter(isArea).sort());
  });

  it.each(areas)("lists exactly the files of $area", ({ area }) => {
    const onDisk = readdirSync(data + area).filter((name) => name.endsWith(".jsonl"));
    const listed = vectorFiles.filter((file) => file.area === area).map(({ file }) => `${file}.jsonl`);
    expect(listed).toEqual(onDisk.sort());
  });
});

describe("the rows of", () => {
  it.each(vectorFiles)(
    "$area/$file are $rows objects with numbers a reader can hold",
    ({ area, file, rows }) => {
      const lines = linesOf(area, file);
      expect(lines.pop()).toBe("");
      expect(lines.length).toBe(rows);
      for (const line of lines) {
        const row: unknown = JSON.parse(line);
        expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
        for (const [column, value] of numbers(row)) {
          const held =
            typeof value === "bigint"
              ? value >= -(2n ** 63n) && value < 2n ** 64n
              : Number.isSafeInteger(value);
          if (!held)
            expect.fail(
              `${column} is ${value}, neither an s64 or u64 in a string nor an exact number: ${line}`,
            );
        }
      }
    },
  );
});
