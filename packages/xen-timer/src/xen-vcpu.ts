import type { CreateTimer } from "@chronovisor/hrtimer";
import { checkBoolean, checkInteger, checkU32 } from "./arguments.js";
import type { XenGuestClock, XenHostClock } from "./clocks.js";
import { EFAULT, EINVAL } from "./errno.js";
import { type EventChannelEvents, EventChannels, type EventChannelsState } from "./events/event-channels.js";
import {
  decodeHypercall,
  HYPERVISOR_SCHED_OP,
  HYPERVISOR_SET_TIMER_OP,
  HYPERVISOR_VCPU_OP,
  type HypercallMode,
  type HypercallParams,
  type HypercallRegisters,
  type PrivilegeLevel,
  SCHEDOP_POLL,
  SCHEDOP_YIELD,
  setTimerTimeout,
  VCPUOP_SET_SINGLESHOT_TIMER,
  VCPUOP_STOP_SINGLESHOT_TIMER,
} from "./hypercall/abi.js";
import type { XenGuestMemory } from "./hypercall/guest-memory.js";
import { readPoll } from "./hypercall/poll.js";
import { readSingleshot } from "./hypercall/singleshot.js";
import type { XenTimerEvents } from "./timer/events.js";
import { XenTimer, type XenTimerState } from "./timer/xen-timer.js";
import type { XenVcpuPort } from "./vcpu-port.js";
import type { XenVm } from "./vm/xen-vm.js";

/** Bit 31 of RAX says a hypercall is Hyper-V's, where that is enabled. */
const HYPERV_HYPERCALL = 1n << 31n;

/** What a Xen vCPU is built from. */
export interface XenVcpuOptions {
  readonly vm: XenVm;
  /** `vcpu_idx`, which the Xen id is until it is set. */
  readonly index: number;
  readonly vcpu: XenVcpuPort;
  readonly memory: XenGuestMemory;
  readonly clock: XenHostClock;
  readonly guestClock: XenGuestClock;
  readonly createTimer: CreateTimer;
  readonly events?: Partial<XenTimerEvents & EventChannelEvents>;
}

/** A hypercall as the exit finds it. */
export interface XenHypercall {
  readonly registers: HypercallRegisters;
  readonly mode: HypercallMode;
  readonly cpl: PrivilegeLevel;
}

/** KVM_EXIT_XEN, KVM_EXIT_XEN_HCALL: what user space gets to see. Its result is applied only where RIP has not moved. */
export interface XenHypercallExit {
  readonly mode: HypercallMode;
  readonly cpl: PrivilegeLevel;
  readonly input: bigint;
  readonly params: HypercallParams;
}

/**
 * What becomes of a hypercall. `handled`: RIP moves on and RAX takes the result, 0 or a negated error number
 * (`hypercallRax`). `polling`: the vCPU sleeps until something unblocks it or the timeout passes; `endPoll` then gives the
 * result. `user-space`: the exit. `hyper-v`: not Xen's.
 */
export type XenHypercallOutcome =
  | { readonly kind: "handled"; readonly result: number }
  /** As the guest gave it, 0 for none: see `pollTimeoutJiffies`. */
  | { readonly kind: "polling"; readonly timeoutNs: bigint }
  | { readonly kind: "user-space"; readonly exit: XenHypercallExit }
  | { readonly kind: "hyper-v" };

/** JSON form of a {@link XenVcpu}. */
export interface XenVcpuState {
  readonly vcpuId: number;
  /** Whether user space set the id. */
  readonly vcpuIdSet: boolean;
  readonly timer: XenTimerState;
  readonly channels: EventChannelsState;
}

