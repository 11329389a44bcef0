/**
 * What docs/model/pvclock §6 and §9 say of each event, from the parameters alone: which of the guest's three clocks its
 * reference time goes by before and after.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import { type EventId, renamedAfterNs } from "./events.js";
import type { TscEmulation } from "./migration.js";
import type { HypervPageParams } from "./params.js";

const NS_PER_MS = 1_000_000n;

/** A step of the guest's reference time, and how far that is ahead of kvmclock afterwards, ns. */
export interface PredictedStep {
  readonly step: bigint;
  readonly ahead: bigint;
}

/** The three clocks of a guest at an instant, ns. */
export class PageModel {
  readonly #params: HypervPageParams;
  readonly #axes: Readonly<Record<string, string>>;
  readonly #host: bigint;
  readonly #page: bigint;
  readonly #counter: bigint;

  constructor(params: HypervPageParams, axes: Readonly<Record<string, string>>, ns: bigint = params.age) {
    this.#params = params;
    this.#axes = axes;
    const clocks = new KvmclockArithmetic({
      hostKhz: params.hostKhz,
      guestKhz: params.guestKhz,
      fractionBits: BigInt(params.fracBits),
      guestRate: axes.guestKhz === "hz" ? "Hz" : "kHz",
    });
    const cycles = (ns * params.hostKhz) / NS_PER_MS;
    this.#host = clocks.rawNs(cycles);
    this.#page = clocks.guestNs(cycles);
    this.#counter = axes.getClock === "via-guest-tsc" ? this.#page : clocks.reckonedNs(cycles);
  }

  /** What the counter gives without a page, less what the page says. */
  get fallback(): bigint {
    return this.#counter - this.#page;
  }

  event(id: EventId): PredictedStep {
    switch (id) {
      case "named":
        return { step: this.#host - this.#counter, ahead: 0n };
      case "reference":
      case "lost":
        return { step: this.#host - this.#page, ahead: 0n };
      case "removed":
        return { step: this.fallback, ahead: this.fallback };
      case "returned":
        return { step: 0n, ahead: 0n };
      // The counter has gone on from the reference that was taken when the host was back on its TSC.
      case "renamed":
        return this.#since(renamedAfterNs(this.#params)).event("named");
    }
  }

  #since(ns: bigint): PageModel {
    return new PageModel(this.#params, this.#axes, ns);
  }

  /** The clock is set to what the counter goes by; the page follows, unless the guest counts on it as it is. */
  migration(emulation: TscEmulation): PredictedStep {
    return emulation === "on" ? { step: 0n, ahead: -this.fallback } : { step: this.fallback, ahead: 0n };
  }
}
