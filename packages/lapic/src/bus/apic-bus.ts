import { checkOneOf } from "../arguments.js";
import { type ApicIdFormat, msiMessage } from "../icr/msi.js";
import type { ApicBusNode } from "./apic-bus-node.js";
import type { ApicInterrupt, ApicMessage } from "./apic-message.js";
import { checkMessage } from "./check-message.js";
import type { ApicMapInhibit, DestinationMap } from "./destination-map.js";
import { DestinationMapCache } from "./destination-map-cache.js";
import type { VectorHashing } from "./lowest-priority.js";
import type { BroadcastQuirk } from "./match-destination.js";
import { decodePvIpi, PV_IPI_INVALID, PV_IPI_UNSUPPORTED, type PvIpi } from "./pv-ipi.js";
import { type ApicBusRules, selectTargets } from "./select-targets.js";

/** What KVM_SIGNAL_MSI answers to a high address it refuses: EINVAL. */
const MSI_INVALID = -22;

/** How a bus delivers; KVM's defaults where absent. */
export interface ApicBusOptions {
  /** How one of several candidates is picked; `on`. */
  readonly vectorHashing?: VectorHashing;
  /** What a device's 0xff means to x2APIC targets; `on`: broadcast. */
  readonly broadcastQuirk?: BroadcastQuirk;
  /** Width of APIC IDs in MSIs, and whether aliased IDs share messages; `8-bit`. */
  readonly idFormat?: ApicIdFormat;
  /**
   * `map`, as KVM: a map answers where it can. `scan`: every APIC decides for itself, as on hardware; it differs where two
   * have one ID, in logical destinations of software-disabled APICs, and in mixed modes.
   */
  readonly lookup?: "map" | "scan";
}

/**
 * The bus between the local APICs of one VM, and from devices to them. Messages are delivered before `send` returns, in
 * the order in which the APICs were connected, which is the order of the vCPUs. It holds nothing of its own but that
 * order: identities are read at each message.
 *
 * @example
 * const got: string[] = [];
 * const node = (id: number): ApicBusNode => ({
 *   identity: { mode: "x2apic", id, xapicId: 0, ldr: x2apicLdr(id), dfr: 0xffffffff, swEnabled: true },
 *   arbitrationPriority: 0,
 *   accept: ({ vector }) => { got.push(`${id}:${vector}`); return "accepted"; },
 * });
 * const bus = new ApicBus();
 * for (const id of [0, 1, 2]) bus.connect(node(id));
 * bus.msi(0xfee0600c, 0x41) // => 1
 * bus.msi(0xfee06004, 0x42) // => 2
 * got // => [ '2:65', '1:66', '2:66' ]
 */
export class ApicBus {
  readonly #nodes: ApicBusNode[] = [];
  readonly #rules: ApicBusRules;
  readonly #idFormat: ApicIdFormat;
  readonly #lookup: "map" | "scan";
  readonly #maps: DestinationMapCache;

  /** @throws RangeError for an option outside its domain. */
  constructor(options: ApicBusOptions = {}) {
    const { vectorHashing = "on", broadcastQuirk = "on", idFormat = "8-bit", lookup = "map" } = options;
    checkOneOf("ApicBus", "vectorHashing", vectorHashing, ["on", "off"]);
    checkOneOf("ApicBus", "broadcastQuirk", broadcastQuirk, ["on", "off"]);
    checkOneOf("ApicBus", "idFormat", idFormat, ["8-bit", "32-bit"]);
    checkOneOf("ApicBus", "lookup", lookup, ["map", "scan"]);
    this.#rules = { vectorHashing, broadcastQuirk };
    this.#idFormat = idFormat;
    this.#lookup = lookup;
    this.#maps = new DestinationMapCache(idFormat);
  }

  /** The APICs, in the order they were connected. */
  get nodes(): readonly ApicBusNode[] {
    return this.#nodes;
  }

