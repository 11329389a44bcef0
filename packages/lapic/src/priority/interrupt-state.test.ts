import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InterruptState, NO_VECTOR, VectorSet } from "../index.js";

const vector = fc.integer({ min: 0, max: 255 });

/** The rules again, over plain sets. */
class NaiveApic {
  readonly irr = new Set<number>();
  readonly isr = new Set<number>();
  tpr = 0;

  static highest(set: Set<number>): number {
    return Math.max(-1, ...set);
  }
  get ppr(): number {
    const service = Math.floor(Math.max(0, NaiveApic.highest(this.isr)) / 16);
    return Math.floor(this.tpr / 16) >= service ? this.tpr : service * 16;
  }
  get deliverable(): number {
    const best = NaiveApic.highest(this.irr);
    return best >= 0 && Math.floor(best / 16) * 16 > this.ppr ? best : -1;
  }
}

describe("the task priority", () => {
  it.each([
    [0x25, 0x2f, NO_VECTOR],
    [0x25, 0x30, 0x30],
    [0x30, 0x31, NO_VECTOR],
    [0x3f, 0x31, NO_VECTOR],
    [0x2f, 0x31, 0x31],
    [0x00, 0x10, 0x10],
    [0x00, 0x0f, NO_VECTOR],
  ])("TPR 0x%x with vector 0x%x requested delivers %i (E15, E16)", (tpr, requested, delivered) => {
    const apic = new InterruptState();
    apic.writeTpr(tpr);
    apic.accept(requested, "edge");
    expect(apic.deliverable()).toBe(delivered);
    expect(apic.irr.has(requested)).toBe(true);
  });

  it.each([
    [0x3a, 0x35, 0x3a],
    [0x35, 0x3a, 0x35],
    [0x2f, 0x31, 0x30],
    [0x40, 0x31, 0x40],
    [0, 0, 0],
  ])("TPR 0x%x with 0x%x in service gives PPR 0x%x", (tpr, inService, ppr) => {
    const apic = new InterruptState();
    apic.accept(inService, "edge");
    apic.ack(inService);
    apic.writeTpr(tpr);
    expect(apic.ppr).toBe(ppr);
  });

  it("written tells when an interrupt became deliverable by it", () => {
    const apic = new InterruptState();
    apic.writeTpr(0x50);
    apic.accept(0x41, "edge");
    expect(apic.writeTpr(0x4f)).toBe(false);
    expect(apic.writeTpr(0x3f)).toBe(true);
    expect(apic.writeTpr(0x3f)).toBe(false);
    expect(apic.writeTpr(0x1_0000)).toBe(true);
    expect(apic.tpr).toBe(0);
  });

  it("through CR8 is the class alone", () => {
    const apic = new InterruptState();
    apic.writeTpr(0x37);
    expect(apic.cr8).toBe(3);
    apic.writeCr8(3);
    expect(apic.tpr).toBe(0x30);
  });
});

describe("delivery", () => {
  it("looks at the highest requested vector only", () => {
    const apic = new InterruptState();
    apic.accept(0x61, "edge");
    apic.ack(0x61);
    apic.accept(0x62, "edge");
    apic.accept(0x31, "edge");
    expect(apic.deliverable()).toBe(NO_VECTOR);
    expect(apic.eoi()).toBe(0x61);
    expect(apic.deliverable()).toBe(0x62);
  });

  it("of a vector already requested is one interrupt, and one more can queue behind it in service", () => {
    const apic = new InterruptState();
    expect([apic.accept(0x41, "edge"), apic.accept(0x41, "edge")]).toEqual([true, false]);
    apic.ack(0x41);
    expect([apic.accept(0x41, "edge"), apic.deliverable()]).toEqual([true, NO_VECTOR]);
    expect([apic.eoi(), apic.deliverable()]).toEqual([0x41, 0x41]);
  });

  it("keeps the trigger mode of the last request, through the end of interrupt", () => {
    const apic = new InterruptState();
    apic.accept(0x41, "level");
    apic.ack(0x41);
    apic.eoi();
    expect(apic.tmr.has(0x41)).toBe(true);
    apic.accept(0x41, "edge");
    expect(apic.tmr.has(0x41)).toBe(false);
  });

  it("an end of interrupt with nothing in service does nothing", () => {
    expect(new InterruptState().eoi()).toBe(NO_VECTOR);
  });
});

