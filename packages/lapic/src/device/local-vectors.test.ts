import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";
import type { LocalInterruptSource } from "../index.js";

const MASKED = 0x10000;
const LVTPC = 0x340;
const LVT0 = 0x350;
const LVT1 = 0x360;
const ENTRIES: readonly (readonly [LocalInterruptSource, number])[] = [
  ["cmci", 0x2f0],
  ["timer", 0x320],
  ["thermal", 0x330],
  ["performance", LVTPC],
  ["lint0", LVT0],
  ["lint1", LVT1],
  ["error", 0x370],
];
const withCmci = { config: { cmciSupported: true } };

describe("every LVT entry", () => {
  it.each(ENTRIES)("%s at 0x%x delivers its vector while open", (source, offset) => {
    const one = new OneApic(withCmci);
    one.write(offset, 0x61);
    expect([one.apic.raise(source), one.apic.acknowledge()]).toEqual(["accepted", 0x61]);
  });

  it.each(ENTRIES)("%s at 0x%x delivers nothing while masked, or without an APIC", (source, offset) => {
    const one = new OneApic(withCmci);
    one.write(offset, 0x61 | MASKED);
    expect(one.apic.raise(source)).toBe("discarded");
    one.write(offset, 0x61);
    one.apic.wrmsr(0x1b, 0xfee0_0000n);
    expect(one.apic.raise(source)).toBe("discarded");
  });

  it.each(ENTRIES)(
    "%s at 0x%x is masked by each write of SVR bit 8 = 0, and written masked then",
    (_source, offset) => {
      const one = new OneApic(withCmci);
      one.write(offset, 0x61);
      one.write(0xf0, 0xff);
      expect(one.read(offset)).toBe(0x61 | MASKED);
      one.write(offset, 0x62);
      expect(one.read(offset)).toBe(0x62 | MASKED);
      one.write(0xf0, 0x1ff);
      expect(one.read(offset)).toBe(0x62 | MASKED);
      one.write(offset, 0x62);
      one.write(0xf0, 0x0ff);
      expect(one.read(offset)).toBe(0x62 | MASKED);
    },
  );

  it("CMCI delivers nothing where the VM has none", () => {
    const one = new OneApic();
    one.write(0x2f0, 0x61);
    expect([one.apic.raise("cmci"), one.apic.hasInterrupt()]).toEqual(["discarded", false]);
  });
});

describe("delivery modes of an entry", () => {
  it.each([
    [0x200, ["smi"], "accepted"],
    [0x400, ["nmi"], "accepted"],
    [0x700, [], "discarded"],
  ])("0x%x: %j, %s", (mode, seen, outcome) => {
    const one = new OneApic();
    one.write(LVT1, mode);
    expect([one.apic.raise("lint1"), one.vcpu.seen]).toEqual([outcome, seen]);
  });

  it("the error entry has fixed only, as LVTT", () => {
    const one = new OneApic();
    one.write(0x370, 0x461);
    expect(one.read(0x370)).toBe(0x61);
  });

  it("bit 15 of LINT0 makes its interrupt level-triggered", () => {
    const one = new OneApic();
    one.write(LVT0, 0x8061);
    one.apic.raise("lint0");
    expect(one.read(0x1b0)).toBe(2);
  });
});

describe("the performance counters' entry", () => {
  it.each([
    ["intel", MASKED],
    ["amd", 0],
  ] as const)("is masked by its delivery on %s: 0x%x", (vendor, mask) => {
    const one = new OneApic({ config: { vendor } });
    one.write(LVTPC, 0x400);
    one.apic.raise("performance");
    expect([one.read(LVTPC), one.vcpu.seen]).toEqual([0x400 | mask, ["nmi"]]);
  });

  it("stays open when nothing was delivered", () => {
    const one = new OneApic();
    one.write(LVTPC, 0x700);
    one.apic.raise("performance");
    expect(one.read(LVTPC)).toBe(0x700);
  });
});

describe("the pins", () => {
  it("deliver when they go up, once", () => {
    const one = new OneApic();
    one.write(LVT1, 0x400);
    expect([
      one.apic.setLint(1, "deasserted"),
      one.apic.setLint(1, "asserted"),
      one.apic.setLint(1, "asserted"),
      one.apic.setLint(1, "deasserted"),
      one.apic.setLint(1, "asserted"),
    ]).toEqual(["unchanged", "accepted", "unchanged", "unchanged", "accepted"]);
    expect(one.vcpu.seen).toEqual(["nmi", "nmi"]);
  });

  it.each([
    ["open for the PIC as firmware finds it", {}, 0x700, true],
    ["masked without the quirk", { lint0Reenabled: "off" }, MASKED, false],
    ["masked on another processor", { bootProcessor: false }, MASKED, false],
  ] as const)("LINT0 after RESET is %s", (_title, config, entry, accepts) => {
    const one = new OneApic({ mode: "reset", config });
    expect([one.read(LVT0), one.apic.acceptsPic]).toEqual([entry, accepts]);
  });

  it("LINT0 in mode ExtINT tells of the PIC while it is up", () => {
    const one = new OneApic({ mode: "reset" });
    expect(one.apic.hasPicInterrupt).toBe(false);
    expect(one.apic.setLint(0, "asserted")).toBe("discarded");
    expect(one.apic.hasPicInterrupt).toBe(true);
    one.apic.setLint(0, "deasserted");
    expect(one.apic.hasPicInterrupt).toBe(false);
  });

  it("the PIC reaches a processor without an APIC, and none behind a fixed LINT0", () => {
    const one = new OneApic();
    one.write(LVT0, 0x61);
    expect(one.apic.acceptsPic).toBe(false);
    one.apic.wrmsr(0x1b, 0xfee0_0000n);
    expect(one.apic.acceptsPic).toBe(true);
  });
});

describe("a caller's mistake", () => {
  const { apic } = new OneApic();
  it.each<[string, () => unknown]>([
    ["LocalApic.raise: expected source", () => apic.raise("ipi" as "timer")],
    ["LocalApic.setLint: expected pin to be one of 0, 1, got 2", () => apic.setLint(2 as 1, "asserted")],
    ["LocalApic.setLint: expected level", () => apic.setLint(0, "high" as "asserted")],
  ])("%s", (text, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(text);
  });
});
