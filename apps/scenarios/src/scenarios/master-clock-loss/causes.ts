import { MSR_KVM_SYSTEM_TIME, MSR_KVM_SYSTEM_TIME_NEW } from "@chronovisor/pvclock";
import type { GuestCpu } from "../../machine/guest/guest.js";
import { HPET } from "../../machine/host/chipset-counter.js";
import type { KvmVm } from "../../machine/kvm/kvm-vm.js";
import { IA32_TSC, IA32_TSC_ADJUST } from "../../machine/vcpu/vcpu-clocks.js";
import type { LossMachine } from "./machine.js";
import type { MasterClockLossParams } from "./params.js";

/** What the host, its user space, or the guest does at one instant. */
export type Step =
  | { readonly title: string; readonly host: (machine: LossMachine) => void }
  | { readonly title: string; readonly vcpu: 0 | 1; readonly guest: (cpu: GuestCpu) => void };

export type CauseId = Exclude<MasterClockLossParams["cause"], "all">;

/** Something that befalls a VM, and what undoes it. */
export interface Cause {
  readonly id: CauseId;
  readonly steps: (params: MasterClockLossParams) => readonly Step[];
}

/** `KVM_VCPU_TSC_OFFSET`: the present offset, and so much more. */
function moveOffset(vm: KvmVm, vcpu: 0 | 1, cycles: bigint): void {
  const counter = vm.counters.vcpus[vcpu];
  if (counter === undefined) return;
  vm.paused(() => vm.counters.setTscOffset(counter, BigInt.asUintN(64, counter.l1Offset + cycles)));
}

function setOwnClock(vm: KvmVm): void {
  vm.paused(() => vm.clock.setClock({ clock: vm.clock.getClock().clock, flags: 0, realtime: 0n }));
}

/** The causes of docs/model/scenarios-clock §S6, (a) to (e). */
const CAUSES: readonly Cause[] = [
  {
    id: "offset",
    steps: ({ offset }) => [
      { title: `vCPU 1's offset + ${offset}`, host: ({ vm }) => moveOffset(vm, 1, offset) },
      { title: "vCPU 0's too", host: ({ vm }) => moveOffset(vm, 0, offset) },
    ],
  },
  {
    id: "tsc-write",
    steps: ({ written }) => [
      {
        title: "guest writes TSC",
        vcpu: 1,
        guest: (cpu) => cpu.wrmsr(IA32_TSC, BigInt.asUintN(64, cpu.rdtsc() + written)),
      },
      {
        title: "KVM_KVMCLOCK_CTRL",
        host: ({ vm }) => vm.paused(() => vm.clock.vcpus.map((vcpu) => vcpu.kvmclockCtrl())),
      },
    ],
  },
  {
    id: "tsc-adjust",
    steps: ({ written }) => [
      {
        title: "guest writes TSC_ADJUST",
        vcpu: 1,
        guest: (cpu) => cpu.wrmsr(IA32_TSC_ADJUST, written),
      },
    ],
  },
  {
    id: "old-msr",
    steps: () => [
      {
        title: "clock by MSR 0x12",
        vcpu: 0,
        guest: (cpu) => cpu.wrmsr(MSR_KVM_SYSTEM_TIME, cpu.rdmsr(MSR_KVM_SYSTEM_TIME_NEW) ?? 0n),
      },
      {
        title: "by MSR 0x4b564d01",
        vcpu: 0,
        guest: (cpu) => cpu.wrmsr(MSR_KVM_SYSTEM_TIME_NEW, cpu.rdmsr(MSR_KVM_SYSTEM_TIME) ?? 0n),
      },
    ],
  },
  {
    id: "clocksource",
    steps: () => [
      { title: "host goes to hpet", host: ({ kvm }) => kvm.changeClocksource(HPET) },
      { title: "back to tsc", host: ({ kvm }) => kvm.changeClocksource("tsc") },
      { title: "KVM_SET_CLOCK", host: ({ vm }) => setOwnClock(vm) },
    ],
  },
  {
    id: "hotplug",
    steps: () => [{ title: "third vCPU", host: (machine) => machine.plugVcpu() }],
  },
];

/** The causes a run is of. */
export function causesOf({ cause }: MasterClockLossParams): readonly Cause[] {
  return CAUSES.filter(({ id }) => cause === "all" || cause === id);
}
