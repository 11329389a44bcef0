import type { GuestTsc } from "@chronovisor/clocksource";
import {
  addVcpu,
  buildClockMachine,
  type ClockMachine,
  type ClockMachineOptions,
} from "../../machine/clock-machine.js";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import type { Vcpu } from "../../machine/vcpu/vcpu.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import type { Step } from "./causes.js";
import type { MasterClockLossParams } from "./params.js";

/** A VM of two vCPUs that spin and keep kvm-clock, on a host with a CPU to spare. */
export interface LossMachine extends ClockMachine {
  readonly guest: GuestKvmclock;
  /** The vCPU of a hotplug, running, with its clock. */
  readonly plugVcpu: () => void;
}

/** A step and when it is. */
export interface DueStep {
  readonly step: Step;
  readonly ns: bigint;
}

/**
 * Builds the machine with what will happen to it. A guest acts at the first cycle of its own TSC after the instant.
 *
 * @param steps - in time order.
 * @param shown - its trace, if it is to have one.
 */
export function buildLossMachine(
  params: MasterClockLossParams,
  axes: Readonly<Record<string, string>>,
  steps: readonly DueStep[],
  shown: Pick<ClockMachineOptions, "openTrace" | "laterVcpus"> = {},
): LossMachine {
  const { hostKhz, guestKhz, gap } = params;
  const built = buildClockMachine({ hostKhz, guestKhz, vcpus: 2, spareCpus: 1, axes, ...shown });
  const { host, kvm, vm } = built;
  const guest = new GuestKvmclock(vm.memory);
  const machine: LossMachine = {
    ...built,
    guest,
    plugVcpu: () => startGuest(guest, addVcpu(host, vm, axes), []),
  };
  for (const vcpu of vm.vcpus) {
    const own = steps.flatMap(({ step, ns }) =>
      "guest" in step && step.vcpu === vcpu.id
        ? [{ at: (vcpu.tsc.readL1(host.tscAt(ns)) + 1n) as GuestTsc, act: step.guest }]
        : [],
    );
    startGuest(guest, vcpu, own);
  }
  const late = vm.vcpus[1]?.lane;
  kvm.beforeClockRead = () => {
    if (host.engine.lane === late) host.engine.spend(host.cycles(gap));
  };
  for (const { step, ns } of steps) {
    if ("host" in step) {
      host.timeline.add({ at: host.tscAt(ns), name: step.title, act: () => step.host(machine) });
    }
    for (const vcpu of vm.vcpus) {
      vcpu.cpu.interruptAt(host.tscAt(ns + exitsAfterNs(vcpu.id, params)), () => undefined);
    }
  }
  return machine;
}

/** From a step to the first exit of a vCPU that nobody kicks. */
export function exitsAfterNs(vcpu: number, { nextExit }: MasterClockLossParams): bigint {
  return nextExit * BigInt(vcpu + 1);
}

function startGuest(
  guest: GuestKvmclock,
  vcpu: Vcpu,
  acts: readonly { readonly at: GuestTsc; readonly act: (cpu: GuestCpu) => void }[],
): void {
  vcpu.start("a guest with kvm-clock", function* (cpu): GuestProgram {
    guest.enable(cpu, vcpu.id);
    for (const { at, act } of acts) {
      yield cpu.run(at);
      act(cpu);
    }
    for (;;) yield cpu.run();
  });
}
