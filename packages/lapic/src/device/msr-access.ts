import { type ApicWriter, allowsBase } from "../registers/apic-base.js";
import {
  APIC_EOI,
  APIC_ESR,
  APIC_ICR,
  APIC_LVT0,
  APIC_LVT1,
  APIC_LVTCMCI,
  APIC_LVTERR,
  APIC_LVTPC,
  APIC_LVTT,
  APIC_LVTTHMR,
  APIC_SELF_IPI,
  APIC_SPIV,
  APIC_TASKPRI,
  APIC_TDCR,
  MSR_IA32_APICBASE,
  MSR_IA32_TSC_DEADLINE,
  X2APIC_MSR_FIRST,
} from "../registers/offsets.js";
import { registerAt } from "../registers/register-map.js";
import type { ApicCore } from "./core.js";
import type { BadAccessReason, BadApicAccess } from "./events.js";
import type { InterruptCommand } from "./interrupt-command.js";
import { hasLvtEntry } from "./local-vectors.js";
import { readRegister, svrMask, writeRegister } from "./register-access.js";
import { takeBase } from "./reset.js";

/*
 * Accesses by MSR: IA32_APIC_BASE and IA32_TSC_DEADLINE in every mode, the registers in x2APIC mode
 * (`kvm_x2apic_msr_read`, `kvm_x2apic_msr_write`, docs/model/lapic §1.3). What is wrong faults.
 */

const MSR_BYTES = 8;
const U32_MAX = 2 ** 32 - 1;

/** An MSR's value, undefined for #GP. */
export function readMsr(core: ApicCore, icr: InterruptCommand, msr: number): bigint | undefined {
  if (msr === MSR_IA32_APICBASE) return core.base;
  if (msr === MSR_IA32_TSC_DEADLINE) return core.timer.readTscDeadline();
  const offset = (msr - X2APIC_MSR_FIRST) << 4;
  const refusal = refuse(core, offset, "read");
  if (refusal !== undefined) {
    core.events.onBadAccess?.(fault("read", msr, refusal));
    return undefined;
  }
  return offset === APIC_ICR ? icr.value : BigInt(readRegister(core, offset));
}

/** Writes an MSR; "fault" is #GP, and nothing has changed. */
export function writeMsr(
  core: ApicCore,
  icr: InterruptCommand,
  msr: number,
  value: bigint,
  writer: ApicWriter,
): "ok" | "fault" {
  const reason = write(core, icr, msr, value, writer);
  if (reason === undefined) return "ok";
  core.events.onBadAccess?.({ ...fault("write", msr, reason), value });
  return "fault";
}

function write(
  core: ApicCore,
  icr: InterruptCommand,
  msr: number,
  value: bigint,
  writer: ApicWriter,
): BadAccessReason | undefined {
  if (msr === MSR_IA32_APICBASE) return writeBase(core, value, writer);
  if (msr === MSR_IA32_TSC_DEADLINE) {
    core.timer.writeTscDeadline(value);
    return undefined;
  }
  const offset = (msr - X2APIC_MSR_FIRST) << 4;
  const refusal = refuse(core, offset, "write");
  if (refusal !== undefined) return refusal;
  if (offset === APIC_ICR) return icr.write(value) === "fault" ? "reserved-bits" : undefined;
  if (offset === APIC_SELF_IPI) return icr.writeSelf(value) === "fault" ? "reserved-bits" : undefined;
  // Rounding keeps what is above 32 bits above; a conversion costs more than the rest of this function.
  const low = Number(value);
  if (low > U32_MAX || (low & reservedBits(core, offset)) !== 0) return "reserved-bits";
  writeRegister(core, icr, offset, low);
  return undefined;
}

function writeBase(core: ApicCore, value: bigint, writer: ApicWriter): BadAccessReason | undefined {
  const { base, config } = core;
  if (allowsBase(base, value, writer, config)) {
    takeBase(core, value);
    return undefined;
  }
  return allowsBase(base, value, "host", config) ? "transition" : "reserved-bits";
}

/** Why the register at `offset` cannot be read, or written. */
function refuse(core: ApicCore, offset: number, kind: "read" | "write"): BadAccessReason | undefined {
  if (core.mode !== "x2apic") return "not-x2apic";
  const register = registerAt(offset);
  if (register === undefined || register.x2apic === "none" || !hasLvtEntry(core, offset)) return "missing";
  if (register.x2apic === "read-write" || register.x2apic === kind) return undefined;
  return `${register.x2apic}-only`;
}

/** Bits 31:0 whose write faults. KVM has such bits in ESR only; the others it drops. */
function reservedBits(core: ApicCore, offset: number): number {
  if (offset === APIC_ESR) return -1;
  if (core.behaviours.x2apicReservedBits === "kvm") return 0;
  const stored = registerAt(offset)?.storedMask ?? 0;
  switch (offset) {
    case APIC_EOI:
    case APIC_TASKPRI:
    case APIC_TDCR:
    case APIC_LVTCMCI:
    case APIC_LVTTHMR:
    case APIC_LVTPC:
    case APIC_LVT0:
    case APIC_LVT1:
    case APIC_LVTERR:
      return ~stored;
    case APIC_SPIV:
      return ~svrMask(core);
    case APIC_LVTT:
      return ~(stored | core.timer.modeMask);
    default:
      return 0;
  }
}

function fault(kind: "read" | "write", address: number, reason: BadAccessReason): BadApicAccess {
  return { kind, through: "msr", address, size: MSR_BYTES, reason, outcome: "fault" };
}
