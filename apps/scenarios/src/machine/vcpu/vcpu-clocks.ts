import type { VcpuTsc } from "@chronovisor/clocksource";
import {
  HV_X64_MSR_REFERENCE_TSC,
  HV_X64_MSR_TIME_REF_COUNT,
  MSR_KVM_SYSTEM_TIME,
  MSR_KVM_SYSTEM_TIME_NEW,
  MSR_KVM_WALL_CLOCK,
  MSR_KVM_WALL_CLOCK_NEW,
  type VcpuKvmclock,
} from "@chronovisor/pvclock";
import type { KvmVm } from "../kvm/kvm-vm.js";

/** The time-stamp counter (SDM vol 4). */
export const IA32_TSC = 0x10;
/** What was added to it. */
export const IA32_TSC_ADJUST = 0x3b;

const KVMCLOCK_MSRS: ReadonlySet<number> = new Set([
  MSR_KVM_SYSTEM_TIME,
  MSR_KVM_SYSTEM_TIME_NEW,
  MSR_KVM_WALL_CLOCK,
  MSR_KVM_WALL_CLOCK_NEW,
]);

/** One vCPU's TSC and kvmclock, as its run loop and its guest reach them. */
export class VcpuClocks {
  readonly vm: KvmVm;
  readonly counter: VcpuTsc;
  readonly clock: VcpuKvmclock;
  #loaded = false;
  #isEntering = false;

  constructor(vm: KvmVm, counter: VcpuTsc, clock: VcpuKvmclock) {
    this.vm = vm;
    this.counter = counter;
    this.clock = clock;
  }

  /** Its thread runs on host CPU `cpu` (`kvm_arch_vcpu_load`). */
  load(cpu: number): void {
    if (this.#loaded && this.counter.cpu === cpu) return;
    this.#loaded = true;
    this.vm.counters.load(this.counter, cpu);
  }

  /** Its thread no longer runs (`kvm_arch_vcpu_put`). */
  put(): void {
    if (!this.#loaded) return;
    this.#loaded = false;
    this.counter.put(this.vm.kvm.tsc());
  }

  /** The guest was left. */
  exited(): void {
    this.counter.noteGuestTsc(this.counter.readL1(this.vm.kvm.tsc()));
    this.clock.noteExit();
  }

  /** What was asked of the clock is done before the guest goes on. */
  entering(): void {
    this.#isEntering = true;
    this.clock.serviceRequests();
    this.#isEntering = false;
  }

  /** Whether it does so now: it is out of the guest, and no kick need make it leave. */
  get isEntering(): boolean {
    return this.#isEntering;
  }

  /** Undefined: not one of its registers. */
  wrmsr(msr: number, value: bigint): "ok" | "fault" | undefined {
    if (msr === IA32_TSC) this.counter.wrmsrTsc(value, this.vm.kvm.tsc());
    else if (msr === IA32_TSC_ADJUST) this.counter.wrmsrTscAdjust(value);
    else if (msr === HV_X64_MSR_REFERENCE_TSC) {
      if (this.vm.hypervPage.writeMsr(value)) this.clock.request("masterclock-update");
      this.vm.kvm.host.trace?.clocks.moved();
    } else if (msr === HV_X64_MSR_TIME_REF_COUNT) return "fault";
    else if (KVMCLOCK_MSRS.has(msr)) return this.clock.wrmsr(msr, value) ? "ok" : "fault";
    else return undefined;
    return "ok";
  }

  /** A value, #GP, or undefined: not one of its registers. */
  rdmsr(msr: number): bigint | "fault" | undefined {
    const { kvm, counters, clock, hypervPage } = this.vm;
    if (msr === IA32_TSC) return this.counter.readL1(kvm.tsc());
    if (msr === IA32_TSC_ADJUST) return BigInt.asUintN(64, this.counter.tscAdjust);
    if (msr === HV_X64_MSR_REFERENCE_TSC) return hypervPage.msr;
    if (msr === HV_X64_MSR_TIME_REF_COUNT) {
      const first = counters.vcpus[0] ?? this.counter;
      return hypervPage.referenceTime(first.readL1(kvm.tsc()), clock.getClock().clock);
    }
    return KVMCLOCK_MSRS.has(msr) ? (this.clock.rdmsr(msr) ?? "fault") : undefined;
  }
}
