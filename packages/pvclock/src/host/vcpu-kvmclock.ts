/**
 * One vCPU's half of a VM's clock: its scale, the structure it publishes and where, and what was asked of it.
 *
 * Source: `arch/x86/kvm/x86.c:kvm_guest_time_update`, `vcpu_enter_guest`, `kvm_write_system_time`; docs/model/pvclock §1.3,
 * §5, §8.3.
 */

import type { GuestTsc, HostTsc, KvmclockNs, TimeScale } from "@chronovisor/clocksource";
import {
  isPvMsrReadable,
  MSR_KVM_SYSTEM_TIME,
  MSR_KVM_SYSTEM_TIME_NEW,
  MSR_KVM_WALL_CLOCK,
  MSR_KVM_WALL_CLOCK_NEW,
  type PvMsrWrite,
  writePvMsr,
} from "../abi/msrs.js";
import { PVCLOCK_TSC_STABLE_BIT, VCPU_TIME_INFO_SIZE, type VcpuTimeInfo } from "../abi/vcpu-time-info.js";
import { retractTscStable, type TimeInfoUpdate } from "../abi/write-time-info.js";
import { checkOneOf, checkU64 } from "../argument-checks.js";
import { readCycles } from "../guest/read-cycles.js";
import { guestClockHz, nsScale } from "./clock-scale.js";
import { kvmclockBaseNs } from "./kvmclock-host.js";
import type { KvmclockVcpuTsc, VcpuKvmclockState } from "./kvmclock-types.js";
import { fitsPage, type PvclockArea, PvclockAreas } from "./pvclock-areas.js";
import { KVMCLOCK_REQUESTS, type KvmclockRequest } from "./vcpu-requests.js";
import { restoreVcpu, savedInfo } from "./vcpu-state.js";
import type { KvmclockVm } from "./vm-face.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const EINVAL = 22;
/** `vcpu_info`, and the offset of its `time`. */
const XEN_VCPU_INFO_SIZE = 64;
const XEN_TIME_OFFSET = 32n;

const NEVER_PUBLISHED: VcpuTimeInfo = {
  version: 0,
  tscTimestamp: 0n,
  systemTime: 0n,
  tscToSystemMul: 0,
  tscShift: 0,
  flags: 0,
};

/** Who writes an MSR: an instruction of the guest, or user space restoring it. */
export type MsrWriter = "guest" | "host";

/**
 * One vCPU's clock. `VmKvmclock.addVcpu` makes it.
 *
 * @example
 * const hpet = { vclockMode: "none", cycleLast: 0n, mask: 1n, mult: 1, shift: 0, baseCycles: 0n, offset: 0n } as const;
 * const copy = { mono: hpet, raw: hpet, offsBootNs: 0n, wallTimeSec: 0n };
 * const readings = { tsc: () => 1000n, tscKhz: () => 2_000_000, rawNs: () => 500n };
 * const host = { ...readings, copy: () => copy } as unknown as KvmclockHost;
 * const scaling = { l1Ratio: 2n ** 48n, fractionBits: 48, virtualTscKhz: 2_000_000 };
 * const counter = { readL1: (tsc: bigint) => tsc + 7n, ...scaling } as unknown as KvmclockVcpuTsc;
 * const tsc = { vcpus: [counter], nrVcpusMatched: 0, backwardsTscObserved: false, useMasterClock: false };
 * const vm = new VmKvmclock({ host, memory: { map: () => undefined }, tsc });
 * const vcpu: VcpuKvmclock = vm.addVcpu(counter);
 * vcpu.request("clock-update");
 * vcpu.serviceRequests() // => 'entry'
 * vcpu.cached.tscTimestamp // => 1007n
 * vcpu.kvmclockCtrl() // => -22
 */
export class VcpuKvmclock {
  /** KVM's vCPU id; 0 is the boot vCPU. */
  readonly id: number;
  readonly tsc: KvmclockVcpuTsc;
  readonly #vm: KvmclockVm;
  readonly #pending: Set<KvmclockRequest> = new Set();
  readonly #areas: PvclockAreas = new PvclockAreas();
  #hz = 0n;
  #scale: TimeScale = { mul: 0, shift: 0 };
  #cached: VcpuTimeInfo = NEVER_PUBLISHED;
  #systemTimeMsr = 0n;
  #guestStopped = false;

