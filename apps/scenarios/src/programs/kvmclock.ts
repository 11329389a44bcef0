import type { KvmclockNs } from "@chronovisor/clocksource";
import {
  chooseKvmclock,
  decodeVcpuTimeInfo,
  GuestPvclock,
  KVM_FEATURE_CLOCKSOURCE,
  KVM_FEATURE_CLOCKSOURCE_STABLE_BIT,
  KVM_FEATURE_CLOCKSOURCE2,
  type VcpuTimeInfo,
} from "@chronovisor/pvclock";
import type { GuestCpu } from "../machine/guest/guest.js";
import type { FlatMemory } from "../machine/guest/guest-memory.js";

/** Where the guest puts vCPU 0's clock, and how far apart it puts the vCPUs' (one cache line each in Linux). */
const FIRST_AREA = 0x1000n;
const AREA_STRIDE = 64n;
const AREA_BYTES = 32;
const ENABLE = 1n;

/** CPUID's EAX of a host that offers all of kvm-clock, and of one that offers what was there first. */
const FEATURES = {
  new: (1 << KVM_FEATURE_CLOCKSOURCE2) | (1 << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT),
  old: 1 << KVM_FEATURE_CLOCKSOURCE,
} as const;

/** A Linux guest's kvm-clock: where each vCPU's is published, and what the guest reads from it. */
export class GuestKvmclock {
  readonly pvclock: GuestPvclock;
  readonly #memory: FlatMemory;
  readonly #systemTimeMsr: number;

  /**
   * @param memory - the guest's.
   * @param features - what CPUID offers: `old` has neither the new MSRs nor a trusted TSC_STABLE.
   */
  constructor(memory: FlatMemory, features: keyof typeof FEATURES = "new") {
    const setup = chooseKvmclock(FEATURES[features]);
    if (setup === undefined) throw new Error(`GuestKvmclock: no kvm-clock among the ${features} features`);
    this.#memory = memory;
    this.#systemTimeMsr = setup.systemTimeMsr;
    this.pvclock = new GuestPvclock({ trustedFlags: setup.trustedFlags });
  }

  /** Has the clock of vCPU `vcpu`, which runs this, published. */
  enable(cpu: GuestCpu, vcpu: number): void {
    cpu.wrmsr(this.#systemTimeMsr, gpaOf(vcpu) | ENABLE);
  }

  /** What vCPU `vcpu`, which runs this, reads: clamped over all of them where the TSC is not stable. */
  read(cpu: GuestCpu, vcpu: number): KvmclockNs {
    const ns = this.pvclock.read(this.area(vcpu), () => cpu.rdtsc());
    if (ns === undefined)
      throw new Error(`GuestKvmclock: the clock of vCPU ${vcpu} is being written for ever`);
    return ns;
  }

  /** What is published for vCPU `vcpu`. */
  published(vcpu: number): VcpuTimeInfo {
    return decodeVcpuTimeInfo(this.area(vcpu));
  }

  /** The bytes it is published in. */
  area(vcpu: number): Uint8Array {
    return this.#memory.at(gpaOf(vcpu), AREA_BYTES);
  }
}

function gpaOf(vcpu: number): bigint {
  return FIRST_AREA + AREA_STRIDE * BigInt(vcpu);
}
