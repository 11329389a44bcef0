import { registerAt } from "../registers/register-map.js";
import { signalError } from "./acceptance.js";
import type { ApicCore } from "./core.js";
import { ESR_ILLEGAL_REGISTER_ADDRESS } from "./error-status.js";
import type { BadAccessOutcome, BadAccessReason } from "./events.js";
import type { InterruptCommand } from "./interrupt-command.js";
import { hasLvtEntry } from "./local-vectors.js";
import { readRegister, writeRegister } from "./register-access.js";

/*
 * Accesses of the page, in xAPIC mode (`apic_mmio_read`, `apic_mmio_write`, docs/model/lapic §1.1). A write is of an aligned
 * dword or nothing; a read may be of any bytes within one.
 */

/** Above the last slot. */
const REGISTERS_END = 0x400;

/** Bytes `offset` … `offset + size − 1` of the page. */
export function readPage(core: ApicCore, offset: number, size: number): bigint {
  if (core.mode !== "xapic") {
    const hidden = core.config.mmioHole === "on";
    report(core, "read", offset, size, "hidden", hidden ? "all-ones" : "unhandled");
    return hidden ? 2n ** BigInt(size * 8) - 1n : 0n;
  }
  const refusal = refuseRead(core, offset, size);
  if (refusal !== undefined) {
    report(core, "read", offset, size, refusal, "undefined");
    signalMissing(core, refusal);
    return 0n;
  }
  const dword = readRegister(core, offset & ~0xf);
  return BigInt.asUintN(size * 8, BigInt(dword) >> BigInt((offset & 3) * 8));
}

function refuseRead(core: ApicCore, offset: number, size: number): BadAccessReason | undefined {
  if (size > 4) return "size";
  if ((offset & 0xf) + size > 4) return "alignment";
  const register = offset < REGISTERS_END ? registerAt(offset) : undefined;
  if (register === undefined || register.xapic === "none" || !hasLvtEntry(core, register.offset))
    return "missing";
  return register.xapic === "write" ? "write-only" : undefined;
}

/** Writes the `size` bytes at `offset`. */
export function writePage(
  core: ApicCore,
  icr: InterruptCommand,
  offset: number,
  value: bigint,
  size: number,
): void {
  if (core.mode !== "xapic") {
    const outcome = core.config.mmioHole === "on" ? "ignored" : "unhandled";
    report(core, "write", offset, size, "hidden", outcome, value);
    return;
  }
  const refusal = refuseWrite(core, offset, size);
  if (refusal !== undefined) {
    report(core, "write", offset, size, refusal, "ignored", value);
    signalMissing(core, refusal);
    return;
  }
  writeRegister(core, icr, offset, Number(value));
}

function refuseWrite(core: ApicCore, offset: number, size: number): BadAccessReason | undefined {
  if (size !== 4) return "size";
  if ((offset & 0xf) !== 0) return "alignment";
  const register = offset < REGISTERS_END ? registerAt(offset) : undefined;
  if (register === undefined || register.xapic === "none" || !hasLvtEntry(core, offset)) return "missing";
  return register.xapic === "read" ? "read-only" : undefined;
}

function signalMissing(core: ApicCore, reason: BadAccessReason): void {
  if (reason === "missing") signalError(core, ESR_ILLEGAL_REGISTER_ADDRESS);
}

function report(
  core: ApicCore,
  kind: "read" | "write",
  address: number,
  size: number,
  reason: BadAccessReason,
  outcome: BadAccessOutcome,
  value?: bigint,
): void {
  const written = value === undefined ? {} : { value };
  core.events.onBadAccess?.({ kind, through: "page", address, size, reason, outcome, ...written });
}
