import type { ApicBusNode } from "../bus/apic-bus-node.js";
import { type ApicMessage, DELIVERY_MODE_FIXED, DELIVERY_MODE_LOWEST_PRIORITY } from "../bus/apic-message.js";
import {
  ICR_STORED_MASK,
  ICR2_STORED_MASK,
  selfIpiMessage,
  x2apicIcrWrite,
  xapicIcrMessage,
} from "../icr/icr.js";
import { APIC_ICR, APIC_ICR2 } from "../registers/offsets.js";
import { signalError } from "./acceptance.js";
import type { ApicCore } from "./core.js";
import { ESR_SEND_ILLEGAL_VECTOR, FIRST_LEGAL_VECTOR } from "./error-status.js";
import type { ApicMessageBus } from "./options.js";
import { icrHighOffset } from "./reset.js";

/**
 * The interrupt command register of one APIC and where its messages go (docs/model/lapic §6). Delivery is over before the
 * write returns.
 */
export class InterruptCommand {
  readonly #core: ApicCore;
  readonly #sender: ApicBusNode;
  readonly #bus: ApicMessageBus;

  constructor(core: ApicCore, sender: ApicBusNode, bus: ApicMessageBus) {
    this.#core = core;
    this.#sender = sender;
    this.#bus = bus;
  }

  /** The low word in xAPIC mode: sends to the destination in ICR2. */
  writeLow(value: number): void {
    const { file } = this.#core;
    this.#send(xapicIcrMessage(value, file.read(APIC_ICR2)));
    file.write(APIC_ICR, value & ICR_STORED_MASK);
  }

  writeHigh(value: number): void {
    this.#core.file.write(APIC_ICR2, value & ICR2_STORED_MASK);
  }

  /** The 64 bits of x2APIC mode. */
  get value(): bigint {
    const { file } = this.#core;
    return (BigInt(file.read(icrHighOffset(this.#core))) << 32n) | BigInt(file.read(APIC_ICR));
  }

  /** "fault" for a reserved bit; nothing is stored or sent then. */
  write(value: bigint): "ok" | "fault" {
    const write = x2apicIcrWrite(value);
    if (write === undefined) return "fault";
    const { file } = this.#core;
    this.#send(write.message);
    file.write(APIC_ICR, Number(write.stored & 0xffff_ffffn));
    file.write(icrHighOffset(this.#core), Number(write.stored >> 32n));
    return "ok";
  }

  /** SELF IPI. */
  writeSelf(value: bigint): "ok" | "fault" {
    const message = selfIpiMessage(value);
    if (message === undefined) return "fault";
    this.#bus.send(message, this.#sender);
    return "ok";
  }

  #send(message: ApicMessage): void {
    const { deliveryMode, vector } = message;
    const carriesVector =
      deliveryMode === DELIVERY_MODE_FIXED || deliveryMode === DELIVERY_MODE_LOWEST_PRIORITY;
    if (carriesVector && vector < FIRST_LEGAL_VECTOR && this.#core.behaviours.lowVectors === "sdm") {
      signalError(this.#core, ESR_SEND_ILLEGAL_VECTOR);
      return;
    }
    this.#bus.send(message, this.#sender);
  }
}
