import type { VcpuOptions } from "./vcpu-options.js";

/** Whether the preemption timer serves again after a block, in which an hrtimer stood in for it (docs/model/hv-timer §7). */
export class HvReturn {
  readonly #always: boolean;
  /** The guest halts on the hrtimer until an unrelated wake-up, as the page's figures assume (docs/model/scenarios-lapic §S000). */
  readonly onlyUnhalted: boolean;
  #hvBefore = false;
  #unhalted = false;

  constructor({ behaviours, preemptionTimerShift, idleModel }: VcpuOptions) {
    const { unblockToHv, hvModes } = behaviours;
    // Without a preemption timer, or a kernel that uses one, there is nothing to go back to: the hrtimer stays armed.
    const hasHv = preemptionTimerShift !== undefined && hvModes !== "none";
    this.#always = unblockToHv === "always" && hasHv;
    this.onlyUnhalted = idleModel === "software";
  }

  /** A block begins, with the preemption timer in use or not. */
  blocks(hvInUse: boolean): void {
    this.#hvBefore = hvInUse;
  }

  /** The block that goes on was ended without an interrupt. */
  unhalts(): void {
    this.#unhalted = true;
  }

  /** A block ended: whether the preemption timer takes over again. */
  unblocks(): boolean {
    const unhalted = this.#unhalted;
    this.#unhalted = false;
    return this.onlyUnhalted ? unhalted : this.#hvBefore || this.#always;
  }
}
