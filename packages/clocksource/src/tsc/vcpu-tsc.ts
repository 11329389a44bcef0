/**
 * One vCPU's time-stamp counter as KVM keeps it: a ratio and an offset over the host's counter.
 *
 *     guest TSC = l1Offset + scaleTsc(host TSC, l1Ratio)      mod 2^64
 *
 * Beside them stands `virtualTscKhz`, the frequency user space asked for. The two need not agree: within the tolerance
 * (250 ppm by default) the counter is not scaled at all, and every conversion from nanoseconds still goes by the frequency
 * asked for. A scaled counter is up to 1 kHz slow, because the ratio is floored.
 *
 * Sources: `arch/x86/kvm/x86.c`; docs/model/clocksource-tsc §5 to §7.
 */

import { checkInteger, checkPositiveU32, checkS64, checkU32, checkU64 } from "../argument-checks.js";
import type { GuestTsc, HostTsc } from "../time-types.js";
import type { VcpuTscView } from "../vcpu-tsc-view.js";
import { ComposedTsc } from "./composed-tsc.js";
import type { CatchupDelta } from "./scaled-tsc.js";
import { planTscKhz } from "./tsc-khz-plan.js";
import { maxGuestTscKhz } from "./tsc-ratio.js";
import type { TscGeneration, VcpuTscEvents, VcpuTscOptions, VcpuTscState } from "./vcpu-tsc-types.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const EINVAL = 22;
const DEFAULT_TOLERANCE_PPM = 250;
const NEVER_LOADED = -1;

/**
 * A vCPU's time-stamp counter: frequency, ratio, offset, IA32_TSC and IA32_TSC_ADJUST, catch-up, nested composition.
 *
 * @example
 * const tsc = new VcpuTsc({ hostTscKhz: 3_000_000, userTscKhz: 2_500_000, vendor: "vmx" });
 * tsc.readL1(hostTsc(3_000_000_000n)) // => 2499999999n
 * tsc.nsToCycles(1_000_000n) // => 2500000n
 */
export class VcpuTsc extends ComposedTsc implements VcpuTscView {
  /** The host's calibrated frequency in kHz (`tsc_khz`). */
  readonly hostTscKhz: number;
  readonly hasTscScaling: boolean;
  readonly hasTscAdjust: boolean;

  #events: VcpuTscEvents;
  #tolerancePpm: number;
  #virtualTscKhz = 0;
  #catchup = false;
  #alwaysCatchup = false;

  #cpu = NEVER_LOADED;
  #tscAdjust = 0n;
  #lastGuestTsc = 0n;
  #lastHostTsc = 0n;
  #offsetAdjustment = 0n;
  #generation: TscGeneration = { number: 0n, ns: 0n, write: 0n };

  /**
   * Runs the creation-time frequency setting, whose failure KVM ignores.
   *
   * @param options - see {@link VcpuTscOptions}.
   * @throws TypeError or RangeError for an option outside its width; DivideError when the ratio needs more than 64 bits.
   */
  constructor(options: VcpuTscOptions) {
    super(options.vendor, options.l1Offset ?? 0n);
    const tolerancePpm = options.tolerancePpm ?? DEFAULT_TOLERANCE_PPM;
    checkPositiveU32("VcpuTsc", "hostTscKhz", options.hostTscKhz);
    checkU32("VcpuTsc", "tolerancePpm", tolerancePpm);
    this.hostTscKhz = options.hostTscKhz;
    this.hasTscScaling = options.hasTscScaling ?? true;
    this.hasTscAdjust = options.hasTscAdjust ?? true;
    this.#tolerancePpm = tolerancePpm;
    this.#events = options.events ?? {};
    this.setTscKhz(options.userTscKhz ?? options.hostTscKhz);
  }

  // Frequency

  /** The frequency user space asked for, kHz; 0 until it is set (`virtual_tsc_khz`). Not the effective rate. */
  get virtualTscKhz(): number {
    return this.#virtualTscKhz;
  }

  /** Whether software catch-up runs at clock updates (`tsc_catchup`). */
  get catchup(): boolean {
    return this.#catchup;
  }

  /** Whether every VM exit asks for a clock update to catch up (`tsc_always_catchup`). */
  get alwaysCatchup(): boolean {
    return this.#alwaysCatchup;
  }

  /** The tolerance in force, ppm. The kernel's parameter is writable at run time; a change acts at the next setting. */
  get tolerancePpm(): number {
    return this.#tolerancePpm;
  }

  set tolerancePpm(ppm: number) {
    checkU32("VcpuTsc.tolerancePpm", "ppm", ppm);
    this.#tolerancePpm = ppm;
  }

