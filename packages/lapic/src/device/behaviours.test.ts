import { describe, expect, it } from "vitest";
import { OneApic, type OneApicOptions } from "../../test/one-apic.js";
import { LOCAL_APIC_BEHAVIOURS, type LocalApicBehaviours } from "../index.js";

const ESR = 0x280;
const LVTERR = 0x370;
const SEND_ILLEGAL = 0x20;
const RECEIVE_ILLEGAL = 0x40;
const ILLEGAL_REGISTER = 0x80;

const sdm = (axis: keyof LocalApicBehaviours, rest: OneApicOptions = {}): OneApic =>
  new OneApic({ ...rest, behaviours: { [axis]: "sdm" } });

describe("errorStatus", () => {
  const both = (): OneApic => new OneApic({ behaviours: { errorStatus: "sdm", lowVectors: "sdm" } });

  it.each<[string, number, (one: OneApic) => void]>([
    ["a read of no register", ILLEGAL_REGISTER, (one) => one.read(0xc0)],
    ["a write of no register", ILLEGAL_REGISTER, (one) => one.write(0x3f0, 0)],
    ["an illegal vector received", RECEIVE_ILLEGAL, (one) => one.request(15)],
    [
      "an illegal vector of an LVT",
      RECEIVE_ILLEGAL,
      (one) => {
        one.write(0x330, 15);
        one.apic.raise("thermal");
      },
    ],
    ["an illegal vector sent", SEND_ILLEGAL, (one) => one.write(0x300, 0x0004_000f)],
  ])("sdm: %s is gathered, shown by a write of ESR, signalled through LVT error", (_title, bit, err) => {
    const one = both();
    one.write(LVTERR, 0xfe);
    err(one);
    expect([one.read(ESR), one.errors, one.apic.acknowledge()]).toEqual([0, [bit], 0xfe]);
    one.write(0xb0, 0);
    err(one);
    expect([one.errors, one.apic.hasInterrupt()]).toEqual([[bit], false]);
    one.write(ESR, 0);
    expect(one.read(ESR)).toBe(bit);
    one.write(ESR, 0);
    expect(one.read(ESR)).toBe(0);
    err(one);
    expect(one.apic.acknowledge()).toBe(0xfe);
  });

  it("sdm: an error entry whose own vector is illegal does not run on", () => {
    const one = both();
    one.write(LVTERR, 3);
    one.read(0xc0);
    one.write(ESR, 0);
    expect([one.read(ESR), one.errors]).toEqual([
      ILLEGAL_REGISTER | RECEIVE_ILLEGAL,
      [ILLEGAL_REGISTER, ILLEGAL_REGISTER | RECEIVE_ILLEGAL],
    ]);
  });

  it("kvm: nothing is gathered, and a restored ESR stays through writes", () => {
    const one = new OneApic();
    one.write(LVTERR, 0xfe);
    one.read(0xc0);
    one.restore([ESR, 0xab]);
    one.write(ESR, 0);
    expect([one.read(ESR), one.errors, one.apic.hasInterrupt()]).toEqual([0xab, [], false]);
  });
});

describe("lowVectors", () => {
  it("sdm: 15 is refused and 16 taken, by message and by ICR", () => {
    const one = sdm("lowVectors");
    expect([one.request(15), one.request(16)]).toEqual(["discarded", "accepted"]);
    one.write(0x300, 0x0004_000e);
    one.write(0x300, 0x0004_0011);
    expect([one.read(0x200), one.read(0x300)]).toEqual([0x3_0000, 0x0004_0011]);
  });

  it("sdm: NMI has no vector to be illegal", () => {
    const one = sdm("lowVectors");
    one.write(0x300, 0x0004_0400);
    expect(one.vcpu.seen).toEqual(["nmi"]);
  });
});

describe("x2apicReservedBits", () => {
  it.each([
    ["TPR", 0x80, 0xff, 0x100],
    ["EOI", 0xb0, 0, 1],
    ["SVR", 0xf0, 0x3ff, 0x400],
    ["LVTT", 0x320, 0x710ff, 0x100],
    ["LVTTHMR", 0x330, 0x117ff, 0x2000],
    ["LVT0", 0x350, 0x1f7ff, 0x800],
    ["LVTERR", 0x370, 0x110ff, 0x8000_0000],
    ["TDCR", 0x3e0, 0xb, 4],
  ])("sdm: %s takes its bits and faults on others; kvm drops them", (_name, offset, allowed, reserved) => {
    const one = sdm("x2apicReservedBits", { mode: "x2apic" });
    expect([one.write(offset, allowed), one.write(offset, reserved)]).toEqual(["ok", "fault"]);
    expect(one.bad.map(({ reason }) => reason)).toEqual(["reserved-bits"]);
    expect(new OneApic({ mode: "x2apic" }).write(offset, reserved)).toBe("ok");
  });

  it("sdm: the initial count and the page have no such bits", () => {
    const one = sdm("x2apicReservedBits", { mode: "x2apic" });
    expect(one.write(0x380, 0xffff_ffff)).toBe("ok");
    const page = sdm("x2apicReservedBits");
    page.write(0x80, 0xffff_ffff);
    expect(page.read(0x80)).toBe(0xff);
  });
});

