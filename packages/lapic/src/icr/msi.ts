import { checkInteger, checkOneOf, checkU32, checkVector } from "../arguments.js";
import type { ApicMessage } from "../bus/apic-message.js";

/*
 * Message-signalled interrupts (SDM vol 3A 11.11, docs/model/lapic §6.2 and §12.2, §12.3): a device writes `data` to
 * the address.
 *
 *   address 31:20 0xfee | 19:12 destination | 3 redirection hint | 2 logical
 *   data    7:0 vector | 10:8 delivery mode | 14 level | 15 level-triggered
 *
 * KVM does not look at the address prefix, and takes every message as asserted, whatever data bit 14 says. With 32-bit
 * APIC IDs the high half of the address carries destination bits 31:8, in place.
 */

const MSI_ADDRESS_BASE = 0xfee0_0000;
const MSI_DESTINATION_SHIFT = 12;
const MSI_REDIRECTION_HINT: number = 1 << 3;
const MSI_LOGICAL: number = 1 << 2;
const MSI_ADDRESS_HIGH_DESTINATION = 0xffff_ff00;
const MSI_ADDRESS_HIGH_RESERVED = 0xff;
const MSI_MODE_SHIFT = 8;
const MSI_ASSERT: number = 1 << 14;
const MSI_LEVEL_TRIGGERED: number = 1 << 15;

/**
 * How wide APIC IDs are at the userspace interfaces: 8 bits, or 32 with KVM_X2APIC_API_USE_32BIT_IDS. It decides where
 * a saved page holds the ID, what an MSI's high address means, and whether aliased IDs share messages.
 */
export type ApicIdFormat = "8-bit" | "32-bit";

const FORMATS: readonly ApicIdFormat[] = ["8-bit", "32-bit"];

/** What a device writes to raise a message-signalled interrupt. */
export interface MsiWrite {
  /** Bits 31:0 of the address. */
  readonly addressLow: number;
  /** Bits 63:32 of the address; 0 but with 32-bit APIC IDs. */
  readonly addressHigh: number;
  readonly data: number;
}

/**
 * The message a device's write stands for; undefined where KVM refuses it (-EINVAL): 32-bit APIC IDs and a high address
 * with any of bits 7:0.
 *
 * @param write - the write, each word u32.
 * @param format - with 8-bit IDs the high address is ignored.
 * @throws RangeError or TypeError for anything but u32 and a format.
 * Source: `kvm_msi_to_lapic_irq`, `kvm_msi_route_invalid`.
 *
 * @example
 * const write = { addressLow: 0xfee01004, addressHigh: 0, data: 0x4041 };
 * const message = msiMessage(write, "8-bit");
 * [message?.destination, message?.destinationMode, message?.vector] // => [ 1, 'logical', 65 ]
 * msiMessage({ ...write, addressHigh: 1 }, "32-bit") // => undefined
 */
export function msiMessage(write: MsiWrite, format: ApicIdFormat): ApicMessage | undefined {
  const { addressLow, addressHigh, data } = write;
  checkU32("msiMessage", "addressLow", addressLow);
  checkU32("msiMessage", "addressHigh", addressHigh);
  checkU32("msiMessage", "data", data);
  checkOneOf("msiMessage", "format", format, FORMATS);
  const high = format === "32-bit" ? addressHigh : 0;
  if ((high & MSI_ADDRESS_HIGH_RESERVED) !== 0) return undefined;
  return {
    vector: data & 0xff,
    deliveryMode: (data >>> MSI_MODE_SHIFT) & 7,
    destinationMode: (addressLow & MSI_LOGICAL) === 0 ? "physical" : "logical",
    destination: (high | ((addressLow >>> MSI_DESTINATION_SHIFT) & 0xff)) >>> 0,
    shorthand: "none",
    level: "asserted",
    trigger: (data & MSI_LEVEL_TRIGGERED) === 0 ? "edge" : "level",
    source: "msi",
    redirectionHint: (addressLow & MSI_REDIRECTION_HINT) === 0 ? "none" : "lowest-priority",
  };
}

/** The fields of a message-signalled interrupt. */
export type MsiFields = Omit<ApicMessage, "source" | "shorthand" | "level">;

/**
 * The write that raises a message: data bit 14 set, destination bits above 7 in the high address.
 *
 * @throws RangeError or TypeError for a field outside its domain.
 *
 * @example
 * encodeMsi({ vector: 0x41, deliveryMode: DELIVERY_MODE_FIXED, destinationMode: "physical", destination: 0x102, trigger: "edge" }) // => { addressLow: 4276101120, addressHigh: 256, data: 16449 }
 */
export function encodeMsi(fields: MsiFields): MsiWrite {
  checkVector("encodeMsi", fields.vector);
  checkInteger("encodeMsi", "deliveryMode", fields.deliveryMode, 0, 7);
  checkOneOf("encodeMsi", "destinationMode", fields.destinationMode, ["physical", "logical"]);
  checkU32("encodeMsi", "destination", fields.destination);
  checkOneOf("encodeMsi", "trigger", fields.trigger, ["edge", "level"]);
  const hint = fields.redirectionHint ?? "none";
  checkOneOf("encodeMsi", "redirectionHint", hint, ["none", "lowest-priority"]);
  const address =
    MSI_ADDRESS_BASE |
    ((fields.destination & 0xff) << MSI_DESTINATION_SHIFT) |
    (hint === "none" ? 0 : MSI_REDIRECTION_HINT) |
    (fields.destinationMode === "logical" ? MSI_LOGICAL : 0);
  return {
    addressLow: address >>> 0,
    addressHigh: (fields.destination & MSI_ADDRESS_HIGH_DESTINATION) >>> 0,
    data:
      fields.vector |
      (fields.deliveryMode << MSI_MODE_SHIFT) |
      MSI_ASSERT |
      (fields.trigger === "level" ? MSI_LEVEL_TRIGGERED : 0),
  };
}
