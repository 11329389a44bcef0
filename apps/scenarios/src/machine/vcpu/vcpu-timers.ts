import type { Host } from "../host/host.js";
import { HvReturn } from "./hv-return.js";
import { NestedGuest } from "./nested-guest.js";
import type { TimerOwner } from "./raw-timers.js";
import type { VcpuApic } from "./vcpu-apic.js";
import type { VcpuOptions } from "./vcpu-options.js";
import type { VcpuThread } from "./vcpu-thread.js";

/** A vCPU's two timers, its APIC's and that of a guest of its own: what the run loop does to both. */
export class VcpuTimers {
  readonly #host: Host;
  readonly #thread: VcpuThread & TimerOwner;
  readonly #apic: VcpuApic;
  readonly #options: VcpuOptions;
  readonly #hvReturn: HvReturn;
  /** Made when the guest first enters a guest of its own. */
  #nested: NestedGuest | undefined;
  /** KVM_REQ_MIGRATE_TIMER. */
  #migrates = false;

  constructor(host: Host, thread: VcpuThread & TimerOwner, apic: VcpuApic, options: VcpuOptions) {
    this.#host = host;
    this.#thread = thread;
    this.#apic = apic;
    this.#options = options;
    this.#hvReturn = new HvReturn(options);
    host.onClockUpdate(() => host.engine.on(thread.cpu.lane, () => this.#clockUpdated()));
  }

  /** The guest's own guest. */
  get nested(): NestedGuest {
    const { tsc, behaviours } = this.#options;
    const options = { tsc, deadlineClock: behaviours.deadlineClock, port: this.#apic.nestedPort };
    this.#nested ??= new NestedGuest(this.#host, this.#thread, options);
    return this.#nested;
  }

  /** The same, if there is one. */
  get existingNested(): NestedGuest | undefined {
    return this.#nested;
  }

  /** KVM_REQ_MIGRATE_TIMER: they go to the vCPU's CPU at the next entry. */
  requestMigration(): void {
    this.#migrates = true;
  }

  /** They are about to be needed in the guest: those that are to move do. */
  entering(): void {
    if (!this.#migrates) return;
    this.#migrates = false;
    this.#apic.timer.migrate();
    this.#nested?.migrate();
  }

  /** A timer of the guest's TSC is computed anew. */
  restart(): void {
    this.#apic.timer.restart();
  }

  /** The vCPU is about to block: hrtimers take over from the preemption timer. */
  blocks(): void {
    const { timer } = this.#apic;
    this.#hvReturn.blocks(timer.hvInUse);
    if (timer.hvInUse) timer.switchToSw();
    this.#nested?.timer.switchToSw();
  }

  /** The block is over. */
  unblocked(): void {
    if (this.#hvReturn.unblocks()) this.#apic.timer.switchToHv();
    this.#nested?.timer.switchToHv();
  }

  /** The block is about to end without an interrupt. */
  unhalts(): void {
    this.#hvReturn.unhalts();
  }

  /** An unrelated wake-up of a guest that runs: whether that brought the preemption timer back. */
  returnsToHv(): boolean {
    if (!this.#hvReturn.onlyUnhalted) return false;
    this.#apic.timer.switchToHv();
    return true;
  }

  #clockUpdated(): void {
    this.#apic.timer.clockUpdated();
    this.#nested?.timer.clockUpdated();
  }
}
