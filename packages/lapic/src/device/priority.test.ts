import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";

const TPR = 0x80;
const PPR = 0xa0;
const EOI = 0xb0;
const SVR = 0xf0;

describe("TPR, PPR and CR8", () => {
  it.each([
    [0x25, 0x2f, false],
    [0x25, 0x30, true],
    [0x30, 0x31, false],
    [0x3f, 0x3f, false],
    [0x2f, 0x31, true],
  ])("TPR 0x%x with 0x%x requested: deliverable %s (E15)", (tpr, vector, deliverable) => {
    const one = new OneApic();
    one.write(TPR, tpr);
    one.request(vector);
    expect(one.apic.hasInterrupt()).toBe(deliverable);
  });

  it("CR8 is TPR's class, and works whatever the mode", () => {
    const one = new OneApic({ mode: "reset" });
    one.apic.wrmsr(0x1b, 0xfee0_0000n);
    one.apic.writeCr8(9);
    expect([one.apic.cr8, one.apic.tpr]).toEqual([9, 0x90]);
    one.apic.wrmsr(0x1b, 0xfee0_0800n);
    expect(one.read(TPR)).toBe(0x90);
    one.write(TPR, 0x5a);
    expect(one.apic.cr8).toBe(5);
  });

  it("CR8 above 15 leaves TPR alone (docs/model/lapic §12.5)", () => {
    const one = new OneApic();
    one.write(TPR, 0x5a);
    one.apic.writeCr8(16);
    expect(one.read(TPR)).toBe(0x5a);
    expect(one.bad).toEqual([
      {
        kind: "write",
        through: "cr8",
        address: 8,
        size: 8,
        value: 16n,
        reason: "reserved-bits",
        outcome: "ignored",
      },
    ]);
  });

  it("x2APIC TPR drops bits above 7", () => {
    const one = new OneApic({ mode: "x2apic" });
    expect([one.write(TPR, 0xffff_ff35), one.read(TPR), one.read(PPR)]).toEqual(["ok", 0x35, 0x35]);
  });

  it("lowering TPR below what is requested asks for an event; raising it does not", () => {
    const one = new OneApic();
    one.write(TPR, 0x80);
    one.request(0x51);
    one.vcpu.events = 0;
    one.write(TPR, 0x50);
    expect(one.vcpu.events).toBe(0);
    one.write(TPR, 0x4f);
    expect(one.vcpu.events).toBe(1);
    one.write(TPR, 0x60);
    expect(one.vcpu.events).toBe(1);
  });

  it("a page shows PPR as it was last computed", () => {
    const one = new OneApic();
    one.restore([TPR, 0x20]);
    one.request(0x61);
    one.apic.acknowledge();
    expect([one.saved(PPR), one.apic.ppr]).toEqual([0x60, 0x60]);
    one.write(EOI, 0);
    expect(one.saved(PPR)).toBe(0x20);
  });
});

describe("acknowledge and end of interrupt", () => {
  it("nests by class and unwinds in reverse", () => {
    const one = new OneApic();
    const order: (number | undefined)[] = [];
    for (const vector of [0x31, 0x35, 0x51]) {
      one.request(vector);
      order.push(one.apic.acknowledge());
    }
    expect(order).toEqual([0x31, undefined, 0x51]);
    expect([one.read(PPR), one.read(0x110) >>> 0, one.read(0x120)]).toEqual([0x50, 1 << 17, 1 << 17]);
    one.write(EOI, 0);
    expect([one.read(PPR), one.apic.hasInterrupt()]).toEqual([0x30, false]);
    one.write(EOI, 0);
    expect(one.apic.acknowledge()).toBe(0x35);
  });

  it("tells the I/O APIC, with the trigger mode TMR has", () => {
    const one = new OneApic();
    one.request(0x41, "level");
    one.apic.acknowledge();
    one.write(EOI, 0xdead);
    one.request(0x42);
    one.apic.acknowledge();
    one.write(EOI, 0);
    one.write(EOI, 0);
    expect(one.vcpu.seen).toEqual(["eoi 65 level", "eoi 66 edge"]);
  });

  it.each([
    ["kvm", 0x11ff, ["eoi 65 level"]],
    ["sdm", 0x11ff, []],
    ["sdm", 0x01ff, ["eoi 65 level"]],
  ] as const)("under directed EOI as %s, SVR 0x%x: tells %j", (eoiBroadcast, svr, seen) => {
    const one = new OneApic({ config: { ioapic: "split" }, behaviours: { eoiBroadcast } });
    one.write(SVR, svr);
    one.request(0x41, "level");
    one.apic.acknowledge();
    one.write(EOI, 0);
    expect([one.vcpu.seen, one.read(0x120)]).toEqual([seen, 0]);
  });

  it("does nothing with nothing in service, by MSR with any 32 bits", () => {
    const one = new OneApic({ mode: "x2apic" });
    one.vcpu.events = 0;
    expect([one.write(EOI, 0xffff_ffff), one.vcpu.events]).toEqual(["ok", 0]);
  });

  it("a disabled APIC has nothing to take, and has it again when enabled", () => {
    const one = new OneApic();
    one.request(0x41);
    one.apic.wrmsr(0x1b, 0xfee0_0000n);
    expect([one.apic.hasInterrupt(), one.apic.acknowledge()]).toEqual([false, undefined]);
    one.apic.wrmsr(0x1b, 0xfee0_0800n);
    expect(one.apic.acknowledge()).toBe(0x41);
  });

  it("a software-disabled one still delivers what was requested before", () => {
    const one = new OneApic();
    one.request(0x41);
    one.write(SVR, 0xff);
    expect([one.request(0x51), one.apic.acknowledge()]).toEqual(["discarded", 0x41]);
  });
});

/** The priority rules over sets, written from the manual. */
class Manual {
  readonly requested = new Set<number>();
  readonly serving: number[] = [];
  tpr = 0;

  get ppr(): number {
    const serving = Math.floor(Math.max(0, ...this.serving) / 16) * 16;
    return Math.floor(this.tpr / 16) * 16 >= serving ? this.tpr : serving;
  }
  take(): number | undefined {
    const best = Math.max(-1, ...this.requested);
    if (Math.floor(best / 16) * 16 <= this.ppr) return undefined;
    this.requested.delete(best);
    this.serving.push(best);
    return best;
  }
  end(): void {
    const highest = Math.max(-1, ...this.serving);
    const at = this.serving.indexOf(highest);
    if (at >= 0) this.serving.splice(at, 1);
  }
}

describe("for every sequence of a guest's operations", () => {
  const vector = fc.integer({ min: 0, max: 255 });
  const operation = fc.oneof(
    fc.record({ op: fc.constantFrom("request", "tpr"), vector }),
    fc.record({ op: fc.constantFrom("take", "end"), vector: fc.constant(0) }),
  );

  it.each(["xapic", "x2apic"] as const)("vectors and PPR are the manual's (%s)", (mode) => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const one = new OneApic({ mode });
        const manual = new Manual();
        for (const { op, vector: v } of operations) {
          if (op === "request") {
            one.request(v);
            manual.requested.add(v);
          } else if (op === "tpr") {
            one.write(TPR, v);
            manual.tpr = v;
          } else if (op === "take") {
            expect(one.apic.acknowledge()).toBe(manual.take());
          } else {
            one.write(EOI, 0);
            manual.end();
          }
          expect(one.read(PPR)).toBe(manual.ppr);
        }
      }),
    );
  });
});
