import type { Host } from "../../machine/host/host.js";
import type { Vcpu } from "../../machine/vcpu/vcpu.js";

/** Watches the timer interrupts that a vCPU takes, by true time: a sleep of the host counts. */
export class TickWatch {
  #lastNs = 0n;
  #longestGapNs = 0n;

  constructor(host: Host, vcpu: Vcpu) {
    vcpu.apic.observer.onDelivery = () => {
      const now = host.trueNs(host.engine.now);
      const gap = now - this.#lastNs;
      if (gap > this.#longestGapNs) this.#longestGapNs = gap;
      this.#lastNs = now;
    };
  }

  /** The longest true time between two interrupts, or from the start to the first; 0 before there was one. */
  get longestGapNs(): bigint {
    return this.#longestGapNs;
  }
}
