import { describe, expect, it } from "vitest";
import { colourStyle, plainStyle } from "../render/style.js";
import { driftWorksheet } from "./drift.js";
import { fraction } from "./fraction.js";
import { pvclockWorksheet } from "./pvclock.js";
import { renderWorksheet } from "./render-worksheet.js";
import { given, type Worksheet, worksheetToJson } from "./worksheet.js";

const WORKSHEET: Worksheet = {
  calculator: "double",
  title: "Doubling",
  sections: [
    { heading: "given", terms: [given("input", "input", -1_234_567n, "kHz")] },
    {
      heading: "worked out",
      terms: [
        { name: "half", label: "half", formula: "input / 2", value: fraction(-1_234_567n, 2n), unit: "kHz" },
        { name: "word", label: "word", formula: "", value: "0xff", unit: "" },
      ],
    },
  ],
  meaning: "Nothing to speak of.",
  source: "docs/model/pvclock",
};

it("a term is one line: name, formula, value, unit", () => {
  expect(renderWorksheet(WORKSHEET, { columns: 50, style: plainStyle })).toBe(
    [
      "  Doubling",
      "",
      "  given",
      "  input                             −1 234 567 kHz",
      "",
      "  worked out",
      "  half   input / 2             −617 283.500000 kHz",
      "  word                                    0xff",
      "",
      "  meaning  Nothing to speak of.",
      "  rules    docs/model/pvclock",
      "",
    ].join("\n"),
  );
});

describe("a full sheet", () => {
  const input = { hostKhz: 3_000_000, guestKhz: 2_500_000, ntpPpm: fraction(-500n), tickHz: 250 } as const;
  const sheet = driftWorksheet({ ...input, vendor: "svm" });

  it.each([80, 200])("is no wider than 80 columns with %i", (columns) => {
    const lines = renderWorksheet(sheet, { columns, style: plainStyle }).split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it("stays within 80 columns with the largest values", () => {
    const largest = 2n ** 64n - 1n;
    const published = { tscTimestamp: 0n, systemTime: largest, tscToSystemMul: 2 ** 32 - 1, tscShift: -63 };
    const text = renderWorksheet(pvclockWorksheet({ published, tsc: largest }), {
      columns: 80,
      style: plainStyle,
    });
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("puts formulas below their values where there is little room", () => {
    const text = renderWorksheet(WORKSHEET, { columns: 40, style: plainStyle });
    expect(text).toContain("  half   −617 283.500000 kHz\n    input / 2\n");
  });

  it("says the same in colour", () => {
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
    const coloured = renderWorksheet(sheet, { columns: 80, style: colourStyle });
    expect(coloured.replace(escapes, "")).toBe(renderWorksheet(sheet, { columns: 80, style: plainStyle }));
    expect(coloured).toMatch(escapes);
  });
});

it("as JSON a fraction is rounded and exact", () => {
  expect(worksheetToJson(WORKSHEET)).toEqual({
    calculator: "double",
    terms: {
      input: { value: "-1234567", unit: "kHz" },
      half: { value: "-617283.500000", exact: "-1234567/2", unit: "kHz", formula: "input / 2" },
      word: { value: "0xff" },
    },
    meaning: "Nothing to speak of.",
    source: "docs/model/pvclock",
  });
});
