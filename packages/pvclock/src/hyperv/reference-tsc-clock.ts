/**
 * A VM's reference TSC page over time: the MSR that names it, when KVM rewrites it, and the counter MSR a guest falls back to.
 *
 *     unset            no page
 *     guest-changed    the guest named a page; written at the next clock update
 *     host-changed     user space named it, or the reference is new; written at the next clock update
 *     set              the page tells the time
 *     broken           it could not be written; until the MSR is written again
 *
 * Whichever vCPU's clock update comes first writes the page. A `VmKvmclock` tells of both occasions by events: call
 * {@link ReferenceTscClock.noteNewReference} from `onMasterClockUpdate`, {@link ReferenceTscClock.updateClock} from
 * `onClockUpdate`.
 *
 * Source: `arch/x86/kvm/hyperv.c:kvm_hv_setup_tsc_page`, `get_time_ref_counter`; docs/model/pvclock §9.
 */

import { type GuestTsc, type KvmclockNs, mulU64U64Shr } from "@chronovisor/clocksource";
import {
  decodeReferenceTscPage,
  REFERENCE_TSC_PAGE_SIZE,
  type ReferenceTscParameters,
  referenceTscParameters,
  SEQUENCE,
  writeReferenceTscPage,
} from "../abi/reference-tsc-page.js";
import { checkTimeInfo, type VcpuTimeInfo } from "../abi/vcpu-time-info.js";
import { checkObject, checkOneOf, checkU64, parseS64, parseU64 } from "../argument-checks.js";
import type { GuestMemory } from "../host/guest-memory.js";
import type { MsrWriter } from "../host/vcpu-kvmclock.js";

/** The counter: reference time, read only. */
export const HV_X64_MSR_TIME_REF_COUNT = 0x40000020;
/** The page: bit 0 enables, bits 12 … 63 are its guest frame number. */
export const HV_X64_MSR_REFERENCE_TSC = 0x40000021;

const ENABLED = 1n;
const PAGE_MASK: bigint = 2n ** 64n - 4096n;
const NS_PER_UNIT = 100n;
const U = BigInt.asUintN;
const NO_PARAMETERS: ReferenceTscParameters = { scale: 0n, offset: 0n };

/** What has become of the page. */
export const REFERENCE_TSC_STATUSES = ["unset", "guest-changed", "host-changed", "set", "broken"] as const;

/** One of {@link REFERENCE_TSC_STATUSES}. */
export type ReferenceTscStatus = (typeof REFERENCE_TSC_STATUSES)[number];

/** A {@link ReferenceTscClock} as plain JSON; 64-bit quantities are decimal strings. */
export interface ReferenceTscClockState {
  readonly status: ReferenceTscStatus;
  readonly msr: string;
  readonly emulationControl: string;
  readonly scale: string;
  /** s64. */
  readonly offset: string;
}

/**
 * One VM's reference TSC page and what KVM knows of it.
 *
 * @example
 * const page = new Uint8Array(4096);
 * const clock = new ReferenceTscClock({ map: () => page });
 * clock.writeMsr(0x5001n) // => true
 * clock.status // => 'guest-changed'
 * const info = { version: 2, tscTimestamp: 0n, systemTime: 0n, tscToSystemMul: 3435973836, tscShift: -1, flags: 1 };
 * clock.updateClock(info);
 * clock.status // => 'set'
 * decodeReferenceTscPage(page) // => { sequence: 1, scale: 73786976277658337n, offset: 0n }
 */
export class ReferenceTscClock {
  readonly #memory: GuestMemory;
  #status: ReferenceTscStatus = "unset";
  #msr = 0n;
  #emulationControl = 0n;
  #parameters: ReferenceTscParameters = NO_PARAMETERS;

  /**
   * Starts without a page.
   *
   * @param memory - the guest's memory.
   * @throws TypeError unless `memory` is an object.
   */
  constructor(memory: GuestMemory) {
    checkObject("ReferenceTscClock", "memory", memory);
    this.#memory = memory;
  }

  /** What has become of the page. */
  get status(): ReferenceTscStatus {
    return this.#status;
  }

  /** The page's MSR, as last written, u64. */
  get msr(): bigint {
    return this.#msr;
  }

  /**
   * Writes {@link HV_X64_MSR_REFERENCE_TSC}.
   *
   * @param value - u64.
   * @param writer - the guest (default), or user space restoring it.
   * @returns true if the writing vCPU must now be asked for a master-clock update.
   * @throws TypeError or RangeError for an argument outside its domain.
   * Source: `hyperv.c:kvm_hv_set_msr_pw`; docs/model/pvclock §9.
   */
  writeMsr(value: bigint, writer: MsrWriter = "guest"): boolean {
    checkU64("ReferenceTscClock.writeMsr", "value", value);
    checkOneOf("ReferenceTscClock.writeMsr", "writer", writer, ["guest", "host"]);
    this.#msr = value;
    const isEnabled = (value & ENABLED) !== 0n;
    if (!isEnabled) this.#status = "unset";
    else this.#status = writer === "guest" ? "guest-changed" : "host-changed";
    return isEnabled;
  }

