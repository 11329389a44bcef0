import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import { fraction } from "./fraction.js";
import {
  readChoice,
  readCycleCount,
  readHz,
  readInteger,
  readKhz,
  readNanoseconds,
  readPpm,
  readTscOffset,
} from "./read-number.js";

const U64_MAX = 2n ** 64n - 1n;

it.each([
  [readKhz("--o", "2.5GHz"), 2_500_000],
  [readKhz("--o", "2500000"), 2_500_000],
  [readKhz("--o", "4294967295"), 2 ** 32 - 1],
  [readHz("--o", "1GHz"), 1_000_000_000],
  [readInteger("--o", "-63", -63, 63), -63],
  [readInteger("--o", "0x3f", -63, 63), 63],
  [readCycleCount("--o", "0xffffffffffffffff"), U64_MAX],
  [readNanoseconds("--o", "1.5s"), 1_500_000_000n],
  [readNanoseconds("--o", "0xffffffffffffffff"), U64_MAX],
  [readTscOffset("--o", "-1"), U64_MAX],
  [readTscOffset("--o", "18446744073709551615"), U64_MAX],
  [readTscOffset("--o", "-9223372036854775808"), 2n ** 63n],
])("case %#: %s is %s", (value, expected) => {
  expect(value).toBe(expected);
});

it.each([
  ["12.5", 25n, 2n],
  ["-0.25", -1n, 4n],
  ["+500", 500n, 1n],
  ["\u22121ppm", -1n, 1n],
])("%s ppm is %d/%d", (text, numerator, denominator) => {
  expect(readPpm("--o", text, 500n)).toEqual(fraction(numerator, denominator));
});

describe("what is refused", () => {
  it.each<[string, () => unknown, string]>([
    ["0 kHz", () => readKhz("--o", "0"), '--o: expected 1 to 4294967295 kHz, got "0"'],
    ["33 bits", () => readKhz("--o", "4294967296"), '--o: expected 1 to 4294967295 kHz, got "4294967296"'],
    ["a fraction", () => readKhz("--o", "1.5"), "--o: 1.5 is finer than 1 kHz"],
    ["no Hz", () => readHz("--o", "0"), '--o: expected 1 to 4294967295 Hz, got "0"'],
    [
      "a time",
      () => readHz("--o", "1s"),
      '--o: expected a frequency such as 2.5GHz, 250MHz or 2500000kHz, got "1s"',
    ],
    ["a large integer", () => readInteger("--o", "64", -63, 63), '--o: expected -63 to 63, got "64"'],
    ["cycles below 0", () => readCycleCount("--o", "-1"), `--o: expected 0 to ${U64_MAX} cycles, got "-1"`],
    [
      "65 bits",
      () => readNanoseconds("--o", `${U64_MAX + 1n}`),
      `--o: expected 0 to ${U64_MAX} ns, got "${U64_MAX + 1n}"`,
    ],
    [
      "an offset past 64 bits",
      () => readTscOffset("--o", "-9223372036854775809"),
      `--o: expected -9223372036854775808 to ${U64_MAX} cycles, got "-9223372036854775809"`,
    ],
    ["no ppm", () => readPpm("--o", "fast", 500n), '--o: expected ppm such as 12.5 or -0.25, got "fast"'],
    ["too many ppm", () => readPpm("--o", "500.1", 500n), '--o: expected -500 to 500 ppm, got "500.1"'],
    [
      "no choice",
      () => readChoice("--o", "vmy", ["vmx", "svm"]),
      '--o: expected one of vmx, svm, got "vmy" (did you mean vmx?)',
    ],
  ])("%s", (_title, read, message) => {
    expect(read).toThrow(new ChronovisorError(message));
  });
});
