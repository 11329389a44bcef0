import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";

const ID = 0x20;
const TPR = 0x80;
const PPR = 0xa0;
const LDR = 0xd0;
const SVR = 0xf0;
const LVTT = 0x320;
const TMICT = 0x380;
const TMCCT = 0x390;

describe("a restored page", () => {
  it("is memory: every dword comes back but version, PPR and the count", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1024, maxLength: 1024 }), (bytes) => {
        const page = Uint8Array.from(bytes);
        const view = new DataView(page.buffer);
        // A stopped timer, or TMICT and TMCCT would tell of the host's clock.
        view.setUint32(LVTT, view.getUint32(LVTT) & 0x1_00ff, true);
        view.setUint32(TMICT, 0, true);
        const one = new OneApic();
        expect(one.apic.fromPage(page)).toBe("ok");
        view.setUint32(0x30, 0x5_0014, true);
        view.setUint32(PPR, view.getUint32(TPR, true) & 0xff, true);
        view.setUint32(TMCCT, 0, true);
        expect(one.apic.toPage()).toEqual(page);
      }),
    );
  });

  it("asks for an event, and forgets the arbitration counter", () => {
    const one = new OneApic();
    one.apic.accept({ vector: 0x41, deliveryMode: 1, level: "asserted", trigger: "edge" });
    one.vcpu.events = 0;
    one.restore();
    expect([one.vcpu.events, one.apic.arbitrationPriority]).toEqual([1, 0]);
  });

  it("reads TPR whole until it is written", () => {
    const one = new OneApic();
    one.restore([TPR, 0xaaaa_aa35]);
    expect([one.read(TPR), one.apic.cr8, one.read(PPR)]).toEqual([0xaaaa_aa35, 3, 0x35]);
    one.write(TPR, 0x35);
    expect(one.read(TPR)).toBe(0x35);
  });
});

describe("PPR after a restore (docs/model/lapic §12.1)", () => {
  const inService = [0x170, 0x8000_0000] as const;

  it("overlooks loaded vectors when none was in service before, until it is computed again", () => {
    const one = new OneApic();
    one.restore([TPR, 0xaa], inService);
    expect([one.saved(PPR), one.read(PPR)]).toEqual([0xaa, 0xf0]);
    expect(one.saved(PPR)).toBe(0xf0);
  });

  it("sees them when one was", () => {
    const one = new OneApic();
    one.request(0x41);
    one.apic.acknowledge();
    one.restore([TPR, 0xaa], inService);
    expect(one.saved(PPR)).toBe(0xf0);
  });

  it("sees them under APICv", () => {
    const one = new OneApic();
    one.vcpu.apicvActive = true;
    one.restore([TPR, 0xaa], inService);
    expect(one.saved(PPR)).toBe(0xf0);
  });
});

describe("the ID of an x2APIC's page", () => {
  it.each([
    ["8-bit", 0x0300_0000, 0x1234_5678, "ok", 0x0300_0000],
    ["8-bit", 0x0300_0000, 3, "ok", 0x0300_0000],
    ["32-bit", 0x103, 0x103, "ok", 0x103],
    ["32-bit", 0x103, 0x0300_0000, "invalid", 0x103],
    ["32-bit", 0x103, 0x102, "invalid", 0x103],
  ] as const)("%s: shows 0x%x; 0x%x in is %s, shows 0x%x", (idFormat, before, given, answer, after) => {
    const one = new OneApic({ id: 0x103, mode: "x2apic", config: { idFormat } });
    expect(one.saved(ID)).toBe(before);
    expect(one.restore([ID, given], [LDR, 0xdead])).toBe(answer);
    expect([one.saved(ID), one.saved(LDR)]).toEqual([after, 0x10_0008]);
  });

  it("a refused page has enabled or disabled the APIC nevertheless, and changed nothing else", () => {
    const one = new OneApic({ id: 3, mode: "x2apic", config: { idFormat: "32-bit" } });
    const before = one.apic.state();
    expect(one.restore([ID, 4], [SVR, 0xff], [TPR, 0x50])).toBe("invalid");
    const registers = before.registers.map((word, i) => (i === SVR / 4 ? 0xff : word));
    expect(one.apic.state()).toEqual({ ...before, registers });
  });

  it("of an xAPIC is taken as it comes", () => {
    const one = new OneApic({ id: 3, config: { idFormat: "32-bit" } });
    expect([one.restore([ID, 0x1234_5678]), one.saved(ID)]).toEqual(["ok", 0x1234_5678]);
  });
});