describe("for every sequence of operations", () => {
  const operation = fc.oneof(
    fc.record({ op: fc.constant("accept" as const), vector }),
    fc.record({ op: fc.constant("take" as const), vector }),
    fc.record({ op: fc.constant("eoi" as const), vector }),
    fc.record({ op: fc.constant("tpr" as const), vector }),
  );

  it("equals the naive model, and survives a round trip", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        let apic = new InterruptState();
        const naive = new NaiveApic();
        for (const { op, vector: v } of operations) {
          if (op === "accept") {
            expect(apic.accept(v, "edge")).toBe(!naive.irr.has(v));
            naive.irr.add(v);
          } else if (op === "take" && naive.deliverable >= 0) {
            const taken = naive.deliverable;
            apic.ack(taken);
            naive.irr.delete(taken);
            naive.isr.add(taken);
          } else if (op === "eoi") {
            expect(apic.eoi()).toBe(NaiveApic.highest(naive.isr));
            naive.isr.delete(NaiveApic.highest(naive.isr));
          } else if (op === "tpr") {
            apic.writeTpr(v);
            naive.tpr = v;
          }
          apic = InterruptState.fromState(JSON.parse(JSON.stringify(apic.state())));
          expect([apic.ppr, apic.deliverable(), apic.tpr]).toEqual([naive.ppr, naive.deliverable, naive.tpr]);
        }
      }),
    );
  });

  it("a vector set holds what was added and not removed", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), vector)), (steps) => {
        const set = new VectorSet();
        const naive = new Set<number>();
        for (const [adds, v] of steps) {
          expect(adds ? set.add(v) : set.delete(v)).toBe(adds !== naive.has(v));
          if (adds) naive.add(v);
          else naive.delete(v);
          expect(set.highest).toBe(Math.max(-1, ...naive));
        }
        for (let v = 0; v < 256; v++) expect(set.has(v)).toBe(naive.has(v));
        for (let w = 0; w < 8; w++) expect(set.word(w)).toBe(set.words()[w]);
      }),
    );
  });
});

describe("reset and arguments", () => {
  it("reset clears everything", () => {
    const apic = new InterruptState();
    apic.accept(0x41, "level");
    apic.accept(0x51, "edge");
    apic.ack(0x51);
    apic.writeTpr(0x20);
    apic.reset();
    expect(apic.state()).toEqual(new InterruptState().state());
  });

  it.each<[string, () => unknown]>([
    ["InterruptState.accept: expected vector", () => new InterruptState().accept(256, "edge")],
    ["InterruptState.ack: expected vector", () => new InterruptState().ack(-1)],
    ["InterruptState.ack: expected a requested vector, got 65", () => new InterruptState().ack(0x41)],
    ["InterruptState.writeTpr: expected value", () => new InterruptState().writeTpr(-1)],
    ["InterruptState.writeCr8: expected value", () => new InterruptState().writeCr8(16)],
    ["InterruptState.accept: expected trigger", () => new InterruptState().accept(65, "pulse" as "edge")],
    ["VectorSet.add: expected vector", () => new VectorSet().add(256)],
    ["VectorSet.delete: expected vector", () => new VectorSet().delete(-1)],
    ["VectorSet.has: expected vector", () => new VectorSet().has(0.5)],
    ["VectorSet.word: expected index", () => new VectorSet().word(8)],
    ["VectorSet.load: expected 8 words, got 1", () => new VectorSet().load([0])],
    ["VectorSet.load: expected word", () => new VectorSet().load([0, 0, 0, 0, 0, 0, 0, -1])],
    [
      "InterruptState.fromState: expected tpr",
      () => InterruptState.fromState({ ...new InterruptState().state(), tpr: 256 }),
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
