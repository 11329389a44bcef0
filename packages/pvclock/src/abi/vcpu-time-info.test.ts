import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeVcpuTimeInfo, encodeVcpuTimeInfo, type VcpuTimeInfo } from "../index.js";

const U32_MAX = 2 ** 32 - 1;
const U64_MAX = 2n ** 64n - 1n;

const timeInfo: fc.Arbitrary<VcpuTimeInfo> = fc.record({
  version: fc.integer({ min: 0, max: U32_MAX }),
  tscTimestamp: fc.bigInt({ min: 0n, max: U64_MAX }),
  systemTime: fc.bigInt({ min: 0n, max: U64_MAX }),
  tscToSystemMul: fc.integer({ min: 0, max: U32_MAX }),
  tscShift: fc.integer({ min: -128, max: 127 }),
  flags: fc.integer({ min: 0, max: 255 }),
});

const ZERO: VcpuTimeInfo = {
  version: 0,
  tscTimestamp: 0n,
  systemTime: 0n,
  tscToSystemMul: 0,
  tscShift: 0,
  flags: 0,
};

/** The bytes that differ from an all-zero structure, as [offset, value]. */
const setBytes = (info: VcpuTimeInfo) =>
  [...encodeVcpuTimeInfo(info).entries()].filter(([, byte]) => byte !== 0);

describe("vcpu_time_info", () => {
  it.each<[string, Partial<VcpuTimeInfo>, [number, number][]]>([
    ["version at 0, low byte first", { version: 0x04030201 }, [1, 2, 3, 4].map((byte, i) => [i, byte])],
    [
      "tsc_timestamp at 8",
      { tscTimestamp: 0x0807060504030201n },
      [1, 2, 3, 4, 5, 6, 7, 8].map((byte, i) => [8 + i, byte]),
    ],
    [
      "system_time at 16",
      { systemTime: 0x0807060504030201n },
      [1, 2, 3, 4, 5, 6, 7, 8].map((byte, i) => [16 + i, byte]),
    ],
    [
      "tsc_to_system_mul at 24",
      { tscToSystemMul: 0x04030201 },
      [1, 2, 3, 4].map((byte, i) => [24 + i, byte]),
    ],
    ["tsc_shift at 28, two's complement", { tscShift: -1 }, [[28, 255]]],
    ["the lowest shift", { tscShift: -128 }, [[28, 128]]],
    ["flags at 29", { flags: 255 }, [[29, 255]]],
  ])("has %s", (_title, fields, expected) => {
    expect(setBytes({ ...ZERO, ...fields })).toEqual(expected);
  });

  it("is 32 bytes, padding 0", () => {
    const bytes = encodeVcpuTimeInfo({
      version: U32_MAX,
      tscTimestamp: U64_MAX,
      systemTime: U64_MAX,
      tscToSystemMul: U32_MAX,
      tscShift: -1,
      flags: 255,
    });
    expect(bytes).toHaveLength(32);
    expect([...bytes.entries()].filter(([, byte]) => byte !== 255).map(([offset]) => offset)).toEqual([
      4, 5, 6, 7, 30, 31,
    ]);
  });

  it("comes back from its bytes, also out of the middle of a page and through any kind of view", () => {
    fc.assert(
      fc.property(timeInfo, fc.integer({ min: 0, max: 64 }), (info, offset) => {
        const page = new Uint8Array(128).fill(0xa5);
        page.set(encodeVcpuTimeInfo(info), offset);
        expect(decodeVcpuTimeInfo(page.subarray(offset))).toEqual(info);
        expect(decodeVcpuTimeInfo(new DataView(page.buffer, offset, 32))).toEqual(info);
      }),
    );
  });

  it("is read whatever the padding holds", () => {
    const bytes = encodeVcpuTimeInfo({ ...ZERO, version: 2 });
    for (const offset of [4, 5, 6, 7, 30, 31]) bytes[offset] = 0xff;
    expect(decodeVcpuTimeInfo(bytes)).toEqual({ ...ZERO, version: 2 });
  });
});
