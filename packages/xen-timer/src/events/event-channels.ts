import { checkInteger, checkOneOf, checkU32, savedU64 } from "../arguments.js";
import { EINVAL } from "../errno.js";
import type { XenVcpuPort } from "../vcpu-port.js";
import { GuestArea, type GuestAreaState } from "../vm/guest-area.js";
import { UPCALL_PENDING, VCPU_INFO_BYTES } from "../vm/shared-info-layout.js";
import { upcallVectorAccepted, type XenVm } from "../vm/xen-vm.js";
import type { DeliveryResult, Upcall } from "./delivery-result.js";

/** What event delivery reports. */
export interface EventChannelEvents {
  /** Somebody set `port`, from where one may not sleep (`fast`) or may (`slow`). */
  onDeliver(port: number, result: DeliveryResult, from: "fast" | "slow"): void;
  /** The guest was told of `port`; `none`: its selector bit was already set. */
  onUpcall(port: number, upcall: Upcall): void;
  /** A masked event ended a poll. */
  onPollerWoken(port: number): void;
}

/** What event channels of one vCPU are built from. */
export interface EventChannelsOptions {
  readonly vm: XenVm;
  readonly vcpu: XenVcpuPort;
  readonly events?: Partial<EventChannelEvents>;
}

/** The ports a poll waits for: one, or any event at all (none or several were listed). */
export type PolledPort = number | "any";

/** JSON form of {@link EventChannels}. */
export interface EventChannelsState {
  readonly vcpuInfo: GuestAreaState;
  /** Selector bits set while vcpu_info was not there, decimal u64. */
  readonly shadowSelector: string;
  readonly upcallVector: number;
  readonly polled: PolledPort | null;
}

/**
 * Two-level event channels as far as one vCPU is told of them: pending and mask bits in the VM's shared page, the selector
 * and the upcall flag in the vCPU's vcpu_info, the in-kernel shadow selector, upcalls and polls
 * (`kvm_xen_set_evtchn_fast` and what surrounds it; docs/model/xen-timer §5).
 *
 * KVM never looks at `evtchn_upcall_mask`, and the guest clears the three levels itself: flag, selector, pending bits.
 *
 * @example
 * const wallClock = { realtimeNs: () => 0n, kvmclockNs: () => 0n, epochNs: () => 0n };
 * const vm = new XenVm({ wallClock });
 * vm.mapSharedInfo(new Uint8Array(4096));
 * const sent = [];
 * const vcpu = { requestUnblock() {}, kick() {}, injectVector: (vector) => sent.push(vector) };
 * const channels = new EventChannels({ vm, vcpu });
 * channels.vcpuInfo.activate(new Uint8Array(64));
 * channels.setUpcallVector(0xf3) // => 0
 * channels.deliverFast(13) // => 'raised'
 * channels.deliverFast(13) // => 'coalesced'
 * sent // => [ 243 ]
 */
export class EventChannels {
  /** vcpu_info, 64 bytes. Registered by user space; never the one inside the shared page by itself. */
  readonly vcpuInfo: GuestArea = new GuestArea("vcpu_info", VCPU_INFO_BYTES);
  readonly #vm: XenVm;
  readonly #vcpu: XenVcpuPort;
  readonly #events: Partial<EventChannelEvents>;
  #shadowSelector = 0n;
  #upcallVector = 0;
  #polled: PolledPort | undefined;

  constructor(options: EventChannelsOptions) {
    this.#vm = options.vm;
    this.#vcpu = options.vcpu;
    this.#events = options.events ?? {};
  }

  /** The vCPU's own upcall vector, 0 for none. */
  get upcallVector(): number {
    return this.#upcallVector;
  }

  /** Selector bits waiting for vcpu_info (`evtchn_pending_sel`). */
  get shadowSelector(): bigint {
    return this.#shadowSelector;
  }

  /** What a poll in progress waits for. */
  get polled(): PolledPort | undefined {
    return this.#polled;
  }

  /**
   * KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR.
   *
   * @param vector - 0 for none, u8.
   * @returns 0, or −22 (−EINVAL) for a vector in 1 … 15.
   * @throws RangeError or TypeError for anything but a u8.
   */
  setUpcallVector(vector: number): number {
    checkInteger("EventChannels.setUpcallVector", "vector", vector, 0, 255);
    if (!upcallVectorAccepted(vector)) return -EINVAL;
    this.#upcallVector = vector;
    return 0;
  }

  /**
   * Sets an event from where one may not sleep, such as a timer's interrupt.
   *
   * @param port - event channel, u32; one the layout has no room for is invalid.
   * @throws RangeError or TypeError for anything but a u32.
   */
  deliverFast(port: number): DeliveryResult {
    checkU32("EventChannels.deliverFast", "port", port);
    const result = this.#set(port);
    this.#events.onDeliver?.(port, result, "fast");
    return result;
  }