describe("ICR of an x2APIC's page (docs/model/lapic §12.7)", () => {
  it("comes from 0x310, and overwrites 0x304", () => {
    const one = new OneApic({ mode: "x2apic" });
    one.restore([0x300, 0x65], [0x304, 0xdead], [0x310, 0xbeef]);
    expect([one.apic.rdmsr(0x830), one.saved(0x304), one.saved(0x310)]).toEqual([
      0x0000_beef_0000_0065n,
      0xbeef,
      0xbeef,
    ]);
  });

  it("of an xAPIC are two registers", () => {
    const one = new OneApic();
    one.restore([0x304, 0xdead], [0x310, 0xbeef_0000]);
    expect([one.saved(0x304), one.read(0x310)]).toEqual([0xdead, 0xbeef_0000]);
  });
});

describe("the timer of a page (E5)", () => {
  /** Divide by 1, open, at 0xec. */
  function restored(mode: number, tmict: number, tmcct: number, before = 0): OneApic {
    const one = new OneApic();
    one.write(LVTT, before | 0x1_0000);
    one.restore([LVTT, mode | 0xec], [TMICT, tmict], [TMCCT, tmcct], [0x3e0, 0xb]);
    return one;
  }
  const left = (one: OneApic): bigint => one.timer.expiresNs - one.host.mono;
  const PERIODIC = 0x2_0000;
  const DEADLINE = 0x4_0000;

  it.each([
    ["a periodic one goes on", PERIODIC, 5_999_876, 5_999_876n],
    ["a periodic one without a count starts full", PERIODIC, 0, 10_000_000n],
    ["a one-shot goes on", 0, 5_999_876, 5_999_876n],
    ["a count above the initial one is cut", 0, 20_000_000, 10_000_000n],
  ])("%s", (_title, mode, tmcct, ns) => {
    const one = restored(mode, 10_000_000, tmcct);
    expect([one.timer.armed, left(one)]).toEqual([true, ns]);
    expect(one.saved(TMCCT)).toBe(Number(ns) % 10_000_000);
  });

  it("a one-shot without a count fires", () => {
    const one = restored(0, 10_000_000, 0);
    expect(left(one)).toBe(0n);
  });

  it("is dead on a vCPU left in TSC-deadline mode", () => {
    const one = restored(PERIODIC, 10_000_000, 5_000_000, DEADLINE);
    expect([one.read(TMICT), one.timer.armed]).toEqual([0, false]);
  });

  it("a pending expiry is not in the page", () => {
    const one = new OneApic();
    one.write(LVTT, PERIODIC | 0xec);
    one.write(TMICT, 1_000_000);
    one.host.moveTo(one.timer.expiresNs);
    one.timer.fire();
    expect(one.apic.hasPendingTimer()).toBe(true);
    one.restore();
    expect(one.apic.hasPendingTimer()).toBe(false);
  });
});

describe("a caller's mistake", () => {
  it.each<[string, ErrorConstructor | RangeErrorConstructor | TypeErrorConstructor, unknown]>([
    ["LocalApic.fromPage: expected 1024 bytes, got 4096", RangeError, new Uint8Array(4096)],
    ["LocalApic.fromPage: expected page to be a Uint8Array, got object", TypeError, [0]],
  ])("%s", (text, kind, page) => {
    const call = () => new OneApic().apic.fromPage(page as Uint8Array);
    expect(call).toThrow(kind);
    expect(call).toThrow(text);
  });
});
