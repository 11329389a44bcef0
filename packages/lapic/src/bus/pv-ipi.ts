import { checkOneOf, checkU32, checkU64 } from "../arguments.js";
import { icrMessage } from "../icr/icr.js";
import type { ApicMessage } from "./apic-message.js";

/*
 * The hypercall KVM_HC_SEND_IPI: one interrupt to a set of APIC IDs, without an ICR write for each
 * (docs/model/lapic §6.1). It knows physical IDs only, and works by the destination map only.
 */

/** Logical mode and shorthands, which the hypercall refuses. */
const REFUSED_ICR_BITS: bigint = (1n << 11n) | (3n << 18n);

/** Guest's answer to a bad ICR: KVM_EINVAL. */
export const PV_IPI_INVALID = -22;
/** Guest's answer where the VM has no destination map: EOPNOTSUPP. */
export const PV_IPI_UNSUPPORTED = -95;

/** Whether the hypercall came from 64-bit mode, where a word of the bitmap has 64 bits; 32 elsewhere. */
export type HypercallWidth = 32 | 64;

/** The arguments of KVM_HC_SEND_IPI. */
export interface PvIpi {
  /** a0: bit n is the APIC ID `min` + n. From a 32-bit hypercall only bits 31:0 count. */
  readonly bitmapLow: bigint;
  /** a1: bit n is the APIC ID `min` + width + n. */
  readonly bitmapHigh: bigint;
  /** a2: the lowest APIC ID, u32. */
  readonly min: number;
  /** a3: vector, delivery mode, level and trigger as in ICR. */
  readonly icr: bigint;
  readonly width: HypercallWidth;
}

/** What a hypercall asks for: one message, whose destination is not used, to each APIC ID, lowest first. */
export interface PvIpiRequest {
  readonly message: ApicMessage;
  readonly apicIds: readonly number[];
}

/**
 * Decodes KVM_HC_SEND_IPI; undefined where the guest gets {@link PV_IPI_INVALID}.
 *
 * @param hypercall - bitmaps and ICR u64, `min` u32. IDs wrap at 2^32, as the kernel's u32 sum does.
 * @throws RangeError or TypeError for a field outside its domain.
 * Source: `kvm_pv_send_ipi`; docs/model/lapic §6.1.
 *
 * @example
 * decodePvIpi({ bitmapLow: 0b101n, bitmapHigh: 1n, min: 3, icr: 0xf1n, width: 64 })?.apicIds // => [ 3, 5, 67 ]
 * decodePvIpi({ bitmapLow: 1n, bitmapHigh: 0n, min: 0, icr: 1n << 11n, width: 64 }) // => undefined
 */
export function decodePvIpi(hypercall: PvIpi): PvIpiRequest | undefined {
  const { bitmapLow, bitmapHigh, min, icr, width } = hypercall;
  checkU64("decodePvIpi", "bitmapLow", bitmapLow);
  checkU64("decodePvIpi", "bitmapHigh", bitmapHigh);
  checkU32("decodePvIpi", "min", min);
  checkU64("decodePvIpi", "icr", icr);
  checkOneOf("decodePvIpi", "width", width, [32, 64]);
  if ((icr & REFUSED_ICR_BITS) !== 0n) return undefined;
  return {
    message: icrMessage(Number(BigInt.asUintN(32, icr)), 0),
    apicIds: [...idsOf(bitmapLow, min, width), ...idsOf(bitmapHigh, (min + width) >>> 0, width)],
  };
}

/** A word that reaches past 2^32 − 1 ends there: no ID is larger. */
function idsOf(bitmap: bigint, min: number, width: HypercallWidth): readonly number[] {
  const ids: number[] = [];
  for (let bit = 0; bit < width && min + bit < 2 ** 32; bit++) {
    if (((bitmap >> BigInt(bit)) & 1n) !== 0n) ids.push(min + bit);
  }
  return ids;
}