  /**
   * Sets the guest's frequency as vCPU creation and `KVM_SET_TSC_KHZ` do (the bound of the ioctl is in
   * {@link ioctlSetTscKhz}). The counter of a running vCPU jumps: nothing is re-synchronised.
   *
   * What follows is decided by {@link planTscKhz}. Catch-up, once begun, stays on.
   *
   * @param userTscKhz - the frequency wanted in kHz, u32.
   * @returns 0, or −1 when it failed.
   * @throws DivideError when the ratio needs more than 64 bits; TypeError or RangeError unless `userTscKhz` is a u32.
   * Source: `x86.c:kvm_set_tsc_khz`, `set_tsc_khz`; docs/model/clocksource-tsc §5.1.
   */
  setTscKhz(userTscKhz: number): 0 | -1 {
    checkU32("VcpuTsc.setTscKhz", "userTscKhz", userTscKhz);
    const plan = planTscKhz({
      hostTscKhz: this.hostTscKhz,
      userTscKhz,
      tolerancePpm: this.#tolerancePpm,
      vendor: this.vendor,
      hasTscScaling: this.hasTscScaling,
    });
    if (plan.scale !== undefined) {
      this.#virtualTscKhz = userTscKhz;
      this.writeNsScale(plan.scale);
    }
    if (plan.startsCatchup) {
      this.#catchup = true;
      this.#alwaysCatchup = true;
    }
    if (plan.ratio !== undefined) this.writeL1Ratio(plan.ratio);
    return plan.result;
  }

  /**
   * `KVM_SET_TSC_KHZ` on a vCPU: 0 means the host's frequency, and with scaling hardware a frequency at or above
   * {@link maxGuestTscKhz} is refused.
   *
   * @param khz - the ioctl's argument, u64; taken mod 2^32 as the kernel does.
   * @returns 0, or −22 (−EINVAL).
   * @throws TypeError or RangeError unless `khz` is a u64; DivideError as {@link setTscKhz}.
   * Source: `x86.c:kvm_arch_vcpu_ioctl`; docs/model/clocksource-tsc §5.2.
   */
  ioctlSetTscKhz(khz: bigint): number {
    checkU64("VcpuTsc.ioctlSetTscKhz", "khz", khz);
    const userKhz = Number(U(32, khz));
    if (this.hasTscScaling && userKhz >= maxGuestTscKhz(this.hostTscKhz, this.vendor)) return -EINVAL;
    return this.setTscKhz(userKhz === 0 ? this.hostTscKhz : userKhz) === 0 ? 0 : -EINVAL;
  }

  override writeL1Ratio(ratio: bigint): void {
    super.writeL1Ratio(ratio);
    this.#events.onRatioWritten?.(this, ratio);
  }

  override writeL1Offset(offset: bigint): void {
    const from = this.l1Offset;
    super.writeL1Offset(offset);
    this.#events.onOffsetWritten?.(this, from);
  }

  // Model-specific registers

  /**
   * The guest's WRMSR of IA32_TSC: offset and IA32_TSC_ADJUST move by the same amount. No generation starts and no clock
   * update is asked for, so a published pvclock is wrong by that amount until something else renews it.
   *
   * @param value - the value written, u64.
   * @param tsc - host cycles at the write, u64.
   * @throws TypeError or RangeError for an argument outside its width.
   * Source: `x86.c:kvm_set_msr_common`; docs/model/clocksource-tsc §6.2.
   */
  wrmsrTsc(value: bigint, tsc: HostTsc): void {
    const moved = S(64, this.offsetFor(value, tsc) - this.l1Offset);
    this.adjustGuest(moved);
    this.#tscAdjust = S(64, this.#tscAdjust + moved);
  }

  /** IA32_TSC_ADJUST as a signed number (`ia32_tsc_adjust_msr`). */
  get tscAdjust(): bigint {
    return this.#tscAdjust;
  }

