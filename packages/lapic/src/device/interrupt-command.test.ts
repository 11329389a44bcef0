import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";
import type { ApicMessage } from "../index.js";

const ICR = 0x300;
const ICR2 = 0x310;

/** What an APIC sends, as a bus sees it. */
function sending(mode: "xapic" | "x2apic"): { readonly one: OneApic; readonly sent: ApicMessage[] } {
  const sent: ApicMessage[] = [];
  const bus = { send: (message: ApicMessage) => sent.push(message) };
  return { one: new OneApic({ mode, bus }), sent };
}

describe("ICR in xAPIC mode", () => {
  it("sends when the low word is written, to the destination of the high one", () => {
    const { one, sent } = sending("xapic");
    one.write(ICR2, 0x12ff_ffff);
    expect(sent).toEqual([]);
    one.write(ICR, 0x48_65);
    expect(sent).toEqual([
      {
        vector: 0x65,
        deliveryMode: 0,
        destinationMode: "logical",
        destination: 0x12,
        shorthand: "none",
        level: "asserted",
        trigger: "edge",
        source: "ipi",
      },
    ]);
    expect([one.read(ICR), one.read(ICR2)]).toEqual([0x4865, 0x1200_0000]);
  });

  it("stores reserved bits, and never reads busy", () => {
    const { one } = sending("xapic");
    one.write(ICR, 0xfff3_3065);
    expect(one.read(ICR)).toBe(0xfff3_2065);
  });
});

describe("ICR in x2APIC mode", () => {
  it("is one register of 64 bits", () => {
    const { one, sent } = sending("x2apic");
    expect(one.apic.wrmsr(0x830, 0x0001_0002_000c_5665n)).toBe("ok");
    expect(one.apic.rdmsr(0x830)).toBe(0x0001_0002_000c_4665n);
    expect(
      sent.map(({ destination, shorthand, deliveryMode }) => [destination, shorthand, deliveryMode]),
    ).toEqual([[0x0001_0002, "all-but-self", 6]]);
    expect([one.read(ICR2), one.write(ICR2, 0)]).toEqual([-1, "fault"]);
  });

  it.each([13, 16, 17, 20, 21, 30, 31])("faults on bit %i, stores and sends nothing", (bit) => {
    const { one, sent } = sending("x2apic");
    expect(one.apic.wrmsr(0x830, 1n << BigInt(bit))).toBe("fault");
    expect([one.apic.rdmsr(0x830), sent]).toEqual([0n, []]);
  });

  it.each([
    [0xffn, "ok", [0xff]],
    [0x100n, "fault", []],
    [2n ** 32n, "fault", []],
  ])("SELF IPI of 0x%x: %s", (value, answer, vectors) => {
    const { one, sent } = sending("x2apic");
    expect(one.apic.wrmsr(0x83f, value)).toBe(answer);
    expect(sent.map(({ vector, shorthand }) => [vector, shorthand])).toEqual(vectors.map((v) => [v, "self"]));
  });

  it.each([
    ["intel", 0x304],
    ["amd", 0x310],
  ] as const)("keeps its high half on %s at 0x%x, and a page shows it at 0x310", (vendor, offset) => {
    const one = new OneApic({ mode: "x2apic", config: { vendor } });
    one.apic.wrmsr(0x830, 0x0000_0007_0000_0065n);
    expect(one.apic.state().registers[offset / 4]).toBe(7);
    expect([one.saved(0x304), one.saved(0x310)]).toEqual([vendor === "intel" ? 7 : 0, 7]);
  });
});

describe("an APIC without a bus", () => {
  it.each([
    ["itself by ID", 0x0000_0065, 0x0000_0000, true],
    ["nobody by another ID", 0x0000_0065, 0x0100_0000, false],
    ["itself by broadcast", 0x0000_0065, 0xff00_0000, true],
    ["itself by shorthand", 0x0004_0065, 0x0900_0000, true],
    ["itself, as one of all", 0x0008_0065, 0x0900_0000, true],
    ["nobody but itself", 0x000c_0065, 0x0000_0000, false],
  ])("reaches %s", (_title, low, high, reached) => {
    const one = new OneApic();
    one.write(ICR2, high);
    one.write(ICR, low);
    expect(one.apic.acknowledge()).toBe(reached ? 0x65 : undefined);
  });
});
