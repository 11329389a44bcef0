/**
 * A VM's vCPUs as the receivers of requests: who is asked for what, and the work that spreads a clock update.
 *
 * Source: `arch/x86/kvm/x86.c:kvm_gen_kvmclock_update`, `kvmclock_update_fn`, `kvmclock_sync_fn`; docs/model/pvclock §5.4.
 */

import type { PvclockBehaviours } from "./behaviours.js";
import {
  GLOBAL_UPDATE_DELAY_NS,
  LoadRateLimit,
  type LoadRateLimitState,
  PERIODIC_SYNC_NS,
} from "./global-update.js";
import type { KvmclockVcpuTsc, VmKvmclockEvents } from "./kvmclock-types.js";
import type { VcpuKvmclock } from "./vcpu-kvmclock.js";
import type { GlobalUpdateSource, KvmclockRequest } from "./vcpu-requests.js";

/** What the spreading of updates looks at. */
export interface UpdateSurroundings {
  readonly behaviours: PvclockBehaviours;
  readonly events: VmKvmclockEvents;
  isOnMasterClock(): boolean;
  /** A clock that stands still in suspend, ns. */
  nowNs(): bigint;
}

/** The vCPUs of a VM, and what is asked of them. */
export class ClockUpdates {
  readonly vcpus: VcpuKvmclock[] = [];
  readonly #around: UpdateSurroundings;
  /** Requests of counters whose vCPU is still being created. */
  readonly #early: Map<KvmclockVcpuTsc, Set<KvmclockRequest>> = new Map();
  #loadRateLimit: LoadRateLimit = new LoadRateLimit();
  #isGlobalQueued = false;

  constructor(around: UpdateSurroundings) {
    this.#around = around;
  }

  get isGlobalQueued(): boolean {
    return this.#isGlobalQueued;
  }

  get loadRateLimitState(): LoadRateLimitState {
    return this.#loadRateLimit.state();
  }

  restore(isGlobalQueued: boolean, loadRateLimit: LoadRateLimitState): void {
    this.#isGlobalQueued = isGlobalQueued;
    this.#loadRateLimit = LoadRateLimit.fromState(loadRateLimit);
  }

  /** A new vCPU. The first starts the periodic sync. */
  add(vcpu: VcpuKvmclock): void {
    this.vcpus.push(vcpu);
    for (const request of this.#early.get(vcpu.tsc) ?? []) vcpu.request(request);
    this.#early.delete(vcpu.tsc);
    const { behaviours, events } = this.#around;
    if (this.vcpus.length === 1 && behaviours.periodicSync === "300s") {
      events.onPeriodicSyncQueued?.(PERIODIC_SYNC_NS);
    }
  }

  /** What a counter asks for; of one whose vCPU is not known yet it is kept. */
  requestFor(tsc: KvmclockVcpuTsc, request: KvmclockRequest): void {
    const vcpu = this.vcpus.find((one) => one.tsc === tsc);
    if (vcpu === undefined) this.#early.set(tsc, (this.#early.get(tsc) ?? new Set()).add(request));
    else if (request === "global-clock-update") this.requestGlobal(vcpu, "vcpu-load");
    else vcpu.request(request);
  }

  /** Asks all without a kick: they are in the host already, or will be. */
  requestAll(request: KvmclockRequest): void {
    for (const vcpu of this.vcpus) vcpu.request(request);
  }

  /** Asks all but `self` and kicks them. */
  interruptAll(request: KvmclockRequest, self?: VcpuKvmclock): void {
    for (const vcpu of this.vcpus) {
      if (vcpu === self) continue;
      vcpu.request(request);
      this.#around.events.onKick?.(vcpu);
    }
  }

  kickAll(): void {
    for (const vcpu of this.vcpus) this.#around.events.onKick?.(vcpu);
  }

  withdrawAll(request: KvmclockRequest): void {
    for (const vcpu of this.vcpus) vcpu.withdraw(request);
  }

  /** A vCPU asks for a global update, or where that is held back, for its own. */
  requestGlobal(vcpu: VcpuKvmclock, source: GlobalUpdateSource): void {
    const isLimited = this.#around.behaviours.globalUpdate === "ratelimited" && source === "vcpu-load";
    const isHeldBack =
      this.#isGlobalUseless() || (isLimited && !this.#loadRateLimit.allows(this.#around.nowNs()));
    vcpu.request(isHeldBack ? "clock-update" : "global-clock-update");
  }

  /** A vCPU services its global update: its own clock now, the others' when the kernel gets to them. */
  spread(vcpu: VcpuKvmclock): void {
    vcpu.request("clock-update");
    if (this.#around.behaviours.globalUpdate === "delayed-100ms") this.#queueGlobal(GLOBAL_UPDATE_DELAY_NS);
    else this.interruptAll("clock-update", vcpu);
  }

  runGlobal(): void {
    if (!this.#isGlobalQueued) {
      throw new RangeError("VmKvmclock.runGlobalUpdate: expected a queued global update, got none");
    }
    this.#isGlobalQueued = false;
    this.interruptAll("clock-update");
  }

  runPeriodicSync(): void {
    const { behaviours, events } = this.#around;
    if (behaviours.periodicSync === "none") {
      throw new RangeError("VmKvmclock.runPeriodicSync: expected a kernel with a periodic sync, got none");
    }
    if (!this.#isGlobalUseless()) this.#queueGlobal(0n);
    events.onPeriodicSyncQueued?.(PERIODIC_SYNC_NS);
  }

  /** Work that is queued keeps its time: the delay counts from the first request. */
  #queueGlobal(delayNs: bigint): void {
    if (this.#isGlobalQueued) return;
    this.#isGlobalQueued = true;
    this.#around.events.onGlobalUpdateQueued?.(delayNs);
  }

  #isGlobalUseless(): boolean {
    return (
      this.#around.behaviours.gratuitousGlobal === "without-master-clock" && this.#around.isOnMasterClock()
    );
  }
}
