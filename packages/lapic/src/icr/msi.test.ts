import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeMsi, type MsiFields, type MsiWrite, msiMessage } from "../index.js";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const write = (addressLow: number, data: number, addressHigh = 0): MsiWrite => ({
  addressLow,
  addressHigh,
  data,
});

describe("a message-signalled interrupt", () => {
  it.each([
    ["fixed to APIC 0", 0xfee0_0000, 0x4041, { destination: 0, destinationMode: "physical", vector: 0x41 }],
    ["logical to 0x01", 0xfee0_1004, 0x4041, { destination: 1, destinationMode: "logical" }],
    [
      "an NMI with the hint",
      0xfeef_f008,
      0x0400,
      { destination: 255, deliveryMode: 4, redirectionHint: "lowest-priority" },
    ],
    ["without the hint", 0xfeef_f000, 0x0400, { destination: 255, redirectionHint: "none" }],
    ["level-triggered", 0xfee0_0000, 0xc030, { trigger: "level", level: "asserted" }],
    [
      "level-triggered with deassert: asserted all the same",
      0xfee0_0000,
      0x8030,
      { trigger: "level", level: "asserted" },
    ],
    ["from any address", 0x0003_7000, 0x31, { destination: 0x37, vector: 0x31 }],
    [
      "bits above 15 of the data ignored",
      0xfee0_0000,
      0xffff_0031,
      { vector: 0x31, deliveryMode: 0, trigger: "edge" },
    ],
  ] as const)("%s", (_, addressLow, data, expected) => {
    expect(msiMessage(write(addressLow, data), "8-bit")).toMatchObject({
      source: "msi",
      shorthand: "none",
      ...expected,
    });
  });

  it.each([
    [0x0000_0100, 0x0100 + 0x12],
    [0xffff_ff00, 0xffff_ff12],
    [0x8000_0000, 0x8000_0012],
  ])("with 32-bit IDs the high address 0x%s is bits 31:8 of the destination", (addressHigh, destination) => {
    expect(msiMessage(write(0xfee1_2000, 0x41, addressHigh), "32-bit")?.destination).toBe(destination);
    expect(msiMessage(write(0xfee1_2000, 0x41, addressHigh), "8-bit")?.destination).toBe(0x12);
  });

  it.each([1, 0x80, 0x1ff])("with 32-bit IDs the high address 0x%s is refused", (addressHigh) => {
    expect(msiMessage(write(0xfee0_0000, 0x41, addressHigh), "32-bit")).toBeUndefined();
    expect(msiMessage(write(0xfee0_0000, 0x41, addressHigh), "8-bit")?.destination).toBe(0);
  });

  it("is what was encoded", () => {
    const fields: fc.Arbitrary<MsiFields> = fc.record({
      vector: fc.integer({ min: 0, max: 255 }),
      deliveryMode: fc.integer({ min: 0, max: 7 }),
      destinationMode: fc.constantFrom("physical" as const, "logical" as const),
      destination: u32,
      trigger: fc.constantFrom("edge" as const, "level" as const),
      redirectionHint: fc.constantFrom("none" as const, "lowest-priority" as const),
    });
    fc.assert(
      fc.property(fields, (wanted) => {
        const encoded = encodeMsi(wanted);
        expect(encoded.addressLow >>> 20).toBe(0xfee);
        expect(msiMessage(encoded, "32-bit")).toEqual({
          ...wanted,
          shorthand: "none",
          level: "asserted",
          source: "msi",
        });
      }),
    );
  });

  it("refuses nothing with 8-bit IDs, whatever the words", () => {
    fc.assert(
      fc.property(u32, u32, u32, (low, high, data) => {
        expect(msiMessage(write(low, data, high), "8-bit")?.destination).toBe(Math.floor(low / 4096) % 256);
      }),
    );
  });
});

describe("arguments", () => {
  const good: MsiFields = {
    vector: 0x41,
    deliveryMode: 0,
    destinationMode: "physical",
    destination: 0,
    trigger: "edge",
  };
  it.each<[string, () => unknown]>([
    ["msiMessage: expected addressLow in", () => msiMessage(write(-1, 0), "8-bit")],
    ["msiMessage: expected addressHigh in", () => msiMessage(write(0, 0, 0.5), "8-bit")],
    ["msiMessage: expected data in", () => msiMessage(write(0, 2 ** 32), "8-bit")],
    ["msiMessage: expected format to be one of 8-bit, 32-bit", () => msiMessage(write(0, 0), "x" as "8-bit")],
    ["encodeMsi: expected vector in", () => encodeMsi({ ...good, vector: -1 })],
    ["encodeMsi: expected deliveryMode in", () => encodeMsi({ ...good, deliveryMode: 8 })],
    ["encodeMsi: expected destinationMode", () => encodeMsi({ ...good, destinationMode: "x" as "logical" })],
    ["encodeMsi: expected destination in", () => encodeMsi({ ...good, destination: -1 })],
    ["encodeMsi: expected trigger", () => encodeMsi({ ...good, trigger: "x" as "edge" })],
    ["encodeMsi: expected redirectionHint", () => encodeMsi({ ...good, redirectionHint: "x" as "none" })],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