  /**
   * The guest's WRMSR of IA32_TSC_ADJUST: the counter moves by the difference and a clock update is asked for. Ignored
   * without error when the CPUID does not advertise the register.
   *
   * @param value - the value written, u64 bit pattern.
   * @throws TypeError or RangeError unless `value` is a u64.
   * Source: `x86.c:kvm_set_msr_common`; docs/model/clocksource-tsc §6.2.
   */
  wrmsrTscAdjust(value: bigint): void {
    checkU64("VcpuTsc.wrmsrTscAdjust", "value", value);
    if (!this.hasTscAdjust) return;
    this.adjustGuest(S(64, value - this.#tscAdjust));
    this.#events.onClockUpdate?.(this);
    this.#tscAdjust = S(64, value);
  }

  /**
   * User space's write of IA32_TSC_ADJUST: stored, the counter does not move. Ignored when not advertised.
   *
   * @param value - the value written, u64 bit pattern.
   * @throws TypeError or RangeError unless `value` is a u64.
   */
  setTscAdjust(value: bigint): void {
    checkU64("VcpuTsc.setTscAdjust", "value", value);
    if (this.hasTscAdjust) this.#tscAdjust = S(64, value);
  }

  // Catch-up

  /** This vCPU's copy of the start of its TSC generation. */
  get generation(): TscGeneration {
    return this.#generation;
  }

  /**
   * Records that the counter now belongs to a generation (`vcpu->arch.this_tsc_*`); {@link VmTsc} calls it.
   *
   * @param generation - the generation's number and start.
   * @throws TypeError or RangeError for a member outside u64.
   */
  joinGeneration(generation: TscGeneration): void {
    const { number, ns, write } = generation;
    checkU64("VcpuTsc.joinGeneration", "number", number);
    checkU64("VcpuTsc.joinGeneration", "ns", ns);
    checkU64("VcpuTsc.joinGeneration", "write", write);
    this.#generation = { number, ns, write };
  }

  /**
   * The software catch-up of a clock update: a counter behind {@link computeGuestTsc} of its generation is moved up to it, one ahead stays.
   *
   * @param kernelNs - reference ns of the update, u64.
   * @param timestamp - the guest TSC at the reference, u64 (`tsc_timestamp`).
   * @param delta - of {@link computeGuestTsc}; `signed` also compares by the sign of the difference. Default `unsigned`.
   * @returns the timestamp to publish.
   * @throws TypeError or RangeError for an argument outside its domain.
   * Source: `x86.c:kvm_guest_time_update`; docs/model/clocksource-tsc §5.3.
   */
  catchUp(kernelNs: bigint, timestamp: GuestTsc, delta: CatchupDelta = "unsigned"): GuestTsc {
    checkU64("VcpuTsc.catchUp", "timestamp", timestamp);
    if (!this.#catchup) return timestamp;
    const target = this.computeGuestTsc(this.#generation, kernelNs, delta);
    if (delta === "signed" ? S(64, target - timestamp) <= 0n : target <= timestamp) return timestamp;
    this.adjustGuest(S(64, target - timestamp));
    return target;
  }

  // Stopping and starting

  /** The host CPU the vCPU was last loaded on; −1 before the first load. */
  get cpu(): number {
    return this.#cpu;
  }

  /** Guest TSC at the last VM exit or clock update (`last_guest_tsc`). */
  get lastGuestTsc(): GuestTsc {
    return this.#lastGuestTsc as GuestTsc;
  }

  /** Host TSC when the vCPU was last put; 0 before (`last_host_tsc`). */
  get lastHostTsc(): HostTsc {
    return this.#lastHostTsc as HostTsc;
  }

  /** Host cycles to add at the next load (`tsc_offset_adjustment`). */
  get offsetAdjustment(): bigint {
    return this.#offsetAdjustment;
  }

  /**
   * Records the guest TSC of a VM exit, a clock update or a write.
   *
   * @param guest - guest cycles, u64.
   * @throws TypeError or RangeError unless `guest` is a u64.
   */
  noteGuestTsc(guest: GuestTsc): void {
    checkU64("VcpuTsc.noteGuestTsc", "guest", guest);
    this.#lastGuestTsc = guest;
  }

  /**
   * Records the host CPU the vCPU runs on; {@link VmTsc.load} calls it.
   *
   * @param cpu - host CPU number, 0 … 2^31−1.
   * @throws TypeError or RangeError unless `cpu` is such a number.
   */
  noteLoaded(cpu: number): void {
    checkInteger("VcpuTsc.noteLoaded", "cpu", cpu, 0, 2 ** 31 - 1);
    this.#cpu = cpu;
  }

  /**
   * Records the host TSC at which the vCPU left its CPU (`kvm_arch_vcpu_put`).
   *
   * @param tsc - host cycles, u64.
   * @throws TypeError or RangeError unless `tsc` is a u64.
   */
  put(tsc: HostTsc): void {
    checkU64("VcpuTsc.put", "tsc", tsc);
    this.#lastHostTsc = tsc;
  }

  /**
   * The host's counter fell back to `localTsc` across a suspend: the cycles lost are added at the next load.
   *
   * @param lost - host cycles between the latest counter value any vCPU saw and `localTsc`, u64.
   * @param localTsc - the host's counter now, u64.
   * @throws TypeError or RangeError for an argument outside its width.
   * Source: `x86.c:kvm_arch_enable_virtualization_cpu`; docs/model/clocksource-tsc §6.6.
   */
  noteBackwardsHost(lost: bigint, localTsc: HostTsc): void {
    checkU64("VcpuTsc.noteBackwardsHost", "lost", lost);
    checkU64("VcpuTsc.noteBackwardsHost", "localTsc", localTsc);
    this.#offsetAdjustment = U(64, this.#offsetAdjustment + lost);
    this.#lastHostTsc = localTsc;
  }

  /**
   * The part of a vCPU load that pays back what {@link noteBackwardsHost} recorded: the counter moves, the record is
   * cleared and a clock update is asked for.
   *
   * Source: `x86.c:kvm_arch_vcpu_load`; docs/model/clocksource-tsc §6.6.
   */
  applyOffsetAdjustment(): void {
    if (this.#offsetAdjustment === 0n) return;
    this.adjustHost(S(64, this.#offsetAdjustment));
    this.#offsetAdjustment = 0n;
    this.#events.onClockUpdate?.(this);
  }

  /**
   * A load on a host whose counter is unstable: the guest's counter resumes where it stopped, and software catch-up makes
   * good the lost time at the next clock update.
   *
   * @param tsc - host cycles, u64.
   * @throws TypeError or RangeError unless `tsc` is a u64.
   * Source: `x86.c:kvm_arch_vcpu_load`; docs/model/clocksource-tsc §6.6.
   */
  resumeWhereStopped(tsc: HostTsc): void {
    this.writeL1Offset(this.offsetFor(this.#lastGuestTsc, tsc));
    this.#catchup = true;
  }

  // State

  /** The whole state, as plain JSON. */
  override state(): VcpuTscState {
    const { number, ns, write } = this.#generation;
    return {
      ...super.state(),
      ...this.composedState(),
      hostTscKhz: this.hostTscKhz,
      hasTscScaling: this.hasTscScaling,
      hasTscAdjust: this.hasTscAdjust,
      tolerancePpm: this.#tolerancePpm,
      virtualTscKhz: this.#virtualTscKhz,
      catchup: this.#catchup,
      alwaysCatchup: this.#alwaysCatchup,
      cpu: this.#cpu,
      tscAdjust: String(this.#tscAdjust),
      lastGuestTsc: String(this.#lastGuestTsc),
      lastHostTsc: String(this.#lastHostTsc),
      offsetAdjustment: String(this.#offsetAdjustment),
      generation: { number: String(number), ns: String(ns), write: String(write) },
    };
  }

  /**
   * A counter that goes on from a saved state. No event fires.
   *
   * @param state - what {@link state} gave.
   * @param events - where the new counter's requests go.
   * @returns a counter equal to the saved one.
   * @throws TypeError, RangeError or SyntaxError for a member that is no number of its width.
   */
  static override fromState(state: VcpuTscState, events: VcpuTscEvents = {}): VcpuTsc {
    const { vendor, hostTscKhz, hasTscScaling, hasTscAdjust, tolerancePpm, generation } = state;
    const tsc = new VcpuTsc({ vendor, hostTscKhz, hasTscScaling, hasTscAdjust, tolerancePpm, userTscKhz: 0 });
    tsc.restoreScaled(state);
    tsc.restoreComposed(state);
    checkU32("VcpuTsc.fromState", "virtualTscKhz", state.virtualTscKhz);
    tsc.#virtualTscKhz = state.virtualTscKhz;
    tsc.#catchup = state.catchup;
    tsc.#alwaysCatchup = state.alwaysCatchup;
    checkInteger("VcpuTsc.fromState", "cpu", state.cpu, NEVER_LOADED, 2 ** 31 - 1);
    tsc.#cpu = state.cpu;
    tsc.#tscAdjust = BigInt(state.tscAdjust);
    checkS64("VcpuTsc.fromState", "tscAdjust", tsc.#tscAdjust);
    tsc.noteGuestTsc(BigInt(state.lastGuestTsc) as GuestTsc);
    tsc.put(BigInt(state.lastHostTsc) as HostTsc);
    tsc.#offsetAdjustment = BigInt(state.offsetAdjustment);
    checkU64("VcpuTsc.fromState", "offsetAdjustment", tsc.#offsetAdjustment);
    tsc.joinGeneration({
      number: BigInt(generation.number),
      ns: BigInt(generation.ns),
      write: BigInt(generation.write),
    });
    tsc.#events = events;
    return tsc;
  }
}
