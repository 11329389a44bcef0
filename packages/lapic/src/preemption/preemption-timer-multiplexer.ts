import type { GuestTsc, HostTsc } from "@chronovisor/clocksource";
import { checkU64 } from "../arguments.js";
import type { PreemptionTimer } from "./preemption-timer.js";
import type { PreemptionTimerPort, PreemptionTimerResult } from "./preemption-timer-port.js";

/** Whose deadline a multiplexed preemption timer serves. */
export type MultiplexedTimer = "lapic" | "nested";

/** JSON form of a {@link PreemptionTimerMultiplexer}: host TSC each, decimal, null when not armed. */
export interface PreemptionTimerMultiplexerState {
  readonly lapic: string | null;
  readonly nested: string | null;
}

/** One share: it keeps its own deadline, and asks for the earlier of both to be programmed. */
class Share implements PreemptionTimerPort {
  readonly #timer: PreemptionTimer;
  readonly #program: () => void;
  deadline: HostTsc | undefined;

  constructor(timer: PreemptionTimer, program: () => void) {
    this.#timer = timer;
    this.#program = program;
  }

  set(guestDeadline: GuestTsc, advanceNs: number): PreemptionTimerResult {
    const result = this.#timer.set(guestDeadline, advanceNs);
    if (result !== "out-of-range") {
      this.deadline = this.#timer.deadline;
      this.#program();
    }
    return result;
  }

  cancel(): void {
    this.deadline = undefined;
    this.#program();
  }
}

/**
 * One preemption timer for the LAPIC timer and a nested preemption timer both: each has a port to arm and disarm as if it
 * were alone, and the earlier of the two deadlines is programmed (docs/model/timekeeping-ntp §8, M6; no release has it).
 * The entries of the vCPU, L1's or L2's, are the timer's own `loadAtEntry`. It keeps its own state; restore it beside.
 *
 * @example
 * const tscNow = { monotonicNs: () => 0n, tsc: () => 1_000n, sample: () => ({ monotonicNs: 0n, tsc: 1_000n }) };
 * const l1View = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 1_000_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const hardware = new PreemptionTimer({ clock: tscNow, tsc: l1View, rateShift: 5 });
 * const shared = new PreemptionTimerMultiplexer(hardware);
 * shared.lapic.set(9_000n, 0) // => 'armed'
 * shared.nested.set(5_000n, 0) // => 'armed'
 * hardware.deadline // => 5000n
 * shared.earliest() // => [ 'nested' ]
 * shared.nested.cancel();
 * hardware.deadline // => 9000n
 */
export class PreemptionTimerMultiplexer {
  /** The LAPIC timer's. */
  readonly lapic: PreemptionTimerPort;
  /** The nested preemption timer's. */
  readonly nested: PreemptionTimerPort;
  readonly #timer: PreemptionTimer;
  readonly #shares: Readonly<Record<MultiplexedTimer, Share>>;

  constructor(timer: PreemptionTimer) {
    const program = (): void => this.#program();
    this.#timer = timer;
    this.#shares = { lapic: new Share(timer, program), nested: new Share(timer, program) };
    this.lapic = this.#shares.lapic;
    this.nested = this.#shares.nested;
  }

  /** Whose deadline is programmed: those to tell of a preemption-timer exit. Both when they are equal, none when unarmed. */
  earliest(): readonly MultiplexedTimer[] {
    const { lapic, nested } = this.#shares;
    const at = this.#timer.deadline;
    if (at === undefined) return [];
    const due: MultiplexedTimer[] = [];
    if (lapic.deadline === at) due.push("lapic");
    if (nested.deadline === at) due.push("nested");
    return due;
  }

  /** A JSON-safe copy. */
  state(): PreemptionTimerMultiplexerState {
    const { lapic, nested } = this.#shares;
    return { lapic: lapic.deadline?.toString() ?? null, nested: nested.deadline?.toString() ?? null };
  }

  /**
   * The multiplexer `state` was taken from, over a timer that is then programmed with the earlier deadline.
   *
   * @throws RangeError, TypeError or SyntaxError for a deadline outside u64.
   */
  static fromState(
    state: PreemptionTimerMultiplexerState,
    timer: PreemptionTimer,
  ): PreemptionTimerMultiplexer {
    const multiplexer = new PreemptionTimerMultiplexer(timer);
    for (const owner of ["lapic", "nested"] as const) {
      const decimal = state[owner];
      if (decimal === null) continue;
      const deadline = BigInt(decimal);
      checkU64("PreemptionTimerMultiplexer.fromState", owner, deadline);
      multiplexer.#shares[owner].deadline = deadline as HostTsc;
    }
    multiplexer.#program();
    return multiplexer;
  }

  #program(): void {
    const { lapic, nested } = this.#shares;
    const first = earlier(lapic.deadline, nested.deadline);
    if (first === undefined) this.#timer.cancel();
    else this.#timer.armAt(first);
  }
}

function earlier(a: HostTsc | undefined, b: HostTsc | undefined): HostTsc | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
