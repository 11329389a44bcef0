import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connect, FakeApic, flatApic, message, positions, x2apic } from "../../test/fake-apic.js";
import { naiveTargets } from "../../test/naive-bus.js";
import type { ApicBus, ApicIdentity, ApicMessage } from "../index.js";

const LOWEST = 1;
const NMI = 4;
/** VMs in which the map must answer as a scan does: one mode, distinct IDs and logical IDs, all software enabled. */
const uniformVm = fc.oneof(
  fc.integer({ min: 1, max: 8 }).map((n) => Array.from({ length: n }, (_, id) => flatApic(id, 2 ** id))),
  fc.integer({ min: 1, max: 60 }).map((n) =>
    Array.from({ length: n }, (_, id) => {
      const logicalId = Math.floor(id / 4) * 16 + 2 ** (id % 4);
      return new FakeApic({ id, ldr: logicalId * 2 ** 24, dfr: 0x0fff_ffff });
    }),
  ),
  fc.integer({ min: 1, max: 300 }).map((n) => Array.from({ length: n }, (_, id) => x2apic(id))),
);

const anyIdentity = fc.record<Partial<ApicIdentity>>({
  mode: fc.constantFrom("xapic" as const, "x2apic" as const, "disabled" as const),
  xapicId: fc.constantFrom(0, 1, 2, 9, 255),
  ldr: fc.constantFrom(0, 0x0100_0000, 0x0300_0000, 0x1200_0000, 0x21, 0x1_0002),
  dfr: fc.constantFrom(0xffff_ffff, 0x0fff_ffff, 0x3fff_ffff),
  swEnabled: fc.boolean(),
});
const anyVm = fc
  .array(anyIdentity, { minLength: 1, maxLength: 12 })
  .map((identities) =>
    identities.map((identity, i) => new FakeApic({ id: i < 8 ? i : 248 + i, ...identity })),
  );

const anyMessage = (deliveryMode: fc.Arbitrary<number>): fc.Arbitrary<ApicMessage> => {
  const common = fc.record({
    vector: fc.integer({ min: 0, max: 255 }),
    deliveryMode,
    destinationMode: fc.constantFrom("physical" as const, "logical" as const),
    destination: fc.oneof(
      fc.integer({ min: 0, max: 0xff }),
      fc.constantFrom(0xff, 0x102, 0xffff_ffff),
      fc
        .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 0xffff }))
        .map(([c, m]) => c * 65_536 + m),
    ),
  });
  const shorthand = fc.constantFrom(
    "none" as const,
    "none" as const,
    "self" as const,
    "all" as const,
    "all-but-self" as const,
  );
  const redirectionHint = fc.constantFrom("none" as const, "lowest-priority" as const);
  return fc.oneof(
    fc.tuple(common, shorthand).map(([rest, to]) => message({ ...rest, shorthand: to })),
    fc
      .tuple(common, redirectionHint)
      .map(([rest, hint]) => message({ ...rest, source: "msi", redirectionHint: hint })),
  );
};

/** A VM as it was drawn: a case that is shrunk runs again on what it had received. */
const fresh = (apics: readonly FakeApic[]): readonly FakeApic[] =>
  apics.map(({ identity }) => new FakeApic(identity));
describe("against every processor deciding for itself", () => {
  const delivery = (bus: ApicBus, apics: readonly FakeApic[], sent: ApicMessage, from: number) => {
    const sender = sent.source === "ipi" ? apics[from % apics.length] : undefined;
    return { sender, deliveries: bus.send(sent, sender) };
  };

  it("a scan is the same in every VM, -1 included", () => {
    fc.assert(
      fc.property(
        anyVm,
        anyMessage(fc.oneof(fc.constant(LOWEST), fc.integer({ min: 0, max: 7 }))),
        fc.nat(11),
        fc.constantFrom("on" as const, "off" as const),
        (vm, sent, from, broadcastQuirk) => {
          const { bus, apics } = connect(fresh(vm), { lookup: "scan", broadcastQuirk });
          const { sender, deliveries } = delivery(bus, apics, sent, from);
          if (sent.shorthand === "self") {
            expect(positions(apics)).toEqual([apics.indexOf(sender ?? new FakeApic({ id: 0 }))]);
            return;
          }
          const expected = naiveTargets(apics, sent, sender, broadcastQuirk);
          expect(positions(apics)).toEqual(expected ?? []);
          expect(deliveries).toBe(expected?.length ?? -1);
          const becomesFixed =
            sent.destinationMode === "physical" &&
            sent.destination === 0xff &&
            (sent.deliveryMode === LOWEST || sent.redirectionHint === "lowest-priority");
          const modes = apics.flatMap(({ received }) => received.map(({ deliveryMode }) => deliveryMode));
          expect(modes).toEqual(modes.map(() => (becomesFixed ? 0 : sent.deliveryMode)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("the map is the same in VMs of one mode", () => {
    fc.assert(
      fc.property(
        uniformVm,
        anyMessage(fc.constantFrom(0, NMI)).filter(
          ({ redirectionHint }) => redirectionHint !== "lowest-priority",
        ),
        fc.nat(299),
        (vm, sent, from) => {
          const { bus, apics } = connect(fresh(vm));
          // What they differ in above: xAPICs and devices have no broadcast beyond 0xff.
          const isXapic = apics[0]?.identity.mode === "xapic";
          fc.pre(
            isXapic ? sent.destination <= 0xff : sent.source === "ipi" || sent.destination !== 0xffff_ffff,
          );
          const { sender, deliveries } = delivery(bus, apics, sent, from);
          const expected = naiveTargets(apics, sent, sender, "on") ?? [];
          expect(positions(apics)).toEqual(expected);
          expect(Math.max(deliveries, 0)).toBe(expected.length);
        },
      ),
    );
  });

  it("the map picks one of the matching for a lowest priority whose bits are all taken", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 0xffff }), (vector, mask) => {
        const { bus, apics } = connect(Array.from({ length: 16 }, (_, id) => x2apic(id)));
        const sent = message({ vector, destination: mask, destinationMode: "logical", deliveryMode: LOWEST });
        expect(bus.send(sent, apics[0])).toBe(1);
        expect(positions(apics)).toEqual(naiveTargets(apics, sent, apics[0], "on"));
      }),
    );
  });
});
