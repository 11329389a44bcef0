import { DELIVERY_MODE_EXTINT } from "../bus/apic-message.js";
import { LVT_MASKED } from "../timer/registers.js";
import { deliverLocal } from "./acceptance.js";
import type { ApicCore, PinLevel } from "./core.js";
import { lvtEntry } from "./local-vectors.js";

/*
 * The pins LINT0 and LINT1. A PC wires the PIC to the first, in mode ExtINT, and NMI to the second. Polarity, bit 13 of an
 * entry, has no meaning: a level is asserted or not.
 */

/** Number of a LINT pin. */
export type LintPin = 0 | 1;

const SOURCES = ["lint0", "lint1"] as const;

/** A pin changes level. Going up delivers through its entry; mode ExtINT delivers nothing, see {@link acceptsPic}. */
export function setPin(
  core: ApicCore,
  pin: LintPin,
  level: PinLevel,
): "accepted" | "discarded" | "unchanged" {
  if (core.lint[pin] === level) return "unchanged";
  core.lint[pin] = level;
  return level === "asserted" ? deliverLocal(core, SOURCES[pin]) : "unchanged";
}

/** Whether the processor takes the PIC's interrupts: LINT0 open in mode ExtINT, or no APIC (`kvm_apic_accept_pic_intr`). */
export function acceptsPic(core: ApicCore): boolean {
  if (!core.hwEnabled) return true;
  const entry = lvtEntry(core, "lint0");
  return (entry & LVT_MASKED) === 0 && ((entry >>> 8) & 7) === DELIVERY_MODE_EXTINT;
}
