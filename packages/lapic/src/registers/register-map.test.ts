import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";
import { APIC_REGISTERS, apicRegisterAt, x2apicMsr } from "../index.js";

/** SDM table 11-1 and 11-6 with KVM's rules, by offset: xAPIC access, x2APIC access, what a write of all ones leaves. */
const MANUAL: readonly (readonly [
  name: string,
  offset: number,
  xapic: string,
  x2apic: string,
  ones: number,
])[] = [
  ["ID", 0x020, "rw", "r-", 0xff000000],
  ["LVR", 0x030, "r-", "r-", 0x50014],
  ["TPR", 0x080, "rw", "rw", 0xff],
  ["APR", 0x090, "r-", "--", 0],
  ["PPR", 0x0a0, "r-", "r-", 0],
  ["EOI", 0x0b0, "-w", "-w", 0],
  ["LDR", 0x0d0, "rw", "r-", 0xff000000],
  ["DFR", 0x0e0, "rw", "--", 0xffffffff],
  ["SVR", 0x0f0, "rw", "rw", 0x3ff],
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [
    [`ISR${i}`, 0x100 + 16 * i, "r-", "r-", 0] as const,
    [`TMR${i}`, 0x180 + 16 * i, "r-", "r-", 0] as const,
    [`IRR${i}`, 0x200 + 16 * i, "r-", "r-", 0] as const,
  ]),
  ["ESR", 0x280, "rw", "rw", 0],
  ["LVTCMCI", 0x2f0, "rw", "rw", 0x117ff],
  ["ICR", 0x300, "rw", "rw", 0xffffefff],
  ["ICR2", 0x310, "rw", "--", 0xff000000],
  ["LVTT", 0x320, "rw", "rw", 0x710ff],
  ["LVTTHMR", 0x330, "rw", "rw", 0x117ff],
  ["LVTPC", 0x340, "rw", "rw", 0x117ff],
  ["LVT0", 0x350, "rw", "rw", 0x1f7ff],
  ["LVT1", 0x360, "rw", "rw", 0x1f7ff],
  ["LVTERR", 0x370, "rw", "rw", 0x110ff],
  ["TMICT", 0x380, "rw", "rw", 0xffffffff],
  ["TMCCT", 0x390, "r-", "r-", 0],
  ["TDCR", 0x3e0, "rw", "rw", 0xb],
  ["SELF_IPI", 0x3f0, "--", "-w", 0],
];
const ONES = 0xffff_ffff;
/** A write of all ones to these faults by MSR; their own tests have them. */
const FAULT_ON_ONES = ["ESR", "ICR", "SELF_IPI"];

const withCmci = { config: { cmciSupported: true } };
const letters = (access: string): string =>
  (access.includes("r") ? "r" : "-") + (access.includes("w") ? "w" : "-");

describe("the table of registers", () => {
  it("has the manual's registers at the manual's offsets", () => {
    const byOffset = [...MANUAL].sort((a, b) => a[1] - b[1]).map(([name, offset]) => [name, offset]);
    expect([...APIC_REGISTERS].sort((a, b) => a.offset - b.offset).map((r) => [r.name, r.offset])).toEqual(
      byOffset,
    );
  });

  it.each(MANUAL)("%s at 0x%x is %s in the page and %s as an MSR", (_name, offset, xapic, x2apic) => {
    const register = apicRegisterAt(offset + 15);
    const of = (access = "none") =>
      letters(access === "none" ? "--" : access === "read" ? "r" : access === "write" ? "w" : "rw");
    expect([of(register?.xapic), of(register?.x2apic)]).toEqual([xapic, x2apic]);
    expect(x2apicMsr(offset)).toBe(0x800 + offset / 16);
  });

  it.each([0x000, 0x010, 0x040, 0x0c0, 0x290, 0x2e0, 0x3a0, 0x3d0, 0x400, 0xfff])(
    "has nothing at 0x%x",
    (offset) => {
      expect(apicRegisterAt(offset)).toBeUndefined();
    },
  );
});

