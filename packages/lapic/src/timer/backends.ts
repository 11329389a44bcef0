import type { GuestTsc, HostClock, VcpuTscView } from "@chronovisor/clocksource";
import type { PreemptionTimerPort } from "../preemption/preemption-timer-port.js";
import type { TimerAdvance } from "./advance.js";
import type { DeadlineTimer, SoftwareTimer } from "./deadline-timer.js";
import type { ExpirySource, LapicTimerEvents, RecheckOutcome, TimerBackend } from "./events.js";
import type { TimerFields } from "./fields.js";
import { TIMER_MODE_ONE_SHOT, TIMER_MODE_PERIODIC, TIMER_MODE_TSC_DEADLINE } from "./registers.js";
import type { TimerRules } from "./rules.js";
import type { LapicTimerVcpu } from "./vcpu.js";

/** What the backends act on; the last two are the device's own. */
export interface BackendParts {
  readonly fields: TimerFields;
  readonly clock: HostClock;
  readonly tsc: VcpuTscView;
  readonly hrtimer: SoftwareTimer;
  readonly deadline: DeadlineTimer;
  readonly hv: PreemptionTimerPort | undefined;
  readonly vcpu: LapicTimerVcpu;
  readonly rules: TimerRules;
  readonly advance: TimerAdvance;
  readonly events: Partial<LapicTimerEvents>;
  readonly expire: (source: ExpirySource) => void;
  readonly advancePeriod: () => void;
}

/** What an expiry of a deadline's software timer came to, and when it runs out next. */
export interface Recheck {
  readonly outcome: RecheckOutcome;
  readonly expiresNs: bigint | undefined;
}

const EXPIRED: Recheck = { outcome: "expired", expiresNs: undefined };

/** How far a deadline is away, and which instant it is counted from, on the clock it is armed on. */
interface DeadlineDistance {
  readonly now: bigint;
  /** The advance taken off; 0 or below once due. */
  readonly ns: bigint;
  /** Guest cycles to the deadline itself. */
  readonly cycles: bigint;
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
    if (this.queued?.cancel()) this.#p.events.onDisarm?.("hrtimer");
  }

  /** The software timer that is queued: the hrtimer, or a deadline's on CLOCK_MONOTONIC_RAW. */
  get queued(): SoftwareTimer | undefined {
    const { hrtimer, deadline } = this.#p;
    if (hrtimer.armed) return hrtimer;
    return deadline.timer.armed ? deadline.timer : undefined;
  }

  armHrtimer(expiresNs: bigint): void {
    this.#arm(this.#p.hrtimer, expiresNs);
  }

  /** Arms the timer of a deadline, which may be of CLOCK_MONOTONIC_RAW. */
  armDeadline(expiresNs: bigint): void {
    this.#arm(this.#p.deadline.timer, expiresNs);
  }

  /** Starts a queued hrtimer again, from the CPU that asks; a posted timer stays where it is. */
  migrate(): boolean {
    const { queued } = this;
    if (this.canPost || queued === undefined) return false;
    const { expiresNs } = queued;
    if (!queued.cancel()) return false;
    this.#arm(queued, expiresNs);
    return true;
  }

  /** An expiry in TSC-deadline mode: where the rule looks again, it may not have been one. */
  recheck(): Recheck {
    const { deadline, tsc, advance, events } = this.#p;
    if (deadline.rule.recheck === "none") return EXPIRED;
    const { now, ns, cycles } = this.#distance();
    const outcome = deadline.recheck(cycles - tsc.nsToCycles(BigInt(advance.ns)), ns);
    if (outcome !== "restarted") return { outcome, expiresNs: undefined };
    const expiresNs = deadline.expiryAfter(now, ns);
    events.onArm?.({ backend: "hrtimer", clock: deadline.rule.base, expiresNs });
    return { outcome, expiresNs };
  }

  /** The host's timekeeper was updated: an armed deadline may have to be armed again. */
  clockUpdated(): void {
    const { deadline, fields } = this.#p;
    if (fields.mode !== TIMER_MODE_TSC_DEADLINE || !deadline.mustRearm()) return;
    const { now, ns } = this.#distance();
    // One that is due meanwhile is left to its callback, which a notifier cannot stand in for.
    this.armDeadline(deadline.expiryAfter(now, ns > 0n ? ns : 0n));
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
    const { deadline, fields, tsc } = this.#p;
    if (fields.tscDeadline === 0n || tsc.virtualTscKhz === 0) return;
    const { now, ns } = this.#distance();
    if (ns > 0n) this.armDeadline(deadline.expiryAfter(now, ns));
    else this.#p.expire("software-start");
  }

  /** Two samples, the clock's before the TSC's. */
  #distance(): DeadlineDistance {
    const { deadline, fields, tsc, clock, advance } = this.#p;
    const now = deadline.now();
    const cycles = fields.tscDeadline - tsc.readL1(clock.tsc());
    // The advance is a latency once measured, at most some µs: it is taken off unscaled, on whatever clock.
    const ns = cycles > 0n ? deadline.delayNs(cycles) - BigInt(advance.ns) : 0n;
    return { now, ns, cycles };
  }

  #arm(timer: SoftwareTimer, expiresNs: bigint): void {
    const { hrtimer, rules, events } = this.#p;
    timer.start(expiresNs, rules.placement.mode);
    const clock = timer === hrtimer ? "monotonic" : "raw";
    events.onArm?.({ backend: "hrtimer", clock, expiresNs });
  }
}