  constructor(id: number, tsc: KvmclockVcpuTsc, vm: KvmclockVm) {
    this.id = id;
    this.tsc = tsc;
    this.#vm = vm;
  }

  // What it knows

  /** What it last computed (`hv_clock`): its version is 0 until some area was written. */
  get cached(): VcpuTimeInfo {
    return this.#cached;
  }

  /** The frequency its scale was made from, Hz; 0 before the first clock update. (`hw_tsc_khz`, a kHz in every release.) */
  get hz(): bigint {
    return this.#hz;
  }

  /** What is asked of it, in the order in which it will be done. */
  get requests(): readonly KvmclockRequest[] {
    return KVMCLOCK_REQUESTS.filter((request) => this.#pending.has(request));
  }

  /** Whether GUEST_STOPPED is to be raised at the next clock update. */
  get guestStoppedPending(): boolean {
    return this.#guestStopped;
  }

  /** Guest-physical address where `area` is published, undefined while it is inactive. */
  areaAddress(area: PvclockArea): bigint | undefined {
    return this.#areas.address(area);
  }

  /**
   * What the guest's clock reads at a host TSC, by the last published reference: Definition B.
   *
   * @param tsc - host TSC, u64.
   * @returns ns, WRAPPED at 64 bits.
   * @throws TypeError or RangeError unless `tsc` is a u64.
   * Source: docs/model/pvclock §2.
   */
  readAt(tsc: HostTsc): KvmclockNs {
    checkU64("VcpuKvmclock.readAt", "tsc", tsc);
    return readCycles(this.#cached, this.tsc.readL1(tsc));
  }

  /**
   * How far the guest's clock is ahead of what the host computes for the same instant: Definition B minus C.
   *
   * @param tsc - host TSC, u64.
   * @returns ns, s64.
   * @throws TypeError or RangeError unless `tsc` is a u64, or when no TSC frequency is known.
   * Source: docs/model/pvclock §6.
   */
  aheadOfHostNs(tsc: HostTsc): bigint {
    return S(64, this.readAt(tsc) - this.#vm.kvmclockAt(tsc));
  }

  // What is asked of it

  /**
   * Asks for something to be done before the next entry. Nobody is kicked.
   *
   * @param request - one of {@link KVMCLOCK_REQUESTS}.
   * @throws RangeError for another.
   */
  request(request: KvmclockRequest): void {
    checkOneOf("VcpuKvmclock.request", "request", request, KVMCLOCK_REQUESTS);
    if (this.#pending.has(request)) return;
    this.#pending.add(request);
    this.#vm.events.onRequest?.(this, request);
  }

  /** Takes a request back; `masterClockRequests: "once"` does. */
  withdraw(request: KvmclockRequest): void {
    this.#pending.delete(request);
  }

  /** After a VM exit: a counter that always catches up asks for a clock update (docs/model/clocksource-tsc §5.3). */
  noteExit(): void {
    if (this.tsc.alwaysCatchup === true) this.request("clock-update");
  }

  /**
   * Does what was asked, as on the way into the guest: a new reference first, then the spreading of an update, then this
   * vCPU's own clock.
   *
   * @returns `entry`; or `retry` when the frequency of the CPU is not known now: the clock update stays asked for.
   * @throws RangeError when the host's frequency, scaled, is 0 Hz.
   * Source: `x86.c:vcpu_enter_guest`; docs/model/pvclock §5.4.
   */
  serviceRequests(): "entry" | "retry" {
    if (this.#pending.delete("masterclock-update")) this.#vm.updateMasterClock();
    if (this.#pending.delete("global-clock-update")) this.#vm.spreadClockUpdate(this);
    if (!this.#pending.delete("clock-update")) return "entry";
    return this.#updateClock() ? "entry" : "retry";
  }

  /** Does a clock update that is asked for, or the first of all, out of turn: for an ioctl that reads the clock. */
  bringUpToDate(): void {
    if (this.#pending.delete("clock-update") || this.#hz === 0n) this.#updateClock();
  }

  // Model-specific registers

  /**
   * Writes one of the four clock MSRs.
   *
   * System time: always asks for a global update; the boot vCPU itself choosing between the old and the new number turns
   * master clock off or on. Wall clock: the epoch is written at once and never again.
   *
   * @param msr - 0x11, 0x12, 0x4b564d00 or 0x4b564d01.
   * @param value - EDX:EAX, u64.
   * @param writer - default `guest`.
   * @returns false when it faults; nothing has changed.
   * @throws RangeError for another MSR or a value outside its domain, TypeError for a wrong type.
   * Source: `x86.c:kvm_set_msr_common`, `kvm_write_system_time`; docs/model/pvclock §1.3.
   */
  wrmsr(msr: number, value: bigint, writer: MsrWriter = "guest"): boolean {
    const fn = "VcpuKvmclock.wrmsr";
    checkOneOf(fn, "writer", writer, ["guest", "host"]);
    const write = writePvMsr(this.#vm.features, msr, value);
    if (write.result === "fault") return false;
    if (write.register === "system-time") this.#writeSystemTime(write, writer);
    else if (write.register === "wall-clock") this.#vm.writeWallClock(write.value, write.areaGpa);
    else throw new RangeError(`${fn}: expected msr to be a clock MSR, got 0x${msr.toString(16)}`);
    return true;
  }

  /**
   * Reads one of the four clock MSRs: what was last written.
   *
   * @param msr - 0x11, 0x12, 0x4b564d00 or 0x4b564d01.
   * @returns the value, or undefined when the access faults.
   * @throws RangeError for another MSR, TypeError for a wrong type.
   * Source: `x86.c:kvm_get_msr_common`; docs/model/pvclock §1.3.
   */
  rdmsr(msr: number): bigint | undefined {
    if (!isPvMsrReadable(this.#vm.features, msr)) return undefined;
    if (msr === MSR_KVM_SYSTEM_TIME || msr === MSR_KVM_SYSTEM_TIME_NEW) return this.#systemTimeMsr;
    if (msr === MSR_KVM_WALL_CLOCK || msr === MSR_KVM_WALL_CLOCK_NEW) return this.#vm.wallClockMsr;
    throw new RangeError(`VcpuKvmclock.rdmsr: expected msr to be a clock MSR, got 0x${msr.toString(16)}`);
  }

  /** RESET or INIT: kvmclock's area is deactivated and its MSR zero. Xen's areas stay. */
  reset(): void {
    this.#systemTimeMsr = 0n;
    this.#areas.deactivate("kvmclock");
  }

  // Xen

  /**
   * Sets the vCPU's `vcpu_info`, 64 bytes, whose second half carries the clock, and asks for a clock update.
   *
   * @param address - guest-physical, u64; undefined deactivates it.
   * @returns 0, or −22 (−EINVAL) when it would cross a page; it is inactive then.
   * @throws TypeError or RangeError unless `address` is a u64.
   * Source: `arch/x86/kvm/xen.c:kvm_xen_vcpu_set_attr`; docs/model/pvclock §1.1.
   */
  setXenVcpuInfo(address: bigint | undefined): number {
    if (address !== undefined) checkU64("VcpuKvmclock.setXenVcpuInfo", "address", address);
    return this.#setXenArea("xen-vcpu-info", address, XEN_VCPU_INFO_SIZE, XEN_TIME_OFFSET);
  }

  /**
   * Sets the vCPU's secondary `vcpu_time_info`, 32 bytes, and asks for a clock update. Otherwise as {@link setXenVcpuInfo}.
   */
  setXenTimeInfo(address: bigint | undefined): number {
    if (address !== undefined) checkU64("VcpuKvmclock.setXenTimeInfo", "address", address);
    return this.#setXenArea("xen-time-info", address, VCPU_TIME_INFO_SIZE, 0n);
  }

  // User space

  /**
   * `KVM_KVMCLOCK_CTRL`: tells the guest at its next clock update that it was stopped, so that its watchdogs forgive the gap.
   *
   * @returns 0, or −22 (−EINVAL) while kvmclock's own area is inactive, whatever Xen's are.
   * Source: `x86.c:kvm_set_guest_paused`; docs/model/pvclock §8.3.
   */
  kvmclockCtrl(): number {
    if (this.#areas.address("kvmclock") === undefined) return -EINVAL;
    this.#guestStopped = true;
    this.request("clock-update");
    return 0;
  }

  /** The whole state, as plain JSON. */
  state(): VcpuKvmclockState {
    return {
      id: this.id,
      hz: String(this.#hz),
      scale: this.#scale,
      cached: savedInfo(this.#cached),
      areas: this.#areas.state(),
      systemTimeMsr: String(this.#systemTimeMsr),
      guestStopped: this.#guestStopped,
      requests: this.requests,
    };
  }

  /** Takes everything but id and counter from a saved state. `VmKvmclock.fromState` calls it. */
  restore(state: VcpuKvmclockState): void {
    const { hz, scale, cached, systemTimeMsr } = restoreVcpu(state);
    this.#hz = hz;
    this.#scale = scale;
    this.#cached = cached;
    this.#systemTimeMsr = systemTimeMsr;
    this.#guestStopped = state.guestStopped;
    this.#areas.restore(state.areas);
    for (const request of state.requests) this.#pending.add(request);
  }

  #updateClock(): boolean {
    const { behaviours, host } = this.#vm;
    const khz = host.tscKhz();
    if (khz === 0) {
      this.request("clock-update");
      return false;
    }
    const { useMasterClock, hostTsc, kernelNs } = this.#vm.referenceNow();
    const { catchupDelta } = behaviours;
    if (useMasterClock && behaviours.catchup === "now") {
      const now = this.tsc.readL1(host.tsc());
      this.tsc.catchUp?.(kvmclockBaseNs(host, behaviours.base), now, catchupDelta);
    }
    const atReference = this.tsc.readL1(hostTsc);
    const tscTimestamp: GuestTsc = this.tsc.catchUp?.(kernelNs, atReference, catchupDelta) ?? atReference;
    this.#rescale(khz);
    this.tsc.noteGuestTsc?.(tscTimestamp);
    this.#publish({
      tscTimestamp,
      systemTime: U(64, kernelNs + this.#vm.kvmclockOffset),
      tscToSystemMul: this.#scale.mul,
      tscShift: this.#scale.shift,
      flags: this.#vm.isTscStable ? PVCLOCK_TSC_STABLE_BIT : 0,
    });
    return true;
  }

  #rescale(khz: number): void {
    const hz = guestClockHz(khz, this.tsc, this.#vm.behaviours.guestKhz);
    if (hz === this.#hz) return;
    this.#scale = nsScale(hz);
    this.#hz = hz;
    this.#vm.events.onScale?.(this, this.#scale, hz);
  }

  #publish(update: TimeInfoUpdate): void {
    const published = this.#areas.publish(update, this.#cached.version, this.#guestStopped, this.#vm);
    this.#cached = published.cached;
    this.#guestStopped = published.guestStopped;
    const { events } = this.#vm;
    for (const area of published.dropped) events.onAreaDropped?.(this, area);
    events.onClockUpdate?.(this, this.#cached);
  }

  #writeSystemTime(write: Extract<PvMsrWrite, { result: "stored" }>, writer: MsrWriter): void {
    if (this.id === 0 && writer === "guest") this.#vm.chooseFlavour(this, write.isOldNumber);
    this.#systemTimeMsr = write.value;
    this.#vm.requestGlobalUpdate(this, "msr-write");
    this.#areas.deactivate("kvmclock");
    if (write.areaGpa === undefined) return;
    this.#areas.activate("kvmclock", write.areaGpa);
    if (this.#vm.behaviours.systemTimeWrite === "keeps-page") return;
    const bytes = this.#vm.memory.map(write.areaGpa, VCPU_TIME_INFO_SIZE);
    if (bytes !== undefined) retractTscStable(bytes);
  }

  #setXenArea(area: PvclockArea, address: bigint | undefined, size: number, timeOffset: bigint): number {
    this.#areas.deactivate(area);
    if (address === undefined) return 0;
    if (!fitsPage(address, size)) return -EINVAL;
    this.#areas.activate(area, address + timeOffset);
    this.request("clock-update");
    return 0;
  }
}
