import { Tally, type TallySummary } from "./tally.js";

/** How well a vCPU's timer advance meets its deadlines; guest cycles, early is negative. */
export interface AdvanceFindings {
  readonly deltas: TallySummary;
  readonly first: bigint | undefined;
  readonly last: bigint | undefined;
  readonly early: number;
  /** Waits that were within 100 cycles of the deadline, where the tuning stops. */
  readonly settled: number;
}

/** `LAPIC_TIMER_ADVANCE_ADJUST_MIN` of `arch/x86/kvm/lapic.c`. */
const SETTLED_CYCLES = 100n;

/** Follows `kvm_wait_lapic_expire` of one vCPU. */
export class AdvanceWatch {
  readonly #deltas = new Tally();
  #first: bigint | undefined;
  #last: bigint | undefined;
  #early = 0;
  #settled = 0;

  waited(time: bigint, deltaCycles: bigint): void {
    this.#deltas.add(time, deltaCycles);
    this.#first ??= deltaCycles;
    this.#last = deltaCycles;
    if (deltaCycles < 0n) this.#early += 1;
    if (deltaCycles > -SETTLED_CYCLES && deltaCycles < SETTLED_CYCLES) this.#settled += 1;
  }

  findings(): AdvanceFindings {
    return {
      deltas: this.#deltas.summary(),
      first: this.#first,
      last: this.#last,
      early: this.#early,
      settled: this.#settled,
    };
  }
}
