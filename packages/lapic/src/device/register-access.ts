import {
  APIC_ARBPRI,
  APIC_DFR,
  APIC_EOI,
  APIC_ESR,
  APIC_ICR,
  APIC_ICR2,
  APIC_ID,
  APIC_IRR,
  APIC_ISR,
  APIC_LDR,
  APIC_LVT0,
  APIC_LVT1,
  APIC_LVTCMCI,
  APIC_LVTERR,
  APIC_LVTPC,
  APIC_LVTT,
  APIC_LVTTHMR,
  APIC_PROCPRI,
  APIC_SPIV,
  APIC_TASKPRI,
  APIC_TDCR,
  APIC_TMCCT,
  APIC_TMICT,
  APIC_TMR,
} from "../registers/offsets.js";
import { registerAt } from "../registers/register-map.js";
import { SVR_APIC_ENABLED, SVR_SUPPRESS_EOI_BROADCAST } from "../registers/spurious-vector.js";
import type { ApicCore } from "./core.js";
import { writeEsr } from "./error-status.js";
import type { InterruptCommand } from "./interrupt-command.js";
import { maskAllLvts, writeLvt } from "./local-vectors.js";
import { endOfInterrupt, syncPosted, updatePpr, writeTpr } from "./priority.js";
import { reportInhibits } from "./reset.js";
import { announcesDirectedEoi } from "./version.js";

/*
 * What reading and writing a register does, once the access itself is right (`__apic_read`, `kvm_lapic_reg_write`). The
 * page and the MSRs share it; the 64-bit ICR and SELF IPI are the MSRs' own.
 */

const DFR_ONES = 0x0fff_ffff;
/** Eight registers of a vector set, 16 bytes apart. */
const VECTOR_SET_BYTES = 128;

/** The dword of a readable register. */
export function readRegister(core: ApicCore, offset: number): number {
  switch (offset) {
    case APIC_ARBPRI:
      return 0;
    case APIC_PROCPRI:
      updatePpr(core);
      return core.file.read(APIC_PROCPRI);
    case APIC_LVTT:
      return core.timer.lvtt;
    case APIC_TMICT:
      return core.timer.tmict;
    case APIC_TMCCT:
      return core.timer.readTmcct();
    case APIC_TDCR:
      return core.timer.tdcr;
    default:
      return readVectorSet(core, offset) ?? core.file.read(offset);
  }
}

function readVectorSet(core: ApicCore, offset: number): number | undefined {
  if (offset < APIC_ISR || offset >= APIC_IRR + VECTOR_SET_BYTES) return undefined;
  const { irq } = core;
  const index = (offset >>> 4) & 7;
  if (offset < APIC_TMR) return irq.isr.word(index);
  if (offset < APIC_IRR) return irq.tmr.word(index);
  syncPosted(core);
  return irq.irr.word(index);
}

function storedMask(offset: number): number {
  return registerAt(offset)?.storedMask ?? 0;
}

/** What SVR can store. */
export function svrMask(core: ApicCore): number {
  const stored = storedMask(APIC_SPIV);
  return announcesDirectedEoi(core) ? stored | SVR_SUPPRESS_EOI_BROADCAST : stored;
}

/** Writes a writable register; one that is not is left alone. */
export function writeRegister(core: ApicCore, icr: InterruptCommand, offset: number, value: number): void {
  switch (offset) {
    case APIC_ID:
      core.file.write(offset, value & storedMask(offset));
      reportInhibits(core);
      break;
    case APIC_TASKPRI:
      writeTpr(core, value);
      break;
    case APIC_EOI:
      endOfInterrupt(core);
      break;
    case APIC_LDR:
      core.file.write(offset, value & storedMask(offset));
      break;
    case APIC_DFR:
      core.file.write(offset, value | DFR_ONES);
      break;
    case APIC_SPIV:
      core.file.write(offset, value & svrMask(core));
      if ((value & SVR_APIC_ENABLED) === 0) maskAllLvts(core);
      break;
    case APIC_ESR:
      writeEsr(core);
      break;
    case APIC_ICR:
      icr.writeLow(value);
      break;
    case APIC_ICR2:
      icr.writeHigh(value);
      break;
    case APIC_LVTCMCI:
    case APIC_LVTT:
    case APIC_LVTTHMR:
    case APIC_LVTPC:
    case APIC_LVT0:
    case APIC_LVT1:
    case APIC_LVTERR:
      writeLvt(core, offset, value);
      break;
    case APIC_TMICT:
      core.timer.writeTmict(value);
      break;
    case APIC_TDCR:
      core.timer.writeTdcr(value);
      break;
  }
}
