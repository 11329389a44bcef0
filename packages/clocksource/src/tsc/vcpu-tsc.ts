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

import { checkPositiveU32, checkU32, checkU64 } from "../argument-checks.js";
import type { GuestTsc, HostTsc } from "../time-types.js";
import type { VcpuTscView } from "../vcpu-tsc-view.js";
import { nestedTscOffset, nestedTscRatio } from "./nested-tsc.js";
import { ScaledTsc, type TscStart } from "./scaled-tsc.js";
import { planTscKhz } from "./tsc-khz-plan.js";
import { maxGuestTscKhz, scaleTsc, type TscVendor } from "./tsc-ratio.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const EINVAL = 22;
const DEFAULT_TOLERANCE_PPM = 250;

/** What a vCPU's counter asks of its surroundings. Everything is optional; nothing happens where nothing is given. */
export interface VcpuTscEvents {
  /** KVM_REQ_CLOCK_UPDATE: the published pvclock of this vCPU is stale. */
  onClockUpdate?(vcpu: VcpuTsc): void;
  /** The L1 ratio was written (with scaling hardware, so was the hardware). */
  onRatioWritten?(vcpu: VcpuTsc, ratio: bigint): void;
}

/** The start of a TSC generation: the write all matching counters are measured from. */
export interface TscGeneration extends TscStart {
  /** Which generation; 0 is none yet (`this_tsc_generation`). */
  readonly number: bigint;
}

/** What L1 gives L2: added to and multiplied into L1's own pair. */
export interface NestedTsc {
  /** TSC offset of the VMCS or VMCB, u64 bit pattern; 0 when L1 uses no offsetting. */
  readonly offset: bigint;
  /** TSC ratio of L1 for L2; 1.0 when L1 uses no scaling. */
  readonly ratio: bigint;
}

/** What a vCPU's counter is made from. */
export interface VcpuTscOptions {
  /** The host's calibrated TSC frequency in kHz, 1 … 2^32−1 (`tsc_khz`). */
  readonly hostTscKhz: number;
  /** The frequency asked for at creation, in kHz; 0 leaves it unset. Default: the host's. */
  readonly userTscKhz?: number;
  /** Whose scaling hardware. */
  readonly vendor: TscVendor;
  /** Whether the hardware can scale. Default true. */
  readonly hasTscScaling?: boolean;
  /** The window around the host's frequency inside which nothing is scaled, ppm, u32 (`tsc_tolerance_ppm`). Default 250. */
  readonly tolerancePpm?: number;
  /** The first L1 offset, u64. Default 0. */
  readonly l1Offset?: bigint;
  /** Whether the guest's CPUID advertises IA32_TSC_ADJUST. Default true. */
  readonly hasTscAdjust?: boolean;
  readonly events?: VcpuTscEvents;
}

/**
 * A vCPU's time-stamp counter: frequency, ratio, offset, IA32_TSC and IA32_TSC_ADJUST, catch-up, nested composition.
 *
 * @example
 * const tsc = new VcpuTsc({ hostTscKhz: 3_000_000, userTscKhz: 2_500_000, vendor: "vmx" });
 * tsc.readL1(hostTsc(3_000_000_000n)) // => 2499999999n
 * tsc.nsToCycles(1_000_000n) // => 2500000n
 */
export class VcpuTsc extends ScaledTsc implements VcpuTscView {
  /** The host's calibrated frequency in kHz (`tsc_khz`). */
  readonly hostTscKhz: number;
  readonly hasTscScaling: boolean;
  readonly hasTscAdjust: boolean;

  readonly #events: VcpuTscEvents;
  #tolerancePpm: number;
  #virtualTscKhz = 0;
  #catchup = false;
  #alwaysCatchup = false;

