import type { Vcpu } from "../../machine/vcpu/vcpu.js";

/** The VM's user space: what it does to vCPUs, it does while it holds them. */
export class UserSpace {
  readonly #vcpus: readonly Vcpu[];
  /** How many hold each of them. */
  readonly #holds = new Map<Vcpu, number>();

  constructor(vcpus: readonly Vcpu[]) {
    this.#vcpus = vcpus;
  }

  /** Holds a vCPU, or all of them. */
  hold(id?: number): void {
    for (const vcpu of this.#chosen(id)) {
      const holds = this.#holds.get(vcpu) ?? 0;
      this.#holds.set(vcpu, holds + 1);
      if (holds === 0) vcpu.stop();
    }
  }

  /** Ends one {@link hold} of the same. */
  release(id?: number): void {
    for (const vcpu of this.#chosen(id)) {
      const holds = (this.#holds.get(vcpu) ?? 0) - 1;
      this.#holds.set(vcpu, holds);
      if (holds === 0) vcpu.resume();
    }
  }

  /** Does something while all are held. */
  during(work: () => void): void {
    this.hold();
    work();
    this.release();
  }

  #chosen(id: number | undefined): readonly Vcpu[] {
    return id === undefined ? this.#vcpus : this.#vcpus.filter((vcpu) => vcpu.id === id);
  }
}
