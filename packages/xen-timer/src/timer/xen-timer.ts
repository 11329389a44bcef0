import type { KvmclockNs, MonotonicNs } from "@chronovisor/clocksource";
import { type CreateTimer, HRTIMER_MODE_ABS, HRTIMER_MODE_HARD, type Timer } from "@chronovisor/hrtimer";
import { checkInteger, checkU32, checkU64, savedS64, savedU64 } from "../arguments.js";
import type { XenTimerBehaviours } from "../behaviours.js";
import { completeBehaviours } from "../behaviours.js";
import type { XenGuestClock, XenHostClock } from "../clocks.js";
import { EINVAL, ETIME } from "../errno.js";
import type { DeliveryResult } from "../events/delivery-result.js";
import type { XenVcpuPort } from "../vcpu-port.js";
import type { XenTimerEvents } from "./events.js";
import { type Sample, sampleClocks } from "./sampling.js";
import { hostExpiry, planTimeout, type TimeoutWorkaround } from "./timeout.js";

/** The kernel's mode: absolute, in hard interrupt context. */
const MODE = HRTIMER_MODE_ABS | HRTIMER_MODE_HARD;

/** Refuse a timeout that has passed. Honoured until v6.7. */
export const VCPU_SSHOTTMR_FUTURE = 1;
/** The only priority an event of the timer can have: two-level event channels (KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL). */
export const PRIORITY_2LEVEL = 0xffff_ffff;

/** Where the timer's event goes. `EventChannels` is one. */
export interface XenTimerDelivery {
  /** From the timer's interrupt, which may not sleep. */
  deliverFast(port: number): DeliveryResult;
  /** From the vCPU's loop, which may. */
  deliver(port: number): DeliveryResult;
}

/** What a Xen timer is built from. */
export interface XenTimerOptions {
  readonly clock: XenHostClock;
  readonly guestClock: XenGuestClock;
  readonly createTimer: CreateTimer;
  readonly delivery: XenTimerDelivery;
  readonly vcpu: Pick<XenVcpuPort, "requestUnblock" | "kick">;
  /** Whether the VM intercepts hypercalls; it does by default. Without, nothing is ever pending for the vCPU's loop. */
  readonly interceptHypercalls?: boolean;
  /** The newest kernel's values where it says nothing. */
  readonly behaviours?: Partial<XenTimerBehaviours>;
  readonly events?: Partial<XenTimerEvents>;
}

/** KVM_XEN_VCPU_ATTR_TYPE_TIMER. */
export interface XenTimerAttribute {
  /** Event channel of VIRQ_TIMER, u32; 0 leaves timers to user space. */
  readonly port: number;
  /** {@link PRIORITY_2LEVEL} unless the port is 0. */
  readonly priority: number;
  /** Guest clock ns of a running timer, u64; 0 for none. */
  readonly expiresNs: bigint;
}

/** JSON form of a {@link XenTimer}. */
export interface XenTimerState {
  readonly port: number;
  readonly expiresNs: string;
  readonly pending: number;
  /** CLOCK_MONOTONIC ns the hrtimer is armed for, null when it is not. */
  readonly hrtimerExpiresNs: string | null;
}

/**
 * The one-shot timer KVM keeps for a Xen vCPU: absolute timeouts of the guest clock on an hrtimer of CLOCK_MONOTONIC,
 * delivered as VIRQ_TIMER (`xen.c`, docs/model/xen-timer §4 and §6).
 *
 * Between the two clocks lies the bug this package is about: until v6.9 KVM's own idea of the guest clock was subtracted, and
 * the host's clock read a moment later.
 *
 * @example
 * const clock = { monotonicNs: () => 7_000n, tsc: () => 0n, sample: () => ({ monotonicNs: 7_000n, tsc: 0n }) };
 * const guestClock = { kvmclockNs: () => 900n, vcpuClock: () => ({ nsAt: () => 1_000n }) };
 * const armedFor = [];
 * const createTimer = () => ({ armed: false, expiresNs: 0n, start: (ns) => armedFor.push(ns), cancel: () => false });
 * const delivery = { deliverFast: () => "raised", deliver: () => "raised" };
 * const vcpu = { requestUnblock() {}, kick() {} };
 * const timerOf = (xenStart) =>
 *   new XenTimer({ clock, guestClock, createTimer, delivery, vcpu, behaviours: { xenStart } });
 * for (const xenStart of XEN_TIMER_BEHAVIOURS.xenStart) timerOf(xenStart).start(51_000n, "none");
 * armedFor // => [ 57100n, 57000n ]
 */
