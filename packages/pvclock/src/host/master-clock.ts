/**
 * The reference all vCPUs of a VM share, the offset from the host's clock to the guest's, and the host's reading of the
 * guest's clock from them.
 *
 * Source: `arch/x86/kvm/x86.c:pvclock_update_vm_gtod_copy`, `__get_kvmclock`, `kvm_get_wall_clock_epoch`; docs/model/pvclock
 * §3.1, §6.
 */

import { type HostTsc, type KvmclockNs, pvScale, readRealtime } from "@chronovisor/clocksource";
import type { PvclockBehaviours } from "./behaviours.js";
import {
  KVM_CLOCK_HOST_TSC,
  KVM_CLOCK_REALTIME,
  KVM_CLOCK_TSC_STABLE,
  type KvmClockData,
} from "./clock-data.js";
import { guestClockHz, nsScale } from "./clock-scale.js";
import { type KvmclockHost, kvmclockBaseNs, readReference } from "./kvmclock-host.js";
import type {
  KvmclockVcpuTsc,
  KvmclockVmTsc,
  MasterClockReference,
  MasterClockUpdate,
} from "./kvmclock-types.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const NSEC_PER_SEC = 1_000_000_000n;
const HZ_PER_KHZ = 1000n;

/** The numbers of a {@link MasterClock}. */
export interface MasterClockNumbers extends MasterClockReference {
  readonly isTscStable: boolean;
  readonly kvmclockOffset: bigint;
  readonly bootVcpuRunsOldKvmclock: boolean;
}

/** CLOCK_REALTIME and TSC from one counter read. */
interface Walltime {
  readonly realtimeNs: bigint;
  readonly tsc: HostTsc;
}

const INITIAL: MasterClockNumbers = {
  useMasterClock: false,
  isTscStable: false,
  hostTsc: 0n as HostTsc,
  kernelNs: 0n,
  kvmclockOffset: 0n,
  bootVcpuRunsOldKvmclock: false,
};

/** The VM-wide half of a VM's clock, without vCPUs, requests and areas. */
export class MasterClock {
  readonly #host: KvmclockHost;
  readonly #tsc: KvmclockVmTsc;
  readonly #behaviours: PvclockBehaviours;
  readonly #onCopyWrapped: () => void;
  #numbers: MasterClockNumbers = INITIAL;

  constructor(
    host: KvmclockHost,
    tsc: KvmclockVmTsc,
    behaviours: PvclockBehaviours,
    onCopyWrapped: () => void,
  ) {
    this.#host = host;
    this.#tsc = tsc;
    this.#behaviours = behaviours;
    this.#onCopyWrapped = onCopyWrapped;
  }

  get numbers(): MasterClockNumbers {
    return this.#numbers;
  }

  restore(numbers: MasterClockNumbers): void {
    this.#numbers = numbers;
    this.#tsc.useMasterClock = numbers.useMasterClock;
  }

  set bootVcpuRunsOldKvmclock(runsOld: boolean) {
    this.#numbers = { ...this.#numbers, bootVcpuRunsOldKvmclock: runsOld };
  }

