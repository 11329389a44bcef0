import { checkInteger } from "../arguments.js";
import * as R from "./offsets.js";
import { X2APIC_MSR_FIRST } from "./offsets.js";

/** What a guest may do with a register in one of the modes. */
export type RegisterAccess = "none" | "read" | "write" | "read-write";

/** One register of the local APIC. */
export interface ApicRegister {
  /** The manual's abbreviation, with the index of a repeated register. */
  readonly name: string;
  /** Byte offset in the page, a multiple of 16. */
  readonly offset: number;
  /** The value after RESET; the ID and a boot processor's LINT0 differ (docs/model/lapic §5). */
  readonly reset: number;
  /** What it retains of a write in xAPIC mode; LVTT adds its mode bits and SVR bit 12 where the version has bit 24. */
  readonly storedMask: number;
  /** Through the page. */
  readonly xapic: RegisterAccess;
  /** Through an MSR. */
  readonly x2apic: RegisterAccess;
}

/** Bits 31:24, the field of ID, LDR and the high half of ICR in xAPIC mode. */
const XAPIC_ID_MASK = 0xff00_0000;
/** What LVT entries store: vector, delivery status and mask; the mode in some; polarity, remote IRR and trigger in LINTx. */
const LVT_MASK = 0x110ff;
const LVT_MODE_MASK = LVT_MASK | 0x700;
const LINT_MASK = LVT_MODE_MASK | 0xe000;
const LVT_RESET = 0x10000;

type Row = readonly [string, number, number, number, RegisterAccess, RegisterAccess];

const rows: readonly Row[] = [
  ["ID", R.APIC_ID, 0, XAPIC_ID_MASK, "read-write", "read"],
  ["LVR", R.APIC_LVR, 0x50014, 0, "read", "read"],
  ["TPR", R.APIC_TASKPRI, 0, 0xff, "read-write", "read-write"],
  ["APR", R.APIC_ARBPRI, 0, 0, "read", "none"],
  ["PPR", R.APIC_PROCPRI, 0, 0, "read", "read"],
  ["EOI", R.APIC_EOI, 0, 0, "write", "write"],
  ["LDR", R.APIC_LDR, 0, XAPIC_ID_MASK, "read-write", "read"],
  ["DFR", R.APIC_DFR, 0xffff_ffff, 0xf000_0000, "read-write", "none"],
  ["SVR", R.APIC_SPIV, 0xff, 0x3ff, "read-write", "read-write"],
  ...repeated("ISR", R.APIC_ISR),
  ...repeated("TMR", R.APIC_TMR),
  ...repeated("IRR", R.APIC_IRR),
  ["ESR", R.APIC_ESR, 0, 0, "read-write", "read-write"],
  ["LVTCMCI", R.APIC_LVTCMCI, LVT_RESET, LVT_MODE_MASK, "read-write", "read-write"],
  ["ICR", R.APIC_ICR, 0, 0xffff_efff, "read-write", "read-write"],
  ["ICR2", R.APIC_ICR2, 0, XAPIC_ID_MASK, "read-write", "none"],
  ["LVTT", R.APIC_LVTT, LVT_RESET, LVT_MASK, "read-write", "read-write"],
  ["LVTTHMR", R.APIC_LVTTHMR, LVT_RESET, LVT_MODE_MASK, "read-write", "read-write"],
  ["LVTPC", R.APIC_LVTPC, LVT_RESET, LVT_MODE_MASK, "read-write", "read-write"],
  ["LVT0", R.APIC_LVT0, LVT_RESET, LINT_MASK, "read-write", "read-write"],
  ["LVT1", R.APIC_LVT1, LVT_RESET, LINT_MASK, "read-write", "read-write"],
  ["LVTERR", R.APIC_LVTERR, LVT_RESET, LVT_MASK, "read-write", "read-write"],
  ["TMICT", R.APIC_TMICT, 0, 0xffff_ffff, "read-write", "read-write"],
  ["TMCCT", R.APIC_TMCCT, 0, 0, "read", "read"],
  ["TDCR", R.APIC_TDCR, 0, 0xb, "read-write", "read-write"],
  ["SELF_IPI", R.APIC_SELF_IPI, 0, 0, "none", "write"],
];

function repeated(name: string, first: number): readonly Row[] {
  return Array.from({ length: 8 }, (_, i) => [`${name}${i}`, first + 16 * i, 0, 0, "read", "read"]);
}

/**
 * Every register KVM has, by offset, with its access in both modes and what it stores (docs/model/lapic §1). LVTCMCI is
 * there only where the VM has it.
 */
export const APIC_REGISTERS: readonly ApicRegister[] = rows.map(
  ([name, offset, reset, storedMask, xapic, x2apic]) => ({ name, offset, reset, storedMask, xapic, x2apic }),
);

/** By slot, offset / 16. */
const bySlot: readonly (ApicRegister | undefined)[] = Array.from({ length: 64 }, (_, slot) =>
  APIC_REGISTERS.find(({ offset }) => offset === slot * 16),
);

/** Unchecked kernel of {@link apicRegisterAt}. */
export function registerAt(offset: number): ApicRegister | undefined {
  return bySlot[offset >>> 4];
}

/**
 * The register at an offset of the page, undefined where there is none.
 *
 * @param offset - byte offset, 0 … 4095; the register's slot holds it.
 * @throws RangeError or TypeError for anything else.
 * @example
 * apicRegisterAt(0x380)?.name // => 'TMICT'
 */
export function apicRegisterAt(offset: number): ApicRegister | undefined {
  checkInteger("apicRegisterAt", "offset", offset, 0, 0xfff);
  return registerAt(offset);
}

/**
 * The MSR that an x2APIC has for a register: 0x800 + offset / 16 (SDM vol 3A 11.12.1.2).
 *
 * @param offset - byte offset of a slot, 0 … 4080, a multiple of 16.
 * @throws RangeError or TypeError for anything else.
 * @example
 * x2apicMsr(0x380) // => 2104
 */
export function x2apicMsr(offset: number): number {
  checkInteger("x2apicMsr", "offset", offset, 0, 0xff0);
  if (offset % 16 !== 0) throw new RangeError(`x2apicMsr: expected a multiple of 16, got ${offset}`);
  return X2APIC_MSR_FIRST + (offset >>> 4);
}
