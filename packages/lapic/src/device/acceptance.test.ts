import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";
import { type ApicInterrupt, LocalApic, type TriggerMode } from "../index.js";

const FIXED = 0;
const LOWEST = 1;
const SMI = 2;
const REMOTE_READ = 3;
const NMI = 4;
const INIT = 5;
const SIPI = 6;
const EXTINT = 7;

const message = (deliveryMode: number, rest: Partial<ApicInterrupt> = {}): ApicInterrupt => ({
  vector: 0x41,
  deliveryMode,
  level: "asserted",
  trigger: "edge",
  ...rest,
});

const softwareDisabled = () => new OneApic({ mode: "reset" });
const hardwareDisabled = () => {
  const one = new OneApic();
  one.apic.wrmsr(0x1b, 0xfee0_0000n);
  return one;
};

describe("delivery mode", () => {
  it.each([
    [FIXED, "accepted", "discarded", "discarded"],
    [LOWEST, "accepted", "discarded", "discarded"],
    [SMI, "accepted", "accepted", "accepted"],
    [REMOTE_READ, "accepted", "accepted", "accepted"],
    [NMI, "accepted", "accepted", "accepted"],
    [INIT, "accepted", "accepted", "accepted"],
    [SIPI, "accepted", "accepted", "accepted"],
    [EXTINT, "discarded", "discarded", "discarded"],
  ])("%i: enabled %s, software-disabled %s, hardware-disabled %s", (mode, enabled, software, hardware) => {
    expect(new OneApic().apic.accept(message(mode))).toBe(enabled);
    expect(softwareDisabled().apic.accept(message(mode))).toBe(software);
    expect(hardwareDisabled().apic.accept(message(mode))).toBe(hardware);
  });

  it.each([
    [SMI, "smi"],
    [REMOTE_READ, "pv-unhalt"],
    [NMI, "nmi"],
  ])("%i is the processor's: %s, and kicks it", (mode, seen) => {
    const one = new OneApic();
    one.apic.accept(message(mode));
    expect([one.vcpu.seen, one.vcpu.kicks]).toEqual([[seen], 1]);
  });

  it("SMI is discarded where the processor has none", () => {
    const one = new OneApic();
    Object.defineProperty(one.vcpu, "smi", { value: undefined });
    expect(one.apic.accept(message(SMI))).toBe("discarded");
  });

  it.each([FIXED, LOWEST])("%i requests the vector and asks for an event", (mode) => {
    const one = new OneApic();
    one.apic.accept(message(mode));
    expect([one.read(0x220), one.vcpu.events, one.vcpu.kicks]).toEqual([2, 1, 1]);
    expect(one.apic.acknowledge()).toBe(0x41);
  });
});

describe("onAccept", () => {
  it("tells of a request that joined one still waiting, which its sender counts as accepted", () => {
    const one = new OneApic();
    expect([one.request(0x41), one.request(0x41)]).toEqual(["accepted", "accepted"]);
    one.apic.acknowledge();
    one.request(0x41);
    expect(one.arrivals).toEqual(["accepted", "coalesced", "accepted"]);
  });

  it("tells the same of posted ones, whether the first was moved to IRR or not", () => {
    const one = new OneApic();
    one.vcpu.apicvActive = true;
    one.request(0x41);
    one.request(0x41);
    one.apic.syncPosted();
    one.request(0x41);
    one.apic.acknowledge();
    one.request(0x41);
    expect(one.arrivals).toEqual(["accepted", "coalesced", "coalesced", "accepted"]);
    expect(one.vcpu.notifications).toBe(3);
  });

  it("tells of one that was discarded", () => {
    const one = softwareDisabled();
    one.request(0x41);
    expect(one.arrivals).toEqual(["discarded"]);
  });
});

describe("trigger and level", () => {
  it.each<[number, TriggerMode, ApicInterrupt["level"], string]>([
    [FIXED, "edge", "asserted", "accepted"],
    [FIXED, "edge", "deasserted", "accepted"],
    [FIXED, "level", "asserted", "accepted"],
    [FIXED, "level", "deasserted", "discarded"],
    [LOWEST, "level", "deasserted", "discarded"],
    [INIT, "edge", "deasserted", "accepted"],
    [INIT, "level", "asserted", "accepted"],
    [INIT, "level", "deasserted", "discarded"],
    [NMI, "level", "deasserted", "accepted"],
    [SIPI, "level", "deasserted", "accepted"],
  ])("mode %i, %s, %s: %s", (mode, trigger, level, outcome) => {
    expect(new OneApic().apic.accept(message(mode, { trigger, level }))).toBe(outcome);
  });

  it("TMR follows the last accepted, and a discarded one leaves it", () => {
    const one = new OneApic();
    one.request(0x41, "level");
    expect(one.read(0x1a0)).toBe(2);
    one.write(0xf0, 0xff);
    one.request(0x41, "edge");
    expect(one.read(0x1a0)).toBe(2);
    one.write(0xf0, 0x1ff);
    one.request(0x41, "edge");
    expect(one.read(0x1a0)).toBe(0);
  });
});

