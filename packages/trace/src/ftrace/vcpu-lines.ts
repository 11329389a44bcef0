import type { ClockEvent, VcpuEvent, VcpuState } from "../events.js";
import type { Fields } from "./template.js";

/** A tracepoint and what it says. */
export type Hit = readonly [event: string, fields: Fields];

type VcpuClockEvent = Extract<ClockEvent, { kind: "pvclock-update" | "tsc-offset" | "tsc-matched" }>;

/** Xen's `set_timer_op` (docs/model/xen-timer §3). */
const XEN_SET_TIMER_OP = 15n;

const PREEMPTION_TIMER = "PREEMPTION_TIMER";

/** Names as the kernel has them: no line break, no bar, no bracket. */
const nameOf = (text: string): string => text.replace(/[^\w .:-]/g, "_").trim() || "UNKNOWN";

/**
 * The tracepoints of one vCPU, from the events of its thread. Holds where the thread is: an exit for an interrupt of the host has no
 * event of its own, and a wake-up says how long it had waited.
 */
export class VcpuLines {
  readonly #vcpuId: bigint;
  #state: VcpuState = "host";
  #blockedAtNs = 0n;
  /** What it was told to have left the guest for, since it last entered. */
  #toldExit: string | undefined;
  #delivery: "by-thread" | "posted" = "by-thread";

  constructor(vcpu: number) {
    this.#vcpuId = BigInt(vcpu);
  }

  /** Whether the interrupt under way is posted: then it is accepted where the callback runs, not in the vCPU's thread. */
  get delivery(): "by-thread" | "posted" {
    return this.#delivery;
  }

  take(ns: bigint, event: VcpuEvent | VcpuClockEvent): readonly Hit[] {
    const vcpuId = this.#vcpuId;
    switch (event.kind) {
      case "vcpu-state":
        return this.#become(ns, event.state);
      case "vm-exit": {
        // An access that is handled at once has no state of its own: the guest went on, so it entered, before it left again.
        const reentry = this.#toldExit === undefined ? [] : [this.#entry()];
        return [...reentry, this.#exitFor(nameOf(event.reason))];
      }
      case "preemption-timer-exit":
        // The exit itself may have been told: this says that it was the timer that ran down.
        return this.#toldExit === PREEMPTION_TIMER ? [] : [this.#exitFor(PREEMPTION_TIMER)];
      case "msr-write":
        return [["kvm_msr", { access: "write", msr: BigInt(event.msr), value: event.value, exception: 0n }]];
      case "timer-armed":
        return [
          ["kvm_hv_timer_state", { vcpuId, hvTimerInUse: event.backend === "preemption-timer" ? 1n : 0n }],
        ];
      case "timer-expired":
        this.#delivery = event.outcome === "posted" ? "posted" : "by-thread";
        return [];
      case "inject": {
        const accepted: Fields = {
          apicId: vcpuId,
          vector: BigInt(event.vector),
          deliveryMode: "Fixed",
          trigger: "edge",
        };
        const byApic: Hit = ["kvm_apic_accept_irq", accepted];
        return this.#delivery === "posted" ? [byApic, ["kvm_apicv_accept_irq", accepted]] : [byApic];
      }
      case "acknowledge":
        // A posted interrupt is taken by the hardware, without a word.
        return this.#delivery === "posted"
          ? []
          : [["kvm_inj_virq", { type: "IRQ", vector: BigInt(event.vector), reinjected: 0n }]];
      case "eoi":
        return [["kvm_eoi", { apicId: vcpuId, vector: BigInt(event.vector ?? -1) }]];
      case "xen-set-timer":
        return [
          [
            "kvm_xen_hypercall",
            { cpl: 0n, nr: XEN_SET_TIMER_OP, a0: event.deadlineNs, a1: 0n, a2: 0n, a3: 0n, a4: 0n, a5: 0n },
          ],
        ];
      case "pvclock-update":
        return [
          [
            "kvm_pvclock_update",
            {
              vcpuId,
              version: BigInt(event.version),
              tscTimestamp: event.tscTimestamp,
              systemTime: event.systemTime,
              tscToSystemMul: BigInt(event.tscToSystemMul),
              tscShift: BigInt(event.tscShift),
              flags: BigInt(event.flags),
            },
          ],
        ];
      case "tsc-offset":
        return [["kvm_write_tsc_offset", { vcpuId, previousTscOffset: event.from, nextTscOffset: event.to }]];
      case "tsc-matched":
        return [
          [
            "kvm_track_tsc",
            {
              vcpuId,
              useMasterClock: event.masterClock === "on" ? 1n : 0n,
              matchedVcpus: BigInt(event.matched),
              onlineVcpus: BigInt(event.online),
              hostClock: event.clocksource,
            },
          ],
        ];
      // The kernel has no tracepoint for these: an hrtimer's own tell of its arming and callback, kvm_hv_timer_state of a switch.
      case "timer-disarmed":
      case "hrtimer-callback":
      case "hrtimer-catch-up":
      case "timer-advanced":
      case "kick":
      case "backend":
      case "note":
      case "warning":
        return [];
    }
  }

  #become(ns: bigint, state: VcpuState): readonly Hit[] {
    const was = this.#state;
    this.#state = state;
    const hits: Hit[] = [];
    if (was === "blocked" && state !== "blocked") {
      hits.push(["kvm_vcpu_wakeup", { how: "wait", ns: ns - this.#blockedAtNs, polling: "valid" }]);
    }
    if (state === "blocked" && was !== "blocked") this.#blockedAtNs = ns;
    if (was === "guest" && state !== "guest" && this.#toldExit === undefined) {
      hits.push(this.#exitFor("EXTERNAL_INTERRUPT"));
    }
    if (state === "guest" && was !== "guest") {
      hits.push(this.#entry());
      this.#toldExit = undefined;
    }
    return hits;
  }

  #entry(): Hit {
    return ["kvm_entry", { vcpuId: this.#vcpuId, rip: 0n, immediateExit: 0n }];
  }

  #exitFor(reason: string): Hit {
    this.#toldExit = reason;
    const nothing = { rip: 0n, info1: 0n, info2: 0n, intrInfo: 0n, errorCode: 0n };
    return ["kvm_exit", { vcpuId: this.#vcpuId, reason, ...nothing }];
  }
}
