import type { KvmclockNs, RealtimeNs } from "@chronovisor/clocksource";
import { checkBoolean, checkInteger, checkOneOf, checkU64 } from "../arguments.js";
import { completeBehaviours, type XenTimerBehaviours } from "../behaviours.js";
import { EINVAL } from "../errno.js";
import { GuestArea, type GuestAreaState } from "./guest-area.js";
import {
  SHARED_INFO_BYTES,
  SHARED_INFO_LAYOUTS,
  type SharedInfoLayout,
  type XenLayout,
} from "./shared-info-layout.js";
import { writeXenWallClock } from "./wall-clock.js";

/** Vectors below are the processor's own. */
const FIRST_INTERRUPT_VECTOR = 0x10;

/** What the wall clock is computed from. */
export interface XenWallClockSource {
  /** CLOCK_REALTIME now. */
  realtimeNs(): RealtimeNs;
  /** KVM's reading of the guest clock now (`get_kvmclock_ns`). */
  kvmclockNs(): KvmclockNs;
  /** CLOCK_REALTIME at which the guest clock was 0, u64, from one read of the TSC (`kvm_get_wall_clock_epoch`). */
  epochNs(): bigint;
}

/** What a VM with Xen emulation is built from. */
export interface XenVmOptions {
  readonly wallClock: XenWallClockSource;
  /** KVM_REQ_MASTERCLOCK_UPDATE to every vCPU: the guest clock is referenced anew. */
  readonly requestMasterClockUpdate?: () => void;
  /** KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL; on by default. */
  readonly interceptHypercalls?: boolean;
  /** KVM_XEN_HVM_CONFIG_EVTCHN_SEND; on by default. Without it polls are yields. */
  readonly evtchnSend?: boolean;
  /** Whether local APICs are in the kernel; they are by default. Without them polls are yields. */
  readonly inKernelLapic?: boolean;
  /** Whether Hyper-V hypercalls are enabled too; not by default. They win. */
  readonly hyperVHypercalls?: boolean;
  /** KVM_MAX_VCPUS, above every vCPU id; 1024 by default. */
  readonly maxVcpus?: number;
  /** The newest kernel's values where it says nothing. */
  readonly behaviours?: Partial<XenTimerBehaviours>;
}

/** JSON form of a {@link XenVm}. */
export interface XenVmState {
  readonly layout: XenLayout;
  readonly upcallVector: number;
  readonly runstateUpdateFlag: boolean;
  readonly sharedInfo: GuestAreaState;
}

/**
 * What Xen emulation keeps per VM: its configuration, the latched layout, the shared page with its wall clock, and the
 * VM-wide upcall vector (`kvm->arch.xen`).
 *
 * @example
 * const wallClock = { realtimeNs: () => 0n, kvmclockNs: () => 0n, epochNs: () => 1_700_000_000_000_000_000n };
 * const vm = new XenVm({ wallClock });
 * vm.setLongMode("64-bit");
 * vm.mapSharedInfo(new Uint8Array(4096));
 * readXenWallClock(vm.sharedInfo, vm.layout).sec // => 1700000000n
 * vm.layout.ports // => 4096
 */
export class XenVm {
  readonly behaviours: XenTimerBehaviours;
  readonly interceptHypercalls: boolean;
  readonly evtchnSend: boolean;
  readonly inKernelLapic: boolean;
  readonly hyperVHypercalls: boolean;
  readonly maxVcpus: number;
  /** The shared page. The host takes it away with `invalidate`; only who may sleep brings it back. */
  readonly sharedInfo: GuestArea = new GuestArea("shared_info", SHARED_INFO_BYTES);
  readonly #options: XenVmOptions;
  #longMode: XenLayout = "32-bit";
  #upcallVector = 0;
  #runstateUpdateFlag = false;

  /** @throws RangeError or TypeError for an option outside its domain. */
  constructor(options: XenVmOptions) {
    const fn = "XenVm";
    this.#options = options;
    this.behaviours = completeBehaviours(fn, options.behaviours ?? {});
    this.interceptHypercalls = options.interceptHypercalls ?? true;
    this.evtchnSend = options.evtchnSend ?? true;
    this.inKernelLapic = options.inKernelLapic ?? true;
    this.hyperVHypercalls = options.hyperVHypercalls ?? false;
    this.maxVcpus = options.maxVcpus ?? 1024;
    checkBoolean(fn, "interceptHypercalls", this.interceptHypercalls);
    checkBoolean(fn, "evtchnSend", this.evtchnSend);
    checkBoolean(fn, "inKernelLapic", this.inKernelLapic);
    checkBoolean(fn, "hyperVHypercalls", this.hyperVHypercalls);
    checkInteger(fn, "maxVcpus", this.maxVcpus, 1, 2 ** 31 - 1);
  }