describe("a guest in xAPIC mode", () => {
  it.each(MANUAL)(
    "finds in %s (0x%x) what its access and mask leave of ones",
    (_name, offset, xapic, _x2, ones) => {
      const one = new OneApic({ ...withCmci, config: { cmciSupported: true, lint0Reenabled: "off" } });
      // A vector that can be requested without a fault, and no timer mode that starts something.
      const before = one.read(offset);
      one.bad.length = 0;
      one.write(offset, ONES);
      expect(one.bad.map(({ reason }) => reason)).toEqual(
        xapic.includes("w") ? [] : [xapic === "--" ? "missing" : "read-only"],
      );
      if (!xapic.includes("r")) return;
      const expected = offset === 0x030 ? 0x60014 : ones;
      expect(one.read(offset)).toBe(xapic.includes("w") ? expected : before);
    },
  );
});

describe("a guest in x2APIC mode", () => {
  it.each(MANUAL)(
    "finds MSR of %s (0x%x) readable and writable as the table says",
    (name, offset, _x, x2apic, ones) => {
      const one = new OneApic({ mode: "x2apic", config: { cmciSupported: true, lint0Reenabled: "off" } });
      expect(one.read(offset) >= 0).toBe(x2apic.includes("r"));
      if (FAULT_ON_ONES.includes(name)) return;
      expect(one.write(offset, ONES)).toBe(x2apic.includes("w") ? "ok" : "fault");
      if (x2apic === "rw") expect(one.read(offset)).toBe(ones);
    },
  );

  it.each([0x808, 0x80b, 0x80f, 0x832, 0x838, 0x83e])(
    "faults on bits 63:32 of MSR 0x%x and changes nothing",
    (msr) => {
      const one = new OneApic({ mode: "x2apic" });
      const before = one.apic.state();
      expect(one.apic.wrmsr(msr, 2n ** 32n)).toBe("fault");
      expect(one.apic.state()).toEqual(before);
      expect(one.bad.map(({ reason, outcome }) => [reason, outcome])).toEqual([["reserved-bits", "fault"]]);
    },
  );

  it("writes 0 to ESR and nothing else", () => {
    const one = new OneApic({ mode: "x2apic" });
    expect([one.write(0x280, 0), one.write(0x280, 1), one.write(0x280, 0x8000_0000)]).toEqual([
      "ok",
      "fault",
      "fault",
    ]);
  });

  it("has no LVT CMCI where the VM has none", () => {
    const one = new OneApic({ mode: "x2apic" });
    expect([one.read(0x2f0), one.write(0x2f0, 0)]).toEqual([-1, "fault"]);
    expect(one.bad.map(({ reason }) => reason)).toEqual(["missing", "missing"]);
  });
});

describe("what depends on the VM", () => {
  it.each([
    [{}, 0x50014, 0x3ff],
    [{ cmciSupported: true }, 0x60014, 0x3ff],
    [{ ioapic: "split" }, 0x1050014, 0x13ff],
    [{ ioapic: "split", x2apicSupported: false }, 0x50014, 0x3ff],
  ] as const)("%j: version 0x%x, SVR stores 0x%x", (config, version, svr) => {
    const one = new OneApic({ config });
    one.write(0xf0, ONES);
    expect([one.read(0x30), one.read(0xf0)]).toEqual([version, svr]);
  });

  it("LVTT stores no TSC-deadline mode without the feature, and no mode before CPUID", () => {
    const one = new OneApic({ config: { tscDeadlineSupported: false } });
    one.write(0x320, ONES);
    expect(one.read(0x320)).toBe(0x310ff);
    one.apic.timer.modeMask = 0;
    one.write(0x320, ONES);
    expect(one.read(0x320)).toBe(0x110ff);
  });
});

describe("arguments", () => {
  it.each<[string, () => unknown]>([
    ["apicRegisterAt: expected offset in 0 … 4095, got 4096", () => apicRegisterAt(4096)],
    ["x2apicMsr: expected offset in 0 … 4080, got 4096", () => x2apicMsr(4096)],
    ["x2apicMsr: expected a multiple of 16, got 8", () => x2apicMsr(8)],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
