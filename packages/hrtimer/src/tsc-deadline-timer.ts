import type { HostTsc } from "@chronovisor/clocksource";
import type { ClockEventHardware } from "./clock-event-device.js";
import { checkU64 } from "./ktime.js";

/** The kernel counts TSC-deadline events in eighths of the TSC, to fit the frequency into 32 bits. */
const TSC_DIVISOR = 8n;
const HZ_PER_KHZ_DIVIDED = 125;
const MIN_TICKS = 15n;
const MAX_TICKS = 2n ** 64n - 1n;
const MAX_TSC_KHZ = Math.floor((2 ** 32 - 1) / HZ_PER_KHZ_DIVIDED);

/** What a {@link TscDeadlineTimer} is made of. */
export interface TscDeadlineTimerOptions {
  /** TSC frequency as the kernel calibrated it, 1 … 34 359 738 kHz. */
  readonly tscKhz: number;
  /** Reads the host TSC. */
  readonly tsc: () => HostTsc;
}

/** The timer as plain data. */
export interface TscDeadlineTimerState {
  readonly deadlineTsc: string | null;
}

/**
 * The host's local APIC timer in TSC-deadline mode: IA32_TSC_DEADLINE is set to the TSC now plus eight times the ticks
 * (`lapic_next_deadline`, arch/x86/kernel/apic/apic.c; docs/model/hrtimer §6.2).
 *
 * It fires when the TSC reaches `deadlineTsc`, at once if it has passed: the simulation looks at it, calls `fire` and then
 * the CPU's interrupt.
 *
 * @throws RangeError for a frequency outside 1 … 34 359 738 kHz.
 * @example
 * const timer = new TscDeadlineTimer({ tscKhz: 2_500_000, tsc: () => 1_000n });
 * timer.setNextEvent(312n) // => true
 * timer.deadlineTsc // => 3496n
 * timer.fire();
 * timer.deadlineTsc // => undefined
 */
export class TscDeadlineTimer implements ClockEventHardware {
  readonly freqHz: number;
  readonly minTicks: bigint = MIN_TICKS;
  readonly maxTicks: bigint = MAX_TICKS;
  readonly #tsc: () => HostTsc;
  #deadlineTsc: bigint | undefined;

  constructor(options: TscDeadlineTimerOptions) {
    const { tscKhz } = options;
    if (!(Number.isInteger(tscKhz) && tscKhz >= 1 && tscKhz <= MAX_TSC_KHZ)) {
      throw new RangeError(`TscDeadlineTimer: expected tscKhz from 1 to ${MAX_TSC_KHZ}, got ${tscKhz}`);
    }
    this.freqHz = tscKhz * HZ_PER_KHZ_DIVIDED;
    this.#tsc = options.tsc;
  }

  /** The TSC value it fires at; undefined while disarmed. */
  get deadlineTsc(): HostTsc | undefined {
    return this.#deadlineTsc as HostTsc | undefined;
  }

  /** @throws TypeError or RangeError unless `ticks` is a u64. */
  setNextEvent(ticks: bigint): boolean {
    checkU64("setNextEvent", "ticks", ticks, "ticks");
    // Wraps at u64, as the kernel's sum does before it reaches the MSR.
    this.#deadlineTsc = BigInt.asUintN(64, this.#tsc() + ticks * TSC_DIVISOR);
    return true;
  }

  stop(): void {
    this.#deadlineTsc = undefined;
  }

  /** The deadline was reached: hardware disarms itself before the interrupt is taken. */
  fire(): void {
    this.#deadlineTsc = undefined;
  }

  /** The timer as plain data. */
  state(): TscDeadlineTimerState {
    return { deadlineTsc: this.#deadlineTsc?.toString() ?? null };
  }

  /** Restores a timer. @throws as the constructor, RangeError for a deadline that is no u64. */
  static fromState(options: TscDeadlineTimerOptions, state: TscDeadlineTimerState): TscDeadlineTimer {
    const timer = new TscDeadlineTimer(options);
    if (state.deadlineTsc === null) return timer;
    const deadline = BigInt(state.deadlineTsc);
    checkU64("fromState", "deadlineTsc", deadline, "cycles");
    timer.#deadlineTsc = deadline;
    return timer;
  }
}
