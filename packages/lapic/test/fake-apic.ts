import {
  ApicBus,
  type ApicBusNode,
  type ApicBusOptions,
  type ApicIdentity,
  type ApicInterrupt,
  type ApicMessage,
} from "../src/index.js";

/** A local APIC that keeps what it is sent, and answers what a test sets. */
export class FakeApic implements ApicBusNode {
  readonly identity: ApicIdentity;
  arbitrationPriority = 0;
  answer: "accepted" | "discarded" = "accepted";
  readonly received: ApicInterrupt[] = [];

  constructor(identity: Partial<ApicIdentity> & { readonly id: number }) {
    this.identity = {
      mode: "xapic",
      xapicId: identity.id & 0xff,
      ldr: 0,
      dfr: 0xffff_ffff,
      swEnabled: true,
      ...identity,
    };
  }

  accept(interrupt: ApicInterrupt): "accepted" | "discarded" {
    this.received.push(interrupt);
    return this.answer;
  }
}

/** An APIC in xAPIC mode, flat, with the logical ID `logicalId`. */
export const flatApic = (id: number, logicalId: number): FakeApic =>
  new FakeApic({ id, ldr: (logicalId << 24) >>> 0 });

/** An APIC in x2APIC mode; its LDR follows from its ID by division. */
export const x2apic = (id: number, rest: Partial<ApicIdentity> = {}): FakeApic =>
  new FakeApic({
    id,
    mode: "x2apic",
    ldr: (Math.floor(id / 16) % 65_536) * 65_536 + 2 ** (id % 16),
    ...rest,
  });

/** The IDs of those that were sent something. */
export const reached = (apics: readonly FakeApic[]): readonly number[] =>
  apics.filter(({ received }) => received.length > 0).map(({ identity }) => identity.id);

/** Where in the VM something was sent to, once per interrupt. */
export const positions = (apics: readonly FakeApic[]): readonly number[] =>
  apics.flatMap(({ received }, position) => received.map(() => position));

/** A bus of its own for `apics`. */
export function connect<Apics extends readonly FakeApic[]>(
  apics: Apics,
  options?: ApicBusOptions,
): { readonly bus: ApicBus; readonly apics: Apics } {
  const bus = new ApicBus(options);
  for (const apic of apics) bus.connect(apic);
  return { bus, apics };
}

/** A fixed interrupt by IPI to the ID 0, but for what is given. */
export const message = (rest: Partial<ApicMessage> = {}): ApicMessage => ({
  vector: 0x41,
  deliveryMode: 0,
  destinationMode: "physical",
  destination: 0,
  shorthand: "none",
  level: "asserted",
  trigger: "edge",
  source: "ipi",
  ...rest,
});