/**
 * A vCPU of a Xen guest: its hypercalls, its timer and its event channels put together (`vcpu->arch.xen`).
 *
 * What the guest gets wrong is answered with the hypercall's own error number.
 *
 * @example
 * const wallClock = { realtimeNs: () => 0n, kvmclockNs: () => 0n, epochNs: () => 0n };
 * const vm = new XenVm({ wallClock });
 * vm.mapSharedInfo(new Uint8Array(4096));
 * const xen = new XenVcpu({
 *   vm,
 *   index: 0,
 *   vcpu: { requestUnblock() {}, kick() {}, injectVector() {} },
 *   memory: { translate: () => undefined, read: () => undefined },
 *   clock: { monotonicNs: () => 50n, tsc: () => 0n, sample: () => ({ monotonicNs: 50n, tsc: 0n }) },
 *   guestClock: { kvmclockNs: () => 1_000n, vcpuClock: () => ({ nsAt: () => 1_000n }) },
 *   createTimer: () => ({ armed: false, expiresNs: 0n, start() {}, cancel: () => false }),
 * });
 * xen.timer.setAttribute({ port: 13, priority: 0xffff_ffff, expiresNs: 0n }) // => 0
 * const zero = { rax: 0n, rbx: 0n, rcx: 0n, rdx: 0n, rsi: 0n, rdi: 0n, rbp: 0n, r8: 0n, r9: 0n, r10: 0n };
 * const call = (registers) => xen.hypercall({ registers: { ...zero, ...registers }, mode: "64-bit", cpl: 0 });
 * call({ rax: 15n, rdi: 2n ** 63n }) // => { kind: 'handled', result: 0 }
 * xen.timer.expiresNs // => 100001000n
 * xen.setVcpuId(7) // => 0
 * call({ rax: 24n, rdi: 9n, rsi: 6n }) // => { kind: 'handled', result: -22 }
 */
export class XenVcpu {
  readonly timer: XenTimer;
  readonly channels: EventChannels;
  readonly #options: XenVcpuOptions;
  #vcpuId: number;
  #vcpuIdSet = false;

  /**
   * @param options - see {@link XenVcpuOptions}.
   * @param saved - a state to go on from; see {@link XenVcpu.fromState}.
   * @throws RangeError or TypeError for an index that is none.
   */
  constructor(
    options: XenVcpuOptions,
    saved?: { readonly state: XenVcpuState; readonly vcpuInfo: Uint8Array },
  ) {
    const { vm, vcpu, events = {} } = options;
    checkInteger("XenVcpu", "index", options.index, 0, vm.maxVcpus - 1);
    this.#options = options;
    this.#vcpuId = options.index;
    const channels = { vm, vcpu, events };
    this.channels = saved
      ? EventChannels.fromState(saved.state.channels, channels, saved.vcpuInfo)
      : new EventChannels(channels);
    const timer = {
      clock: options.clock,
      guestClock: options.guestClock,
      createTimer: options.createTimer,
      delivery: this.channels,
      vcpu,
      interceptHypercalls: vm.interceptHypercalls,
      behaviours: vm.behaviours,
      events,
    };
    this.timer = saved ? XenTimer.fromState(saved.state.timer, timer) : new XenTimer(timer);
  }

  /** The id a guest names this vCPU by. */
  get vcpuId(): number {
    return this.#vcpuId;
  }

