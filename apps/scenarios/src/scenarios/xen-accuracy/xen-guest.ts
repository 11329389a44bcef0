import type { GuestTsc, KvmclockNs } from "@chronovisor/clocksource";
import { GuestPvclock, PVCLOCK_TSC_STABLE_BIT } from "@chronovisor/pvclock";
import {
  HYPERVISOR_SET_TIMER_OP,
  type HypercallRegisters,
  SHARED_INFO_LAYOUTS,
} from "@chronovisor/xen-timer";
import type { Host } from "../../machine/host/host.js";

/** The event channel the guest bound VIRQ_TIMER to. */
export const VIRQ_TIMER_PORT = 13;
const LAYOUT = SHARED_INFO_LAYOUTS["64-bit"];
const WORD_BYTES = LAYOUT.wordBits / 8;
/** `evtchn_upcall_pending`, the first byte of `vcpu_info`. */
const UPCALL_PENDING = 0;
/** The longest a timer may keep its guest waiting before the model is taken to have lost it. */
const PATIENCE_NS = 3_600_000_000_000n;

const NO_REGISTERS: HypercallRegisters = {
  rax: 0n,
  rbx: 0n,
  rcx: 0n,
  rdx: 0n,
  rsi: 0n,
  rdi: 0n,
  rbp: 0n,
  r8: 0n,
  r9: 0n,
  r10: 0n,
};

/** What a guest runs on: what it shares with its host, and its way there and back. */
export interface XenGuestSurroundings {
  readonly host: Host;
  readonly sharedInfo: Uint8Array;
  readonly vcpuInfo: Uint8Array;
  /** Where its clock is published. */
  readonly timeInfo: Uint8Array;
  readonly rdtsc: () => GuestTsc;
  readonly hypercall: (registers: HypercallRegisters) => void;
  /** The host's last work before the guest runs. */
  readonly enter: () => void;
}

/** A 64-bit Xen guest of one vCPU: what its kernel does for a timer. */
export class XenGuest {
  readonly #pvclock: GuestPvclock = new GuestPvclock({ trustedFlags: PVCLOCK_TSC_STABLE_BIT });
  readonly #around: XenGuestSurroundings;
  #isKicked = false;
  /** The flow of the timer that was set last. */
  #flow: { readonly flow?: number } = {};

  constructor(surroundings: XenGuestSurroundings) {
    this.#around = surroundings;
  }

  /** The guest's clock, from the page its host published. */
  clockNs(): KvmclockNs {
    const { timeInfo, rdtsc } = this.#around;
    const ns = this.#pvclock.read(timeInfo, rdtsc);
    if (ns === undefined) throw new Error("xen-accuracy: the guest found its clock half written");
    return ns;
  }

  /** `set_timer_op`: an event when the guest's clock reads `absNs`. */
  setTimer(absNs: bigint): void {
    const { hypercall, enter, host } = this.#around;
    const { trace } = host;
    if (trace !== undefined) {
      this.#flow = { flow: trace.nextFlow() };
      trace.emit({ kind: "xen-set-timer", at: trace.now, vcpu: 0, deadlineNs: absNs, ...this.#flow });
    }
    hypercall({ ...NO_REGISTERS, rax: BigInt(HYPERVISOR_SET_TIMER_OP), rdi: absNs });
    enter();
  }

  /** Does something else for so long. */
  work(ns: bigint): void {
    const { host } = this.#around;
    host.engine.spend(host.cycles(ns));
  }

  /** Halts until an event comes, and takes it. */
  waitForEvent(): void {
    const { host } = this.#around;
    const arrived = (): boolean => {
      if (this.#isKicked) {
        this.#isKicked = false;
        this.#around.enter();
      }
      return this.#around.vcpuInfo[UPCALL_PENDING] !== 0;
    };
    const limit = host.tscAt(host.trueNs(host.engine.now) + PATIENCE_NS);
    if (!arrived() && !host.engine.runUntilDone(arrived, limit)) {
      throw new Error("xen-accuracy: the guest waits for an event that never comes");
    }
    this.#takeEvent();
  }

  /** Its vCPU is woken, or made to leave the guest. */
  kick(): void {
    const { trace } = this.#around.host;
    trace?.emit({ kind: "kick", at: trace.now, vcpu: 0, ...this.#flow });
    this.#isKicked = true;
  }

  /** Upcall flag, selector and pending bits are cleared in the order the interface asks for. */
  #takeEvent(): void {
    const { sharedInfo, vcpuInfo } = this.#around;
    const word = LAYOUT.evtchnPending + WORD_BYTES * Math.floor(VIRQ_TIMER_PORT / LAYOUT.wordBits);
    vcpuInfo[UPCALL_PENDING] = 0;
    vcpuInfo.fill(0, LAYOUT.pendingSelector, LAYOUT.pendingSelector + WORD_BYTES);
    sharedInfo.fill(0, word, word + WORD_BYTES);
  }
}