export class XenTimer {
  readonly behaviours: XenTimerBehaviours;
  readonly #options: XenTimerOptions;
  readonly #events: Partial<XenTimerEvents>;
  readonly #hrtimer: Timer;
  #port = 0;
  #expires = 0n;
  #pending = 0;

  /** @throws RangeError for a behaviour no kernel has. */
  constructor(options: XenTimerOptions) {
    this.behaviours = completeBehaviours("XenTimer", options.behaviours ?? {});
    this.#options = options;
    this.#events = options.events ?? {};
    this.#hrtimer = options.createTimer(() => {
      this.#callback();
      return undefined;
    });
  }

  /** Event channel of VIRQ_TIMER; 0: the kernel handles no timer. */
  get port(): number {
    return this.#port;
  }

  /** Whether timer hypercalls are handled in the kernel. */
  get enabled(): boolean {
    return this.#port !== 0;
  }

  /** The timeout in force, guest clock ns; 0 when there is none. A timeout of 0 looks like none. */
  get expiresNs(): KvmclockNs {
    return this.#expires as KvmclockNs;
  }

  /** 1 when an expiry waits for the vCPU's loop. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether the hrtimer is queued. */
  get hrtimerArmed(): boolean {
    return this.#hrtimer.armed;
  }

  /** The instant the hrtimer was last started for; meaningful while {@link hrtimerArmed}. */
  get hrtimerExpiresNs(): MonotonicNs {
    return this.#hrtimer.expiresNs;
  }

  /** Whether the vCPU's loop must call {@link injectPending} (`kvm_xen_has_pending_timer`). */
  get hasPending(): boolean {
    return (this.#options.interceptHypercalls ?? true) && this.enabled && this.#pending !== 0;
  }

  /**
   * Starts the timer for a timeout of the guest clock; one that has passed expires inside the call. Before `fast` an old
   * hrtimer is moved, or, if the new timeout has passed, left to fire once more.
   *
   * @param guestAbsNs - guest clock ns, u64; 0 is a time in the past.
   * @param workaround - whether an absurd timeout becomes 100 ms.
   * @throws RangeError or TypeError for an argument outside its domain.
   */
  start(guestAbsNs: bigint, workaround: TimeoutWorkaround): void {
    checkU64("XenTimer.start", "guestAbsNs", guestAbsNs);
    this.#start(guestAbsNs, workaround, this.#sample());
  }

  /**
   * Starts the timer as VCPUOP_set_singleshot_timer: without workaround, and until v6.7 refusing a past timeout under
   * {@link VCPU_SSHOTTMR_FUTURE}, with the old timer left alone.
   *
   * @param guestAbsNs - guest clock ns, u64.
   * @param flags - u32.
   * @returns 0, or −62 (−ETIME).
   * @throws RangeError or TypeError for an argument outside its width.
   */
  startSingleshot(guestAbsNs: bigint, flags: number): number {
    checkU64("XenTimer.startSingleshot", "guestAbsNs", guestAbsNs);
    checkU32("XenTimer.startSingleshot", "flags", flags);
    const sample = this.#sample();
    const refusesPast = this.behaviours.xenFutureFlag === "etime" && (flags & VCPU_SSHOTTMR_FUTURE) !== 0;
    if (refusesPast && BigInt.asIntN(64, guestAbsNs - sample.guestNowNs) < 0n) return -ETIME;
    this.#start(guestAbsNs, "none", sample);
    return 0;
  }

  /** Stops the timer and forgets an expiry not yet delivered. An event already set stays set. */
  stop(): void {
    this.#hrtimer.cancel();
    this.#expires = 0n;
    this.#pending = 0;
    this.#events.onStop?.();
  }

  /** Delivers a deferred expiry; without a shared page it is lost. Nothing pending: nothing happens. */
  injectPending(): void {
    if (this.#pending === 0) return;
    const result = this.#options.delivery.deliver(this.#port);
    this.#expires = 0n;
    this.#pending = 0;
    this.#events.onInject?.(result);
  }

  /**
   * Sets the attribute, as user space does to enable the timer or to restore one: stops what runs, then starts a timeout
   * other than 0, without workaround. A past one expires inside the call.
   *
   * @param attribute - see {@link XenTimerAttribute}. A port with no room in the layout fails at delivery only.
   * @returns 0, or −22 (−EINVAL) for a port with another priority; nothing has changed then.
   * @throws RangeError or TypeError for a field outside its width.
   */
  setAttribute(attribute: XenTimerAttribute): number {
    const fn = "XenTimer.setAttribute";
    checkU32(fn, "port", attribute.port);
    checkU32(fn, "priority", attribute.priority);
    checkU64(fn, "expiresNs", attribute.expiresNs);
    if (attribute.port !== 0 && attribute.priority !== PRIORITY_2LEVEL) return -EINVAL;
    this.stop();
    this.#port = attribute.port;
    if (this.enabled && attribute.expiresNs !== 0n) this.start(attribute.expiresNs, "none");
    return 0;
  }

  /**
   * Gets the attribute. Under `fast` an expiry that was pending is delivered first and reported as none; before, it is
   * reported with its past timeout and fires again where it is restored.
   */
  getAttribute(): XenTimerAttribute {
    const settles = this.behaviours.xenDelivery === "fast" && this.#expires !== 0n;
    const hostExpires = this.#hrtimer.expiresNs;
    if (settles) {
      this.#hrtimer.cancel();
      this.injectPending();
    }
    // Delivered while it was cancelled: nothing to arm again.
    if (settles && this.#expires !== 0n) this.#hrtimer.start(hostExpires, MODE);
    return { port: this.#port, priority: PRIORITY_2LEVEL, expiresNs: this.#expires };
  }

  /** A JSON-safe copy. */
  state(): XenTimerState {
    return {
      port: this.#port,
      expiresNs: this.#expires.toString(),
      pending: this.#pending,
      hrtimerExpiresNs: this.#hrtimer.armed ? this.#hrtimer.expiresNs.toString() : null,
    };
  }

  /**
   * The timer `state` was taken from, over new parts; its hrtimer is started again if it was queued. This is a snapshot on
   * the same host's clocks: what survives a migration is {@link getAttribute}.
   *
   * @param state - what {@link state} gave.
   * @param options - the parts of the new timer.
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(state: XenTimerState, options: XenTimerOptions): XenTimer {
    const fn = "XenTimer.fromState";
    const timer = new XenTimer(options);
    checkU32(fn, "port", state.port);
    checkInteger(fn, "pending", state.pending, 0, 1);
    timer.#port = state.port;
    timer.#expires = savedU64(fn, "expiresNs", state.expiresNs);
    timer.#pending = state.pending;
    if (timer.#expires !== 0n && state.pending === 0 && state.hrtimerExpiresNs === null) {
      throw new RangeError(`${fn}: expected a timeout in force to be armed or pending, got neither`);
    }
    if (state.hrtimerExpiresNs !== null) {
      const expiresNs = savedS64(fn, "hrtimerExpiresNs", state.hrtimerExpiresNs);
      timer.#hrtimer.start(expiresNs as MonotonicNs, MODE);
    }
    return timer;
  }

  #sample(): Sample {
    return sampleClocks(this.behaviours, this.#options.clock, this.#options.guestClock);
  }

  #start(asked: bigint, workaround: TimeoutWorkaround, sample: Sample): void {
    const { guestNowNs, path } = sample;
    const plan = planTimeout({ guestAbsNs: asked, guestNowNs, workaround });
    // Only the fast path can race with the old timer's interrupt, so only it takes care.
    if (this.behaviours.xenDelivery === "fast" && this.#expires !== 0n) this.#hrtimer.cancel();
    this.#pending = 0;
    this.#expires = plan.guestAbsNs;
    const armed = plan.action === "hrtimer" ? this.#arm(sample.monotonicNs(), plan.deltaNs) : undefined;
    this.#events.onStart?.({
      guestAbsNs: plan.guestAbsNs,
      workedAround: plan.guestAbsNs !== asked,
      guestNowNs,
      deltaNs: plan.deltaNs,
      path,
      armed,
    });
    if (armed === undefined) this.#callback();
  }

  #arm(monotonicNowNs: MonotonicNs, deltaNs: bigint) {
    const expiresNs = hostExpiry(monotonicNowNs, deltaNs);
    this.#hrtimer.start(expiresNs, MODE);
    return { monotonicNowNs, expiresNs };
  }

  #callback(): void {
    if (this.#pending !== 0) {
      this.#events.onExpire?.("coalesced-with-pending");
      return;
    }
    if (this.behaviours.xenDelivery === "fast") {
      const result = this.#options.delivery.deliverFast(this.#port);
      if (result !== "would-block") {
        this.#expires = 0n;
        this.#events.onExpire?.(result);
        return;
      }
    }
    this.#pending = 1;
    this.#options.vcpu.requestUnblock();
    this.#options.vcpu.kick();
    this.#events.onExpire?.("deferred");
  }
}
