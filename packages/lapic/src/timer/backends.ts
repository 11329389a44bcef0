import type { GuestTsc, HostClock, MonotonicNs, VcpuTscView } from "@chronovisor/clocksource";
import type { Timer } from "@chronovisor/hrtimer";
import type { PreemptionTimer } from "../preemption/preemption-timer.js";
import type { TimerAdvance } from "./advance.js";
import type { ExpirySource, LapicTimerEvents, TimerBackend } from "./events.js";
import type { TimerFields } from "./fields.js";
import { TIMER_MODE_ONE_SHOT, TIMER_MODE_PERIODIC, TIMER_MODE_TSC_DEADLINE } from "./registers.js";
import type { TimerRules } from "./rules.js";
import { deadlineDelayNs } from "./tsc-deadline.js";
import type { LapicTimerVcpu } from "./vcpu.js";

/** What the backends act on; the last two are the device's own. */
export interface BackendParts {
  readonly fields: TimerFields;
  readonly clock: HostClock;
  readonly tsc: VcpuTscView;
  readonly hrtimer: Timer;
  readonly hv: PreemptionTimer | undefined;
  readonly vcpu: LapicTimerVcpu;
  readonly rules: TimerRules;
  readonly advance: TimerAdvance;
  readonly events: Partial<LapicTimerEvents>;
  readonly expire: (source: ExpirySource) => void;
  readonly advancePeriod: () => void;
}

/**
 * The two backends of one timer and the choice between them (`start_hv_timer`, `start_sw_timer`,
 * `restart_apic_timer`, docs/model/hv-timer §4, §7 and docs/model/lapic §7.6).
 */
export class TimerBackends {
  readonly #p: BackendParts;

  constructor(parts: BackendParts) {
    this.#p = parts;
  }

  /** The backend in use; the hrtimer when none is. */
  get inUse(): TimerBackend {
    return this.#p.fields.hvInUse ? "preemption-timer" : "hrtimer";
  }

  /**
   * Tries the preemption timer, else software. A pending one-shot or deadline is not armed again. A change from the
   * backend used `before` is reported; a deadline past at the start expires at once and changes nothing.
   */
  restart(reason: "start" | "switch", before: TimerBackend): void {
    const { fields } = this.#p;
    if (fields.mode !== TIMER_MODE_PERIODIC && fields.pending !== 0) return;
    if (!this.#startHv()) {
      this.startSw();
      // A deadline of 0 disarms; nothing was refused.
      const disarmed = fields.mode === TIMER_MODE_TSC_DEADLINE && fields.tscDeadline === 0n;
      if (before === "preemption-timer" && !disarmed) this.#p.events.onBackend?.("hrtimer", "fallback");
    } else if (before === "hrtimer" && fields.hvInUse) {
      this.#p.events.onBackend?.("preemption-timer", reason);
    }
  }

  /** Leaves the preemption timer and starts the hrtimer, unless nothing is to be armed. */
  startSw(): void {
    const { fields } = this.#p;
    this.cancelHv();
    if (fields.mode !== TIMER_MODE_PERIODIC && fields.pending !== 0) return;
    if (fields.mode === TIMER_MODE_ONE_SHOT || fields.mode === TIMER_MODE_PERIODIC) this.#startSwCount();
    else if (fields.mode === TIMER_MODE_TSC_DEADLINE) this.#startSwDeadline();
  }

  cancelHv(): void {
    const { fields, hv } = this.#p;
    if (!fields.hvInUse) return;
    hv?.cancel();
    fields.hvInUse = false;
    this.#p.events.onDisarm?.("preemption-timer");
  }

  cancelHrtimer(): void {
    const { hrtimer } = this.#p;
    if (hrtimer.armed && hrtimer.cancel()) this.#p.events.onDisarm?.("hrtimer");
  }

  armHrtimer(expiresNs: bigint): void {
    this.#p.hrtimer.start(expiresNs as MonotonicNs, this.#p.rules.placement.mode);
    this.#p.events.onArm?.({ backend: "hrtimer", expiresNs });
  }

  /** Starts a queued hrtimer again, from the CPU that asks; a posted timer stays where it is. */
  migrate(): boolean {
    const { hrtimer } = this.#p;
    if (this.canPost || !hrtimer.armed) return false;
    const expiresNs: bigint = hrtimer.expiresNs;
    if (!hrtimer.cancel()) return false;
    this.armHrtimer(expiresNs);
    return true;
  }

  /** `kvm_can_post_timer_interrupt`. */
  get canPost(): boolean {
    return this.#p.rules.placement.posts && this.#p.vcpu.canPostTimerInterrupt === true;
  }

  #startHv(): boolean {
    const { fields, hv, vcpu, rules, events } = this.#p;
    if (hv === undefined || !rules.hvServes[fields.mode] || !vcpu.canUseHvTimer || this.canPost) return false;
    // 0 means "not programmed", in every mode; a computed deadline of exactly 0 takes this way too.
    if (fields.tscDeadline === 0n) return false;
    const result = hv.set(fields.tscDeadline as GuestTsc, this.#p.advance.ns);
    if (result === "out-of-range") return false;
    fields.hvInUse = true;
    if (events.onArm !== undefined) {
      const hostDeadline: bigint = hv.deadline ?? 0n;
      events.onArm({ backend: "preemption-timer", guestDeadline: fields.tscDeadline, hostDeadline });
    }
    this.cancelHrtimer();
    // A periodic timer stays armed even when expired: the exit advances it.
    if (fields.mode !== TIMER_MODE_PERIODIC) {
      if (fields.pending !== 0) {
        this.cancelHv();
      } else if (result === "expired") {
        this.#p.expire("hv-start");
        this.cancelHv();
      }
    }
    return true;
  }

  #startSwCount(): void {
    const { fields, rules } = this.#p;
    if (fields.period === 0n) return;
    const past = this.#p.clock.monotonicNs() > fields.target;
    if (past && fields.mode === TIMER_MODE_ONE_SHOT) {
      this.#p.expire("software-start");
      return;
    }
    if (past && rules.expiresPastPeriodic) {
      this.#p.expire("software-start");
      // Exactly one step: the result may still be past, and the hrtimer then fires at once.
      this.#p.advancePeriod();
    }
    this.armHrtimer(fields.target);
  }

  #startSwDeadline(): void {
    const { fields, tsc, clock } = this.#p;
    const khz = tsc.virtualTscKhz;
    if (fields.tscDeadline === 0n || khz === 0) return;
    const now = clock.monotonicNs();
    const guest: bigint = tsc.readL1(clock.tsc());
    if (fields.tscDeadline > guest) {
      const ns = deadlineDelayNs(fields.tscDeadline, guest, khz);
      const advance = BigInt(this.#p.advance.ns);
      if (ns > advance) {
        this.armHrtimer(BigInt.asIntN(64, now + ns - advance));
        return;
      }
    }
    this.#p.expire("software-start");
  }
}
