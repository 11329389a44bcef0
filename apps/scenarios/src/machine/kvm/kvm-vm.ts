import { type TscVendor, type VcpuTsc, VmTsc } from "@chronovisor/clocksource";
import { ApicBus } from "@chronovisor/lapic";
import {
  type MasterClockUpdate,
  ReferenceTscClock,
  tscRequests,
  type VcpuKvmclock,
  VmKvmclock,
  type VmKvmclockEvents,
} from "@chronovisor/pvclock";
import { pvclockBehaviours, tscBehaviours } from "../../kernels/kvmclock-behaviours.js";
import { FlatMemory } from "../guest/guest-memory.js";
import { KvmTrace } from "../trace/kvm-trace.js";
import { ReferenceTime } from "../trace/reference-time.js";
import type { Vcpu } from "../vcpu/vcpu.js";
import { VcpuClocks } from "../vcpu/vcpu-clocks.js";
import { isIn } from "../vcpu/vcpu-thread.js";
import type { KvmHost } from "./kvm-host.js";

/** What a VM is like as far as its clocks go. */
export interface KvmVmOptions {
  /** The guest's TSC frequency; 0 is the host's. */
  readonly guestKhz: number;
  readonly vendor: TscVendor;
  /** Whether the hardware scales the TSC; by default it does. */
  readonly tscScaling?: "present" | "absent";
  /** Whether its guest is one of Hyper-V's interface, which has a reference time; by default it is not. */
  readonly hyperv?: "present" | "absent";
  /** Pages of guest memory; 16 by default. */
  readonly memoryPages?: number;
  /** One value per axis of the kernel table. */
  readonly axes: Readonly<Record<string, string>>;
}

/**
 * A VM's clocks on a host: its counters, its kvmclock, its reference TSC page, and the work KVM schedules for them; and what
 * its vCPUs reach each other by. Its vCPUs are made of {@link KvmVm.createClocks}, one after another, and then told of by {@link KvmVm.attach}.
 */
export class KvmVm {
  readonly kvm: KvmHost;
  readonly memory: FlatMemory;
  readonly counters: VmTsc;
  readonly clock: VmKvmclock;
  readonly hypervPage: ReferenceTscClock;
  /** Between the local APICs of its vCPUs. */
  readonly bus: ApicBus = new ApicBus();
  readonly vcpus: Vcpu[] = [];
  /** Called after every new reference of the clock. */
  onMasterClockUpdate: ((update: MasterClockUpdate) => void) | undefined;
  readonly #trace: KvmTrace | undefined;
  readonly #hyperv: "present" | "absent";
  #globalUpdates = 0;

  constructor(kvm: KvmHost, options: KvmVmOptions) {
    this.kvm = kvm;
    this.#hyperv = options.hyperv ?? "absent";
    this.#trace = kvm.host.trace === undefined ? undefined : new KvmTrace(kvm.host.trace, this);
    this.memory = new FlatMemory(options.memoryPages ?? 16);
    this.hypervPage = new ReferenceTscClock(this.memory);
    this.counters = new VmTsc({
      hostTscKhz: kvm.hostTscKhz,
      defaultTscKhz: options.guestKhz,
      vendor: options.vendor,
      hasTscScaling: options.tscScaling !== "absent",
      ...tscBehaviours(options.axes),
      clock: { tsc: () => kvm.tsc(), kvmclockBaseNs: () => this.clock.baseNs() },
      health: kvm.health,
      events: {
        ...tscRequests(() => this.clock),
        ...this.#trace?.tscEvents,
        onRestartHvTimer: (counter) => this.#vcpuOf(counter)?.timers.restart(),
        onMigrateTimer: (counter) => this.#vcpuOf(counter)?.timers.requestMigration(),
      },
    });
    this.clock = new VmKvmclock({
      host: kvm,
      memory: this.memory,
      tsc: this.counters,
      notifier: kvm.notifier,
      behaviours: pvclockBehaviours(options.axes),
      events: this.#clockEvents(),
    });
    kvm.add(this);
  }

  /** Global updates that reached all vCPUs. */
  get globalUpdates(): number {
    return this.#globalUpdates;
  }

  /** Creates the next vCPU's counter and clock: as KVM does at the vCPU's creation. */
  createClocks(): VcpuClocks {
    const counter = this.counters.createVcpu();
    const clock = this.clock.addVcpu(counter);
    this.kvm.host.trace?.clocks.add({
      id: clock.id,
      counter,
      pvclock: { clock, memory: this.memory },
      ...(this.#hyperv === "absent" ? {} : { referenceTime: new ReferenceTime(this) }),
    });
    return new VcpuClocks(this, counter, clock);
  }

  /** The vCPU of the clocks created last. */
  attach(vcpu: Vcpu): void {
    this.vcpus.push(vcpu);
  }

  /** User space takes every vCPU out, does something to the VM, and lets them go on. Those that were out stay out. */
  paused<T>(work: () => T): T {
    const running = this.vcpus.filter(isIn);
    for (const vcpu of running) vcpu.stop();
    try {
      return work();
    } finally {
      for (const vcpu of running) vcpu.resume();
    }
  }

  #clockEvents(): VmKvmclockEvents {
    const { host } = this.kvm;
    const later = (name: string, delayNs: bigint, act: () => void): void =>
      host.timeline.add({
        at: (host.engine.now + host.cycles(delayNs)) as typeof host.engine.now,
        name,
        act,
      });
    return {
      onKick: (vcpu) => {
        const kicked = this.#vcpuOf(vcpu.tsc);
        if (kicked?.clocks?.isEntering === false) kicked.forceExit();
      },
      onMasterClockUpdate: (update) => {
        this.hypervPage.noteNewReference();
        this.#trace?.masterClock(update);
        this.onMasterClockUpdate?.(update);
      },
      onClockUpdate: (vcpu, info) => {
        this.hypervPage.updateClock(info);
        this.#trace?.clockUpdated(vcpu, info);
      },
      onGlobalUpdateQueued: (delayNs) =>
        later("a global clock update", delayNs, () => {
          this.#globalUpdates += 1;
          this.clock.runGlobalUpdate();
        }),
      onPeriodicSyncQueued: (delayNs) =>
        later("the periodic clock sync", delayNs, () => this.clock.runPeriodicSync()),
    };
  }

  #vcpuOf(counter: VcpuKvmclock["tsc"] | VcpuTsc): Vcpu | undefined {
    return this.vcpus.find(({ tsc }) => tsc === counter);
  }
}
