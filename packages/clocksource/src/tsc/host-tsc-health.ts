import { checkOneOf } from "../argument-checks.js";

/** What drives the host's timekeeping: its TSC, Hyper-V's TSC page, or another counter. */
export type HostClocksource = "tsc" | "hyperv-page" | "other";

const HOST_CLOCKSOURCES: readonly HostClocksource[] = ["tsc", "hyperv-page", "other"];

/** A {@link HostTscHealth} as plain JSON. */
export interface HostTscHealthState {
  readonly clocksource: HostClocksource;
  readonly markedUnstable: boolean;
}

/**
 * Whether a host trusts its time-stamp counter: one per host, shared by all its VMs. "Unstable" is sticky until reboot.
 *
 * Source: `arch/x86/kernel/tsc.c:check_tsc_unstable`, `arch/x86/kvm/x86.c:kvm_check_tsc_unstable`; docs/model/clocksource-tsc
 * §4 and §6.6.
 *
 * @example
 * const health = new HostTscHealth("tsc");
 * health.markUnstable();
 * [health.stable, health.clocksourceIsTscBased] // => [ false, true ]
 */
export class HostTscHealth {
  #clocksource: HostClocksource;
  #markedUnstable = false;

  /**
   * @param clocksource - what drives the host's timekeeping.
   * @throws RangeError for an unknown name.
   */
  constructor(clocksource: HostClocksource) {
    checkOneOf("HostTscHealth", "clocksource", clocksource, HOST_CLOCKSOURCES);
    this.#clocksource = clocksource;
  }

  /** What drives the host's timekeeping now. */
  get clocksource(): HostClocksource {
    return this.#clocksource;
  }

  set clocksource(clocksource: HostClocksource) {
    checkOneOf("HostTscHealth.clocksource", "clocksource", clocksource, HOST_CLOCKSOURCES);
    this.#clocksource = clocksource;
  }

  /** Whether KVM may derive guest clocks from one TSC reading. */
  get clocksourceIsTscBased(): boolean {
    return this.#clocksource !== "other";
  }

  /** Whether KVM relies on the TSC. On Hyper-V's TSC page it does although the TSC itself is flagged unstable. */
  get stable(): boolean {
    return !this.#markedUnstable || this.#clocksource === "hyperv-page";
  }

  /** Flags the TSC unstable, for good. The clocksource is not changed: reselection is the timekeeper's. */
  markUnstable(): void {
    this.#markedUnstable = true;
  }

  /** The whole state, as plain JSON. */
  state(): HostTscHealthState {
    return { clocksource: this.#clocksource, markedUnstable: this.#markedUnstable };
  }

  /**
   * A health record that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @returns a record equal to the saved one.
   * @throws RangeError for an unknown clocksource.
   */
  static fromState(state: HostTscHealthState): HostTscHealth {
    const health = new HostTscHealth(state.clocksource);
    health.#markedUnstable = state.markedUnstable;
    return health;
  }
}
