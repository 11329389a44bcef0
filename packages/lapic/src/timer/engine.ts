import type { HostClock, MonotonicNs, VcpuTscView } from "@chronovisor/clocksource";
import type { Timer } from "@chronovisor/hrtimer";
import type { PreemptionTimerPort } from "../preemption/preemption-timer-port.js";
import { TimerAdvance } from "./advance.js";
import { type AdvanceWait, waitForDeadline } from "./advance-wait.js";
import { TimerBackends } from "./backends.js";
import type { LapicTimerBehaviours } from "./behaviours.js";
import { DeadlineTimer } from "./deadline-timer.js";
import type { ExpirySource, LapicTimerEvents } from "./events.js";
import { createFields, type TimerFields } from "./fields.js";
import type { LapicTimerConfig, LapicTimerOptions } from "./options.js";
import { TIMER_MODE_ONE_SHOT, TIMER_MODE_PERIODIC, TIMER_MODE_TSC_DEADLINE } from "./registers.js";
import { completeBehaviours, rulesOf, type TimerRules } from "./rules.js";
import type { LapicTimerVcpu } from "./vcpu.js";

/**
 * What happens when the timer expires, whichever backend notices: pending, posting, injection, the advance of a
 * periodic timer, the wait before entry (`apic_timer_expired`, `apic_timer_fn`, `kvm_lapic_expired_hv_timer`,
 * docs/model/lapic §7.9). The registers are LapicTimer's.
 */
export class TimerEngine {
  readonly behaviours: LapicTimerBehaviours;
  readonly fields: TimerFields = createFields();
  readonly rules: TimerRules;
  readonly advance: TimerAdvance;
  readonly hrtimer: Timer;
  readonly backends: TimerBackends;
  readonly deadline: DeadlineTimer;
  readonly hv: PreemptionTimerPort | undefined;
  readonly #clock: HostClock;
  readonly #tsc: VcpuTscView;
  readonly #vcpu: LapicTimerVcpu;
  readonly #events: Partial<LapicTimerEvents>;
  readonly #onTune: ((deltaCycles: bigint) => void) | undefined;

  constructor(options: LapicTimerOptions, config: LapicTimerConfig) {
    const { clock, tsc, vcpu, createTimer, preemptionTimer, events = {} } = options;
    this.behaviours = completeBehaviours(options.behaviours ?? {});
    this.rules = rulesOf(this.behaviours);
    this.advance = options.sharedAdvance ?? new TimerAdvance(config.advance, this.behaviours.advance);
    this.hv = preemptionTimer;
    this.#clock = clock;
    this.#tsc = tsc;
    this.#vcpu = vcpu;
    this.#events = events;
    this.#onTune = events.onTune && ((delta) => events.onTune?.(this.advance.ns, delta));
    this.hrtimer = createTimer((timer) => this.#onHrtimer(timer) as MonotonicNs | undefined);
    const { deadlineClock } = this.behaviours;
    const { rateThresholdPpb } = config;
    this.deadline = new DeadlineTimer(
      "LapicTimer",
      deadlineClock,
      rateThresholdPpb,
      options,
      this.hrtimer,
      () => this.#onDeadline(),
    );
    this.backends = new TimerBackends({
      fields: this.fields,
      clock,
      tsc,
      hrtimer: this.hrtimer,
      deadline: this.deadline,
      hv: preemptionTimer,
      vcpu,
      rules: this.rules,
      advance: this.advance,
      events,
      expire: (source) => this.#expire(source),
      advancePeriod: () => this.#advancePeriod(),
    });
  }

  expiredHvTimer(): void {
    const { fields } = this;
    if (!fields.hvInUse) return;
    this.#expire("preemption-timer");
    this.hv?.cancel();
    fields.hvInUse = false;
    if (fields.mode !== TIMER_MODE_PERIODIC || fields.period === 0n) return;
    this.#advancePeriod();
    this.backends.restart("start", "preemption-timer");
  }

  injectPending(): void {
    if (this.fields.pending === 0) return;
    this.#inject();
    this.fields.pending = 0;
  }

  /** Forgets the expired deadline and waits for it. */
  takeWait(): AdvanceWait {
    const deadline = this.fields.expiredTsc;
    this.fields.expiredTsc = 0n;
    return waitForDeadline(
      deadline,
      this.advance,
      this.behaviours.advance,
      this.rules.waitUnit,
      this.#clock,
      this.#tsc,
      this.#onTune,
    );
  }

  #onHrtimer(timer: Timer): bigint | undefined {
    const { fields } = this;
    if (fields.mode === TIMER_MODE_TSC_DEADLINE) return this.#onDeadline();
    this.#expire("callback");
    if (fields.mode !== TIMER_MODE_PERIODIC) return undefined;
    if (fields.period === 0n && this.rules.zeroPeriodStops) {
      this.#events.onWarn?.({ kind: "zero-period-callback" });
      return undefined;
    }
    this.#advancePeriod();
    const expiresNs = this.rules.rearm(timer, fields);
    this.#events.onArm?.({ backend: "hrtimer", clock: "monotonic", expiresNs });
    return expiresNs;
  }

  #onDeadline(): bigint | undefined {
    const { outcome, expiresNs } = this.backends.recheck();
    if (outcome === "expired") this.#expire("callback");
    return expiresNs;
  }

  #advancePeriod(): void {
    const { fields } = this;
    this.rules.advancePeriodic(fields, this.#clock, this.#tsc);
    this.#events.onAdvance?.(fields.target, fields.tscDeadline);
  }

  #expire(source: ExpirySource): void {
    const { fields } = this;
    if (fields.pending !== 0) {
      this.#events.onExpire?.({ source, outcome: "coalesced" });
      return;
    }
    if (fields.mode === TIMER_MODE_TSC_DEADLINE || fields.hvInUse) fields.expiredTsc = fields.tscDeadline;
    const vcpu = this.#vcpu;
    if (source !== "callback" && vcpu.apicvActive && vcpu.wantsToRun) {
      this.#inject();
      this.#events.onExpire?.({ source, outcome: "injected" });
      return;
    }
    if (this.backends.canPost && vcpu.inGuestMode) {
      if (fields.expiredTsc !== 0n && this.advance.ns !== 0) vcpu.spin(this.takeWait());
      this.#inject();
      this.#events.onExpire?.({ source, outcome: "posted" });
      return;
    }
    fields.pending = 1;
    vcpu.requestUnblock();
    if (source === "callback") vcpu[this.rules.placement.notify]();
    this.#events.onExpire?.({ source, outcome: "pending" });
  }

  #inject(): void {
    const { fields } = this;
    const accepted = this.#vcpu.deliver(fields.lvtt);
    this.#events.onInject?.(fields.lvtt, accepted);
    // A one-shot or deadline is over once injected, not once expired: until then the deadline can be read back.
    if (fields.mode === TIMER_MODE_TSC_DEADLINE) {
      fields.tscDeadline = 0n;
    } else if (fields.mode === TIMER_MODE_ONE_SHOT) {
      fields.tscDeadline = 0n;
      fields.target = 0n;
    }
  }
}
