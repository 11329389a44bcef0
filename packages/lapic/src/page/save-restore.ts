import { x2apicLdr } from "../bus/match-destination.js";
import type { ApicCore } from "../device/core.js";
import { syncPosted, updatePpr } from "../device/priority.js";
import { icrHighOffset, reportInhibits } from "../device/reset.js";
import { versionOf } from "../device/version.js";
import { NO_VECTOR, type VectorSet } from "../priority/vector-set.js";
import {
  APIC_ICR2,
  APIC_ID,
  APIC_IRR,
  APIC_ISR,
  APIC_LDR,
  APIC_LVR,
  APIC_LVTT,
  APIC_PROCPRI,
  APIC_SPIV,
  APIC_TASKPRI,
  APIC_TDCR,
  APIC_TMCCT,
  APIC_TMICT,
  APIC_TMR,
} from "../registers/offsets.js";

/*
 * KVM_GET_LAPIC and KVM_SET_LAPIC (docs/model/lapic §8, §12). A page is the registers as memory: nothing is masked on the
 * way in, gaps included. What the page cannot say, whether an expiry is pending or where a deadline is, is reconstructed
 * by the timer or gone.
 */

/** Dword index of a byte offset. */
const at = (offset: number): number => offset >>> 2;

/** The dwords of a saved page (`kvm_apic_get_state`). */
export function savePage(core: ApicCore): number[] {
  syncPosted(core);
  const words = core.file.words();
  storeSet(words, APIC_ISR, core.irq.isr);
  storeSet(words, APIC_TMR, core.irq.tmr);
  storeSet(words, APIC_IRR, core.irq.irr);
  words[at(APIC_LVTT)] = core.timer.lvtt;
  words[at(APIC_TMICT)] = core.timer.tmict;
  words[at(APIC_TDCR)] = core.timer.tdcr;
  words[at(APIC_TMCCT)] = core.timer.readTmcct();
  if (core.mode === "x2apic") {
    if (core.config.idFormat === "8-bit") words[at(APIC_ID)] = (core.file.read(APIC_ID) << 24) >>> 0;
    words[at(APIC_ICR2)] = core.file.read(icrHighOffset(core));
  }
  return words;
}

/** Restores a page; "invalid" is EINVAL, when nothing but SVR has changed (`kvm_apic_set_state`). */
export function restorePage(core: ApicCore, page: readonly number[]): "ok" | "invalid" {
  const words = Array.from(page);
  core.file.write(APIC_SPIV, words[at(APIC_SPIV)] ?? 0);
  if (core.mode === "x2apic" && fixUp(core, words) === "invalid") return "invalid";
  const inService = core.irq.isr.highest !== NO_VECTOR;
  const lvtt = words[at(APIC_LVTT)] ?? 0;
  const tmict = words[at(APIC_TMICT)] ?? 0;
  const tdcr = words[at(APIC_TDCR)] ?? 0;
  const tmcct = words[at(APIC_TMCCT)] ?? 0;
  core.irq.isr.load(takeSet(words, APIC_ISR));
  core.irq.tmr.load(takeSet(words, APIC_TMR));
  core.irq.irr.load(takeSet(words, APIC_IRR));
  core.posted.clear();
  core.irq.writeTpr(words[at(APIC_TASKPRI)] ?? 0);
  for (const offset of [APIC_LVTT, APIC_TMICT, APIC_TDCR, APIC_TMCCT]) words[at(offset)] = 0;
  core.file.load(words);
  core.file.write(APIC_LVR, versionOf(core));
  updatePpr(core);
  // KVM's count of vectors in service is not up to date yet: with none before the call, the loaded ones are overlooked
  // (docs/model/lapic §12.1). Hardware that delivers by itself has no such count.
  if (!inService && !core.apicvActive) core.file.write(APIC_PROCPRI, core.irq.tpr);
  core.timer.restore({ lvtt, tmict, tdcr, tmcct });
  core.arbitrationPriority = 0;
  reportInhibits(core);
  core.requestEvent();
  return "ok";
}

/** An x2APIC's ID is not the page's to say, LDR follows from it, and the high half of ICR is taken from ICR2's place. */
function fixUp(core: ApicCore, words: number[]): "ok" | "invalid" {
  if (core.config.idFormat === "32-bit" && words[at(APIC_ID)] !== core.id) return "invalid";
  words[at(APIC_ID)] = core.id;
  words[at(APIC_LDR)] = x2apicLdr(core.id);
  words[at(icrHighOffset(core))] = words[at(APIC_ICR2)] ?? 0;
  return "ok";
}

function storeSet(words: number[], first: number, set: VectorSet): void {
  set.words().forEach((word, i) => {
    words[at(first) + 4 * i] = word;
  });
}

/** Moves the eight registers at `first` out of `words`. */
function takeSet(words: number[], first: number): number[] {
  return Array.from({ length: 8 }, (_, i) => {
    const word = words[at(first) + 4 * i] ?? 0;
    words[at(first) + 4 * i] = 0;
    return word;
  });
}
