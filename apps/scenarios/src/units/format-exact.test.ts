import { expect, it } from "vitest";
import type { NumericUnit } from "./dimensions.js";
import { formatExact, formatInput } from "./format-exact.js";

it.each<[bigint, NumericUnit, string, string]>([
  [0n, "ns", "0ns", "0 ns"],
  [1n, "ns", "1ns", "1 ns"],
  [999n, "ns", "999ns", "999 ns"],
  [1_500n, "ns", "1.5us", "1.5 µs"],
  [1_234_567n, "ns", "1234.567us", "1 234.567 µs"],
  [1_500_000n, "ns", "1.5ms", "1.5 ms"],
  [-5_000n, "ns", "-5us", "−5 µs"],
  [90_000_000_000n, "ns", "90s", "90 s"],
  [60_000_000_000n, "ns", "1m", "1 min"],
  [600_000_000_000n, "ns", "10m", "10 min"],
  [3_600_000_000_000n, "ns", "1h", "1 h"],
  [129_600_000_000_000n, "ns", "36h", "36 h"],
  [864_000_000_000_000n, "ns", "10d", "10 d"],
  [2_500_000n, "kHz", "2.5GHz", "2.5 GHz"],
  [2_095_078n, "kHz", "2095.078MHz", "2 095.078 MHz"],
  [2_095_078_437n, "Hz", "2095078.437kHz", "2 095 078.437 kHz"],
  [-50_000n, "ppb", "-50ppm", "−50 ppm"],
  [83_333_000n, "ppb", "83333ppm", "83 333 ppm"],
  [1_000_000n, "count", "1000000", "1 000 000"],
  [1_000n, "cycles", "1000", "1 000 cycles"],
])("%d in %s is typed %s and read %s", (value, unit, typed, read) => {
  expect(formatInput(value, unit)).toBe(typed);
  expect(formatExact(value, unit)).toBe(read);
});
