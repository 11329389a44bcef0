import type { TriggerMode } from "../priority/interrupt-state.js";

/*
 * What travels between local APICs, IOAPICs and devices (SDM vol 3A 11.6.1 and 11.11; docs/model/lapic §4 and §6).
 * Delivery modes are the three bits 10:8 of ICR, of every LVT entry and of the MSI data word.
 */

/** Fixed: the vector is requested in IRR. */
export const DELIVERY_MODE_FIXED = 0;
/** Lowest priority: one of the matching APICs takes it, as fixed. */
export const DELIVERY_MODE_LOWEST_PRIORITY = 1;
/** System management interrupt. */
export const DELIVERY_MODE_SMI = 2;
/** Remote read; KVM uses it to wake a vCPU that halted in a paravirtual lock. */
export const DELIVERY_MODE_REMOTE_READ = 3;
/** Non-maskable interrupt. */
export const DELIVERY_MODE_NMI = 4;
/** INIT. */
export const DELIVERY_MODE_INIT = 5;
/** Start-up: execution begins at vector · 4096. */
export const DELIVERY_MODE_SIPI = 6;
/** External interrupt, whose vector the PIC supplies. */
export const DELIVERY_MODE_EXTINT = 7;

/** Level of the ICR and of MSI data, bit 14; matters to level-triggered messages. */
export type ApicLevel = "asserted" | "deasserted";

/** How a destination is read: an APIC ID, or a mask against LDR. */
export type DestinationMode = "physical" | "logical";

/** ICR bits 19:18, in the order of their values 0 … 3. */
export type DestinationShorthand = "none" | "self" | "all" | "all-but-self";

/**
 * Who sent a message. Only an inter-processor interrupt has a sender, and the destination 0xff of the others stands for
 * the broadcast of x2APIC targets as well.
 */
export type ApicMessageSource = "ipi" | "msi" | "ioapic";

/** What arrives at one local APIC (`__apic_accept_irq`). */
export interface ApicInterrupt {
  /** 0 … 255. */
  readonly vector: number;
  /** 0 … 7: one of the DELIVERY_MODE constants. */
  readonly deliveryMode: number;
  readonly level: ApicLevel;
  readonly trigger: TriggerMode;
}

/** An interrupt with its address. */
export interface ApicMessage extends ApicInterrupt {
  readonly destinationMode: DestinationMode;
  /** u32: an APIC ID or a logical mask; ignored with a shorthand. */
  readonly destination: number;
  readonly shorthand: DestinationShorthand;
  readonly source: ApicMessageSource;
  /**
   * The redirection hint of an MSI (address bit 3): the target is selected as for lowest priority, whatever the delivery
   * mode (docs/model/lapic §12.2). Absent means `none`.
   */
  readonly redirectionHint?: "none" | "lowest-priority";
}