  /**
   * Adds an APIC behind the others.
   *
   * @throws RangeError when it is connected already or another has its x2APIC ID, which a vCPU holds for life.
   */
  connect(apic: ApicBusNode): void {
    const { id } = apic.identity;
    if (this.#nodes.some((node) => node.identity.id === id))
      throw new RangeError(`ApicBus.connect: expected an APIC ID that no other APIC has, got ${id}`);
    this.#nodes.push(apic);
  }

  /**
   * Delivers a message.
   *
   * @param message - from ICR (`xapicIcrMessage`, `x2apicIcrWrite`, `selfIpiMessage`), a device or an IOAPIC.
   * @param sender - the connected APIC that sent it; required with source `ipi`, refused with the others.
   * @returns how many APICs accepted it; −1 when every APIC was asked and none is a target. A destination in the map's
   * domain that no APIC has is 0 (docs/model/lapic §12.2).
   * @throws RangeError or TypeError for a field outside its domain or a sender that does not fit.
   * Source: `kvm_irq_delivery_to_apic`.
   */
  send(message: ApicMessage, sender?: ApicBusNode): number {
    checkMessage("ApicBus.send", message);
    const { targets, deliveryMode, whenNone } = selectTargets(
      message,
      this.#senderIndex(message, sender),
      this.#nodes,
      this.#lookup === "map" && message.shorthand === "none" ? this.#map : undefined,
      this.#rules,
    );
    return targets.length === 0
      ? whenNone
      : this.#deliver({ ...interruptOf(message), deliveryMode }, targets);
  }

  /**
   * A device's write of `data` to the address (KVM_SIGNAL_MSI).
   *
   * @param addressLow - u32.
   * @param data - u32.
   * @param addressHigh - u32, 0 by default; read with 32-bit IDs only.
   * @returns as {@link send}; −22 (-EINVAL) for 32-bit IDs and a high address with any of bits 7:0.
   * @throws RangeError or TypeError for anything but u32.
   * Source: `kvm_set_msi`.
   */
  msi(addressLow: number, data: number, addressHigh = 0): number {
    const message = msiMessage({ addressLow, addressHigh, data }, this.#idFormat);
    return message === undefined ? MSI_INVALID : this.send(message);
  }

  /**
   * The hypercall KVM_HC_SEND_IPI.
   *
   * @returns what the guest gets: how many APICs accepted the interrupt, {@link PV_IPI_INVALID} for logical mode or a
   * shorthand, {@link PV_IPI_UNSUPPORTED} while two APICs share an ID, so that there is no map. An APIC with two IDs in
   * the map counts twice.
   * @throws RangeError or TypeError for a field outside its domain.
   * Source: `kvm_pv_send_ipi`; docs/model/lapic §6.1.
   */
  pvSendIpi(hypercall: PvIpi): number {
    const request = decodePvIpi(hypercall);
    if (request === undefined) return PV_IPI_INVALID;
    const map = this.#map;
    if (map === undefined) return PV_IPI_UNSUPPORTED;
    const targets = request.apicIds
      .map((id) => map.physical.get(id))
      .filter((target) => target !== undefined);
    return this.#deliver(interruptOf(request.message), targets);
  }

  /** Why the VM's APIC IDs keep APIC virtualisation off now; empty when they do not (docs/model/lapic §2). */
  apicvInhibits(): readonly ApicMapInhibit[] {
    return this.#maps.of(this.#nodes).inhibits;
  }

  get #map(): DestinationMap | undefined {
    return this.#maps.of(this.#nodes).map;
  }

  #senderIndex(message: ApicMessage, sender: ApicBusNode | undefined): number | undefined {
    if (message.source === "ipi" && sender === undefined)
      throw new RangeError("ApicBus.send: expected the sender of an ipi, got undefined");
    if (sender === undefined) return undefined;
    if (message.source !== "ipi")
      throw new RangeError(`ApicBus.send: expected no sender of a message from ${message.source}, got one`);
    const index = this.#nodes.indexOf(sender);
    if (index < 0) throw new RangeError("ApicBus.send: expected a connected sender, got another APIC");
    return index;
  }

  #deliver(interrupt: ApicInterrupt, targets: readonly number[]): number {
    // The targets are fixed before the first accepts: what an APIC does with the interrupt moves no other.
    return targets.filter((target) => this.#nodes[target]?.accept(interrupt) === "accepted").length;
  }
}

const interruptOf = ({ vector, deliveryMode, level, trigger }: ApicMessage): ApicInterrupt => ({
  vector,
  deliveryMode,
  level,
  trigger,
});
