import type { ApicIdentity } from "./apic-identity.js";
import type { ApicInterrupt } from "./apic-message.js";

/** What a bus asks of a local APIC connected to it. */
export interface ApicBusNode {
  /** Read at every message: a live view. */
  readonly identity: ApicIdentity;
  /**
   * How many lowest-priority interrupts reached this APIC since it was reset, discarded ones included (`apic_arb_prio`,
   * s32, wraps); read without vector hashing only.
   */
  readonly arbitrationPriority: number;
  /** Delivers an interrupt that selected this APIC (docs/model/lapic §4). */
  accept(interrupt: ApicInterrupt): "accepted" | "discarded";
}
