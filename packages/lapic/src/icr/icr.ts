import { checkInteger, checkOneOf, checkU32, checkU64, checkVector } from "../arguments.js";
import type { ApicMessage, DestinationMode, DestinationShorthand } from "../bus/apic-message.js";

/*
 * The interrupt command register (SDM vol 3A 11.6.1 and 11.12.9, docs/model/lapic §6.1). In xAPIC mode it is two
 * registers, and the write of the low one sends; in x2APIC mode one MSR of 64 bits. Both forms share the low word:
 *
 *   7:0 vector | 10:8 delivery mode | 11 logical | 12 busy | 14 asserted | 15 level-triggered | 19:18 shorthand
 *
 * KVM delivers before the write returns, so bit 12 never reads 1.
 */

const ICR_MODE_SHIFT = 8;
const ICR_MODE_MASK = 7;
/** Destination mode: logical. */
const ICR_LOGICAL: number = 1 << 11;
/** Delivery status: send pending; always 0 in KVM. */
const ICR_BUSY: number = 1 << 12;
const ICR_ASSERT: number = 1 << 14;
const ICR_LEVEL_TRIGGERED: number = 1 << 15;
const ICR_SHORTHAND_SHIFT = 18;
/** ICR2 bits 31:24, the xAPIC destination. */
const ICR2_DESTINATION_SHIFT = 24;

/** What the xAPIC ICR retains of a write: all bits but delivery status, reserved ones included. */
export const ICR_STORED_MASK: number = (2 ** 32 - 1 - ICR_BUSY) >>> 0;
/** What the xAPIC ICR2 retains of a write. */
export const ICR2_STORED_MASK: number = (0xff << ICR2_DESTINATION_SHIFT) >>> 0;
/** Bits of the x2APIC ICR whose write raises #GP: 31:20, 17:16 and 13. */
export const X2APIC_ICR_RESERVED: bigint = 0xfff0_0000n | (3n << 16n) | (1n << 13n);

const X2APIC_ICR_STORED: bigint = 2n ** 64n - 1n - BigInt(ICR_BUSY);
const U32 = 0xffff_ffffn;

/** The values of bits 19:18, in their order. */
const SHORTHANDS: readonly DestinationShorthand[] = ["none", "self", "all", "all-but-self"];
const DESTINATION_MODES: readonly DestinationMode[] = ["physical", "logical"];

/** The fields of an ICR write. */
export type IcrFields = Omit<ApicMessage, "source" | "redirectionHint">;

/**
 * The message that a write of the xAPIC ICR sends. Reserved bits and delivery status do not matter.
 *
 * @param icr - the low word, u32.
 * @param icr2 - the high word, u32: destination in bits 31:24, the others ignored.
 * @throws RangeError or TypeError for anything but two u32.
 * Source: `kvm_icr_to_lapic_irq`.
 *
 * @example
 * const init = xapicIcrMessage(0x4500, 0x01000000);
 * [init.deliveryMode, init.destination, init.level] // => [ 5, 1, 'asserted' ]
 */
export function xapicIcrMessage(icr: number, icr2: number): ApicMessage {
  checkU32("xapicIcrMessage", "icr", icr);
  checkU32("xapicIcrMessage", "icr2", icr2);
  return icrMessage(icr, icr2 >>> ICR2_DESTINATION_SHIFT);
}

/** What a write of the x2APIC ICR does. */
export interface X2apicIcrWrite {
  /** What the register holds afterwards, u64. */
  readonly stored: bigint;
  readonly message: ApicMessage;
}

/**
 * What a write of the x2APIC ICR (MSR 0x830) stores and sends; undefined when a reserved bit raises #GP.
 *
 * @param value - u64: destination in bits 63:32; delivery status (bit 12) is dropped without a fault, as in KVM.
 * @throws RangeError or TypeError for anything but a u64.
 * Source: `kvm_x2apic_icr_write`, SDM vol 3A 11.12.9.
 *
 * @example
 * x2apicIcrWrite(0x00000102_000048f1n)?.message.destination // => 258
 * x2apicIcrWrite(1n << 13n) // => undefined
 */
export function x2apicIcrWrite(value: bigint): X2apicIcrWrite | undefined {
  checkU64("x2apicIcrWrite", "value", value);
  if ((value & X2APIC_ICR_RESERVED) !== 0n) return undefined;
  return {
    stored: value & X2APIC_ICR_STORED,
    message: icrMessage(Number(value & U32), Number(value >> 32n)),
  };
}

