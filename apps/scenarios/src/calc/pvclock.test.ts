import { describe, expect, it } from "vitest";
import { termValues } from "./fixtures/term-values.js";
import { pvclockWorksheet } from "./pvclock.js";
import { parsePvclockLine } from "./pvclock-line.js";

const LINE =
  "CPU 0/KVM-4242 [003] d.... 81.000107: kvm_pvclock_update: vcpu_id 0, pvclock { version 2, tsc_timestamp 0x3e8, system_time 0x7, tsc_to_system_mul 0xcccccccc, tsc_shift -1, flags 0x1 }";
const published = { tscTimestamp: 1000n, systemTime: 7n, tscToSystemMul: 3435973836, tscShift: -1 };

it("reads the fields of a trace line", () => {
  expect(parsePvclockLine(LINE)).toEqual({ ...published, version: 2, flags: 1 });
});

it("reads a system_time below 0 as the pattern it is", () => {
  const line = LINE.replace("system_time 0x7", "system_time 0xffffffffffffffff");
  expect(parsePvclockLine(line).systemTime).toBe(2n ** 64n - 1n);
});

describe("a line", () => {
  it.each(["version", "tsc_timestamp", "system_time", "tsc_to_system_mul", "tsc_shift", "flags"])(
    "without %s is refused, naming it",
    (name) => {
      const line = LINE.replace(new RegExp(`${name} \\S+`), "");
      expect(() => parsePvclockLine(line)).toThrow(
        `--line: expected a kvm_pvclock_update line with ${name}, got "${line}"`,
      );
    },
  );

  it.each([
    ["tsc_shift -1", "tsc_shift -64", '--line tsc_shift: expected -63 to 63, got "-64"'],
    ["0xcccccccc", "0x0", '--line tsc_to_system_mul: expected 1 to 4294967295, got "0x0"'],
    ["0xcccccccc", "0x1cccccccc", '--line tsc_to_system_mul: expected 1 to 4294967295, got "0x1cccccccc"'],
    ["flags 0x1", "flags 0x100", '--line flags: expected 0 to 255, got "0x100"'],
    [
      "0x3e8",
      "0x10000000000000000",
      '--line tsc_timestamp: expected 0 to 18446744073709551615 cycles, got "0x10000000000000000"',
    ],
    [
      "0x3e8",
      "soon",
      '--line tsc_timestamp: expected a number of cycles such as 1000, 1_000_000 or 0x1000, got "soon"',
    ],
  ])("with %s as %s is refused", (from, to, message) => {
    expect(() => parsePvclockLine(LINE.replace(from, to))).toThrow(message);
  });
});

describe("the working", () => {
  it("shows every step of a reading", () => {
    expect(termValues(pvclockWorksheet({ published, tsc: 2_500_001_000n }))).toMatchObject({
      delta: 2_500_000_000n,
      shifted: 1_250_000_000n,
      product: 4_294_967_295_000_000_000n,
      elapsed: 999_999_999n,
      reading: 1_000_000_006n,
      derivedKhz: 2_500_000n,
    });
  });

  it("reads a second on where no TSC is given", () => {
    expect(termValues(pvclockWorksheet({ published })).tsc).toBe(2_500_001_000n);
  });

  it("drops high bits of a difference shifted left", () => {
    const left = { ...published, tscTimestamp: 0n, systemTime: 0n, tscToSystemMul: 2 ** 31, tscShift: 1 };
    const values = termValues(pvclockWorksheet({ published: left, tsc: 2n ** 63n + 5n }));
    expect(values).toMatchObject({ shifted: 10n, elapsed: 5n });
  });

  /** docs/model/pvclock §1.6. */
  it.each([
    [3435973836, -1, 2_500_000n],
    [3435975211, -1, 2_499_998n],
    [2863312485, -1, 2_999_998n],
    [2147484721, 0, 1_999_999n],
  ])("a guest derives its frequency from %i, %i", (tscToSystemMul, tscShift, khz) => {
    const worksheet = pvclockWorksheet({ published: { ...published, tscToSystemMul, tscShift } });
    expect(termValues(worksheet).derivedKhz).toBe(khz);
  });
});

describe("what it means", () => {
  it.each([
    ["an odd version", { version: 3 }, 2_000n, /^The version is odd/],
    ["a TSC below the reference", {}, 999n, /^The TSC is below tsc_timestamp/],
    ["an unstable TSC", { flags: 2 }, 2_000n, /TSC_STABLE is clear/],
    ["a stable TSC", { flags: 1 }, 2_000n, /where TSC_STABLE is set/],
  ])("is said for %s", (_title, more, tsc, meaning) => {
    expect(pvclockWorksheet({ published: { ...published, ...more }, tsc }).meaning).toMatch(meaning);
  });

  it.each([
    [0, "neither TSC_STABLE nor GUEST_STOPPED"],
    [1, "TSC_STABLE"],
    [3, "TSC_STABLE and GUEST_STOPPED"],
  ])("flags 0x%s are %s", (flags, names) => {
    const terms = pvclockWorksheet({ published: { ...published, flags } }).sections.flatMap(
      (section) => section.terms,
    );
    expect(terms.find(({ name }) => name === "flags")?.formula).toBe(names);
  });
});
