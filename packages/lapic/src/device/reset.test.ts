import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";

/** What RESET leaves of a page, dwords that are not 0: vCPU 5, not the boot processor. */
const RESET: readonly (readonly [offset: number, value: number])[] = [
  [0x20, 0x0500_0000],
  [0x30, 0x5_0014],
  [0xe0, 0xffff_ffff],
  [0xf0, 0xff],
  [0x320, 0x1_0000],
  [0x330, 0x1_0000],
  [0x340, 0x1_0000],
  [0x350, 0x1_0000],
  [0x360, 0x1_0000],
  [0x370, 0x1_0000],
];

const dwords = (one: OneApic): readonly (readonly [number, number])[] =>
  Array.from({ length: 256 }, (_, i) => [4 * i, one.saved(4 * i)] as const).filter(
    ([, value]) => value !== 0,
  );

/** An APIC with something everywhere a guest can put something. */
function used(mode: "xapic" | "x2apic"): OneApic {
  const one = new OneApic({ id: 5, mode });
  one.request(0x41, "level");
  one.apic.acknowledge();
  one.request(0x51);
  for (const [offset, value] of [
    [0x20, 0x0900_0000],
    [0x80, 0x23],
    [0xd0, 0x0800_0000],
    [0xe0, 0x0fff_ffff],
    [0x310, 0x0300_0000],
    [0x300, 0x000c_0067],
    [0x320, 0x2_0061],
    [0x360, 0x462],
    [0x3e0, 0xb],
    [0x380, 1_000_000],
  ] as const) {
    one.write(offset, value);
  }
  return one;
}

describe("RESET", () => {
  it("is how an APIC begins", () => {
    const one = new OneApic({ id: 5, mode: "reset" });
    expect(dwords(one)).toEqual(RESET);
    expect([one.apic.apicBase, one.apic.runState]).toEqual([0xfee0_0800n, "uninitialized"]);
  });

  it("of the boot processor sets BSP, opens LINT0 and lets it run", () => {
    const one = new OneApic({ mode: "reset" });
    expect([one.apic.apicBase, one.read(0x350), one.apic.runState]).toEqual([
      0xfee0_0900n,
      0x700,
      "runnable",
    ]);
  });

  it.each(["xapic", "x2apic"] as const)("clears a used %s, and goes to xAPIC mode", (mode) => {
    const one = used(mode);
    one.apic.reset("reset");
    // LDR of an x2APIC as well: it is in xAPIC mode by then.
    expect(dwords(one)).toEqual(RESET);
    expect([one.apic.apicBase, one.apic.hasInterrupt(), one.timer.armed]).toEqual([
      0xfee0_0800n,
      false,
      false,
    ]);
  });

  it("forgets INIT and SIPI", () => {
    const one = new OneApic();
    one.apic.accept({ vector: 0, deliveryMode: 5, level: "asserted", trigger: "edge" });
    one.apic.reset("reset");
    expect(one.apic.hasPendingEvents).toBe(false);
  });
});

describe("INIT", () => {
  it("keeps base and ID of an xAPIC", () => {
    const one = used("xapic");
    one.apic.reset("init");
    expect(dwords(one)).toEqual([[0x20, 0x0900_0000], ...RESET.slice(1)]);
  });

  it("keeps mode, ID and LDR of an x2APIC", () => {
    const one = used("x2apic");
    one.apic.reset("init");
    expect(one.apic.mode).toBe("x2apic");
    expect(dwords(one)).toEqual([[0x20, 0x0500_0000], [0x30, 0x5_0014], [0xd0, 0x20], ...RESET.slice(2)]);
    expect(one.apic.rdmsr(0x830)).toBe(0n);
  });

  it("stops a periodic timer: no tick when LVTT is opened, none counted (E22)", () => {
    const one = used("xapic");
    expect(one.timer.armed).toBe(true);
    one.apic.reset("init");
    one.write(0xf0, 0x1ff);
    one.write(0x320, 0x2_0061);
    expect([one.timer.armed, one.read(0x390), one.apic.hasPendingTimer()]).toEqual([false, 0, false]);
  });

  it("lets LINT levels be", () => {
    const one = new OneApic();
    one.apic.setLint(0, "asserted");
    one.apic.reset("init");
    expect(one.apic.hasPicInterrupt).toBe(true);
  });
});

describe("a global disable", () => {
  it("keeps registers and timer: the timer expires, and is injected when enabled again (E17)", () => {
    const one = new OneApic();
    one.write(0x320, 0x61);
    one.write(0x380, 1_000_000);
    one.apic.wrmsr(0x1b, 0xfee0_0000n);
    expect(one.timer.armed).toBe(true);
    one.host.moveTo(one.timer.expiresNs);
    one.timer.fire();
    expect(one.apic.injectPendingTimer()).toBe(false);
    one.apic.wrmsr(0x1b, 0xfee0_0800n);
    expect([one.apic.injectPendingTimer(), one.apic.acknowledge()]).toEqual([true, 0x61]);
  });
});

it("LocalApic.reset: expected kind", () => {
  expect(() => new OneApic().apic.reset("power" as "reset")).toThrow(RangeError);
});
