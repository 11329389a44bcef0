import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flatApic, message, x2apic } from "../../test/fake-apic.js";
import { type ApicIdentity, matchesLogical, matchesMessage, matchesPhysical, x2apicLdr } from "../index.js";

const CLUSTER = 0x0fff_ffff;
const xapic = (rest: Partial<ApicIdentity>): ApicIdentity => ({ ...flatApic(1, 0).identity, ...rest });
describe("a physical destination", () => {
  it.each([
    ["its ID", xapic({ xapicId: 7 }), 7, true],
    ["the vCPU's number, where the guest changed the ID", xapic({ id: 1, xapicId: 7 }), 1, false],
    ["0xff: broadcast", xapic({ xapicId: 7 }), 0xff, true],
    ["0xffffffff: no broadcast in xAPIC mode", xapic({ xapicId: 7 }), 0xffff_ffff, false],
    ["an ID above 0xff, in xAPIC mode by the x2APIC ID", xapic({ id: 0x107, xapicId: 7 }), 0x107, true],
    ["an ID above 0xff is not cut to eight bits", xapic({ id: 7, xapicId: 7 }), 0x107, false],
    ["the x2APIC ID", x2apic(0x107).identity, 0x107, true],
    ["the low byte of the x2APIC ID", x2apic(0x107).identity, 7, false],
    ["0xff: an ID in x2APIC mode", x2apic(0).identity, 0xff, false],
    ["0xff: the ID 255", x2apic(255).identity, 0xff, true],
    ["0xffffffff: broadcast in x2APIC mode", x2apic(0).identity, 0xffff_ffff, true],
    ["a stale xAPIC ID in x2APIC mode", x2apic(3, { xapicId: 9 }).identity, 9, false],
  ] as const)("%s", (_, target, destination, matches) => {
    expect(matchesPhysical(target, destination)).toBe(matches);
  });
});

describe("a logical destination", () => {
  it.each([
    ["flat: a common bit", xapic({ ldr: 0x0200_0000 }), 0x0e, true],
    ["flat: none", xapic({ ldr: 0x0200_0000 }), 0x0d, false],
    ["flat: several bits in LDR", xapic({ ldr: 0x8100_0000 }), 0x80, true],
    ["flat: LDR 0 matches the broadcast alone", xapic({ ldr: 0 }), 0xfe, false],
    ["flat: 0xff is broadcast", xapic({ ldr: 0 }), 0xff, true],
    ["cluster 1, bit 1", xapic({ ldr: 0x1200_0000, dfr: CLUSTER }), 0x13, true],
    ["another cluster", xapic({ ldr: 0x2200_0000, dfr: CLUSTER }), 0x13, false],
    ["cluster 1, another bit", xapic({ ldr: 0x1200_0000, dfr: CLUSTER }), 0x15, false],
    ["cluster 0xf0 and no bit", xapic({ ldr: 0xf100_0000, dfr: CLUSTER }), 0xf0, false],
    ["a DFR of neither model", xapic({ ldr: 0xff00_0000, dfr: 0x1fff_ffff }), 0x01, false],
    ["a DFR of neither model, broadcast", xapic({ ldr: 0, dfr: 0x1fff_ffff }), 0xff, true],
    ["flat takes the low byte of 32 bits", xapic({ ldr: 0x0100_0000 }), 0x0001_0001, true],
    ["cluster does not", xapic({ ldr: 0x0100_0000, dfr: CLUSTER }), 0x0001_0001, false],
    ["x2APIC: cluster and bit", x2apic(0x25).identity, 0x0002_0020, true],
    ["x2APIC: another cluster", x2apic(0x25).identity, 0x0003_0020, false],
    ["x2APIC: 0xff is cluster 0, CPUs 0 to 7", x2apic(8).identity, 0xff, false],
    ["x2APIC: broadcast", x2apic(0x25).identity, 0xffff_ffff, true],
  ] as const)("%s", (_, target, destination, matches) => {
    expect(matchesLogical(target, destination)).toBe(matches);
  });
});

describe("LDR in x2APIC mode", () => {
  it.each([
    [0, 0x1],
    [15, 0x8000],
    [16, 0x1_0001],
    [37, 0x2_0020],
    [255, 0xf_8000],
    [0xf_ffff, 0xffff_8000],
    [0x10_0000, 0x1],
    [0xffff_ffff, 0xffff_8000],
  ])("of ID 0x%s is 0x%s", (id, ldr) => {
    expect(x2apicLdr(id)).toBe(ldr);
  });

  it("is the destination of its owner alone, among the million IDs that fit", () => {
    const id = fc.integer({ min: 0, max: 0xf_ffff });
    fc.assert(
      fc.property(id, id, (a, b) => {
        expect(matchesLogical(x2apic(b).identity, x2apicLdr(a))).toBe(a === b);
      }),
    );
  });
});

describe("a message", () => {
  const x2 = x2apic(4).identity;
  it.each([
    ["self", "sender", true],
    ["self", "other", false],
    ["all", "sender", true],
    ["all", "other", true],
    ["all-but-self", "sender", false],
    ["all-but-self", "other", true],
  ] as const)("with shorthand %s reaches the %s: %s", (shorthand, relation, matches) => {
    for (const destination of [0, 4, 0xff])
      expect(matchesMessage(x2, message({ shorthand, destination }), relation, "on")).toBe(matches);
  });

  it.each([
    ["ipi", "on", "physical", false],
    ["msi", "on", "physical", true],
    ["ioapic", "on", "logical", true],
    ["msi", "off", "physical", false],
    ["msi", "off", "logical", false],
  ] as const)(
    "from %s to 0xff, quirk %s, %s, reaches an x2APIC with the ID 8: %s",
    (source, quirk, mode, matches) => {
      const broadcast = message({ source, destination: 0xff, destinationMode: mode });
      expect(matchesMessage(x2apic(8).identity, broadcast, "other", quirk)).toBe(matches);
      expect(matchesMessage(xapic({}), broadcast, "other", quirk)).toBe(true);
    },
  );

  it("to 0xff with the quirk off is a logical destination of x2APICs 0 to 7", () => {
    const cpus = message({ source: "msi", destination: 0xff, destinationMode: "logical" });
    const reached = Array.from({ length: 20 }, (_, id) => id).filter((id) =>
      matchesMessage(x2apic(id).identity, cpus, "other", "off"),
    );
    expect(reached).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("arguments", () => {
  it.each<[string, () => unknown]>([
    ["x2apicLdr: expected id in 0 … 4294967295, got -1", () => x2apicLdr(-1)],
    ["matchesPhysical: expected destination in", () => matchesPhysical(xapic({}), 2 ** 32)],
    ["matchesLogical: expected destination in", () => matchesLogical(xapic({}), 0.5)],
  ])("%s", (text, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(text);
  });
});
