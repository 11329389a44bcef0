/**
 * Mode of a local APIC by IA32_APICBASE: EN clear, EN alone, or EN with EXTD (SDM vol 3A 11.12.1). Disabled whatever
 * EXTD says: a message reaches no such APIC.
 */
export type ApicMode = "disabled" | "xapic" | "x2apic";

/**
 * What the destination rules read of one local APIC, now: a live view, not a copy (docs/model/lapic §6.2). An APIC is
 * hardware enabled in every mode but `disabled`.
 */
export interface ApicIdentity {
  readonly mode: ApicMode;
  /** The x2APIC ID, which KVM makes the vCPU's number; u32, for life. */
  readonly id: number;
  /** Bits 31:24 of the ID register in xAPIC mode, 0 … 255; the guest may write them. Not read in the other modes. */
  readonly xapicId: number;
  /** The LDR register, u32: bits 31:24 in xAPIC mode, derived from `id` in x2APIC mode. */
  readonly ldr: number;
  /** The DFR register, u32; not read in x2APIC mode. */
  readonly dfr: number;
  /** SVR bit 8. */
  readonly swEnabled: boolean;
}
