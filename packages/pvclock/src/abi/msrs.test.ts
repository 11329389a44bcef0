import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPvMsrReadable, type PvMsrWrite, writePvMsr } from "../index.js";

const WALL_CLOCK = 0x11;
const SYSTEM_TIME = 0x12;
const WALL_CLOCK_NEW = 0x4b564d00;
const SYSTEM_TIME_NEW = 0x4b564d01;
const STEAL_TIME = 0x4b564d03;
const ALL = [WALL_CLOCK, SYSTEM_TIME, WALL_CLOCK_NEW, SYSTEM_TIME_NEW, STEAL_TIME];

const FREE = { eax: 0, enforced: false };
const FAULT: PvMsrWrite = { result: "fault" };

/** The area a write names, or why there is none. */
function area(msr: number, value: bigint): bigint | "none" | "fault" {
  const write = writePvMsr(FREE, msr, value);
  return write.result === "fault" ? "fault" : (write.areaGpa ?? "none");
}

describe("an MSR write", () => {
  it.each<[string, number, bigint, bigint | "none" | "fault"]>([
    ["system time: bit 0 enables", SYSTEM_TIME_NEW, 0x8001n, 0x8000n],
    ["system time: without it there is no area", SYSTEM_TIME_NEW, 0x8000n, "none"],
    ["system time: 0 disables", SYSTEM_TIME_NEW, 0n, "none"],
    ["system time: bit 1 belongs to the address", SYSTEM_TIME_NEW, 0x8003n, 0x8002n],
    ["system time: the last place in a page", SYSTEM_TIME_NEW, 0x8fe1n, 0x8fe0n],
    ["system time: two bytes on it would cross, and stays inactive", SYSTEM_TIME_NEW, 0x8fe3n, "none"],
    ["system time: an address of 64 bits", SYSTEM_TIME_NEW, 2n ** 64n - 31n, 2n ** 64n - 32n],
    ["system time by its old number is the same register", SYSTEM_TIME, 0x8001n, 0x8000n],
    ["wall clock: the whole value is the address", WALL_CLOCK_NEW, 0x8001n, 0x8001n],
    ["wall clock: it may cross a page", WALL_CLOCK_NEW, 0x8ffcn, 0x8ffcn],
    ["wall clock: 0 is stored and writes nothing", WALL_CLOCK_NEW, 0n, "none"],
    ["wall clock by its old number is the same register", WALL_CLOCK, 0x10n, 0x10n],
    ["steal time: bit 0 enables", STEAL_TIME, 0x8041n, 0x8040n],
    ["steal time: without it there is no area", STEAL_TIME, 0x8040n, "none"],
    ["steal time: the lowest reserved bit faults", STEAL_TIME, 0x8003n, "fault"],
    ["steal time: the highest reserved bit faults, disabled too", STEAL_TIME, 0x8020n, "fault"],
  ])("%s", (_title, msr, value, expected) => {
    expect(area(msr, value)).toBe(expected);
  });

  it("stores the raw value, read back as written, and tells old numbers from new", () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALL), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (msr, value) => {
        const write = writePvMsr(FREE, msr, value);
        if (write.result === "fault") {
          expect(msr).toBe(STEAL_TIME);
          expect(value & 0x3en).not.toBe(0n);
        } else {
          expect(write.value).toBe(value);
          expect(write.isOldNumber).toBe(msr < 0x100);
        }
      }),
    );
  });

  it("puts both numbers of a pair into one register", () => {
    const registers = ALL.map((msr) => {
      const write = writePvMsr(FREE, msr, 1n);
      return write.result === "stored" && write.register;
    });
    expect(registers).toEqual(["wall-clock", "system-time", "wall-clock", "system-time", "steal-time"]);
  });
});

describe("CPUID", () => {
  it.each([
    [WALL_CLOCK, 0],
    [SYSTEM_TIME, 0],
    [WALL_CLOCK_NEW, 3],
    [SYSTEM_TIME_NEW, 3],
    [STEAL_TIME, 5],
  ])("offers MSR %i by bit %i, where it is enforced", (msr, bit) => {
    const without = { eax: ~(1 << bit) >>> 0, enforced: true };
    const only = { eax: (1 << bit) >>> 0, enforced: true };
    expect(writePvMsr(without, msr, 0n)).toEqual(FAULT);
    expect(isPvMsrReadable(without, msr)).toBe(false);
    expect(writePvMsr(only, msr, 0n).result).toBe("stored");
    expect(isPvMsrReadable(only, msr)).toBe(true);
    expect(writePvMsr({ ...without, enforced: false }, msr, 0n).result).toBe("stored");
    expect(isPvMsrReadable({ ...without, enforced: false }, msr)).toBe(true);
  });

  it("knows no other MSR", () => {
    expect(() => writePvMsr(FREE, 0x4b564d02, 0n)).toThrow(
      new RangeError("writePvMsr: expected msr to be a KVM clock MSR, got 0x4b564d02"),
    );
    expect(() => isPvMsrReadable(FREE, 0x10)).toThrow(
      new RangeError("isPvMsrReadable: expected msr to be a KVM clock MSR, got 0x10"),
    );
  });
});