  /** The host clock behind kvmclock, now, ns, u64. */
  baseNs(): bigint {
    return kvmclockBaseNs(this.#host, this.#behaviours.base);
  }

  /** Judges the conditions anew and takes a new reference; the old one stays when the host's clock is not TSC-based. */
  retake(): MasterClockUpdate {
    const reading = readReference(this.#host, this.#behaviours.base);
    const allMatched = this.#tsc.nrVcpusMatched + 1 === this.#tsc.vcpus.length;
    const inStep = this.#behaviours.masterClockTsc === "equal-offset" ? allMatched : this.#sameFrequency();
    const useMasterClock =
      reading !== undefined &&
      inStep &&
      !this.#tsc.backwardsTscObserved &&
      !this.#numbers.bootVcpuRunsOldKvmclock;
    this.#numbers = {
      ...this.#numbers,
      useMasterClock,
      isTscStable: useMasterClock && allMatched,
      hostTsc: reading?.tsc ?? this.#numbers.hostTsc,
      kernelNs: reading?.ns ?? this.#numbers.kernelNs,
    };
    this.#tsc.useMasterClock = useMasterClock;
    const { hostTsc, kernelNs } = this.#numbers;
    const isWrapped = reading?.wrapped ?? false;
    return { useMasterClock, hostTsc, kernelNs, isSampled: reading !== undefined, isWrapped };
  }

  /** What a clock update starts from. Without a master clock these are two samples: the gap between them is an error. */
  referenceNow(): MasterClockReference {
    if (this.#numbers.useMasterClock) return this.#numbers;
    const hostTsc = this.#host.tsc();
    return { useMasterClock: false, hostTsc, kernelNs: this.baseNs() };
  }

  /** Makes the guest's clock `clock` at the reference, or now without a master clock. */
  setClock(clock: bigint): void {
    const { useMasterClock, kernelNs } = this.#numbers;
    this.offsetFrom(clock, useMasterClock ? kernelNs : this.baseNs());
  }

  /** Makes the guest's clock `clock` where the host's is `hostNs`. Stored as s64, mod 2^64. */
  offsetFrom(clock: bigint, hostNs: bigint): void {
    this.#numbers = { ...this.#numbers, kvmclockOffset: S(64, clock - hostNs) };
  }

  /** The guest's clock at a host TSC, from the last reference: Definition C, or what `via-guest-tsc` makes of B. */
  at(tsc: HostTsc): KvmclockNs {
    const { hostTsc, kernelNs, kvmclockOffset } = this.#numbers;
    const [counter] = this.#tsc.vcpus;
    const elapsed =
      this.#behaviours.getClock === "via-guest-tsc" && counter !== undefined
        ? this.#elapsedByGuest(counter, hostTsc, tsc)
        : this.#elapsedByHost(hostTsc, tsc);
    return U(64, kernelNs + kvmclockOffset + elapsed) as KvmclockNs;
  }

  /** The guest's clock now, as `KVM_GET_CLOCK` reports it. */
  now(): KvmClockData {
    if (!this.#numbers.useMasterClock || this.#host.tscKhz() === 0) {
      const clock = U(64, this.baseNs() + this.#numbers.kvmclockOffset) as KvmclockNs;
      return { clock, flags: 0, realtime: 0n, hostTsc: 0n as HostTsc };
    }
    const walltime = this.#walltime();
    if (walltime === undefined) {
      const hostTsc = this.#host.tsc();
      return { clock: this.at(hostTsc), flags: KVM_CLOCK_TSC_STABLE, realtime: 0n, hostTsc };
    }
    const { realtimeNs, tsc } = walltime;
    const flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
    return { clock: this.at(tsc), flags, realtime: realtimeNs, hostTsc: tsc };
  }

  /** CLOCK_REALTIME at which the guest's clock was 0, ns, u64: from one TSC read where that can be, else from two samples. */
  epochNs(): bigint {
    const onMaster = this.#numbers.useMasterClock && this.#host.tscKhz() !== 0;
    const walltime = onMaster ? this.#walltime() : undefined;
    if (walltime !== undefined) return U(64, walltime.realtimeNs - this.at(walltime.tsc));
    const realtimeNs = this.#host.realtimeNs();
    return U(64, realtimeNs - this.now().clock);
  }

  #walltime(): Walltime | undefined {
    const reading = readRealtime(this.#host.copy(), this.#host.tsc());
    if (reading === undefined) return undefined;
    if (reading.wrapped) this.#onCopyWrapped();
    return { realtimeNs: U(64, reading.sec * NSEC_PER_SEC + reading.nsec), tsc: reading.tsc };
  }

  #elapsedByHost(from: HostTsc, to: HostTsc): bigint {
    const { mul, shift } = nsScale(BigInt(this.#host.tscKhz()) * HZ_PER_KHZ);
    return pvScale(U(64, to - from), mul, shift);
  }

  #elapsedByGuest(counter: KvmclockVcpuTsc, from: HostTsc, to: HostTsc): bigint {
    const hz = guestClockHz(this.#host.tscKhz(), counter, this.#behaviours.guestKhz);
    const { mul, shift } = nsScale(hz);
    return pvScale(U(64, counter.readL1(to) - counter.readL1(from)), mul, shift);
  }

  #sameFrequency(): boolean {
    const [first, ...others] = this.#tsc.vcpus;
    return first !== undefined && others.every((vcpu) => vcpu.virtualTscKhz === first.virtualTscKhz);
  }
}