describe("lvtReadOnlyBits", () => {
  it.each([
    ["kvm", 0x5061],
    ["sdm", 0x0061],
  ] as const)("%s: LINT0 written with bits 12 and 14 reads 0x%x", (value, read) => {
    const one = new OneApic({ behaviours: { lvtReadOnlyBits: value } });
    one.write(0x350, 0x5061);
    expect(one.read(0x350)).toBe(read);
    one.write(0x320, 0x1061);
    expect(one.read(0x320)).toBe(read & 0x1fff);
  });

  it("sdm: a restored bit stays", () => {
    const one = sdm("lvtReadOnlyBits");
    one.restore([0x360, 0x5061]);
    one.write(0x360, 0x62);
    expect(one.read(0x360)).toBe(0x5062);
  });
});

/** A timer that expires while LVTT is masked, then unmasked: what is injected, and what the deadline reads between. */
function expireMasked(
  value: "kvm" | "sdm",
  lvtt: number,
): readonly [number | undefined, bigint | undefined, number] {
  const one = new OneApic({ behaviours: { maskedTimer: value } });
  one.write(0x320, lvtt | 0x1_0000);
  if ((lvtt & 0x4_0000) !== 0) one.apic.wrmsr(0x6e0, one.host.now + 1_000_000n);
  else one.write(0x380, 1_000_000);
  one.host.moveTo(one.timer.expiresNs);
  one.timer.fire();
  const deadline = one.apic.rdmsr(0x6e0);
  const count = one.read(0x390);
  one.write(0x320, lvtt);
  one.apic.injectPendingTimer();
  return [one.apic.acknowledge(), deadline, count];
}

describe("maskedTimer", () => {
  it.each([
    ["one-shot", 0xec],
    ["periodic", 0x2_00ec],
  ])("%s: kvm injects late, sdm has lost it", (_mode, lvtt) => {
    expect(expireMasked("kvm", lvtt)[0]).toBe(0xec);
    expect(expireMasked("sdm", lvtt)[0]).toBe(undefined);
  });

  it("deadline: kvm shows it until injected, sdm shows 0 at once", () => {
    const [kvm, shown] = expireMasked("kvm", 0x4_00ec);
    expect([kvm, shown !== 0n]).toEqual([0xec, true]);
    expect(expireMasked("sdm", 0x4_00ec)).toEqual([undefined, 0n, 0]);
  });

  it("sdm: an open timer is injected as ever", () => {
    const one = sdm("maskedTimer");
    one.write(0x320, 0xec);
    one.write(0x380, 1000);
    one.host.moveTo(one.timer.expiresNs);
    one.timer.fire();
    one.apic.injectPendingTimer();
    expect(one.apic.acknowledge()).toBe(0xec);
  });
});

describe("timerModeChange", () => {
  const ONE_SHOT = 0xec;
  const PERIODIC = 0x2_00ec;
  const RESERVED = 0x6_00ec;

  it.each([
    [ONE_SHOT, PERIODIC],
    [PERIODIC, ONE_SHOT],
    [PERIODIC, RESERVED],
  ])("from LVTT %i to %i: kvm counts on, sdm stops until the count is written", (from, to) => {
    const change = (value: "kvm" | "sdm"): unknown[] => {
      const one = new OneApic({ behaviours: { timerModeChange: value } });
      one.write(0x320, from);
      one.write(0x380, 1_000_000);
      one.write(0x320, to);
      // A quarter of 2 ms: the divisor is 2 after reset.
      one.host.spend(500_000n);
      return [one.timer.armed, one.read(0x380), one.read(0x390)];
    };
    expect(change("kvm")).toEqual([true, 1_000_000, 750_000]);
    expect(change("sdm")).toEqual([false, 0, 0]);
  });

  it("sdm: an expiry that waited is gone with the mode", () => {
    const one = sdm("timerModeChange");
    one.write(0x320, ONE_SHOT);
    one.write(0x380, 1000);
    one.host.moveTo(one.timer.expiresNs);
    one.timer.fire();
    one.write(0x320, PERIODIC);
    expect([one.apic.hasPendingTimer(), one.apic.hasInterrupt()]).toEqual([false, false]);
  });

  it("sdm: another vector or the mask, in the same mode, leaves the count alone", () => {
    const one = sdm("timerModeChange");
    one.write(0x320, PERIODIC);
    one.write(0x380, 1_000_000);
    one.write(0x320, PERIODIC + 0x1_0001);
    expect([one.timer.armed, one.read(0x380)]).toEqual([true, 1_000_000]);
  });
});

describe("globalDisable", () => {
  it("sdm: registers and timer start anew; base, mode rules and ID as in KVM", () => {
    const one = sdm("globalDisable");
    one.write(0x320, 0x2_0061);
    one.write(0x380, 1000);
    one.request(0x41);
    one.apic.wrmsr(0x1b, 0xfee0_0100n);
    expect(one.timer.armed).toBe(false);
    one.apic.wrmsr(0x1b, 0xfee0_0900n);
    expect([one.read(0xf0), one.read(0x320), one.read(0x380), one.apic.hasInterrupt()]).toEqual([
      0xff,
      0x1_0000,
      0,
      false,
    ]);
  });
});

describe("the table", () => {
  it("has KVM as every default", () => {
    const { behaviours } = new OneApic().apic;
    const axes = Object.keys(LOCAL_APIC_BEHAVIOURS);
    expect(behaviours).toEqual(Object.fromEntries(axes.map((axis) => [axis, "kvm"])));
  });

  it.each(Object.keys(LOCAL_APIC_BEHAVIOURS))("%s refuses a value it has not", (axis) => {
    const make = (): OneApic => new OneApic({ behaviours: { [axis]: "hyper-v" } });
    expect(make).toThrow(RangeError);
    expect(make).toThrow(`LocalApic: expected behaviours.${axis} to be one of kvm, sdm, got hyper-v`);
  });
});
