import { checkU32 } from "../arguments.js";
import type { ApicIdentity } from "./apic-identity.js";
import type { ApicMessage } from "./apic-message.js";

/*
 * Whether one local APIC takes a destination for itself (docs/model/lapic §2 and §6.2). A processor decides alone, by its
 * own registers and mode, so APICs of both modes live side by side on one bus.
 */

/** Broadcast, for a target in xAPIC mode. */
export const XAPIC_BROADCAST = 0xff;
/** Broadcast, for a target in x2APIC mode. */
export const X2APIC_BROADCAST = 0xffff_ffff;

/** DFR of the flat model; its low 28 bits are always set. */
const DFR_FLAT = 0xffff_ffff;
/** DFR of the cluster model. */
const DFR_CLUSTER = 0x0fff_ffff;

/**
 * Whether KVM turns the destination 0xff of a message that no APIC sent into the broadcast of x2APIC targets, for want
 * of interrupt remapping; `off` is KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK.
 */
export type BroadcastQuirk = "on" | "off";

/** The logical ID in LDR bits 31:24. */
export const xapicLogicalId = (ldr: number): number => ldr >>> 24;

/** Whether DFR selects the flat model. */
export const isFlat = (dfr: number): boolean => dfr === DFR_FLAT;

/**
 * LDR of an APIC in x2APIC mode, u32: cluster in bits 31:16, one bit of 15:0 for the place in it. Clusters above 0xffff
 * are shifted out, as in KVM.
 *
 * @param id - x2APIC ID, u32.
 * @throws RangeError or TypeError for anything but a u32.
 * Source: `kvm_apic_calc_x2apic_ldr`, SDM vol 3A 11.12.10.2; docs/model/lapic §2.
 *
 * @example
 * x2apicLdr(0x25).toString(16) // => '20020'
 */
export function x2apicLdr(id: number): number {
  checkU32("x2apicLdr", "id", id);
  return (((id >>> 4) << 16) | (1 << (id & 0xf))) >>> 0;
}

/**
 * Whether `target` has the physical ID `destination`. A destination above 0xff finds an xAPIC target by its x2APIC ID, so
 * that an added processor that starts in xAPIC mode can be reached.
 *
 * @param target - the APIC that decides.
 * @param destination - u32.
 * @throws RangeError or TypeError for anything but a u32.
 * Source: `kvm_apic_match_physical_addr`; docs/model/lapic §6.2.
 *
 * @example
 * const target = { mode: "xapic" as const, id: 258, xapicId: 2, ldr: 0, dfr: 0xffffffff, swEnabled: true };
 * [2, 258, 255, 3].map((destination) => matchesPhysical(target, destination)) // => [ true, true, true, false ]
 */
export function matchesPhysical(target: ApicIdentity, destination: number): boolean {
  checkU32("matchesPhysical", "destination", destination);
  if (isBroadcast(target, destination)) return true;
  const byX2apicId = target.mode === "x2apic" || destination > 0xff;
  return destination === (byX2apicId ? target.id : target.xapicId);
}

/**
 * Whether `target` is in the logical destination. A DFR that is neither flat nor cluster matches nothing but the
 * broadcast.
 *
 * @param target - the APIC that decides.
 * @param destination - u32: in x2APIC mode a cluster and 16 bits, in xAPIC mode eight bits (flat), or a cluster and four.
 * @throws RangeError or TypeError for anything but a u32.
 * Source: `kvm_apic_match_logical_addr`; docs/model/lapic §6.2.
 *
 * @example
 * const target = { mode: "xapic" as const, id: 1, xapicId: 1, ldr: 0x12000000, dfr: 0xffffffff, swEnabled: true };
 * matchesLogical(target, 0x30) // => true
 * matchesLogical({ ...target, dfr: 0x0fffffff }, 0x32) // => false
 */
export function matchesLogical(target: ApicIdentity, destination: number): boolean {
  checkU32("matchesLogical", "destination", destination);
  if (isBroadcast(target, destination)) return true;
  if (target.mode === "x2apic") {
    return target.ldr >>> 16 === destination >>> 16 && (target.ldr & destination & 0xffff) !== 0;
  }
  const logicalId = xapicLogicalId(target.ldr);
  if (target.dfr === DFR_FLAT) return (logicalId & destination) !== 0;
  if (target.dfr !== DFR_CLUSTER) return false;
  return logicalId >>> 4 === destination >>> 4 && (logicalId & destination & 0xf) !== 0;
}

/**
 * Whether `target` takes `message`, by shorthand or by destination.
 *
 * @param target - the APIC that decides, hardware enabled.
 * @param message - its fields are taken as they are.
 * @param relation - whether `target` is the APIC that sent the message.
 * @param quirk - what 0xff means in a message that no APIC sent.
 * Source: `kvm_apic_match_dest`, `kvm_apic_mda`; docs/model/lapic §6.2.
 *
 * @example
 * const target = { mode: "x2apic" as const, id: 4, xapicId: 0, ldr: 0x10, dfr: 0xffffffff, swEnabled: true };
 * const msi = msiMessage({ addressLow: 0xfeeff000, addressHigh: 0, data: 0x41 }, "8-bit");
 * msi && matchesMessage(target, msi, "other", "on") // => true
 * msi && matchesMessage(target, msi, "other", "off") // => false
 */
export function matchesMessage(
  target: ApicIdentity,
  message: ApicMessage,
  relation: "sender" | "other",
  quirk: BroadcastQuirk,
): boolean {
  switch (message.shorthand) {
    case "self":
      return relation === "sender";
    case "all":
      return true;
    case "all-but-self":
      return relation === "other";
    case "none": {
      const remapped =
        quirk === "on" &&
        message.source !== "ipi" &&
        message.destination === XAPIC_BROADCAST &&
        target.mode === "x2apic";
      const destination = remapped ? X2APIC_BROADCAST : message.destination;
      return message.destinationMode === "physical"
        ? matchesPhysical(target, destination)
        : matchesLogical(target, destination);
    }
  }
}

function isBroadcast(target: ApicIdentity, destination: number): boolean {
  return destination === (target.mode === "x2apic" ? X2APIC_BROADCAST : XAPIC_BROADCAST);
}
