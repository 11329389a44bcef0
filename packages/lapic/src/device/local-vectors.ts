import { DELIVERY_MODE_EXTINT } from "../bus/apic-message.js";
import {
  APIC_LVT0,
  APIC_LVT1,
  APIC_LVTCMCI,
  APIC_LVTERR,
  APIC_LVTPC,
  APIC_LVTT,
  APIC_LVTTHMR,
} from "../registers/offsets.js";
import { registerAt } from "../registers/register-map.js";
import { LVT_MASKED } from "../timer/registers.js";
import type { ApicCore } from "./core.js";

/*
 * The entries of the local vector table (docs/model/lapic §1). KVM stores delivery status, polarity and remote IRR and gives
 * them no meaning.
 */

/** Source of a local interrupt, one per entry of the table. */
export type LocalInterruptSource = "timer" | "lint0" | "lint1" | "error" | "performance" | "thermal" | "cmci";

const ENTRIES: Readonly<Record<LocalInterruptSource, number>> = {
  timer: APIC_LVTT,
  lint0: APIC_LVT0,
  lint1: APIC_LVT1,
  error: APIC_LVTERR,
  performance: APIC_LVTPC,
  thermal: APIC_LVTTHMR,
  cmci: APIC_LVTCMCI,
};

export const LOCAL_INTERRUPT_SOURCES = Object.keys(ENTRIES) as readonly LocalInterruptSource[];

/** Entries in the page; LVTT is the timer's. */
const STORED_ENTRIES: readonly number[] = Object.values(ENTRIES).filter((offset) => offset !== APIC_LVTT);

/** Delivery status, and remote IRR of LINTx. */
const READ_ONLY_BITS = (1 << 12) | (1 << 14);

/** Whether the VM has the entry at `offset`. */
export function hasLvtEntry(core: ApicCore, offset: number): boolean {
  return offset !== APIC_LVTCMCI || core.config.cmciSupported;
}

/** The entry of a source; one the VM has not is masked. */
export function lvtEntry(core: ApicCore, source: LocalInterruptSource): number {
  if (source === "timer") return core.timer.lvtt;
  const offset = ENTRIES[source];
  return hasLvtEntry(core, offset) ? core.file.read(offset) : LVT_MASKED;
}

/** Writes the entry at `offset`: what it can store, masked while software-disabled. */
export function writeLvt(core: ApicCore, offset: number, written: number): void {
  const value = keepReadOnlyBits(core, offset, written);
  if (offset === APIC_LVTT) {
    const { mode } = core.timer;
    core.timer.writeLvtt(value);
    if (core.timer.mode !== mode && core.behaviours.timerModeChange === "sdm") core.timer.disarm();
    return;
  }
  const masked = core.swEnabled ? value : value | LVT_MASKED;
  core.file.write(offset, masked & (registerAt(offset)?.storedMask ?? 0));
}

function keepReadOnlyBits(core: ApicCore, offset: number, written: number): number {
  if (core.behaviours.lvtReadOnlyBits === "kvm") return written;
  const stored = offset === APIC_LVTT ? core.timer.lvtt : core.file.read(offset);
  return ((written & ~READ_ONLY_BITS) | (stored & READ_ONLY_BITS)) >>> 0;
}

/** Software disable: every entry masked, a pending expiry dropped (docs/model/lapic §5). */
export function maskAllLvts(core: ApicCore): void {
  for (const offset of STORED_ENTRIES) {
    if (hasLvtEntry(core, offset)) core.file.write(offset, core.file.read(offset) | LVT_MASKED);
  }
  core.timer.maskLvtt();
}

/** RESET and INIT: every entry masked and otherwise 0; LVTT is reset with the timer. */
export function resetLvts(core: ApicCore): void {
  for (const offset of STORED_ENTRIES) {
    if (hasLvtEntry(core, offset)) core.file.write(offset, LVT_MASKED);
  }
  // The PIC of a PC's boot processor is wired to LINT0, and old firmware expects to find it open.
  if (core.config.bootProcessor && core.config.lint0Reenabled === "on")
    core.file.write(APIC_LVT0, DELIVERY_MODE_EXTINT << 8);
}

/** Masks an entry of the page. */
export function maskEntry(core: ApicCore, source: LocalInterruptSource): void {
  core.file.write(ENTRIES[source], core.file.read(ENTRIES[source]) | LVT_MASKED);
}