  /**
   * Writes the TSC emulation control: while it is not 0, the guest counts on its TSC being emulated at the old rate after a
   * migration, so a page that tells the time must not change.
   *
   * @param value - u64.
   * @throws TypeError or RangeError unless `value` is a u64.
   * Source: `hyperv.c:tsc_page_update_unsafe`; docs/model/pvclock §9.
   */
  writeEmulationControl(value: bigint): void {
    checkU64("ReferenceTscClock.writeEmulationControl", "value", value);
    this.#emulationControl = value;
  }

  /** The VM's clock has a new reference: a page that is set is to be rewritten. */
  noteNewReference(): void {
    if (this.#status === "set" && this.#emulationControl === 0n) this.#status = "host-changed";
  }

  /**
   * A vCPU's clock was updated: writes the page if that is due.
   *
   * An unmapped page, a clock without bit 0, or a scale that does not fit breaks it; the sequence is 0 then where it could
   * be written. Under emulation control a page that user space restored with a sequence is taken over as it is.
   *
   * @param info - the structure just published.
   * @throws TypeError or RangeError for a field outside its width, or a multiplier and shift no host computes.
   * Source: `hyperv.c:kvm_hv_setup_tsc_page`; docs/model/pvclock §9.
   */
  updateClock(info: VcpuTimeInfo): void {
    checkTimeInfo("ReferenceTscClock.updateClock", info);
    if (this.#status !== "guest-changed" && this.#status !== "host-changed") return;
    const page = this.#memory.map(this.#msr & PAGE_MASK, REFERENCE_TSC_PAGE_SIZE);
    if (page === undefined) {
      this.#status = "broken";
      return;
    }
    const found = decodeReferenceTscPage(page);
    const isFrozen = this.#emulationControl !== 0n && this.#status === "host-changed";
    if (isFrozen && found.sequence !== 0) {
      this.#take(found);
      return;
    }
    const parameters = referenceTscParameters(info);
    if (parameters === undefined) {
      page.fill(0, SEQUENCE, SEQUENCE + 4);
      this.#status = "broken";
      return;
    }
    writeReferenceTscPage(page, parameters);
    this.#take(parameters);
  }

  /**
   * What a read of {@link HV_X64_MSR_TIME_REF_COUNT} gives: the page's own formula while it is set, kvmclock otherwise.
   *
   * @param tsc - the TSC of vCPU 0 now, u64.
   * @param kvmclock - the VM's clock now, as KVM_GET_CLOCK has it, ns, u64.
   * @returns units of 100 ns, u64; the page's formula WRAPS.
   * @throws TypeError or RangeError for an argument that is no u64.
   * Source: `hyperv.c:get_time_ref_counter`; docs/model/pvclock §9.
   */
  referenceTime(tsc: GuestTsc, kvmclock: KvmclockNs): bigint {
    checkU64("ReferenceTscClock.referenceTime", "tsc", tsc);
    checkU64("ReferenceTscClock.referenceTime", "kvmclock", kvmclock);
    if (this.#status !== "set") return kvmclock / NS_PER_UNIT;
    return U(64, mulU64U64Shr(tsc, this.#parameters.scale, 64) + this.#parameters.offset);
  }

  /** The whole state, as plain JSON. The page itself is guest memory. */
  state(): ReferenceTscClockState {
    return {
      status: this.#status,
      msr: String(this.#msr),
      emulationControl: String(this.#emulationControl),
      scale: String(this.#parameters.scale),
      offset: String(this.#parameters.offset),
    };
  }

  /**
   * A clock that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @param memory - the guest's memory.
   * @returns a clock equal to the saved one.
   * @throws TypeError or RangeError for a member outside its domain.
   */
  static fromState(state: ReferenceTscClockState, memory: GuestMemory): ReferenceTscClock {
    const fn = "ReferenceTscClock.fromState";
    checkObject(fn, "state", state);
    checkOneOf(fn, "status", state.status, REFERENCE_TSC_STATUSES);
    const clock = new ReferenceTscClock(memory);
    clock.#status = state.status;
    clock.#msr = parseU64(fn, "msr", state.msr);
    clock.#emulationControl = parseU64(fn, "emulationControl", state.emulationControl);
    clock.#parameters = {
      scale: parseU64(fn, "scale", state.scale),
      offset: parseS64(fn, "offset", state.offset),
    };
    return clock;
  }

  #take({ scale, offset }: ReferenceTscParameters): void {
    this.#parameters = { scale, offset };
    this.#status = "set";
  }
}