  /**
   * Sets an event from where one may sleep: a page the host took away is mapped again first. `would-block` means the
   * guest has no shared page: the event is lost.
   *
   * @param port - event channel, u32.
   * @throws RangeError or TypeError for anything but a u32.
   */
  deliver(port: number): DeliveryResult {
    checkU32("EventChannels.deliver", "port", port);
    let result = this.#set(port);
    if (result === "would-block" && this.#vm.sharedInfo.refresh()) result = this.#set(port);
    this.#events.onDeliver?.(port, result, "slow");
    return result;
  }

  /**
   * On the way into the guest, or out of its sleep: hands the shadow selector over, raises the upcall flag, and sends the
   * vCPU's vector (`kvm_xen_inject_pending_events`). Without vcpu_info the bits stay.
   */
  flushPending(): void {
    if (this.#shadowSelector === 0n || !this.vcpuInfo.refresh()) return;
    const { pendingSelector, wordBits } = this.#vm.layout;
    for (let bit = 0; bit < wordBits; bit++) {
      if ((this.#shadowSelector >> BigInt(bit)) & 1n) this.vcpuInfo.testAndSetBit(pendingSelector, bit);
    }
    this.#shadowSelector &= ~(2n ** BigInt(wordBits) - 1n);
    this.vcpuInfo.writeU8(UPCALL_PENDING, 1);
    if (this.#upcallVector !== 0) this.#vcpu.injectVector(this.#upcallVector);
  }

  /** Whether the guest finds its upcall flag set; a page the host took away is mapped for the look. */
  get upcallPending(): boolean {
    return this.vcpuInfo.refresh() && this.vcpuInfo.readU8(UPCALL_PENDING) !== 0;
  }

  /** Whether the VM-wide vector's line is up: it stays so until the guest clears its flag (`kvm_xen_has_interrupt`). */
  get upcallAsserted(): boolean {
    return this.#vm.upcallVector !== 0 && this.upcallPending;
  }

  /** The guest enabled its local APIC by software: a vector sent while it was off is sent again. */
  lapicSoftwareEnabled(): void {
    if (this.#upcallVector !== 0 && this.upcallPending) this.#vcpu.injectVector(this.#upcallVector);
  }

  /**
   * Begins a poll.
   *
   * @param ports - the ports listed, each with room in the layout.
   * @returns "sleep" until {@link endPoll}, or "pending": a port listed is pending already, or there is no page to look at.
   * @throws RangeError or TypeError for a port the layout has no room for.
   */
  beginPoll(ports: readonly number[]): "sleep" | "pending" {
    const { ports: limit, evtchnPending } = this.#vm.layout;
    for (const port of ports) checkInteger("EventChannels.beginPoll", "port", port, 0, limit - 1);
    const { sharedInfo } = this.#vm;
    if (sharedInfo.mapping !== "mapped") return "pending";
    if (ports.some((port) => sharedInfo.testBit(evtchnPending, port))) return "pending";
    const [only] = ports;
    this.#polled = ports.length === 1 && only !== undefined ? only : "any";
    return "sleep";
  }

  /** Ends a poll, by whatever woke the vCPU. */
  endPoll(): void {
    this.#polled = undefined;
  }

  /** A JSON-safe copy. */
  state(): EventChannelsState {
    return {
      vcpuInfo: this.vcpuInfo.state(),
      shadowSelector: this.#shadowSelector.toString(),
      upcallVector: this.#upcallVector,
      polled: this.#polled ?? null,
    };
  }

  /**
   * Event channels as `state` found some.
   *
   * @param state - what {@link state} gave.
   * @param options - the parts of the new ones.
   * @param vcpuInfo - vcpu_info's bytes; unused when it was not registered.
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(
    state: EventChannelsState,
    options: EventChannelsOptions,
    vcpuInfo: Uint8Array = new Uint8Array(),
  ): EventChannels {
    const fn = "EventChannels.fromState";
    const channels = new EventChannels(options);
    channels.#shadowSelector = savedU64(fn, "shadowSelector", state.shadowSelector);
    checkOneOf(fn, "the result for upcallVector", channels.setUpcallVector(state.upcallVector), [0]);
    if (state.polled !== null && state.polled !== "any") checkU32(fn, "polled", state.polled);
    channels.#polled = state.polled ?? undefined;
    channels.vcpuInfo.restore(state.vcpuInfo, [vcpuInfo]);
    return channels;
  }

  #set(port: number): DeliveryResult {
    const { layout, sharedInfo } = this.#vm;
    if (port >= layout.ports) return "invalid-port";
    if (sharedInfo.mapping !== "mapped") return "would-block";
    if (sharedInfo.testAndSetBit(layout.evtchnPending, port)) return "coalesced";
    if (sharedInfo.testBit(layout.evtchnMask, port)) {
      this.#wakePoller(port);
      return "masked";
    }
    this.#select(port);
    return "raised";
  }

  /** The second level: one selector bit per word of pending bits, in vcpu_info or in its shadow. */
  #select(port: number): void {
    const { wordBits, pendingSelector } = this.#vm.layout;
    const bit = Math.floor(port / wordBits);
    if (this.vcpuInfo.mapping !== "mapped") {
      const old = this.#shadowSelector;
      this.#shadowSelector |= 1n << BigInt(bit);
      this.#upcall(port, old === this.#shadowSelector ? "none" : "kick");
    } else if (this.vcpuInfo.testAndSetBit(pendingSelector, bit)) {
      this.#upcall(port, "none");
    } else {
      this.vcpuInfo.writeU8(UPCALL_PENDING, 1);
      this.#upcall(port, this.#upcallVector === 0 ? "kick" : "vector");
    }
  }

  #upcall(port: number, upcall: Upcall): void {
    if (upcall === "vector") this.#vcpu.injectVector(this.#upcallVector);
    if (upcall === "kick") this.#kick();
    this.#events.onUpcall?.(port, upcall);
  }

  #wakePoller(port: number): void {
    if (this.#polled !== "any" && this.#polled !== port) return;
    // The poller is told once: its bit in the VM's mask is cleared here.
    this.#polled = undefined;
    this.#kick();
    this.#events.onPollerWoken?.(port);
  }

  #kick(): void {
    this.#vcpu.requestUnblock();
    this.#vcpu.kick();
  }
}
