import { checkInteger, checkOneOf, checkU64 } from "../arguments.js";
import type { ApicMode } from "../bus/apic-identity.js";

/** IA32_APIC_BASE (SDM vol 3A 11.4.4; docs/model/lapic §5). */

/** Bit 8: the boot processor. */
export const APIC_BASE_BSP: bigint = 1n << 8n;
/** Bit 10: x2APIC mode. */
export const APIC_BASE_EXTD: bigint = 1n << 10n;
/** Bit 11: global enable. */
export const APIC_BASE_ENABLE: bigint = 1n << 11n;
/** Where the page is after RESET. */
export const APIC_DEFAULT_PHYS_BASE = 0xfee0_0000n;

/** Bits 7:0 and 9. */
const RESERVED_LOW = 0x2ffn;
const PAGE_MASK = 0xfffn;

/** What decides which values IA32_APIC_BASE takes. */
export interface ApicBaseRules {
  /** CPUID.1:ECX[21]. */
  readonly x2apicSupported: boolean;
  /** MAXPHYADDR, 36 … 52. */
  readonly physicalAddressBits: number;
}

/** Who writes a register; the host may change modes in ways that fault in a guest. */
export type ApicWriter = "guest" | "host";

export const APIC_WRITERS: readonly ApicWriter[] = ["guest", "host"];

/** The mode a value of IA32_APIC_BASE stands for: EXTD without EN, which no write is granted, is disabled. */
export function modeOf(base: bigint): ApicMode {
  if ((base & APIC_BASE_ENABLE) === 0n) return "disabled";
  return (base & APIC_BASE_EXTD) === 0n ? "xapic" : "x2apic";
}

/** The physical address of the page. */
export function pageAddressOf(base: bigint): bigint {
  return base & ~PAGE_MASK;
}

/** Unchecked kernel of {@link apicBaseWrite}. */
export function allowsBase(from: bigint, to: bigint, writer: ApicWriter, rules: ApicBaseRules): boolean {
  const tooHigh = to >> BigInt(rules.physicalAddressBits) !== 0n;
  if (tooHigh || (to & RESERVED_LOW) !== 0n) return false;
  const extended = (to & APIC_BASE_EXTD) !== 0n;
  if (extended && (!rules.x2apicSupported || (to & APIC_BASE_ENABLE) === 0n)) return false;
  if (writer === "host") return true;
  // SDM figure 11-27: a guest leaves x2APIC mode through disabled, and enters it through xAPIC mode.
  const transition = `${modeOf(from)} to ${modeOf(to)}`;
  return transition !== "x2apic to xapic" && transition !== "disabled to x2apic";
}

/**
 * Whether a write of IA32_APIC_BASE is granted or faults with #GP (`kvm_apic_set_base`, docs/model/lapic §5).
 *
 * @param from - the value before, u64.
 * @param to - the value written, u64.
 * @param writer - a guest's WRMSR, or the host's ioctl, which may go from x2APIC to xAPIC mode and from disabled to x2APIC.
 * @param rules - see {@link ApicBaseRules}.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * apicBaseWrite(0xfee00d00n, 0xfee00900n, "guest", { x2apicSupported: true, physicalAddressBits: 46 }) // => 'fault'
 */
export function apicBaseWrite(
  from: bigint,
  to: bigint,
  writer: ApicWriter,
  rules: ApicBaseRules,
): "ok" | "fault" {
  checkU64("apicBaseWrite", "from", from);
  checkU64("apicBaseWrite", "to", to);
  checkOneOf("apicBaseWrite", "writer", writer, APIC_WRITERS);
  checkInteger("apicBaseWrite", "physicalAddressBits", rules.physicalAddressBits, 36, 52);
  return allowsBase(from, to, writer, rules) ? "ok" : "fault";
}