  /**
   * KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID.
   *
   * @param vcpuId - u32.
   * @returns 0, or −22 (−EINVAL) at or above the VM's `maxVcpus`.
   * @throws RangeError or TypeError for anything but a u32.
   */
  setVcpuId(vcpuId: number): number {
    checkU32("XenVcpu.setVcpuId", "vcpuId", vcpuId);
    if (vcpuId >= this.#options.vm.maxVcpus) return -EINVAL;
    this.#vcpuId = vcpuId;
    this.#vcpuIdSet = true;
    return 0;
  }

  /**
   * A hypercall of this vCPU (`kvm_xen_hypercall`). To be called only where the VM intercepts hypercalls.
   *
   * @param call - see {@link XenHypercall}.
   * @throws RangeError or TypeError for a register that is no u64, an unknown mode or privilege level.
   */
  hypercall(call: XenHypercall): XenHypercallOutcome {
    const { registers, mode, cpl } = call;
    checkInteger("XenVcpu.hypercall", "cpl", cpl, 0, 3);
    const { number, params } = decodeHypercall(registers, mode);
    if (this.#options.vm.hyperVHypercalls && (registers.rax & HYPERV_HYPERCALL) !== 0n)
      return { kind: "hyper-v" };
    const outcome = cpl === 0 ? this.#dispatch(number, params, mode) : undefined;
    return outcome ?? { kind: "user-space", exit: { mode, cpl, input: number, params } };
  }

  /** Ends a poll, once the vCPU is awake again; the hypercall's result is 0. */
  endPoll(): XenHypercallOutcome {
    this.channels.endPoll();
    return handled(0);
  }

  /**
   * What the vCPU's loop does on its way into the guest: a deferred expiry is delivered, then selector bits that waited for
   * vcpu_info are handed over.
   */
  prepareEntry(): void {
    if (this.timer.hasPending) this.timer.injectPending();
    this.channels.flushPending();
  }

  /** A JSON-safe copy. The VM has its own. */
  state(): XenVcpuState {
    return {
      vcpuId: this.#vcpuId,
      vcpuIdSet: this.#vcpuIdSet,
      timer: this.timer.state(),
      channels: this.channels.state(),
    };
  }

  /**
   * The vCPU `state` was taken from, over new parts.
   *
   * @param state - what {@link state} gave.
   * @param options - the parts of the new one, the VM among them.
   * @param vcpuInfo - vcpu_info's bytes; unused when it was not registered.
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(
    state: XenVcpuState,
    options: XenVcpuOptions,
    vcpuInfo: Uint8Array = new Uint8Array(),
  ): XenVcpu {
    const fn = "XenVcpu.fromState";
    checkInteger(fn, "vcpuId", state.vcpuId, 0, options.vm.maxVcpus - 1);
    checkBoolean(fn, "vcpuIdSet", state.vcpuIdSet);
    const xen = new XenVcpu(options, { state, vcpuInfo });
    xen.#vcpuId = state.vcpuId;
    xen.#vcpuIdSet = state.vcpuIdSet;
    return xen;
  }

  /** Undefined: left to user space. */
  #dispatch(number: bigint, params: HypercallParams, mode: HypercallMode): XenHypercallOutcome | undefined {
    switch (number) {
      case HYPERVISOR_SET_TIMER_OP:
        return this.#setTimer(setTimerTimeout(params, mode));
      case HYPERVISOR_VCPU_OP:
        return this.#vcpuOp(params, mode);
      case HYPERVISOR_SCHED_OP:
        return this.#schedOp(params, mode);
      default:
        return undefined;
    }
  }

  #setTimer(timeout: bigint): XenHypercallOutcome | undefined {
    if (!this.timer.enabled) return undefined;
    if (timeout === 0n) this.timer.stop();
    else this.timer.start(timeout, "linux");
    return handled(0);
  }

  #vcpuOp(params: HypercallParams, mode: HypercallMode): XenHypercallOutcome | undefined {
    const [command, vcpuId] = [low32(params[0]), low32(params[1])];
    const starts = command === VCPUOP_SET_SINGLESHOT_TIMER;
    if (!starts && command !== VCPUOP_STOP_SINGLESHOT_TIMER) return undefined;
    if (!this.timer.enabled || !this.#routedInKernel) return undefined;
    if (vcpuId !== this.#vcpuId) return handled(-EINVAL);
    if (starts) return handled(this.#setSingleshot(params[2], mode));
    this.timer.stop();
    return handled(0);
  }

  get #routedInKernel(): boolean {
    return this.#options.vm.behaviours.xenRouting === "in-kernel" || this.#vcpuIdSet;
  }

  #setSingleshot(pointer: bigint, mode: HypercallMode): number {
    const { memory, vm } = this.#options;
    const argument = readSingleshot(memory, pointer, mode, vm.behaviours.xenArgumentCopy);
    if (argument === undefined) return -EFAULT;
    return this.timer.startSingleshot(argument.guestAbsNs, argument.flags);
  }

  #schedOp(params: HypercallParams, mode: HypercallMode): XenHypercallOutcome | undefined {
    const { vm, vcpu } = this.#options;
    const command = low32(params[0]);
    if (command !== SCHEDOP_POLL && command !== SCHEDOP_YIELD) return undefined;
    if (command === SCHEDOP_POLL && vm.evtchnSend && vm.inKernelLapic) return this.#poll(params[1], mode);
    vcpu.yield?.();
    return handled(0);
  }

  #poll(pointer: bigint, mode: HypercallMode): XenHypercallOutcome {
    const { memory, vm } = this.#options;
    const rule = vm.behaviours.xenArgumentCopy;
    const poll = readPoll(pointer, { memory, mode, rule, portLimit: vm.layout.ports });
    if (typeof poll === "number") return handled(poll);
    return this.channels.beginPoll(poll.ports) === "sleep"
      ? { kind: "polling", timeoutNs: poll.timeoutNs }
      : handled(0);
  }
}

function handled(result: number): XenHypercallOutcome {
  return { kind: "handled", result };
}

function low32(param: bigint): number {
  return Number(BigInt.asUintN(32, param));
}
