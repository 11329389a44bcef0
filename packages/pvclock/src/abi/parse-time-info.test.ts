import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeVcpuTimeInfo, PvclockTextError, parseVcpuTimeInfo, type VcpuTimeInfo } from "../index.js";

const HEALTHY: VcpuTimeInfo = {
  version: 4,
  tscTimestamp: 0x1122334455667788n,
  systemTime: 0x0102030405060708n,
  tscToSystemMul: 0xd15ed75d,
  tscShift: -1,
  flags: 1,
};

const DIGITS = "0400000000000000887766554433221108070605040302015dd75ed1ff010000";
const PAIRS = DIGITS.match(/../g) ?? [];

/** Sixteen bytes a line, as dumps print them. */
const lines = (format: (pairs: readonly string[], offset: number) => string) =>
  [0, 16].map((offset) => format(PAIRS.slice(offset, offset + 16), offset)).join("\n");
const hex8 = (value: number) => value.toString(16).padStart(8, "0");
const words = (pairs: readonly string[], size: number) =>
  Array.from({ length: pairs.length / size }, (_, i) => pairs.slice(i * size, (i + 1) * size));

describe("a pasted vcpu_time_info", () => {
  it.each<readonly [string, string]>([
    ["as digits", DIGITS],
    ["as upper-case digits with line breaks", `\n ${DIGITS.toUpperCase().replace(/.{16}/g, "$&\n")}\n`],
    ["as bytes between spaces", PAIRS.join(" ")],
    ["as bytes between colons", PAIRS.join(":")],
    ["as a C array", PAIRS.map((pair) => `0x${pair}`).join(", ")],
    [
      "as a C array without leading zeros",
      PAIRS.map((pair) => `0x${Number.parseInt(pair, 16).toString(16)}`).join(","),
    ],
    [
      "by xxd",
      lines(
        (p, at) =>
          `${hex8(at)}: ${words(p, 2)
            .map((w) => w.join(""))
            .join(" ")}  abc def |ghi`,
      ),
    ],
    [
      "by hexdump -C",
      `${lines((p, at) => `${hex8(at)}  ${p.slice(0, 8).join(" ")}  ${p.slice(8).join(" ")}  |..00..  ..|`)}\n00000020\n`,
    ],
    [
      "by gdb x/32xb",
      words(PAIRS, 8)
        .map(
          (p, i) =>
            `0x7ffe${(i * 8).toString(16).padStart(4, "0")} <clock+${i * 8}>:\t${p.map((b) => `0x${b}`).join("\t")}`,
        )
        .join("\n"),
    ],
    ...([4, 8] as const).map(
      (size) =>
        [
          `by gdb in words of ${size} bytes, which are little-endian`,
          lines(
            (p, at) =>
              `0xffff8880${hex8(at)}:\t${words(p, size)
                .map((w) => `0x${[...w].reverse().join("")}`)
                .join("\t")}`,
          ),
        ] as const,
    ),
  ])("is read %s", (_title, text) => {
    expect(parseVcpuTimeInfo(text)).toEqual({ info: HEALTHY, findings: [] });
  });

  it.each([
    ["", "truncated", 0, "expected 32 bytes, got 0"],
    [DIGITS.slice(2), "truncated", 31, "expected 32 bytes, got 31"],
    [`${DIGITS}00`, "surplus", 33, "expected 32 bytes, got 33"],
    ["04 00 zz", "not-hex", 2, 'expected hex digits, got "zz" after 2 bytes'],
    ["04 0", "not-hex", 1, 'expected hex digits, got "0" after 1 bytes'],
    ["0x123", "not-hex", 0, 'expected hex digits, got "0x123" after 0 bytes'],
  ] as const)("is refused by name: %j", (text, fault, byteCount, message) => {
    const error = (() => {
      try {
        return parseVcpuTimeInfo(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(PvclockTextError);
    expect(error).toMatchObject({ fault, byteCount, message: `parseVcpuTimeInfo: ${message}` });
  });

  it.each<[string, Partial<VcpuTimeInfo>, readonly (readonly [string, string, number, number])[]]>([
    ["an odd version", { version: 5 }, [["update-in-progress", "error", 0, 5]]],
    ["version 0", { version: 0 }, [["never-written", "warning", 0, 0]]],
    ["shift 63", { tscShift: 63 }, []],
    ["shift 64", { tscShift: 64 }, [["shift-out-of-range", "error", 28, 64]]],
    ["shift −63", { tscShift: -63 }, []],
    ["shift −64", { tscShift: -64 }, [["shift-out-of-range", "error", 28, -64]]],
    ["multiplier 0", { tscToSystemMul: 0 }, [["multiplier-zero", "error", 24, 0]]],
    [
      "a multiplier below 2^31",
      { tscToSystemMul: 2 ** 31 - 1 },
      [["multiplier-not-normalised", "warning", 24, 2 ** 31 - 1]],
    ],
    ["multiplier 2^31", { tscToSystemMul: 2 ** 31 }, []],
    ["GUEST_STOPPED", { flags: 3 }, [["guest-stopped", "warning", 29, 3]]],
    ["the retired flag", { flags: 5 }, [["unknown-flags", "warning", 29, 5]]],
    [
      "several things at once, errors first",
      { version: 1, tscShift: -128, flags: 255 },
      [
        ["update-in-progress", "error", 0, 1],
        ["shift-out-of-range", "error", 28, -128],
        ["guest-stopped", "warning", 29, 255],
        ["unknown-flags", "warning", 29, 255],
      ],
    ],
  ])("is told what is wrong with %s", (_title, fields, expected) => {
    const bytes = encodeVcpuTimeInfo({ ...HEALTHY, ...fields });
    const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const { findings } = parseVcpuTimeInfo(text);
    expect(
      findings.map(({ finding, severity, offset, value }) => [finding, severity, offset, value]),
    ).toEqual(expected);
  });

  it("is told of padding that is not 0, in either place", () => {
    const text = `${DIGITS.slice(0, 8)}01020000${DIGITS.slice(16, 60)}0304`;
    expect(parseVcpuTimeInfo(text).findings).toEqual([
      { finding: "padding-not-zero", severity: "warning", offset: 4, value: 0x0201 },
      { finding: "padding-not-zero", severity: "warning", offset: 30, value: 0x0403 },
    ]);
  });

  it("gives back any 32 bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
        const { info } = parseVcpuTimeInfo(text);
        const unpadded = Uint8Array.from(bytes);
        for (const offset of [4, 5, 6, 7, 30, 31]) unpadded[offset] = 0;
        expect(encodeVcpuTimeInfo(info)).toEqual(unpadded);
      }),
    );
  });
});
