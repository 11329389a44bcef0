/**
 * A vCPU's counter that may be running a nested guest: L1's ratio and offset, and the pair in force, which while L2 runs is
 * composed with what L1 gives L2.
 *
 *     L2 TSC = scaleTsc(host TSC, l1Ratio·l2Ratio) + (l1Offset·l2Ratio + l2Offset)
 *
 * That equals scaling twice only up to floors; docs/model/clocksource-tsc §7 bounds the difference.
 */

import { checkU64 } from "../argument-checks.js";
import type { GuestTsc, HostTsc } from "../time-types.js";
import { nestedTscOffset, nestedTscRatio } from "./nested-tsc.js";
import { ScaledTsc } from "./scaled-tsc.js";
import { scaleTsc, type TscVendor } from "./tsc-ratio.js";

const U = BigInt.asUintN;

/** What L1 gives L2: added to and multiplied into L1's own pair. */
export interface NestedTsc {
  /** TSC offset of the VMCS or VMCB, u64 bit pattern; 0 when L1 uses no offsetting. */
  readonly offset: bigint;
  /** TSC ratio of L1 for L2; 1.0 when L1 uses no scaling. */
  readonly ratio: bigint;
}

/** The pair in force and what it was composed from, as plain JSON; u64 are decimal strings. */
export interface ComposedTscState {
  readonly effectiveOffset: string;
  readonly effectiveRatio: string;
  readonly nested: { readonly offset: string; readonly ratio: string } | null;
}

/** A {@link ScaledTsc} with the L2 composition. {@link VcpuTsc} is built on it. */
export class ComposedTsc extends ScaledTsc {
  #nested: NestedTsc | undefined;
  #effectiveOffset: bigint;
  #effectiveRatio: bigint;

  /** Starts at ratio 1.0, outside L2. See {@link ScaledTsc}. */
  constructor(vendor: TscVendor, l1Offset: bigint) {
    super(vendor, l1Offset);
    this.#effectiveOffset = this.l1Offset;
    this.#effectiveRatio = this.l1Ratio;
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

  /** The ratio in force: L2's composed one while in L2 (`tsc_scaling_ratio`). */
  get effectiveRatio(): bigint {
    return this.#effectiveRatio;
  }

  /** The offset in force: L2's composed one while in L2 (`tsc_offset`). */
  get effectiveOffset(): bigint {
    return this.#effectiveOffset;
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
  }

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

  /** The pair in force as plain JSON, for the state of a subclass. */
  protected composedState(): ComposedTscState {
    const nested = this.#nested;
    return {
      effectiveOffset: String(this.#effectiveOffset),
      effectiveRatio: String(this.#effectiveRatio),
      nested: nested ? { offset: String(nested.offset), ratio: String(nested.ratio) } : null,
    };
  }

  /** Takes the pair in force from a saved state as it is: after a failed nested entry it is not what composing gives. */
  protected restoreComposed(state: ComposedTscState): void {
    const nested = state.nested && { offset: BigInt(state.nested.offset), ratio: BigInt(state.nested.ratio) };
    const effectiveOffset = BigInt(state.effectiveOffset);
    const effectiveRatio = BigInt(state.effectiveRatio);
    checkU64("VcpuTsc.fromState", "effectiveOffset", effectiveOffset);
    checkU64("VcpuTsc.fromState", "effectiveRatio", effectiveRatio);
    checkU64("VcpuTsc.fromState", "nested.offset", nested?.offset ?? 0n);
    checkU64("VcpuTsc.fromState", "nested.ratio", nested?.ratio ?? 0n);
    this.#nested = nested ?? undefined;
    this.#effectiveOffset = effectiveOffset;
    this.#effectiveRatio = effectiveRatio;
  }
}