  /** The layout in force: the VM's, whatever mode a vCPU makes its hypercall in. */
  get layout(): SharedInfoLayout {
    return SHARED_INFO_LAYOUTS[this.#longMode];
  }

  /** Which of the two layouts it is (`long_mode`). */
  get longMode(): XenLayout {
    return this.#longMode;
  }

  /** The VM-wide upcall vector, 0 for none: an ExtINT-like line, see `EventChannels.upcallAsserted`. */
  get upcallVector(): number {
    return this.#upcallVector;
  }

  /** Whether runstate areas are written under the update flag. */
  get runstateUpdateFlag(): boolean {
    return this.#runstateUpdateFlag;
  }

  /**
   * KVM_XEN_ATTR_TYPE_LONG_MODE. With the page mapped the wall clock is written again, unless the kernel is an old one.
   *
   * @param longMode - the layout to latch.
   * @throws RangeError for another word.
   */
  setLongMode(longMode: XenLayout): void {
    checkOneOf("XenVm.setLongMode", "longMode", longMode, ["32-bit", "64-bit"]);
    this.#longMode = longMode;
    this.#rewriteWallClock();
  }

  /**
   * A vCPU wrote the MSR that places the hypercall page: its mode is latched, and a change of mode moves the wall clock.
   *
   * @param mode - whether the vCPU was in long mode.
   * @throws RangeError for another word.
   */
  latchAtHypercallPage(mode: XenLayout): void {
    checkOneOf("XenVm.latchAtHypercallPage", "mode", mode, ["32-bit", "64-bit"]);
    if (mode === this.#longMode) return;
    this.#longMode = mode;
    this.#rewriteWallClock();
  }

  /**
   * KVM_XEN_ATTR_TYPE_UPCALL_VECTOR.
   *
   * @param vector - 0 for none, u8.
   * @returns 0, or −22 (−EINVAL) for a vector in 1 … 15.
   * @throws RangeError or TypeError for anything but a u8.
   */
  setUpcallVector(vector: number): number {
    checkInteger("XenVm.setUpcallVector", "vector", vector, 0, 255);
    if (!upcallVectorAccepted(vector)) return -EINVAL;
    this.#upcallVector = vector;
    return 0;
  }

  /**
   * KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG.
   *
   * @param flag - whether areas are written under the flag.
   * @throws RangeError for another word.
   */
  setRunstateUpdateFlag(flag: "on" | "off"): void {
    checkOneOf("XenVm.setRunstateUpdateFlag", "flag", flag, ["on", "off"]);
    this.#runstateUpdateFlag = flag === "on";
  }

  /**
   * Maps the shared page, writes the wall clock into it, and references the guest clock anew (until v7.3). The wall clock
   * stays as written, whatever steps the host's clock makes.
   *
   * @param page - its 4096 bytes.
   * @throws RangeError or TypeError for anything but so many bytes.
   */
  mapSharedInfo(page: Uint8Array): void {
    this.sharedInfo.activate(page);
    this.#initSharedInfo();
  }

  /** The page's number or address is set to none: deliveries block, and what is pending at the next entry is lost. */
  unmapSharedInfo(): void {
    this.sharedInfo.deactivate();
  }

  /** A JSON-safe copy; the page's bytes are the guest's memory. */
  state(): XenVmState {
    return {
      layout: this.#longMode,
      upcallVector: this.#upcallVector,
      runstateUpdateFlag: this.#runstateUpdateFlag,
      sharedInfo: this.sharedInfo.state(),
    };
  }

  /**
   * A VM as `state` found one. Nothing is written: the page holds its wall clock.
   *
   * @param state - what {@link state} gave.
   * @param options - the parts of the new VM.
   * @param page - the shared page's bytes; unused when none was mapped.
   * @throws RangeError or TypeError for a state outside its domain, or a page that is missing.
   */
  static fromState(state: XenVmState, options: XenVmOptions, page: Uint8Array = new Uint8Array()): XenVm {
    const fn = "XenVm.fromState";
    const vm = new XenVm(options);
    checkOneOf(fn, "layout", state.layout, ["32-bit", "64-bit"]);
    checkInteger(fn, "upcallVector", state.upcallVector, 0, 255);
    checkBoolean(fn, "runstateUpdateFlag", state.runstateUpdateFlag);
    if (!upcallVectorAccepted(state.upcallVector)) {
      throw new RangeError(`${fn}: expected upcallVector 0 or in 16 … 255, got ${state.upcallVector}`);
    }
    vm.#longMode = state.layout;
    vm.#upcallVector = state.upcallVector;
    vm.#runstateUpdateFlag = state.runstateUpdateFlag;
    vm.sharedInfo.restore(state.sharedInfo, [page]);
    return vm;
  }

  #rewriteWallClock(): void {
    if (this.behaviours.xenLatch === "rewrites-wall-clock") this.#initSharedInfo();
  }

  #initSharedInfo(): void {
    // This may sleep: a page the host took away comes back.
    if (!this.sharedInfo.refresh()) return;
    writeXenWallClock(this.sharedInfo, this.layout, this.#epochNs());
    if (this.behaviours.xenMapYank === "yank") this.#options.requestMasterClockUpdate?.();
  }

  #epochNs(): bigint {
    const { wallClock } = this.#options;
    if (this.behaviours.xenWallClock === "split-reads") {
      const realtimeNs = wallClock.realtimeNs();
      // u64: a host clock before the guest clock's 0 wraps.
      return BigInt.asUintN(64, realtimeNs - wallClock.kvmclockNs());
    }
    const epochNs = wallClock.epochNs();
    checkU64("XenVm", "wallClock.epochNs()", epochNs);
    return epochNs;
  }
}

/** Whether an upcall vector attribute is taken: none, or one the local APIC can deliver. */
export function upcallVectorAccepted(vector: number): boolean {
  return vector === 0 || vector >= FIRST_INTERRUPT_VECTOR;
}
