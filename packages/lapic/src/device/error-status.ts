import { APIC_ESR } from "../registers/offsets.js";
import type { ApicCore } from "./core.js";

/*
 * The error status register (SDM vol 3A 11.5.3). KVM latches nothing: ESR reads 0, or what a restored page had, and a
 * write changes nothing (docs/model/lapic §6.3). The manual's gathers errors out of sight; a write of ESR shows them and
 * starts anew, and an error that was not gathered yet is signalled through LVT error.
 */

/** Vectors below are the processor's exceptions. */
export const FIRST_LEGAL_VECTOR = 16;

/** Bit 5: a vector below 16 was sent. */
export const ESR_SEND_ILLEGAL_VECTOR: number = 1 << 5;
/** Bit 6: a vector below 16 was received, or raised by an LVT. */
export const ESR_RECEIVE_ILLEGAL_VECTOR: number = 1 << 6;
/** Bit 7: the page was accessed where it has no register. */
export const ESR_ILLEGAL_REGISTER_ADDRESS: number = 1 << 7;

/** Gathers an error; whether it is to be signalled through LVT error. */
export function gatherError(core: ApicCore, error: number): boolean {
  if (core.behaviours.errorStatus === "kvm" || (core.errors & error) !== 0) return false;
  core.errors |= error;
  core.events.onError?.(core.errors);
  return true;
}

/** A write of ESR. */
export function writeEsr(core: ApicCore): void {
  if (core.behaviours.errorStatus === "kvm") return;
  core.file.write(APIC_ESR, core.errors);
  core.errors = 0;
}
