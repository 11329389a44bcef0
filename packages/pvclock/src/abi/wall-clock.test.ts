import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeWallClock,
  encodeWallClock,
  readWallClock,
  writeWallClock,
  writeWallClockSteps,
} from "../index.js";

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("the wall clock", () => {
  it("has version, sec and nsec at 0, 4 and 8, low byte first", () => {
    expect([...encodeWallClock({ version: 0x04030201, sec: 0x08070605, nsec: 0x0c0b0a09 })]).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
  });

  it("comes back from its bytes", () => {
    fc.assert(
      fc.property(u32, u32, u32, (version, sec, nsec) => {
        expect(decodeWallClock(encodeWallClock({ version, sec, nsec }))).toEqual({ version, sec, nsec });
      }),
    );
  });

  it.each([
    ["0", 0n, 0, 0],
    ["the last nanosecond of a second", 1_999_999_999n, 1, 999_999_999],
    ["a second sharp", 2_000_000_000n, 2, 0],
    ["the last second that fits, in 2106", 4_294_967_295_999_999_999n, 2 ** 32 - 1, 999_999_999],
    ["the one after, which wraps to 1970", 4_294_967_296_000_000_000n, 0, 0],
    ["the last u64", 2n ** 64n - 1n, Number(18_446_744_073n % 2n ** 32n), 709_551_615],
  ])("splits an epoch of %s", (_title, epochNs, sec, nsec) => {
    const area = new Uint8Array(12);
    expect(writeWallClock(area, epochNs)).toEqual({ version: 2, sec, nsec });
    expect(decodeWallClock(area)).toEqual({ version: 2, sec, nsec });
  });

  it.each([
    [0, 2],
    [1, 4],
    [6, 8],
    [2 ** 32 - 2, 0],
    [2 ** 32 - 1, 2],
  ])("steps version %i to %i", (found, expected) => {
    expect(writeWallClock(encodeWallClock({ version: found, sec: 9, nsec: 9 }), 1n).version).toBe(expected);
  });

  it("is unreadable between its first and its last store, and never read as a mix", () => {
    const area = encodeWallClock({ version: 2, sec: 1, nsec: 1 });
    const seen = [];
    for (const _ of writeWallClockSteps(area, 2_000_000_002n)) seen.push(readWallClock(area));
    expect(seen).toEqual([undefined, undefined, undefined, undefined, { version: 4, sec: 2, nsec: 2 }]);
  });
});
