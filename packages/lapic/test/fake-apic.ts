import type { ApicBusNode, ApicIdentity, ApicInterrupt } from "../src/index.js";

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
