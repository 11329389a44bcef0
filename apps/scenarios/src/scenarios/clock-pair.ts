import type { GuestTsc, VcpuTsc } from "@chronovisor/clocksource";
import { type GuestPvclock, readCycles, type VcpuKvmclock, type VcpuTimeInfo } from "@chronovisor/pvclock";
import type { Host } from "../machine/host/host.js";
import type { KvmVm } from "../machine/kvm/kvm-vm.js";
import type { GuestKvmclock } from "../programs/kvmclock.js";

const S = BigInt.asIntN;
const U = BigInt.asUintN;

/** Which of the two. */
export type PairedVcpu = 0 | 1;

/** A vCPU's clock and counter as they were: from them follows what they would read without what came since. */
export interface ClockStand {
  readonly vcpu: PairedVcpu;
  readonly published: VcpuTimeInfo;
  readonly l1Offset: bigint;
}

/** The clocks of a VM's first two vCPUs, read at one instant from outside: no time passes, nothing is clamped. */
export class ClockPair {
  readonly #host: Host;
  readonly #vm: KvmVm;

  /** @param vm - of two vCPUs or more. */
  constructor(host: Host, vm: KvmVm) {
    this.#host = host;
    this.#vm = vm;
  }

  /** What a vCPU's clock reads before any clamp, ns. */
  ns(vcpu: PairedVcpu): bigint {
    return this.#clock(vcpu).readAt(this.#host.engine.now);
  }

  /** A vCPU's TSC. */
  tsc(vcpu: PairedVcpu): GuestTsc {
    return this.#clock(vcpu).tsc.readL1(this.#host.engine.now);
  }

  /** vCPU 1's clock minus vCPU 0's, ns. */
  apartNs(): bigint {
    return S(64, this.ns(1) - this.ns(0));
  }

  /** vCPU 1's TSC minus vCPU 0's, cycles. */
  tscApart(): bigint {
    return S(64, this.tsc(1) - this.tsc(0));
  }

  /** How a vCPU's clock stands now, for {@link movedNs}. */
  stand(vcpu: PairedVcpu): ClockStand {
    return { vcpu, published: this.#clock(vcpu).cached, l1Offset: this.#counter(vcpu).l1Offset };
  }

  /** How far a vCPU's clock was moved since: what it reads minus what it would have read. */
  movedNs({ vcpu, published, l1Offset }: ClockStand): bigint {
    const untouched = U(64, this.tsc(vcpu) - (this.#counter(vcpu).l1Offset - l1Offset)) as GuestTsc;
    return S(64, this.ns(vcpu) - readCycles(published, untouched));
  }

  /**
   * How far ahead of its own clock the guest keeps vCPU 0 when vCPU 1 has just read: without a stable TSC no vCPU may read
   * less than another did.
   */
  heldNs(guest: GuestKvmclock): bigint {
    this.#read(guest, guest.pvclock, 1);
    return S(64, this.#read(guest, guest.pvclock, 0) - this.ns(0));
  }

  #read(guest: GuestKvmclock, pvclock: GuestPvclock, vcpu: PairedVcpu): bigint {
    return pvclock.read(guest.area(vcpu), () => this.tsc(vcpu)) ?? 0n;
  }

  #clock(vcpu: PairedVcpu): VcpuKvmclock {
    return this.#vm.clock.vcpus[vcpu] ?? missing(vcpu);
  }

  #counter(vcpu: PairedVcpu): VcpuTsc {
    return this.#vm.counters.vcpus[vcpu] ?? missing(vcpu);
  }
}

function missing(vcpu: PairedVcpu): never {
  throw new RangeError(`ClockPair: expected a VM with a vCPU ${vcpu}`);
}
