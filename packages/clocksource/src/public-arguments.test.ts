import { describe, expect, it } from "vitest";
import * as clocksource from "./index.js";

/** What a parameter takes; each kind names values it must refuse. */
type Kind = "u64" | "s64" | "u32" | "out" | "input" | "slot" | "choice" | readonly [min: number, max: number];

const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  u64: [-1n, 2n ** 64n, 1, "1", undefined],
  s64: [-(2n ** 63n) - 1n, 2n ** 63n, 1, null],
  u32: [-1, 2 ** 32, 1.5, Number.NaN, 1n, "1"],
  out: [new BigInt64Array(2), [0n], undefined],
  input: [new BigInt64Array(2), [0n], new BigUint64Array(3)],
  slot: [-1, 2, 0.5, undefined],
  choice: ["other", 7, undefined],
};

const EXPORTS: ReadonlyMap<string, unknown> = new Map(Object.entries(clocksource));
const CYCLE = { cycleLast: 0n, mask: 2n ** 64n - 1n, mult: 1, shift: 0 };
const slots = () => new BigUint64Array(2);

const CALLS: readonly [keyof typeof clocksource, readonly unknown[], readonly (Kind | undefined)[]][] = [
  ["mulU64U64Shr", [1n, 1n, 1], ["u64", "u64", [0, 127]]],
  ["mulU64U64ShrInto", [slots(), 0, 1n, 1n, 1], ["out", "slot", undefined, undefined, [0, 127]]],
  ["mulU64U64ShrBatch", [slots(), slots(), 1n, 1], ["out", "input", "u64", [0, 127]]],
  ["mulU64U32Shr", [1n, 1, 1], ["u64", "u32", [0, 127]]],
  ["mulU64U32ShrInto", [slots(), 0, 1n, 1, 1], ["out", "slot", undefined, "u32", [0, 127]]],
  ["mulU64U32ShrBatch", [slots(), slots(), 1, 1], ["out", "input", "u32", [0, 127]]],
  ["mulS64U64Shr", [1n, 1n, 1], ["s64", "u64", [0, 127]]],
  ["mulU64U32AddU64Shr", [1n, 1, 1n, 1], ["u64", "u32", "u64", [0, 127]]],
  ["mulU64U32Div", [1n, 1, 1], ["u64", "u32", "u32"]],
  ["mulU64U32DivPortable", [1n, 1, 1], ["u64", "u32", "u32"]],
  ["mulU64U64DivU64", [1n, 1n, 1n], ["u64", "u64", "u64"]],
  ["mulU64U64DivU64Portable", [1n, 1n, 1n], ["u64", "u64", "u64"]],
  ["shlDivU64", [1n, 1, 1n], ["u64", [1, 63], "u64"]],
  ["divFrac", [1, 2], ["u32", "u32"]],
  ["pvScale", [1n, 1, 1], ["u64", "u32", [-63, 63]]],
  ["pvScaleInto", [slots(), 0, 1n, 1, 1], ["out", "slot", undefined, "u32", [-63, 63]]],
  ["pvScaleBatch", [slots(), slots(), 1, 1], ["out", "input", "u32", [-63, 63]]],
  ["cyc2ns", [1n, 1, 1], ["u64", "u32", [0, 63]]],
  ["cyc2nsInto", [slots(), 0, 1n, 1, 1], ["out", "slot", undefined, "u32", [0, 63]]],
  ["cyc2nsBatch", [slots(), slots(), 1, 1], ["out", "input", "u32", [0, 63]]],
  ["clocksourceMask", [8], [[1, 64]]],
  ["maxRawDelta", [1n], ["u64"]],
  ["clocksourceDelta", [1n, 1n, 1n, 1n, "msb"], ["u64", "u64", "u64", "u64", "choice"]],
  ["calcMultShift", [1, 1, 1], [[1, 2 ** 32 - 1], "u32", "u32"]],
  [
    "hz2mult",
    [1, 1],
    [
      [1, 2 ** 32 - 1],
      [0, 32],
    ],
  ],
  [
    "khz2mult",
    [1, 1],
    [
      [1, 2 ** 32 - 1],
      [0, 32],
    ],
  ],
  ["maxAdjustment", [1], ["u32"]],
  ["calcMaxNsecs", [1, 1, 1, 1n], ["u32", [0, 63], "u32", "u64"]],
  ["cyclesToNs", [{ ...CYCLE, xtimeNsec: 0n, maxCycles: 1n }, 1n, "safe"], [undefined, "u64", "choice"]],
  [
    "elapsedNs",
    [{ ...CYCLE, maxCycles: 1n, maxRawDelta: 1n }, 1n, 1n, "msb"],
    [undefined, "u64", "u64", "choice"],
  ],
  ["watchdogReadAttempts", [1], [[1, 8192]]],
  ["getTimeScale", [1n, 1n], ["u64", "u64"]],
  ["scaleTsc", [1n, 1n, 48], ["u64", "u64", "choice"]],
  ["scaleTscInto", [slots(), 0, 1n, 1n, 48], ["out", "slot", undefined, undefined, "choice"]],
  ["scaleTscBatch", [slots(), slots(), 1n, 48], ["out", "input", "u64", "choice"]],
  ["adjustTscKhz", [1, 1], ["u32", [-(2 ** 31), 2 ** 31 - 1]]],
  ["tscRatio", [1, 1, 48], ["u32", [1, 2 ** 32 - 1], "choice"]],
  ["tscToleranceKhz", [1, 1], ["u32", "u32"]],
  ["maxGuestTscKhz", [1, "vmx"], [[1, 2 ** 32 - 1], "choice"]],
  ["nestedTscOffset", [1n, 1n, 1n, 48], ["u64", "u64", "u64", "choice"]],
  ["nestedTscRatio", [1n, 1n, 48], ["u64", "u64", "choice"]],
  [
    "resumeHost",
    [[], new clocksource.HostTscHealth("tsc"), 0, 0n],
    [undefined, undefined, [0, 2 ** 31 - 1], "u64"],
  ],
];

/** Checked by tests of their own: their arguments are objects, brands or callbacks. */
const ELSEWHERE =
  /^(?:[A-Z]|.*(?:Ns|Tsc)$|getTscScale|planTscKhz|readKvmclockBase|readMonotonic|readRealtime|registerClocksource)/;

function wrongValues(kind: Kind): readonly unknown[] {
  if (typeof kind === "string") return WRONG[kind] ?? [];
  return [kind[0] - 1, kind[1] + 1, kind[0] + 0.5, Number.NaN, BigInt(kind[0]), undefined];
}

describe.each(CALLS)("%s", (name, valid, kinds) => {
  const fn = EXPORTS.get(name) as (...args: readonly unknown[]) => unknown;

  it("takes the arguments the table calls valid", () => {
    expect(() => fn(...valid)).not.toThrow();
  });

  const cases = kinds.flatMap((kind, i) =>
    kind ? wrongValues(kind).map((wrong) => [i, wrong] as const) : [],
  );
  it.each(cases)("refuses argument %i being %s, and says so by name", (i, wrong) => {
    const args = valid.map((value, at) => (at === i ? wrong : value));
    expect(() => fn(...args)).toThrow(new RegExp(`^${name}: expected .*, got `, "s"));
  });
});

it("speaks of every exported function", () => {
  const functions = [...EXPORTS].filter(([, value]) => typeof value === "function");
  const spokenOf = new Set<string>(CALLS.map(([name]) => name));
  expect(
    functions.map(([name]) => name).filter((name) => !spokenOf.has(name) && !ELSEWHERE.test(name)),
  ).toEqual([]);
});
