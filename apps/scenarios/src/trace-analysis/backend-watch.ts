/** Which backend a vCPU's LAPIC timer ran on. */
export interface BackendFindings {
  /** Armings of each. */
  readonly hv: number;
  readonly sw: number;
  readonly hvToSw: number;
  readonly swToHv: number;
}

/** Follows `kvm_hv_timer_state` of one vCPU: 1 is the preemption timer, 0 an hrtimer. */
export class BackendWatch {
  #last: "hv" | "sw" | undefined;
  #hv = 0;
  #sw = 0;
  #hvToSw = 0;
  #swToHv = 0;

  armed(backend: "hv" | "sw"): void {
    if (backend === "hv") this.#hv += 1;
    else this.#sw += 1;
    if (this.#last === "hv" && backend === "sw") this.#hvToSw += 1;
    if (this.#last === "sw" && backend === "hv") this.#swToHv += 1;
    this.#last = backend;
  }

  findings(): BackendFindings {
    return { hv: this.#hv, sw: this.#sw, hvToSw: this.#hvToSw, swToHv: this.#swToHv };
  }
}
