import type { HostTsc } from "@chronovisor/clocksource";
import type { HostCounter } from "./host-counter.js";

/** A counter of the chipset that a host may keep its time by. */
export interface ChipsetCounter {
  readonly name: string;
  readonly hz: bigint;
  readonly bits: 24 | 32;
}

/** The high-precision event timer, as most chipsets have it. */
export const HPET: ChipsetCounter = { name: "hpet", hz: 14_318_180n, bits: 32 };
/** The ACPI power-management timer. */
export const ACPI_PM: ChipsetCounter = { name: "acpi_pm", hz: 3_579_545n, bits: 24 };

/** What tells one turn of a counter that wraps from the next. */
export interface ChipsetClockSurroundings {
  /** The axis. */
  readonly now: () => HostTsc;
  /** What it read when the timekeeper last accumulated, less than a turn ago. */
  readonly lastCount: () => bigint;
}

/** A chipset counter on the axis: it counts at its own frequency and wraps at its own width. */
export class ChipsetClock implements HostCounter {
  readonly mask: bigint;
  readonly #hz: bigint;
  readonly #tscHz: bigint;
  readonly #around: ChipsetClockSurroundings;

  /**
   * @param counter - frequency and width.
   * @param tscHz - the TSC's actual frequency.
   * @param around - see {@link ChipsetClockSurroundings}.
   */
  constructor(counter: ChipsetCounter, tscHz: bigint, around: ChipsetClockSurroundings) {
    this.mask = (1n << BigInt(counter.bits)) - 1n;
    this.#hz = counter.hz;
    this.#tscHz = tscHz;
    this.#around = around;
  }

  read(tsc: HostTsc): bigint {
    return this.#counted(tsc) & this.mask;
  }

  /** `count` counts on past the width from the last accumulation; now if it is reached. */
  firstTscAt(count: bigint): HostTsc {
    const now = this.#around.now();
    const last = this.#around.lastCount();
    const counted = this.#counted(now);
    const sinceLast = (counted - last) & this.mask;
    const target = counted - sinceLast + (count - last);
    if (target <= counted) return now;
    return ((target * this.#tscHz + this.#hz - 1n) / this.#hz) as HostTsc;
  }

  #counted(tsc: HostTsc): bigint {
    return (tsc * this.#hz) / this.#tscHz;
  }
}