/**
 * The message that a write of the x2APIC SELF IPI register (MSR 0x83f) sends: fixed, edge-triggered, to the sender;
 * undefined when a bit above 7 raises #GP. The ICR is left alone.
 *
 * @param value - u64.
 * @throws RangeError or TypeError for anything but a u64.
 * Source: `kvm_lapic_reg_write`, SDM vol 3A 11.12.11.
 *
 * @example
 * selfIpiMessage(0xecn)?.shorthand // => 'self'
 * selfIpiMessage(0x100n) // => undefined
 */
export function selfIpiMessage(value: bigint): ApicMessage | undefined {
  checkU64("selfIpiMessage", "value", value);
  if (value > 0xffn) return undefined;
  return icrMessage((SHORTHANDS.indexOf("self") << ICR_SHORTHAND_SHIFT) | Number(value), 0);
}

/**
 * The low word of an ICR write, delivery status and reserved bits 0.
 *
 * @throws RangeError or TypeError for a field outside its domain.
 *
 * @example
 * encodeIcr({ vector: 0xf1, deliveryMode: DELIVERY_MODE_FIXED, destinationMode: "logical", destination: 3, shorthand: "none", level: "asserted", trigger: "edge" }) // => 18673
 */
export function encodeIcr(fields: IcrFields): number {
  checkVector("encodeIcr", fields.vector);
  checkInteger("encodeIcr", "deliveryMode", fields.deliveryMode, 0, ICR_MODE_MASK);
  checkOneOf("encodeIcr", "destinationMode", fields.destinationMode, DESTINATION_MODES);
  checkOneOf("encodeIcr", "shorthand", fields.shorthand, SHORTHANDS);
  checkOneOf("encodeIcr", "level", fields.level, ["asserted", "deasserted"]);
  checkOneOf("encodeIcr", "trigger", fields.trigger, ["edge", "level"]);
  return (
    fields.vector |
    (fields.deliveryMode << ICR_MODE_SHIFT) |
    (fields.destinationMode === "logical" ? ICR_LOGICAL : 0) |
    (fields.level === "asserted" ? ICR_ASSERT : 0) |
    (fields.trigger === "level" ? ICR_LEVEL_TRIGGERED : 0) |
    (SHORTHANDS.indexOf(fields.shorthand) << ICR_SHORTHAND_SHIFT)
  );
}

/**
 * The value to write to ICR2 before ICR, in xAPIC mode.
 *
 * @param destination - 0 … 255.
 * @throws RangeError or TypeError for another destination.
 *
 * @example
 * encodeIcr2(0xff) // => 4278190080
 */
export function encodeIcr2(destination: number): number {
  checkInteger("encodeIcr2", "destination", destination, 0, 0xff);
  return (destination << ICR2_DESTINATION_SHIFT) >>> 0;
}

/**
 * The value to write to the x2APIC ICR, u64.
 *
 * @throws RangeError or TypeError for a field outside its domain.
 *
 * @example
 * encodeX2apicIcr({ vector: 0, deliveryMode: DELIVERY_MODE_INIT, destinationMode: "physical", destination: 300, shorthand: "none", level: "asserted", trigger: "edge" }) // => 1288490206464n
 */
export function encodeX2apicIcr(fields: IcrFields): bigint {
  checkU32("encodeX2apicIcr", "destination", fields.destination);
  return (BigInt(fields.destination) << 32n) | BigInt(encodeIcr(fields));
}

/** The fields common to every form; `low` and `destination` are u32. */
export function icrMessage(low: number, destination: number): ApicMessage {
  return {
    vector: low & 0xff,
    deliveryMode: (low >>> ICR_MODE_SHIFT) & ICR_MODE_MASK,
    destinationMode: (low & ICR_LOGICAL) === 0 ? "physical" : "logical",
    destination,
    shorthand: SHORTHANDS[(low >>> ICR_SHORTHAND_SHIFT) & 3] ?? "none",
    level: (low & ICR_ASSERT) === 0 ? "deasserted" : "asserted",
    trigger: (low & ICR_LEVEL_TRIGGERED) === 0 ? "edge" : "level",
    source: "ipi",
  };
}
