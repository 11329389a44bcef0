import { x2apicLdr } from "../bus/match-destination.js";
import {
  APIC_BASE_ENABLE,
  APIC_BASE_EXTD,
  APIC_DEFAULT_PHYS_BASE,
  pageAddressOf,
} from "../registers/apic-base.js";
import {
  APIC_DFR,
  APIC_ESR,
  APIC_ICR,
  APIC_ICR2,
  APIC_ID,
  APIC_LDR,
  APIC_LVR,
  APIC_SPIV,
  APIC_TASKPRI,
  X2APIC_ICR_HIGH,
} from "../registers/offsets.js";
import { type ApicCore, resetBase, resetRunState } from "./core.js";
import { resetLvts } from "./local-vectors.js";
import { updatePpr } from "./priority.js";
import type { ApicvInhibit } from "./vcpu.js";
import { versionOf } from "./version.js";

/*
 * RESET, INIT and IA32_APIC_BASE: what starts an APIC anew, and what of it survives (docs/model/lapic §2, §5).
 */

const DFR_FLAT = 0xffff_ffff;
const SVR_RESET = 0xff;

/** RESET or INIT (`kvm_lapic_reset`). INIT leaves base and ID. */
export function resetApic(core: ApicCore, kind: "reset" | "init"): void {
  if (kind === "reset") {
    takeBase(core, resetBase(core.config));
    core.file.write(APIC_ID, xapicIdRegister(core));
    core.runState = resetRunState(core.config);
    core.pendingInit = "none";
    core.pendingSipi = -1;
  }
  resetRegisters(core);
  core.timer.reset();
}

/** What RESET and INIT have in common, but for the timer's registers. */
export function resetRegisters(core: ApicCore): void {
  const { file } = core;
  file.write(APIC_LVR, versionOf(core));
  resetLvts(core);
  file.write(APIC_DFR, DFR_FLAT);
  file.write(APIC_SPIV, SVR_RESET);
  file.write(APIC_TASKPRI, 0);
  file.write(APIC_ESR, 0);
  file.write(APIC_ICR, 0);
  if (core.mode !== "x2apic") {
    file.write(APIC_LDR, 0);
    file.write(APIC_ICR2, 0);
  } else {
    file.write(icrHighOffset(core), 0);
  }
  core.irq.reset();
  core.posted.clear();
  core.errors = 0;
  core.arbitrationPriority = 0;
  updatePpr(core);
}

/** Where bits 63:32 of an x2APIC's ICR are kept. */
export function icrHighOffset(core: ApicCore): number {
  return core.config.vendor === "intel" ? X2APIC_ICR_HIGH : APIC_ICR2;
}

/** The ID register of an xAPIC that nobody renumbered. */
export function xapicIdRegister(core: ApicCore): number {
  return ((core.id & 0xff) << 24) >>> 0;
}

/** Writes IA32_APIC_BASE as it was granted, with what a change of mode does to ID and LDR (`__kvm_apic_set_base`). */
export function takeBase(core: ApicCore, value: bigint): void {
  const before = core.base;
  const { file } = core;
  core.base = value;
  const changed = before ^ value;
  const enabled = (value & APIC_BASE_ENABLE) !== 0n;
  if ((changed & APIC_BASE_ENABLE) !== 0n && enabled) file.write(APIC_ID, xapicIdRegister(core));
  if ((changed & APIC_BASE_EXTD) !== 0n) {
    if ((value & APIC_BASE_EXTD) !== 0n) {
      file.write(APIC_ID, core.id);
      file.write(APIC_LDR, x2apicLdr(core.id));
    } else if (enabled) {
      file.write(APIC_ID, xapicIdRegister(core));
    }
  }
  if (enabled && pageAddressOf(value) !== APIC_DEFAULT_PHYS_BASE) core.pageMoved = "once";
  if ((changed & APIC_BASE_ENABLE) !== 0n && !enabled && core.behaviours.globalDisable === "sdm") {
    resetRegisters(core);
    core.timer.reset();
  }
  reportInhibits(core);
}

/** What keeps hardware from delivering to this APIC (docs/model/lapic §2). */
export function apicvInhibits(core: ApicCore): readonly ApicvInhibit[] {
  const reasons: ApicvInhibit[] = [];
  if (core.idModified) reasons.push("APIC_ID_MODIFIED");
  if (core.pageMoved === "once") reasons.push("APIC_BASE_MODIFIED");
  return reasons;
}

/** To be called after anything that can change {@link apicvInhibits}. */
export function reportInhibits(core: ApicCore): void {
  const reasons = apicvInhibits(core);
  const told = reasons.join();
  if (told === core.toldInhibits) return;
  core.toldInhibits = told;
  core.events.onApicvInhibit?.(reasons);
}
