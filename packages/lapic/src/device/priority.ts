import { NO_VECTOR } from "../priority/vector-set.js";
import { APIC_PROCPRI, APIC_SPIV, APIC_TASKPRI } from "../registers/offsets.js";
import { SVR_SUPPRESS_EOI_BROADCAST } from "../registers/spurious-vector.js";
import type { ApicCore } from "./core.js";

/*
 * Priorities and the way of a vector from IRR through ISR to its end (docs/model/lapic §3). PPR is a register that KVM
 * brings up to date at some moments only, so a saved page shows what it was at the last of them.
 */

/** What was posted becomes requested (`sync_pir_to_irr`). */
export function syncPosted(core: ApicCore): void {
  const { posted, irq } = core;
  for (let vector = posted.highest; vector !== NO_VECTOR; vector = posted.highest) {
    posted.delete(vector);
    irq.irr.add(vector);
  }
}

/** Brings PPR up to date; a lower one that lets an interrupt through asks for an event (`apic_update_ppr`). */
export function updatePpr(core: ApicCore): void {
  if (storePpr(core, core.irq.ppr) && core.irq.deliverable() !== NO_VECTOR) core.requestEvent();
}

/** Stores PPR; whether it went down. */
function storePpr(core: ApicCore, ppr: number): boolean {
  const before = core.file.read(APIC_PROCPRI);
  core.file.write(APIC_PROCPRI, ppr);
  return ppr < before;
}

export function writeTpr(core: ApicCore, value: number): void {
  const tpr = value & 0xff;
  core.file.write(APIC_TASKPRI, tpr);
  core.irq.writeTpr(tpr);
  updatePpr(core);
}

/** The vector the processor can take, −1 for none and while globally disabled (`kvm_apic_has_interrupt`). */
export function deliverable(core: ApicCore): number {
  if (!core.hwEnabled) return NO_VECTOR;
  syncPosted(core);
  storePpr(core, core.irq.ppr);
  return core.irq.deliverable();
}

/** The processor takes the deliverable vector; −1 when there is none (`kvm_apic_ack_interrupt`). */
export function acknowledge(core: ApicCore): number {
  const vector = deliverable(core);
  if (vector === NO_VECTOR) return NO_VECTOR;
  core.irq.ack(vector);
  updatePpr(core);
  core.events.onAcknowledge?.(vector);
  return vector;
}

/** End of interrupt (`apic_set_eoi`). */
export function endOfInterrupt(core: ApicCore): void {
  const vector = core.irq.eoi();
  core.events.onEoi?.(vector);
  if (vector === NO_VECTOR) return;
  updatePpr(core);
  if (!suppressesBroadcast(core)) core.vcpu.eoi?.(vector, core.irq.tmr.has(vector) ? "level" : "edge");
  core.requestEvent();
}

/** KVM announces directed EOI and lets the guest ask for it, and broadcasts all the same. */
function suppressesBroadcast(core: ApicCore): boolean {
  if (core.behaviours.eoiBroadcast === "kvm") return false;
  return (core.file.read(APIC_SPIV) & SVR_SUPPRESS_EOI_BROADCAST) !== 0;
}
