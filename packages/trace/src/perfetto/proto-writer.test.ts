import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtoWriter } from "./proto-writer.js";
import { utf8Bound, writeUtf8 } from "./utf8.js";

function written(write: (out: ProtoWriter) => void): readonly number[] {
  const out = new ProtoWriter();
  write(out);
  return [...out.take()];
}

/** A varint by its definition: groups of seven bits, least first, each but the last with the high bit set. */
function naiveVarint(value: bigint): readonly number[] {
  const digits = BigInt.asUintN(64, value).toString(2);
  const padded = digits.padStart(Math.ceil(digits.length / 7) * 7, "0");
  const groups = (padded.match(/.{7}/g) ?? []).reverse();
  return groups.map((group, i) => Number.parseInt((i + 1 < groups.length ? "1" : "0") + group, 2));
}

describe("ProtoWriter", () => {
  it.each([
    [1, 0, [0x08, 0x00]],
    [1, 127, [0x08, 0x7f]],
    [1, 128, [0x08, 0x80, 0x01]],
    [15, 1, [0x78, 0x01]],
    [16, 1, [0x80, 0x01, 0x01]],
    [1, 2 ** 53 - 1, [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    [1, -1, [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    [1, 2n ** 53n, [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
    [1, 2n ** 63n, [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    [1, 2n ** 64n - 1n, [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ])("writes field %i, value %s", (field, value, bytes) => {
    expect(written((out) => out.integer(field, value))).toEqual(bytes);
  });

  it("writes every integer of 64 bits, signed or not, as its groups of seven bits", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), (value) => {
        expect(written((out) => out.integer(1, value))).toEqual([0x08, ...naiveVarint(value)]);
      }),
    );
  });

  it("writes a number as it writes the bigint that equals it", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(written((out) => out.integer(1, value))).toEqual(
          written((out) => out.integer(1, BigInt(value))),
        );
      }),
    );
  });

  it("writes fixed64 least byte first", () => {
    expect(written((out) => out.fixed64(47, 0x0102_0304_0506_0708n))).toEqual([
      0xf9, 0x02, 8, 7, 6, 5, 4, 3, 2, 1,
    ]);
  });

  it.each([0, 1, 127, 128, 16_383, 16_384, 100_000])("puts the length of %i bytes before them", (length) => {
    expect(written((out) => out.text(1, "x".repeat(length)))).toEqual([
      0x0a,
      ...naiveVarint(BigInt(length)),
      ...Array<number>(length).fill(0x78),
    ]);
  });

  it.each([
    0n,
    9n,
    10n,
    999_999_999n,
    1_000_000_000n,
    1_000_000_001n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 64n - 1n,
    -1n,
  ])("writes %s as its decimal digits", (value) => {
    expect(written((out) => out.decimal(1, value))).toEqual(written((out) => out.text(1, String(value))));
  });

  it("writes any integer as its decimal digits", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), fc.nat({ max: 63 }), (value, bits) => {
        const shorter = value >> BigInt(bits);
        expect(written((out) => out.decimal(1, shorter))).toEqual(
          written((out) => out.text(1, String(shorter))),
        );
      }),
    );
  });

  it("nests messages whose lengths take one byte and more", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 150 }), { maxLength: 6 }), fc.nat({ max: 150 }), (counts, after) => {
        // A field 0 of value 0 is two zero bytes.
        const zeros = (count: number): readonly number[] => Array<number>(2 * count).fill(0);
        let expected: readonly number[] = [];
        for (const count of [...counts].reverse()) {
          const content = [...zeros(count), ...expected];
          expected = [0x0a, ...naiveVarint(BigInt(content.length)), ...content];
        }
        const got = written((out) => {
          const open = counts.map((count) => {
            const at = out.open(1);
            for (let i = 0; i < count; i++) out.integer(0, 0);
            return at;
          });
          for (const at of open.reverse()) out.close(at);
          for (let i = 0; i < after; i++) out.integer(0, 0);
        });
        expect(got).toEqual([...expected, ...zeros(after)]);
      }),
    );
  });

  it("begins anew when its bytes are taken, which are then another's", () => {
    const out = new ProtoWriter();
    out.integer(1, 1);
    const first = out.take();
    expect(out.length).toBe(0);
    out.integer(2, 2);
    expect([...first]).toEqual([0x08, 1]);
    expect([...out.take()]).toEqual([0x10, 2]);
  });
});

describe("writeUtf8", () => {
  const encode = (text: string): readonly number[] => {
    const bytes = new Uint8Array(utf8Bound(text.length));
    return [...bytes.subarray(0, writeUtf8(bytes, 0, text))];
  };

  it("is what percent-encoding makes of any text whose surrogates are in pairs", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const percent = encodeURIComponent(text).replace(/[^%]|%../g, (unit) =>
          unit.length === 3 ? unit : `%${unit.charCodeAt(0).toString(16)}`,
        );
        const bytes = percent.split("%").slice(1);
        expect(encode(text)).toEqual(bytes.map((byte) => Number.parseInt(byte, 16)));
      }),
    );
  });

  it.each([
    ["\u{d800}", [0xef, 0xbf, 0xbd]],
    ["a\u{dfff}b", [0x61, 0xef, 0xbf, 0xbd, 0x62]],
    ["\u{d800}\u{d800}\u{dc00}", [0xef, 0xbf, 0xbd, 0xf0, 0x90, 0x80, 0x80]],
    ["µ−\u{1f570}", [0xc2, 0xb5, 0xe2, 0x88, 0x92, 0xf0, 0x9f, 0x95, 0xb0]],
  ])("replaces a surrogate without its pair: %j", (text, bytes) => {
    expect(encode(text)).toEqual(bytes);
  });
});
