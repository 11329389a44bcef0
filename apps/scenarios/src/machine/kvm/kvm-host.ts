import { type HostTsc, HostTscHealth, resumeHost } from "@chronovisor/clocksource";
import { type KvmclockHost, KvmclockNotifier } from "@chronovisor/pvclock";
import type { ChipsetCounter } from "../host/chipset-counter.js";
import type { Host } from "../host/host.js";
import type { HostSleep } from "../host/host-sleep.js";
import { isIn } from "../vcpu/vcpu-thread.js";
import type { KvmVm } from "./kvm-vm.js";

/**
 * What KVM keeps for all VMs of a host: whether the TSC is to be trusted, the notifier that hears of every update of the
 * timekeeper, and what a suspend does to the guests.
 */
export class KvmHost implements KvmclockHost {
  readonly host: Host;
  /** The TSC's frequency as the kernel calibrated it. */
  readonly hostTscKhz: number;
  readonly health: HostTscHealth = new HostTscHealth("tsc");
  readonly notifier: KvmclockNotifier = new KvmclockNotifier();
  /** Called before KVM reads the clock by itself, not together with the TSC: time may pass there since it read the TSC. */
  beforeClockRead: (() => void) | undefined;
  readonly #vms: KvmVm[] = [];
  #isNotifierQueued = false;

  /**
   * @param host - a host whose clock is its TSC.
   * @param hostTscKhz - the TSC's frequency as the kernel calibrated it.
   */
  constructor(host: Host, hostTscKhz: number) {
    this.host = host;
    this.hostTscKhz = hostTscKhz;
    host.onClockUpdate(() => this.#clockUpdated());
  }

  add(vm: KvmVm): void {
    this.#vms.push(vm);
  }

  tsc(): HostTsc {
    return this.host.engine.now;
  }

  tscKhz(): number {
    return this.hostTscKhz;
  }

  rawNs(): ReturnType<KvmclockHost["rawNs"]> {
    this.beforeClockRead?.();
    return this.host.clock.timekeeper.rawNs();
  }

  boottimeNs(): ReturnType<KvmclockHost["boottimeNs"]> {
    this.beforeClockRead?.();
    return this.host.clock.timekeeper.boottimeNs();
  }

  realtimeNs(): ReturnType<KvmclockHost["realtimeNs"]> {
    this.beforeClockRead?.();
    return this.host.clock.timekeeper.realtimeNs();
  }

  copy(): ReturnType<KvmclockHost["copy"]> {
    return this.host.clock.timekeeper.copy();
  }

  /** The host's clocksource watchdog, or its user, takes it off the TSC or puts it back. */
  changeClocksource(to: "tsc" | ChipsetCounter): void {
    this.health.clocksource = to === "tsc" ? "tsc" : "other";
    this.host.clock.changeCounter(to);
  }

  /**
   * The host sleeps and wakes: the threads of its vCPUs are frozen meanwhile, halted ones too, and KVM looks at its TSC before
   * they go on (docs/model/clocksource-tsc §6.6). Those that were out stay out.
   *
   * @returns host cycles the TSC was found behind; 0 if it was not.
   */
  sleep(sleep: HostSleep): bigint {
    const frozen = this.#vms.flatMap((vm) => vm.vcpus).filter(isIn);
    for (const vcpu of frozen) vcpu.stop();
    this.host.sleep(sleep);
    let lost = 0n;
    for (const { id, online } of this.host.cpus) {
      if (online)
        lost += resumeHost(
          this.#vms.map((vm) => vm.counters),
          this.health,
          id,
          this.tsc(),
        );
    }
    for (const vcpu of frozen) vcpu.resume();
    return lost;
  }

  #clockUpdated(): void {
    if (this.#isNotifierQueued || !this.notifier.timekeeperUpdated(this.copy())) return;
    this.#isNotifierQueued = true;
    this.host.timeline.add({
      at: this.tsc(),
      name: "KVM's notifier",
      act: () => {
        this.#isNotifierQueued = false;
        this.notifier.run(this.#vms.map((vm) => vm.clock));
      },
    });
  }
}
