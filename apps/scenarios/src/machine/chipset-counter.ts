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

/** A chipset counter on the axis: it counts at its own frequency and wraps at its own width. */
export class ChipsetClock implements HostCounter {
  readonly mask: bigint;
  readonly #hz: bigint;
  readonly #tscHz: bigint;
  readonly #now: () => HostTsc;

  /**
   * @param counter - frequency and width.
   * @param tscHz - the TSC's actual frequency.
   * @param now - the axis.
   */
  constructor(counter: ChipsetCounter, tscHz: bigint, now: () => HostTsc) {
    this.mask = (1n << BigInt(counter.bits)) - 1n;
    this.#hz = counter.hz;
    this.#tscHz = tscHz;
    this.#now = now;
  }

  read(tsc: HostTsc): bigint {
    return this.#counted(tsc) & this.mask;
  }

  firstTscAt(count: bigint): HostTsc {
    const now = this.#now();
    const counted = this.#counted(now);
    const left = (count - counted) & this.mask;
    if (left === 0n) return now;
    const target = counted + left;
    return ((target * this.#tscHz + this.#hz - 1n) / this.#hz) as HostTsc;
  }

  #counted(tsc: HostTsc): bigint {
    return (tsc * this.#hz) / this.#tscHz;
  }
}