describe("the arbitration counter", () => {
  it("counts lowest priority alone, discarded or not, until a reset", () => {
    const one = softwareDisabled();
    one.apic.accept(message(LOWEST));
    one.apic.accept(message(FIXED));
    one.apic.accept(message(LOWEST, { trigger: "level", level: "deasserted" }));
    expect(one.apic.arbitrationPriority).toBe(2);
    one.apic.reset("init");
    expect(one.apic.arbitrationPriority).toBe(0);
  });

  it("wraps as an int", () => {
    const one = new OneApic();
    const state = { ...one.apic.state(), arbitrationPriority: 2 ** 31 - 1 };
    const restored = LocalApic.fromState(state, one.options);
    restored.accept(message(LOWEST));
    expect(restored.arbitrationPriority).toBe(-(2 ** 31));
  });
});

describe("bursts", () => {
  it("become two deliveries at most: one in service, one behind it", () => {
    const one = new OneApic();
    const taken: number[] = [];
    for (let i = 0; i < 5; i++) {
      expect(one.request(0x41)).toBe("accepted");
      const vector = one.apic.acknowledge();
      if (vector !== undefined) taken.push(vector);
    }
    one.write(0xb0, 0);
    expect([taken, one.apic.acknowledge(), one.apic.hasInterrupt()]).toEqual([[0x41], 0x41, false]);
  });

  it("vectors below 16 are accepted and stay for ever (E16)", () => {
    const one = new OneApic();
    expect([one.request(0x0f), one.apic.hasInterrupt(), one.read(0x200)]).toEqual([
      "accepted",
      false,
      1 << 15,
    ]);
    expect(one.read(0x280)).toBe(0);
  });
});

describe("under APICv", () => {
  function virtualized(): OneApic {
    const one = new OneApic();
    one.vcpu.apicvActive = true;
    return one;
  }

  it("an interrupt is posted, notified once, and requested at the next look", () => {
    const one = virtualized();
    one.request(0x41);
    one.request(0x41);
    expect([one.vcpu.notifications, one.vcpu.kicks, one.vcpu.events]).toEqual([1, 0, 0]);
    expect(one.apic.state().interrupts.irr).toEqual(Array<number>(8).fill(0));
    one.apic.syncPosted();
    expect(one.read(0x220)).toBe(2);
    one.request(0x41);
    expect(one.vcpu.notifications).toBe(2);
  });

  it.each<[string, (one: OneApic) => unknown, unknown]>([
    ["a read of IRR", (one) => one.read(0x220), 2],
    ["a saved page", (one) => one.saved(0x220), 2],
    ["taking it", (one) => one.apic.acknowledge(), 0x41],
    ["asking for it", (one) => one.apic.hasInterrupt(), true],
  ])("%s finds what was posted", (_title, look, found) => {
    const one = virtualized();
    one.request(0x41);
    expect(look(one)).toEqual(found);
  });

  it("a renumbered APIC inhibits it: interrupts go the other way", () => {
    const one = virtualized();
    one.write(0x20, 0x0900_0000);
    one.request(0x41);
    expect([one.vcpu.notifications, one.vcpu.kicks]).toEqual([0, 1]);
  });

  it("a restored page drops what was posted", () => {
    const one = virtualized();
    const page = one.apic.toPage();
    one.request(0x41);
    one.apic.fromPage(page);
    expect(one.apic.hasInterrupt()).toBe(false);
  });
});

describe("a caller's mistake", () => {
  const { apic } = new OneApic();
  it.each<[string, () => unknown]>([
    ["LocalApic.accept: expected vector", () => apic.accept(message(FIXED, { vector: 256 }))],
    ["LocalApic.accept: expected deliveryMode in 0 … 7, got 8", () => apic.accept(message(8))],
    ["LocalApic.accept: expected level", () => apic.accept(message(0, { level: "high" as "asserted" }))],
    ["LocalApic.accept: expected trigger", () => apic.accept(message(0, { trigger: "pulse" as "edge" }))],
  ])("%s", (text, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(text);
  });
});
