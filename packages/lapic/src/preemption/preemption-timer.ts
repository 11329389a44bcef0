import type { GuestTsc, HostClock, HostTsc, VcpuTscView } from "@chronovisor/clocksource";
import { checkInteger, checkOneOf, checkU32, checkU64 } from "../arguments.js";
import { highWord, u32ToBigint } from "../words.js";
import type { PreemptionTimerPort, PreemptionTimerResult } from "./preemption-timer-port.js";

/*
 * The VMX preemption timer (SDM vol 3C 25.5.1, docs/model/hv-timer §1-§3): a 32-bit down-counter of the VMCS that
 * runs only in the guest and steps at every multiple of 2^rateShift of the host TSC. KVM keeps the deadline in host
 * cycles and turns it into a counter value at each entry.
 */

/** `hv_deadline_tsc` of a timer that is not armed. */
const UNARMED = 2n ** 64n - 1n;
/** The counter value of an entry without a deadline: the control bit stays on. */
const SOFT_DISABLED_VALUE = 0xffff_ffff;
/** The control is refused where the longest count, standing for "no deadline", would run out within ten seconds. */
const MAX_TICKS_PER_SECOND = Math.floor(0xffff_ffff / 10);
/** Assumed frequency of an unknown TSC: 5 GHz. */
const UNKNOWN_TSC_HZ = 5_000_000_000;

/** 2^rateShift, by rate shift. In a typed array: V8 then keeps what is made of it in machine words. */
const STEPS = /* @__PURE__ */ BigUint64Array.from({ length: 32 }, (_, rateShift) => 1n << BigInt(rateShift));

const U = BigInt.asUintN;

/** Whether the guest must exit again before its first instruction, which a value of 0 brings about. */
export type EntryKind = "ordinary" | "immediate-exit";

const ENTRY_KINDS: readonly EntryKind[] = ["ordinary", "immediate-exit"];

/** What a preemption timer is built from. */
export interface PreemptionTimerOptions {
  readonly clock: HostClock;
  readonly tsc: VcpuTscView;
  /** IA32_VMX_MISC[4:0], 0 … 31. */
  readonly rateShift: number;
}

/** JSON form of a {@link PreemptionTimer}. */
export interface PreemptionTimerState {
  readonly rateShift: number;
  /** Host TSC, decimal; all ones when unarmed. */
  readonly deadline: string;
  readonly softDisabled: boolean;
}

/**
 * The VMX preemption timer of one vCPU (`vmx_set_hv_timer`, `vmx_update_hv_timer`, docs/model/hv-timer §3).
 * `softDisabled` belongs to one VMCS: an entry of L2 through its own VMCS is not modelled.
 *
 * @example
 * const counter = { monotonicNs: () => 0n, tsc: () => 1_000n, sample: () => ({ monotonicNs: 0n, tsc: 1_000n }) };
 * const unscaled = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 1_000_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const hv = new PreemptionTimer({ clock: counter, tsc: unscaled, rateShift: 5 });
 * hv.set(4_200n, 0) // => 'armed'
 * hv.loadAtEntry("ordinary") // => 100
 */
export class PreemptionTimer implements PreemptionTimerPort {
  readonly rateShift: number;
  readonly #clock: HostClock;
  readonly #tsc: VcpuTscView;
  /** 2^(32 − rateShift). */
  readonly #lift: bigint;
  readonly #scale: DeltaScale;
  #deadline: bigint = UNARMED;
  #softDisabled = false;
  #advanceNs = 0;
  #advanceKhz = 0;
  #advanceCycles = 0n;

  /** @throws RangeError or TypeError for a rate shift outside 0 … 31. */
  constructor(options: PreemptionTimerOptions) {
    checkInteger("PreemptionTimer", "rateShift", options.rateShift, 0, 31);
    this.rateShift = options.rateShift;
    this.#clock = options.clock;
    this.#tsc = options.tsc;
    this.#lift = 1n << BigInt(32 - options.rateShift);
    this.#scale = deltaScale(options.tsc, options.rateShift);
  }

