import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";

const DFR = 0xe0;
const SVR = 0xf0;
const EOI = 0xb0;

describe("a read of the page in xAPIC mode", () => {
  it.each([
    [0, 4, 0x3ffn],
    [0, 2, 0x3ffn],
    [0, 1, 0xffn],
    [1, 1, 0x3n],
    [1, 2, 0x3n],
    [2, 2, 0n],
    [3, 1, 0n],
  ])("gets bytes of SVR at +%i, %i of them", (at, size, bytes) => {
    const one = new OneApic();
    one.write(SVR, 0x3ff);
    expect(one.apic.read(SVR + at, size)).toBe(bytes);
    expect(one.bad).toEqual([]);
  });

  it.each([
    ["across the dword", SVR + 1, 4, "alignment"],
    ["across the dword", SVR + 3, 2, "alignment"],
    ["behind the dword", SVR + 4, 1, "alignment"],
    ["wider than it", SVR, 8, "size"],
    ["of a write-only register", EOI, 4, "write-only"],
    ["of remote read", 0xc0, 4, "missing"],
    ["of self IPI", 0x3f0, 4, "missing"],
    ["of LVT CMCI the VM has not", 0x2f0, 4, "missing"],
    ["above the registers", 0x400, 4, "missing"],
    ["at the end of the page", 0xff0, 4, "missing"],
  ])("%s (0x%x, %i bytes) is undefined: %s", (_title, address, size, reason) => {
    const one = new OneApic();
    expect(one.apic.read(address, size)).toBe(0n);
    expect(one.bad).toEqual([{ kind: "read", through: "page", address, size, reason, outcome: "undefined" }]);
  });
});

describe("a write of the page in xAPIC mode", () => {
  it.each([
    ["one byte", DFR, 1, "size"],
    ["two bytes", DFR, 2, "size"],
    ["eight bytes", DFR, 8, "size"],
    ["not at a slot", DFR + 4, 4, "alignment"],
    ["not at a dword", DFR + 1, 4, "alignment"],
    ["to a read-only register", 0x390, 4, "read-only"],
    ["to no register", 0x0c0, 4, "missing"],
    ["to self IPI", 0x3f0, 4, "missing"],
    ["above the registers", 0x400 + DFR, 4, "missing"],
  ])("%s (0x%x, %i bytes) vanishes: %s", (_title, address, size, reason) => {
    const one = new OneApic();
    const before = one.apic.state();
    one.apic.write(address, 0n, size);
    expect(one.apic.state()).toEqual(before);
    expect(one.bad).toEqual([
      { kind: "write", through: "page", address, size, value: 0n, reason, outcome: "ignored" },
    ]);
  });

  it("sees the low bytes of its value only", () => {
    const one = new OneApic();
    one.apic.write(SVR, 0xffff_ffff_0000_01abn, 4);
    expect(one.read(SVR)).toBe(0x1ab);
  });
});

describe("the page of an APIC that has none", () => {
  const x2apic = () => new OneApic({ mode: "x2apic" });
  const disabled = () => {
    const one = new OneApic();
    one.apic.wrmsr(0x1b, 0xfee0_0000n);
    return one;
  };

  it.each([
    ["x2APIC", x2apic],
    ["disabled", disabled],
  ])("(%s) reads all-ones of any size and takes no write", (_title, make) => {
    const one = make();
    const before = one.apic.state();
    expect([1, 2, 4, 8].map((size) => one.apic.read(0x33, size))).toEqual([
      0xffn,
      0xffffn,
      0xffff_ffffn,
      0xffff_ffff_ffff_ffffn,
    ]);
    one.apic.write(SVR, 0n, 4);
    expect(one.apic.state()).toEqual(before);
    expect(one.bad.map(({ reason, outcome }) => `${reason} ${outcome}`)).toEqual([
      ...Array<string>(4).fill("hidden all-ones"),
      "hidden ignored",
    ]);
  });

  it("is user space's to handle with the quirk off", () => {
    const one = new OneApic({ mode: "x2apic", config: { mmioHole: "off" } });
    expect(one.apic.read(SVR, 4)).toBe(0n);
    one.apic.write(SVR, 0n, 4);
    expect(one.bad.map(({ outcome }) => outcome)).toEqual(["unhandled", "unhandled"]);
  });
});

describe("MSRs", () => {
  it.each(["xapic", "reset"] as const)("of the x2APIC range fault outside its mode (%s)", (mode) => {
    const one = new OneApic({ mode });
    expect([one.apic.rdmsr(0x803), one.apic.wrmsr(0x808, 0n)]).toEqual([undefined, "fault"]);
    expect(one.bad.map(({ reason }) => reason)).toEqual(["not-x2apic", "not-x2apic"]);
  });

  it("of the deadline and the base are there in every mode", () => {
    const one = new OneApic();
    expect(one.apic.rdmsr(0x6e0)).toBe(0n);
    expect(one.apic.rdmsr(0x1b)).toBe(0xfee0_0900n);
    expect(one.apic.wrmsr(0x6e0, 5n)).toBe("ok");
    expect(one.apic.rdmsr(0x6e0)).toBe(0n);
  });

  it("a disabled APIC hides a deadline and drops one written, and shows it again when enabled", () => {
    const one = new OneApic();
    one.write(0x320, 0x400ec);
    one.apic.wrmsr(0x6e0, 10n ** 12n);
    one.apic.wrmsr(0x1b, 0xfee0_0000n);
    one.apic.wrmsr(0x6e0, 5n);
    expect(one.apic.rdmsr(0x6e0)).toBe(0n);
    one.apic.wrmsr(0x1b, 0xfee0_0800n);
    expect(one.apic.rdmsr(0x6e0)).toBe(10n ** 12n);
  });
});

describe("a caller's mistake", () => {
  const { apic } = new OneApic();
  it.each<[string, () => unknown]>([
    ["LocalApic.read: expected offset in 0 … 4095, got 4096", () => apic.read(4096, 4)],
    ["LocalApic.read: expected size to be one of 1, 2, 4, 8, got 3", () => apic.read(0, 3)],
    ["LocalApic.write: expected offset in 0 … 4095, got -1", () => apic.write(-1, 0n, 4)],
    ["LocalApic.write: expected value to be an unsigned 64-bit value, got -1", () => apic.write(0, -1n, 4)],
    ["LocalApic.write: expected size", () => apic.write(0, 0n, 16)],
    ["LocalApic.rdmsr: expected msr in 2048 … 2303, got 16", () => apic.rdmsr(0x10)],
    ["LocalApic.wrmsr: expected msr in 2048 … 2303, got 2304", () => apic.wrmsr(0x900, 0n)],
    ["LocalApic.wrmsr: expected value", () => apic.wrmsr(0x808, 2n ** 64n)],
    ["LocalApic.wrmsr: expected writer", () => apic.wrmsr(0x808, 0n, "root" as "host")],
    ["LocalApic.writeCr8: expected value", () => apic.writeCr8(-1)],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