  #nested: NestedTsc | undefined;
  #effectiveOffset: bigint;
  #effectiveRatio: bigint;

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
    this.#effectiveOffset = this.l1Offset;
    this.#effectiveRatio = this.l1Ratio;
    this.setTscKhz(options.userTscKhz ?? options.hostTscKhz);
  }

  /**
   * What RDMSR of IA32_TSC gives the guest that runs: L2's counter while in L2, else L1's.
   *
   * @param tsc - host cycles, u64.
   * @returns guest cycles, u64.
   * @throws TypeError or RangeError unless `tsc` is a u64.
   * Source: `x86.c:kvm_get_msr_common`; docs/model/clocksource-tsc §6.2.
   */
  rdmsrTsc(tsc: HostTsc): GuestTsc {
    checkU64("VcpuTsc.rdmsrTsc", "tsc", tsc);
    return U(64, scaleTsc(tsc, this.#effectiveRatio, this.fractionBits) + this.#effectiveOffset) as GuestTsc;
  }

  // Frequency

  /** The frequency user space asked for, kHz; 0 until it is set (`virtual_tsc_khz`). Not the effective rate. */
  get virtualTscKhz(): number {
    return this.#virtualTscKhz;
  }

  /** The ratio in force: L2's composed one while in L2 (`tsc_scaling_ratio`). */
  get effectiveRatio(): bigint {
    return this.#effectiveRatio;
  }

  /** The offset in force: L2's composed one while in L2 (`tsc_offset`). */
  get effectiveOffset(): bigint {
    return this.#effectiveOffset;
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

  /**
   * Writes L1's ratio and, while in L2, recomposes the ratio in force.
   *
   * @param ratio - unsigned 64-bit fixed-point multiplier.
   * @throws TypeError or RangeError unless `ratio` is a u64.
   * Source: `x86.c:kvm_vcpu_write_tsc_multiplier`; docs/model/clocksource-tsc §5.2 and §7.
   */
  override writeL1Ratio(ratio: bigint): void {
    super.writeL1Ratio(ratio);
    this.#effectiveRatio = this.#nested
      ? nestedTscRatio(ratio, this.#nested.ratio, this.fractionBits)
      : ratio;
    this.#events.onRatioWritten?.(this, ratio);
  }

  // Offset

  /**
   * Writes L1's offset and, while in L2, recomposes the offset in force.
   *
   * @param offset - u64 bit pattern.
   * @throws TypeError or RangeError unless `offset` is a u64.
   * Source: `x86.c:kvm_vcpu_write_tsc_offset`; docs/model/clocksource-tsc §7.
   */
  override writeL1Offset(offset: bigint): void {
    super.writeL1Offset(offset);
    this.#effectiveOffset = this.#nested
      ? nestedTscOffset(offset, this.#nested.offset, this.#nested.ratio, this.fractionBits)
      : offset;
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
   * @returns the timestamp to publish.
   * @throws TypeError or RangeError for an argument outside its width.
   * Source: `x86.c:kvm_guest_time_update`; docs/model/clocksource-tsc §5.3.
   */
  catchUp(kernelNs: bigint, timestamp: GuestTsc): GuestTsc {
    checkU64("VcpuTsc.catchUp", "timestamp", timestamp);
    if (!this.#catchup) return timestamp;
    const target = this.computeGuestTsc(this.#generation, kernelNs);
    if (target <= timestamp) return timestamp;
    this.adjustGuest(S(64, target - timestamp));
    return target;
  }

  // Nested guests

  /** What L1 gave L2, or undefined outside L2. */
  get nested(): NestedTsc | undefined {
    return this.#nested;
  }

  /**
   * Enters L2: offset and ratio in force become the composed ones.
   *
   * @param nested - what L1 gives L2.
   * @throws TypeError or RangeError for a member outside u64.
   * Source: `vmx/nested.c:prepare_vmcs02`, `svm/nested.c`; docs/model/clocksource-tsc §7.
   */
  enterNested(nested: NestedTsc): void {
    const { offset, ratio } = nested;
    const effectiveOffset = nestedTscOffset(this.l1Offset, offset, ratio, this.fractionBits);
    this.#effectiveRatio = nestedTscRatio(this.l1Ratio, ratio, this.fractionBits);
    this.#effectiveOffset = effectiveOffset;
    this.#nested = { offset, ratio };
  }

  /** Leaves L2: offset and ratio in force become L1's again. */
  leaveNested(): void {
    this.#nested = undefined;
    this.#effectiveOffset = this.l1Offset;
    this.#effectiveRatio = this.l1Ratio;
  }

  /**
   * A nested VM entry that fails after composing, VMX only: L2's offset is taken off again and the composed ratio STAYS,
   * which is only right when L2's ratio was 1.0. The next write of L1's ratio mends it.
   *
   * Source: `vmx/nested.c:nested_vmx_enter_non_root_mode`; docs/model/clocksource-tsc §7.
   */
  failNestedEntry(): void {
    if (this.#nested === undefined) return;
    this.#effectiveOffset = U(64, this.#effectiveOffset - this.#nested.offset);
    this.#nested = undefined;
  }

  // Stopping and starting

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
}
