import {
  type ApicInterrupt,
  DELIVERY_MODE_EXTINT,
  DELIVERY_MODE_FIXED,
  DELIVERY_MODE_INIT,
  DELIVERY_MODE_LOWEST_PRIORITY,
  DELIVERY_MODE_NMI,
  DELIVERY_MODE_REMOTE_READ,
  DELIVERY_MODE_SIPI,
  DELIVERY_MODE_SMI,
} from "../bus/apic-message.js";
import { LVT_MASKED, LVT_VECTOR_MASK } from "../timer/registers.js";
import type { ApicCore } from "./core.js";
import { ESR_RECEIVE_ILLEGAL_VECTOR, FIRST_LEGAL_VECTOR, gatherError } from "./error-status.js";
import { type LocalInterruptSource, lvtEntry, maskEntry } from "./local-vectors.js";

/*
 * What becomes of an interrupt that reached an APIC (`__apic_accept_irq`, docs/model/lapic §4), from a message or through
 * its local vector table. Only fixed and lowest priority ask whether the APIC is enabled.
 */

type Outcome = "accepted" | "discarded";

/** What `onAccept` hears. */
type Acceptance = Outcome | "coalesced";

/** LVT bit 15. */
const LEVEL_TRIGGERED = 1 << 15;

/** Accepts an interrupt or discards it, and reports which. */
export function accept(core: ApicCore, interrupt: ApicInterrupt): Outcome {
  const outcome = take(core, interrupt);
  core.events.onAccept?.(interrupt, outcome);
  return outcome === "discarded" ? "discarded" : "accepted";
}

function take(core: ApicCore, interrupt: ApicInterrupt): Acceptance {
  const { vcpu } = core;
  switch (interrupt.deliveryMode) {
    case DELIVERY_MODE_LOWEST_PRIORITY:
      // Counted before anything is looked at, and so even when discarded.
      core.arbitrationPriority = (core.arbitrationPriority + 1) | 0;
      return request(core, interrupt);
    case DELIVERY_MODE_FIXED:
      return request(core, interrupt);
    case DELIVERY_MODE_SMI:
      if (vcpu.smi === undefined) return "discarded";
      vcpu.smi();
      core.kick();
      return "accepted";
    case DELIVERY_MODE_REMOTE_READ:
      vcpu.pvUnhalt?.();
      core.requestEvent();
      core.kick();
      return "accepted";
    case DELIVERY_MODE_NMI:
      vcpu.nmi?.();
      core.kick();
      return "accepted";
    case DELIVERY_MODE_INIT:
      if (interrupt.trigger === "level" && interrupt.level === "deasserted") return "discarded";
      // A start-up message that was not processed is forgotten.
      core.pendingInit = "pending";
      core.pendingSipi = -1;
      core.requestEvent();
      core.kick();
      return "accepted";
    case DELIVERY_MODE_SIPI:
      core.pendingSipi = interrupt.vector;
      core.requestEvent();
      core.kick();
      return "accepted";
    case DELIVERY_MODE_EXTINT:
      // The PIC's own line brings it.
      return "discarded";
    default:
      return "discarded";
  }
}

function request(core: ApicCore, { vector, trigger, level }: ApicInterrupt): Acceptance {
  if (trigger === "level" && level === "deasserted") return "discarded";
  if (!core.hwEnabled || !core.swEnabled) return "discarded";
  if (vector < FIRST_LEGAL_VECTOR && core.behaviours.lowVectors === "sdm") {
    signalError(core, ESR_RECEIVE_ILLEGAL_VECTOR);
    return "discarded";
  }
  if (trigger === "level") core.irq.tmr.add(vector);
  else core.irq.tmr.delete(vector);
  const { irr } = core.irq;
  if (core.apicvActive) {
    // One that waits already has notified the processor.
    if (!core.posted.add(vector)) return "coalesced";
    const outcome = irr.has(vector) ? "coalesced" : "accepted";
    core.notifyPosted();
    return outcome;
  }
  const isNew = irr.add(vector);
  core.requestEvent();
  core.kick();
  return isNew ? "accepted" : "coalesced";
}

/** Delivers through an LVT entry, if the APIC is enabled and the entry open (`kvm_apic_local_deliver`). */
export function deliverLocal(core: ApicCore, source: LocalInterruptSource): Outcome {
  const entry = lvtEntry(core, source);
  if (!core.hwEnabled || (entry & LVT_MASKED) !== 0) return "discarded";
  const outcome = accept(core, {
    vector: entry & LVT_VECTOR_MASK,
    deliveryMode: (entry >>> 8) & 7,
    level: "asserted",
    trigger: (entry & LEVEL_TRIGGERED) === 0 ? "edge" : "level",
  });
  // The counters interrupt once; the guest opens the entry again when it has dealt with them.
  if (source === "performance" && outcome === "accepted" && core.config.vendor === "intel")
    maskEntry(core, source);
  return outcome;
}

/** Gathers an error and, the first time, delivers through LVT error. */
export function signalError(core: ApicCore, error: number): void {
  if (gatherError(core, error)) deliverLocal(core, "error");
}
