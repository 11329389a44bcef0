import { describe, expect, it } from "vitest";
import { FakeApic, flatApic, x2apic } from "../../test/fake-apic.js";
import {
  type ApicIdentity,
  type ApicIdFormat,
  type BuiltDestinationMap,
  buildDestinationMap,
  logicalTargets,
} from "../index.js";

const CLUSTER = 0x0fff_ffff;
const build = (apics: readonly FakeApic[], format: ApicIdFormat = "8-bit"): BuiltDestinationMap =>
  buildDestinationMap(
    apics.map(({ identity }) => identity),
    format,
  );
const cluster = (id: number, logicalId: number, rest: Partial<ApicIdentity> = {}): FakeApic =>
  new FakeApic({ id, ldr: (logicalId << 24) >>> 0, dfr: CLUSTER, ...rest });
const targets = (
  apics: readonly FakeApic[],
  destination: number,
): readonly (number | undefined)[] | undefined => {
  const { map } = build(apics);
  return map && logicalTargets(map, destination);
};

describe("the physical map", () => {
  it("holds xAPICs by the ID the guest wrote, x2APICs by their number, and no disabled one", () => {
    const { map } = build([
      new FakeApic({ id: 0, xapicId: 9 }),
      x2apic(1),
      new FakeApic({ id: 2, mode: "disabled" }),
    ]);
    expect([...(map?.physical ?? [])]).toEqual([
      [9, 0],
      [1, 1],
    ]);
    expect(map?.maxApicId).toBe(255);
  });

  it("has room up to the highest x2APIC ID of an enabled APIC", () => {
    expect(build([x2apic(700), new FakeApic({ id: 900, mode: "disabled" })]).map?.maxApicId).toBe(700);
  });

  it("cannot be, with 8-bit IDs, while two APICs share one", () => {
    const shared = [
      new FakeApic({ id: 1 }),
      new FakeApic({ id: 2, xapicId: 1 }),
      new FakeApic({ id: 3, xapicId: 8 }),
    ];
    expect(build(shared)).toEqual({
      map: undefined,
      inhibits: ["PHYSICAL_ID_ALIASED", "LOGICAL_ID_ALIASED", "APIC_ID_MODIFIED"],
    });
    expect(build([x2apic(258), new FakeApic({ id: 2 })]).map).toBeDefined();
    expect(build([new FakeApic({ id: 258 }), new FakeApic({ id: 2 })]).map).toBeUndefined();
  });

  it("does not look behind the APIC that shares an ID, not even for a modified one", () => {
    const wrapped = [new FakeApic({ id: 1 }), new FakeApic({ id: 257 }), new FakeApic({ id: 3, xapicId: 8 })];
    expect(build(wrapped).inhibits).toEqual(["PHYSICAL_ID_ALIASED", "LOGICAL_ID_ALIASED"]);
  });

  it("gives, with 32-bit IDs, a shared ID to its first owner, and an xAPIC above 255 two entries", () => {
    const { map, inhibits } = build([new FakeApic({ id: 2 }), new FakeApic({ id: 258 })], "32-bit");
    expect([...(map?.physical ?? [])]).toEqual([
      [2, 0],
      [258, 1],
    ]);
    expect(inhibits).toEqual([]);
    expect(build([new FakeApic({ id: 258 })], "32-bit").map?.physical.get(2)).toBe(0);
  });

  it("gives, with 32-bit IDs, an ID to the x2APIC that has it, whoever came first", () => {
    const { map } = build([new FakeApic({ id: 1, xapicId: 5 }), x2apic(5)], "32-bit");
    expect(map?.physical.get(5)).toBe(1);
  });
});

