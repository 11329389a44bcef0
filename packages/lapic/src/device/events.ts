import type { ApicInterrupt } from "../bus/apic-message.js";
import type { LapicTimerEvents } from "../timer/events.js";
import type { ApicvInhibit } from "./vcpu.js";

/**
 * What is wrong with an access. `missing`: no such register in this mode. `read-only` and `write-only` speak for
 * themselves. `size` and `alignment` are of the page. `reserved-bits`: a value that faults. `transition`: a mode of
 * IA32_APIC_BASE that cannot follow the present one. `hidden`: the page of a disabled or x2APIC. `not-x2apic`: an MSR of
 * an APIC that has none now.
 */
export type BadAccessReason =
  | "missing"
  | "read-only"
  | "write-only"
  | "size"
  | "alignment"
  | "reserved-bits"
  | "transition"
  | "hidden"
  | "not-x2apic";

/**
 * What the guest gets. `ignored`: a write vanished. `undefined`: KVM leaves the destination as it was; reported as 0.
 * `all-ones`: a read of the hidden page. `unhandled`: with the LAPIC_MMIO_HOLE quirk off the access is user space's.
 * `fault`: #GP.
 */
export type BadAccessOutcome = "ignored" | "undefined" | "all-ones" | "unhandled" | "fault";

/** A guest's access that did not reach a register. */
export interface BadApicAccess {
  readonly kind: "read" | "write";
  readonly through: "page" | "msr" | "cr8";
  /** Byte offset in the page, or number of the MSR; 8 for CR8. */
  readonly address: number;
  /** Bytes; 8 for an MSR and CR8. */
  readonly size: number;
  /** What was written, u64. */
  readonly value?: bigint;
  readonly reason: BadAccessReason;
  readonly outcome: BadAccessOutcome;
}

/** What a local APIC reports. Each handler is optional. */
export interface LocalApicEvents {
  /** An access that hardware or KVM ignores, answers with nothing, or refuses. */
  onBadAccess(access: BadApicAccess): void;
  /**
   * An interrupt arrived, from a message, a pin or the timer. `coalesced`: its vector was requested already, and the two are
   * taken as one; its sender is told that it was accepted.
   */
  onAccept(interrupt: ApicInterrupt, outcome: "accepted" | "coalesced" | "discarded"): void;
  /** The processor took a vector. */
  onAcknowledge(vector: number): void;
  /** An end of interrupt; the vector is −1 when nothing was in service. */
  onEoi(vector: number): void;
  /** An error bit was set under `errorStatus: "sdm"`; `errors` is what a write of ESR will show. */
  onError(errors: number): void;
  /** The APIC keeps hardware from delivering without KVM, from now on or no more. */
  onApicvInhibit(reasons: readonly ApicvInhibit[]): void;
  /** What the timer reports. */
  readonly timer: Partial<LapicTimerEvents>;
}
