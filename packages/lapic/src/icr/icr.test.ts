import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeIcr,
  encodeIcr2,
  encodeX2apicIcr,
  ICR_STORED_MASK,
  ICR2_STORED_MASK,
  type IcrFields,
  selfIpiMessage,
  X2APIC_ICR_RESERVED,
  x2apicIcrWrite,
  xapicIcrMessage,
} from "../index.js";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** The manual's fields as a string of bits, highest first. */
const bitsOf = (value: bigint): string => value.toString(2).padStart(64, "0");
const field = (value: bigint, high: number, low: number): number =>
  Number.parseInt(bitsOf(value).slice(63 - high, 64 - low), 2);

const naiveFields = (value: bigint, destination: number): IcrFields => ({
  vector: field(value, 7, 0),
  deliveryMode: field(value, 10, 8),
  destinationMode: field(value, 11, 11) === 1 ? "logical" : "physical",
  destination,
  shorthand: (["none", "self", "all", "all-but-self"] as const)[field(value, 19, 18)] ?? "none",
  level: field(value, 14, 14) === 1 ? "asserted" : "deasserted",
  trigger: field(value, 15, 15) === 1 ? "level" : "edge",
});

const fields: fc.Arbitrary<IcrFields> = fc.record({
  vector: fc.integer({ min: 0, max: 255 }),
  deliveryMode: fc.integer({ min: 0, max: 7 }),
  destinationMode: fc.constantFrom("physical" as const, "logical" as const),
  destination: u32,
  shorthand: fc.constantFrom("none" as const, "self" as const, "all" as const, "all-but-self" as const),
  level: fc.constantFrom("asserted" as const, "deasserted" as const),
  trigger: fc.constantFrom("edge" as const, "level" as const),
});

const RESERVED_BITS = [13, 16, 17, ...Array.from({ length: 12 }, (_, i) => 20 + i)];

describe("the xAPIC ICR", () => {
  it.each([
    [
      "INIT, asserted, to APIC 1",
      0x4500,
      0x0100_0000,
      { deliveryMode: 5, destination: 1, level: "asserted" },
    ],
    [
      "INIT deassert to all",
      0x8_8500,
      0,
      { deliveryMode: 5, shorthand: "all", level: "deasserted", trigger: "level" },
    ],
    ["start-up at 0x9a000", 0x469a, 0x0200_0000, { deliveryMode: 6, vector: 0x9a, destination: 2 }],
    ["an NMI to all others", 0xc_4400, 0, { deliveryMode: 4, shorthand: "all-but-self" }],
    [
      "lowest priority, logical",
      0x4941,
      0xff00_0000,
      { deliveryMode: 1, destinationMode: "logical", destination: 255 },
    ],
    [
      "fixed, to itself",
      0x4_0031,
      0,
      { deliveryMode: 0, vector: 0x31, shorthand: "self", level: "deasserted" },
    ],
    [
      "reserved bits alone",
      0xfff3_3000,
      0x00ff_ffff,
      { deliveryMode: 0, vector: 0, shorthand: "none", destination: 0 },
    ],
  ] as const)("holds %s", (_, icr, icr2, expected) => {
    expect(xapicIcrMessage(icr, icr2)).toMatchObject({ source: "ipi", ...expected });
  });

  it("is read field by field as the manual draws it", () => {
    fc.assert(
      fc.property(u32, u32, (icr, icr2) => {
        expect(xapicIcrMessage(icr, icr2)).toEqual({
          ...naiveFields(BigInt(icr), Math.floor(icr2 / 2 ** 24)),
          source: "ipi",
        });
      }),
    );
  });

  it("stores all bits but delivery status, and of ICR2 the destination", () => {
    expect([ICR_STORED_MASK, ICR2_STORED_MASK]).toEqual([0xffff_efff, 0xff00_0000]);
  });
});

describe("the x2APIC ICR", () => {
  it.each(Array.from({ length: 64 }, (_, bit) => [bit, RESERVED_BITS.includes(bit)] as const))(
    "bit %i alone faults: %s",
    (bit, faults) => {
      expect(x2apicIcrWrite(1n << BigInt(bit)) === undefined).toBe(faults);
    },
  );

  it("drops delivery status and stores the rest", () => {
    expect(x2apicIcrWrite(0x12_0000_1000n)?.stored).toBe(0x12_0000_0000n);
    expect(x2apicIcrWrite(0xffff_ffff_000c_dfffn)?.stored).toBe(0xffff_ffff_000c_cfffn);
    expect(X2APIC_ICR_RESERVED).toBe(0xfff3_2000n);
  });

  it("sends what an xAPIC ICR would, to a destination of 32 bits", () => {
    fc.assert(
      fc.property(u32, u32, (low, destination) => {
        const write = x2apicIcrWrite((BigInt(destination) << 32n) | (BigInt(low) & 0xc_dfffn));
        expect(write?.message).toEqual({ ...xapicIcrMessage(low, 0), destination });
      }),
    );
  });
});

describe("encoding", () => {
  it("is undone by decoding, in both forms", () => {
    fc.assert(
      fc.property(fields, (wanted) => {
        const message = { ...wanted, source: "ipi" };
        expect(x2apicIcrWrite(encodeX2apicIcr(wanted))?.message).toEqual(message);
        const destination = wanted.destination & 0xff;
        expect(xapicIcrMessage(encodeIcr(wanted), encodeIcr2(destination))).toEqual({
          ...message,
          destination,
        });
      }),
    );
  });
});

describe("SELF IPI", () => {
  it.each([0n, 0x10n, 0xffn])("vector %i is a fixed edge to the sender", (value) => {
    expect(selfIpiMessage(value)).toEqual({
      ...naiveFields(value, 0),
      shorthand: "self",
      source: "ipi",
    });
  });

  it.each([0x100n, 1n << 32n, 2n ** 64n - 1n])("0x%s faults", (value) => {
    expect(selfIpiMessage(value)).toBeUndefined();
  });
});

describe("arguments", () => {
  const good: IcrFields = naiveFields(0n, 0);
  it.each<[string, () => unknown]>([
    ["xapicIcrMessage: expected icr in", () => xapicIcrMessage(-1, 0)],
    ["xapicIcrMessage: expected icr2 in", () => xapicIcrMessage(0, 2 ** 32)],
    ["x2apicIcrWrite: expected value to be", () => x2apicIcrWrite(2n ** 64n)],
    ["selfIpiMessage: expected value to be", () => selfIpiMessage(-1n)],
    ["encodeIcr: expected vector in", () => encodeIcr({ ...good, vector: 256 })],
    ["encodeIcr: expected deliveryMode in 0 … 7, got 8", () => encodeIcr({ ...good, deliveryMode: 8 })],
    ["encodeIcr: expected destinationMode", () => encodeIcr({ ...good, destinationMode: "x" as "logical" })],
    ["encodeIcr: expected shorthand", () => encodeIcr({ ...good, shorthand: "x" as "all" })],
    ["encodeIcr: expected level", () => encodeIcr({ ...good, level: "x" as "asserted" })],
    ["encodeIcr: expected trigger", () => encodeIcr({ ...good, trigger: "x" as "edge" })],
    ["encodeIcr2: expected destination in 0 … 255, got 256", () => encodeIcr2(256)],
    ["encodeX2apicIcr: expected destination in", () => encodeX2apicIcr({ ...good, destination: -1 })],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