  /**
   * Arms for a guest TSC, `advanceNs` early; a deadline that is past after the advance is "expired" and armed for now.
   * "out-of-range" (-ERANGE) changes nothing: 2^(32 + rateShift) host cycles away or more, or not representable.
   * One TSC sample. The scaled delta rounds down.
   *
   * @param guestDeadline - guest TSC cycles, u64.
   * @param advanceNs - ns, u32.
   * @throws RangeError or TypeError for an argument outside its domain.
   */
  set(guestDeadline: GuestTsc, advanceNs: number): PreemptionTimerResult {
    checkU64("PreemptionTimer.set", "guestDeadline", guestDeadline);
    checkU32("PreemptionTimer.set", "advanceNs", advanceNs);
    const host = this.#clock.tsc();
    const delta = deltaOf(guestDeadline, host, this.#cyclesOfAdvance(advanceNs), this.#tsc, this.#scale);
    if (delta === undefined) return "out-of-range";
    // u64: wraps, and may land on the unarmed marker, as the kernel's sum does.
    this.#deadline = BigInt.asUintN(64, host + delta);
    return delta === 0n ? "expired" : "armed";
  }

  /**
   * Arms for a host TSC that a set came to before; all ones disarms.
   *
   * @param hostDeadline - host TSC cycles, u64.
   * @throws RangeError or TypeError for anything but a u64.
   */
  armAt(hostDeadline: HostTsc): void {
    checkU64("PreemptionTimer.armAt", "hostDeadline", hostDeadline);
    this.#deadline = hostDeadline;
  }

  /** Disarms (`vmx_cancel_hv_timer`). */
  cancel(): void {
    this.#deadline = UNARMED;
  }

  /** The host TSC it is armed for, undefined when it is not. */
  get deadline(): HostTsc | undefined {
    return this.armed ? (this.#deadline as HostTsc) : undefined;
  }

  /** Whether a deadline is set. */
  get armed(): boolean {
    return this.#deadline !== UNARMED;
  }

  /** Whether the counter was last loaded with the value that stands for no deadline. */
  get softDisabled(): boolean {
    return this.#softDisabled;
  }

  /**
   * The value written to the VMCS at this entry, undefined when nothing is written: 0 for an immediate exit or a
   * deadline not ahead, else the cycles left divided by 2^rateShift, rounded down and truncated to 32 bits. An unarmed
   * timer gets all ones once. Samples the TSC only when armed and the exit is not forced.
   *
   * @param kind - whether the entry must exit at once.
   * @throws RangeError for another kind.
   */
  loadAtEntry(kind: EntryKind): number | undefined {
    // Every entry comes by here: the list is searched for the others.
    if (kind !== "ordinary") checkOneOf("PreemptionTimer.loadAtEntry", "kind", kind, ENTRY_KINDS);
    if (kind === "immediate-exit") {
      this.#softDisabled = false;
      return 0;
    }
    if (this.#deadline === UNARMED) {
      if (this.#softDisabled) return undefined;
      this.#softDisabled = true;
      return SOFT_DISABLED_VALUE;
    }
    this.#softDisabled = false;
    const host: bigint = this.#clock.tsc();
    if (this.#deadline <= host) return 0;
    // Bits rateShift … rateShift + 31 of the distance, moved to where the high half begins.
    return highWord(U(64, U(64, this.#deadline - host) * this.#lift));
  }

  /** A JSON-safe copy. */
  state(): PreemptionTimerState {
    return {
      rateShift: this.rateShift,
      deadline: this.#deadline.toString(),
      softDisabled: this.#softDisabled,
    };
  }

  /**
   * The timer `state` was taken from, over `clock` and `tsc`.
   *
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(
    state: PreemptionTimerState,
    options: Pick<PreemptionTimerOptions, "clock" | "tsc">,
  ): PreemptionTimer {
    const timer = new PreemptionTimer({ ...options, rateShift: state.rateShift });
    const deadline = BigInt(state.deadline);
    checkU64("PreemptionTimer.fromState", "deadline", deadline);
    checkOneOf("PreemptionTimer.fromState", "softDisabled", state.softDisabled, [false, true]);
    timer.#deadline = deadline;
    timer.#softDisabled = state.softDisabled;
    return timer;
  }

  /** n2c(advanceNs), converted again only when the advance or the guest's frequency changed. */
  #cyclesOfAdvance(advanceNs: number): bigint {
    if (advanceNs === 0) return 0n;
    const khz = this.#tsc.virtualTscKhz;
    if (advanceNs !== this.#advanceNs || khz !== this.#advanceKhz) {
      this.#advanceCycles = this.#tsc.nsToCycles(BigInt(advanceNs));
      this.#advanceNs = advanceNs;
      this.#advanceKhz = khz;
    }
    return this.#advanceCycles;
  }
}

/** What a distance in guest cycles is converted and limited by: constants of a timer. */
interface DeltaScale {
  /** Fraction bits of the TSC ratio, and the ratio that scales nothing. */
  readonly fraction: bigint;
  readonly unity: bigint;
  /** Host cycles that no longer fit the counter. */
  readonly reach: bigint;
}

function deltaScale(tsc: VcpuTscView, rateShift: number): DeltaScale {
  const fraction = BigInt(tsc.fractionBits);
  return { fraction, unity: 1n << fraction, reach: 1n << BigInt(rateShift + 32) };
}

/** Unchecked kernel of {@link preemptionTimerDelta}. */
function deltaOf(
  guestDeadline: bigint,
  host: HostTsc,
  advanceCycles: bigint,
  tsc: VcpuTscView,
  scale: DeltaScale,
): bigint | undefined {
  const guest: bigint = tsc.readL1(host);
  const left = guestDeadline > guest ? guestDeadline - guest : 0n;
  let delta = left > advanceCycles ? left - advanceCycles : 0n;
  const ratio = tsc.l1Ratio;
  if (delta !== 0n && ratio !== scale.unity) {
    // The division instruction takes 128 by 64 bits; a quotient beyond 64 bits is refused before it would trap.
    if (delta >> (64n - scale.fraction) >= ratio) return undefined;
    delta = (delta << scale.fraction) / ratio;
  }
  return delta < scale.reach ? delta : undefined;
}

/**
 * Host cycles from `hostTsc` to a guest deadline, the advance taken off and never below 0; undefined where the timer
 * cannot reach it: 2^(32 + rateShift) cycles or more, or a scaled distance beyond 64 bits (`vmx_set_hv_timer`,
 * docs/model/hv-timer §3). Rounds down.
 *
 * @param guestDeadline - guest TSC cycles, u64.
 * @param hostTsc - host TSC now, u64.
 * @param advanceNs - ns, u32.
 * @param tsc - the vCPU's TSC.
 * @param rateShift - 0 … 31.
 * @returns host cycles, 0 … 2^(32 + rateShift) − 1, or undefined.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * const unscaled = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 1_000_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * preemptionTimerDelta(9_000n, 1_000n, 500, unscaled, 5) // => 7500n
 */
export function preemptionTimerDelta(
  guestDeadline: GuestTsc,
  hostTsc: HostTsc,
  advanceNs: number,
  tsc: VcpuTscView,
  rateShift: number,
): bigint | undefined {
  checkU64("preemptionTimerDelta", "guestDeadline", guestDeadline);
  checkU64("preemptionTimerDelta", "hostTsc", hostTsc);
  checkU32("preemptionTimerDelta", "advanceNs", advanceNs);
  checkInteger("preemptionTimerDelta", "rateShift", rateShift, 0, 31);
  return deltaOf(guestDeadline, hostTsc, tsc.nsToCycles(BigInt(advanceNs)), tsc, deltaScale(tsc, rateShift));
}

/**
 * The host TSC at which a counter loaded at `entryTsc` reaches 0: it steps at multiples of 2^rateShift, so it runs out
 * up to 2^rateShift − 1 cycles early (SDM vol 3C 25.5.1, docs/model/hv-timer §1). A value of 0 exits at the entry.
 * Wraps at 64 bits.
 *
 * @param entryTsc - host TSC at the entry, u64.
 * @param value - the counter, u32.
 * @param rateShift - 0 … 31.
 * @returns host TSC of the exit, u64.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * preemptionTimerExpiry(1_000n, 100, 5) // => 4192n
 */
export function preemptionTimerExpiry(entryTsc: HostTsc, value: number, rateShift: number): HostTsc {
  checkU64("preemptionTimerExpiry", "entryTsc", entryTsc);
  checkU32("preemptionTimerExpiry", "value", value);
  checkInteger("preemptionTimerExpiry", "rateShift", rateShift, 0, 31);
  if (value === 0) return entryTsc;
  const step = STEPS[rateShift] as bigint;
  const stepped = U(64, U(64, entryTsc) & U(64, 0n - step));
  return U(64, stepped + U(64, u32ToBigint(value) * step)) as HostTsc;
}

/**
 * Whether KVM uses the preemption timer at this host frequency: its longest count, which stands for "no deadline", must
 * last ten seconds (`vmx_hardware_setup`, docs/model/hv-timer §2). At 2.5 GHz from a rate shift of 3 on.
 *
 * @param tscKhz - host frequency, u32; 0 when unknown, taken as 5 GHz.
 * @param rateShift - 0 … 31.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * preemptionTimerUsable(2_500_000, 2) // => false
 * @example
 * preemptionTimerUsable(2_500_000, 3) // => true
 */
export function preemptionTimerUsable(tscKhz: number, rateShift: number): boolean {
  checkU32("preemptionTimerUsable", "tscKhz", tscKhz);
  checkInteger("preemptionTimerUsable", "rateShift", rateShift, 0, 31);
  const hz = tscKhz === 0 ? UNKNOWN_TSC_HZ : tscKhz * 1000;
  return Math.floor(hz / 2 ** rateShift) <= MAX_TICKS_PER_SECOND;
}
