import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";
import { apicBaseWrite } from "../index.js";

const DISABLED = 0xfee0_0000n;
const XAPIC = 0xfee0_0800n;
const X2APIC = 0xfee0_0c00n;
const INVALID = 0xfee0_0400n;
const BSP = 0x100n;
const rules = { x2apicSupported: true, physicalAddressBits: 46 };

describe("the modes", () => {
  it.each([
    [DISABLED, DISABLED, "ok", "ok"],
    [DISABLED, XAPIC, "ok", "ok"],
    [DISABLED, X2APIC, "fault", "ok"],
    [XAPIC, DISABLED, "ok", "ok"],
    [XAPIC, XAPIC, "ok", "ok"],
    [XAPIC, X2APIC, "ok", "ok"],
    [X2APIC, DISABLED, "ok", "ok"],
    [X2APIC, XAPIC, "fault", "ok"],
    [X2APIC, X2APIC, "ok", "ok"],
    [DISABLED, INVALID, "fault", "fault"],
    [XAPIC, INVALID, "fault", "fault"],
    [X2APIC, INVALID, "fault", "fault"],
  ])("0x%x to 0x%x: guest %s, host %s", (from, to, guest, host) => {
    expect(apicBaseWrite(from, to, "guest", rules)).toBe(guest);
    expect(apicBaseWrite(from, to, "host", rules)).toBe(host);
  });

  it("need x2APIC in CPUID for EXTD, the host as well", () => {
    const without = { ...rules, x2apicSupported: false };
    expect(apicBaseWrite(XAPIC, X2APIC, "host", without)).toBe("fault");
    expect(apicBaseWrite(XAPIC, XAPIC, "host", without)).toBe("ok");
  });
});

describe("the bits", () => {
  it.each([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 9n, 46n, 47n, 52n, 63n])("bit %i is reserved", (bit) => {
    expect(apicBaseWrite(XAPIC, XAPIC | (1n << bit), "host", rules)).toBe("fault");
  });

  it("a page may lie anywhere below MAXPHYADDR", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.integer({ min: 36, max: 52 }), (value, bits) => {
        const page = value & ~0xfffn;
        const granted = apicBaseWrite(XAPIC, page | 0x900n, "guest", { ...rules, physicalAddressBits: bits });
        expect(granted).toBe(page < 2n ** BigInt(bits) ? "ok" : "fault");
      }),
    );
  });
});

/** ID, LDR as a saved page shows them, after a write by the host from a state with ID and LDR of the guest's. */
function moved(id: number, from: bigint, to: bigint): readonly [mode: string, id: number, ldr: number] {
  const one = new OneApic({ id, mode: "reset" });
  one.apic.wrmsr(0x1b, from, "host");
  one.restore([0x20, 0xab00_0000], [0xd0, 0xcd00_0000]);
  one.apic.wrmsr(0x1b, to, "host");
  return [one.apic.mode, one.saved(0x20), one.saved(0xd0)];
}

describe("ID and LDR of vCPU 37", () => {
  it.each([
    ["stay", XAPIC, DISABLED, "disabled", 0xab00_0000, 0xcd00_0000],
    ["ID is reset", DISABLED, XAPIC, "xapic", 0x2500_0000, 0xcd00_0000],
    ["both derive", XAPIC, X2APIC, "x2apic", 0x2500_0000, 0x2_0020],
    ["both derive, host only", DISABLED, X2APIC, "x2apic", 0x2500_0000, 0x2_0020],
    ["LDR stays", X2APIC, XAPIC, "xapic", 0x2500_0000, 0x2_0020],
    ["stay, the ID shown raw", X2APIC, DISABLED, "disabled", 0x25, 0x2_0020],
    ["stay", XAPIC, XAPIC | BSP, "xapic", 0xab00_0000, 0xcd00_0000],
  ])("%s: 0x%x to 0x%x", (_title, from, to, mode, id, ldr) => {
    expect(moved(37, from, to)).toEqual([mode, id, ldr]);
  });
});

describe("a refused write", () => {
  it.each([
    [X2APIC, XAPIC, "transition"],
    [XAPIC, INVALID, "reserved-bits"],
    [XAPIC, XAPIC | 1n, "reserved-bits"],
  ])("0x%x to 0x%x changes nothing and says %s", (from, to, reason) => {
    const one = new OneApic({ mode: "reset" });
    one.apic.wrmsr(0x1b, from, "host");
    const before = one.apic.state();
    expect(one.apic.wrmsr(0x1b, to)).toBe("fault");
    expect(one.apic.state()).toEqual(before);
    expect(one.bad).toEqual([
      { kind: "write", through: "msr", address: 0x1b, size: 8, value: to, reason, outcome: "fault" },
    ]);
  });
});

describe("APICv", () => {
  it("is inhibited while an xAPIC is renumbered", () => {
    const one = new OneApic({ id: 3 });
    one.write(0x20, 0x0700_0000);
    one.write(0x20, 0x0800_0000);
    one.write(0x20, 0x0300_0000);
    expect(one.inhibits).toEqual([["APIC_ID_MODIFIED"], []]);
  });

  it("is inhibited for good once the page was moved", () => {
    const one = new OneApic();
    one.apic.wrmsr(0x1b, 0x1000_0800n);
    one.apic.wrmsr(0x1b, XAPIC);
    expect(one.inhibits).toEqual([["APIC_BASE_MODIFIED"]]);
    expect(one.apic.apicvInhibits).toEqual(["APIC_BASE_MODIFIED"]);
    expect(one.apic.pageAddress).toBe(0xfee0_0000n);
  });
});

describe("arguments", () => {
  it.each<[string, () => unknown]>([
    ["apicBaseWrite: expected from", () => apicBaseWrite(-1n, XAPIC, "host", rules)],
    ["apicBaseWrite: expected to", () => apicBaseWrite(XAPIC, 2n ** 64n, "host", rules)],
    ["apicBaseWrite: expected writer", () => apicBaseWrite(XAPIC, XAPIC, "root" as "host", rules)],
    [
      "apicBaseWrite: expected physicalAddressBits in 36 … 52, got 53",
      () => apicBaseWrite(XAPIC, XAPIC, "host", { ...rules, physicalAddressBits: 53 }),
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