describe("the logical map", () => {
  it.each([
    [
      "no APIC is software enabled",
      [flatApic(0, 1), flatApic(1, 2)].map((a) => new FakeApic({ ...a.identity, swEnabled: false })),
      "unused",
    ],
    ["no LDR is set", [flatApic(0, 0)], "unused"],
    ["all are flat", [flatApic(0, 1), flatApic(1, 2)], "flat"],
    ["all are in clusters", [cluster(0, 0x11), cluster(1, 0x21)], "cluster"],
    ["all are x2APICs", [x2apic(0), x2apic(1)], "x2apic"],
    ["modes differ", [flatApic(0, 1), cluster(1, 0x11)], "unmapped"],
    ["a software-disabled one differs", [flatApic(0, 1), cluster(1, 0x11, { swEnabled: false })], "flat"],
    ["two share a bit", [flatApic(0, 1), flatApic(1, 1)], "unmapped"],
    ["one has two bits", [flatApic(0, 3)], "unmapped"],
    ["two share a place in a cluster", [cluster(0, 0x12), cluster(1, 0x12)], "unmapped"],
    ["the same bit in two clusters", [cluster(0, 0x12), cluster(1, 0x22)], "cluster"],
    ["a DFR of neither model counts as cluster", [cluster(0, 0x12, { dfr: 0x3fff_ffff })], "cluster"],
    ["a cluster without a bit", [cluster(0, 0x10), cluster(1, 0x10)], "cluster"],
  ] as const)("where %s is %s", (_, apics, mode) => {
    const { map, inhibits } = build(apics);
    expect(map?.logicalMode).toBe(mode);
    expect(inhibits).toEqual(mode === "unmapped" ? ["LOGICAL_ID_ALIASED"] : []);
  });

  it("answers one entry per bit, lowest first, holes included", () => {
    const flat = [flatApic(0, 0x80), flatApic(1, 0x02)];
    expect(targets(flat, 0x82)).toEqual([1, 0]);
    expect(targets(flat, 0x07)).toEqual([undefined, 1, undefined]);
    const clustered = [cluster(0, 0x38), cluster(1, 0x31), cluster(2, 0x48)];
    expect(targets(clustered, 0x39)).toEqual([1, 0]);
    expect(targets(clustered, 0x4f)).toEqual([undefined, undefined, undefined, 2]);
    expect(targets(clustered, 0x59)).toEqual([undefined, undefined]);
  });

  it("ignores bits above 7 of an xAPIC destination", () => {
    expect(targets([flatApic(0, 1)], 0xabcd_ef01)).toEqual([0]);
  });

  it("is the physical map by cluster in x2APIC mode, software-disabled APICs included", () => {
    const apics = [x2apic(0), x2apic(17, { swEnabled: false }), x2apic(19)];
    expect(targets(apics, 0x0001_000f)).toEqual([undefined, 1, undefined, 2]);
    expect(targets(apics, 0x0002_0001)).toEqual([undefined]);
  });

  it.each([
    [255, 0x000f_ffff, 16],
    [255, 0x0010_ffff, 0],
    [256, 0x0010_ffff, 1],
    [260, 0x0010_ffff, 5],
    [260, 0xffff_0001, 0],
  ])("in x2APIC mode with IDs up to %i has, for 0x%s, %i places", (last, destination, places) => {
    expect(targets([x2apic(0), x2apic(last)], destination)).toHaveLength(places);
  });

  it("has no answer where modes differ, and none but nobody where it is unused", () => {
    expect(targets([flatApic(0, 3)], 1)).toBeUndefined();
    expect(targets([flatApic(0, 0)], 0xfe)).toEqual([]);
  });
});

describe("a modified ID", () => {
  it.each([
    ["the ID of reset", new FakeApic({ id: 0x105, xapicId: 5 }), []],
    ["another", new FakeApic({ id: 5, xapicId: 6 }), ["APIC_ID_MODIFIED"]],
    ["in x2APIC mode, where the ID is fixed", x2apic(5, { xapicId: 6 }), []],
    ["of a disabled APIC", new FakeApic({ id: 5, xapicId: 6, mode: "disabled" }), []],
  ] as const)("%s", (_, apic, inhibits) => {
    expect(build([apic]).inhibits).toEqual(inhibits);
  });
});
