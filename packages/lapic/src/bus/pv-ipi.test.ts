import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeApic, x2apic } from "../../test/fake-apic.js";
import { ApicBus, decodePvIpi, type PvIpi } from "../index.js";

const KVM_EINVAL = -22;
const EOPNOTSUPP = -95;
const hypercall = (rest: Partial<PvIpi>): PvIpi => ({
  bitmapLow: 0n,
  bitmapHigh: 0n,
  min: 0,
  icr: 0xf1n,
  width: 64,
  ...rest,
});
const busOf = (...apics: FakeApic[]): ApicBus => {
  const bus = new ApicBus();
  for (const apic of apics) bus.connect(apic);
  return bus;
};

describe("the bitmap", () => {
  it.each([
    ["64-bit words", { bitmapLow: 1n << 63n, bitmapHigh: 1n, width: 64 }, [63, 64]],
    ["32-bit words: bits above 31 do not count", { bitmapLow: 1n << 32n, bitmapHigh: 1n, width: 32 }, [32]],
    ["counted from min", { bitmapLow: 0b11n, min: 250 }, [250, 251]],
    ["ends at the last ID", { bitmapLow: 0b11n, min: 0xffff_ffff }, [0xffff_ffff]],
    ["its second word wraps to the first IDs", { bitmapHigh: 1n, min: 0xffff_fff0 }, [0x30]],
    ["none", {}, []],
  ] as const)("%s", (_, rest, ids) => {
    expect(decodePvIpi(hypercall(rest))?.apicIds).toEqual(ids);
  });

  it("is the set of IDs", () => {
    const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(word, word, fc.constantFrom(32 as const, 64 as const), (bitmapLow, bitmapHigh, width) => {
        const bits = (value: bigint): string =>
          [...BigInt.asUintN(width, value).toString(2).padStart(width, "0")].reverse().join("");
        const all = [...(bits(bitmapLow) + bits(bitmapHigh))].flatMap((bit, id) => (bit === "1" ? [id] : []));
        expect(decodePvIpi(hypercall({ bitmapLow, bitmapHigh, width }))?.apicIds).toEqual(all);
      }),
    );
  });
});

describe("KVM_HC_SEND_IPI", () => {
  it("counts the APICs that accepted", () => {
    const apics = [x2apic(0), x2apic(1), x2apic(70), new FakeApic({ id: 3, mode: "disabled" })];
    const [, one] = apics;
    if (one) one.answer = "discarded";
    expect(busOf(...apics).pvSendIpi(hypercall({ bitmapLow: 0b1111n, bitmapHigh: 1n << 6n }))).toBe(2);
    expect(apics.map(({ received }) => received.length)).toEqual([1, 1, 1, 0]);
  });

  it("carries the vector, delivery mode, level and trigger of its ICR", () => {
    const apic = x2apic(0);
    busOf(apic).pvSendIpi(hypercall({ bitmapLow: 1n, icr: 0xc4f3n }));
    expect(apic.received).toEqual([{ vector: 0xf3, deliveryMode: 4, level: "asserted", trigger: "level" }]);
  });

  it.each([
    ["logical mode", 0x800n],
    ["shorthand self", 0x4_0000n],
    ["shorthand all", 0x8_0000n],
  ])("refuses %s", (_, icr) => {
    const apic = x2apic(0);
    expect(busOf(apic).pvSendIpi(hypercall({ bitmapLow: 1n, icr }))).toBe(KVM_EINVAL);
    expect(apic.received).toEqual([]);
  });

  it("has no broadcast: 0xff is the ID 255", () => {
    const apics = [x2apic(0), x2apic(255)];
    expect(busOf(...apics).pvSendIpi(hypercall({ bitmapLow: 1n, min: 255 }))).toBe(1);
    expect(apics.map(({ received }) => received.length)).toEqual([0, 1]);
  });

  it("is not supported while two APICs share an ID", () => {
    const bus = busOf(new FakeApic({ id: 1 }), new FakeApic({ id: 2, xapicId: 1 }));
    expect(bus.pvSendIpi(hypercall({ bitmapLow: 0b110n }))).toBe(EOPNOTSUPP);
  });

  it("reaches an APIC under each of its two IDs in a VM with 32-bit IDs", () => {
    const apic = new FakeApic({ id: 0x105, xapicId: 5 });
    const bus = new ApicBus({ idFormat: "32-bit" });
    bus.connect(apic);
    expect(bus.pvSendIpi(hypercall({ bitmapLow: 1n << 5n }))).toBe(1);
    expect(bus.pvSendIpi(hypercall({ bitmapLow: 1n, min: 0x105 }))).toBe(1);
  });
});

describe("arguments", () => {
  it.each<[string, Partial<PvIpi>]>([
    ["decodePvIpi: expected bitmapLow to be", { bitmapLow: 2n ** 64n }],
    ["decodePvIpi: expected bitmapHigh to be", { bitmapHigh: -1n }],
    ["decodePvIpi: expected min in", { min: -1 }],
    ["decodePvIpi: expected icr to be", { icr: -1n }],
    ["decodePvIpi: expected width to be one of 32, 64, got 16", { width: 16 as 32 }],
  ])("%s", (text, rest) => {
    expect(() => decodePvIpi(hypercall(rest))).toThrow(RangeError);
    expect(() => decodePvIpi(hypercall(rest))).toThrow(text);
  });
});
