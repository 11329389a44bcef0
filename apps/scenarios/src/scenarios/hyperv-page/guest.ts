import type { GuestTsc } from "@chronovisor/clocksource";
import { buildClockMachine, type ClockMachine } from "../../machine/clock-machine.js";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { GuestReferenceTsc } from "../../programs/reference-tsc.js";
import type { HypervPageParams } from "./params.js";

/** What the guest sees at one instant. */
export interface Seen {
  /** Its reference time, from page or counter, units of 100 ns. */
  readonly time: bigint;
  /** kvmclock, ns. */
  readonly clockNs: bigint;
}

/** Something the guest does at an instant of its TSC. */
export interface Deed {
  readonly at: GuestTsc;
  readonly act: (cpu: GuestCpu) => void;
}

/** A machine and the two clocks its guest has. */
export interface PageMachine extends ClockMachine {
  readonly kvmclock: GuestKvmclock;
  readonly reference: GuestReferenceTsc;
  /** The guest TSC at true time `ns`. */
  guestTscAt(ns: bigint): GuestTsc;
  /** Starts the guest: its first vCPU does these deeds, the others run. */
  start(deeds: readonly Deed[]): void;
  /** What the guest sees now; asked by a deed. */
  see(cpu: GuestCpu): Seen;
}

/** Where a machine of the parameters stands. */
export interface Place {
  readonly hostKhz: bigint;
  readonly startTsc: bigint;
  /** Whether its guest has a page already. */
  readonly page: "named" | "unnamed";
}

/** The host of the parameters, which just booted, with a guest as new. */
export function newlyBooted({ hostKhz }: HypervPageParams): Place {
  return { hostKhz, startTsc: 0n, page: "unnamed" };
}

/** A machine of the parameters; by default on the host of the parameters, which just booted, with a guest as new. */
export function buildPageMachine(
  params: HypervPageParams,
  axes: Readonly<Record<string, string>>,
  place: Place = newlyBooted(params),
  openTrace?: OpenTrace,
): PageMachine {
  const machine = buildClockMachine({
    hostKhz: place.hostKhz,
    guestKhz: params.guestKhz,
    vendor: params.fracBits === "48" ? "vmx" : "svm",
    vcpus: Number(params.vcpus),
    hyperv: "present",
    startTsc: place.startTsc,
    axes,
    openTrace,
  });
  const { vm } = machine;
  const [first] = vm.vcpus;
  if (first === undefined) throw new Error("hyperv-page: a VM without vCPUs");
  const kvmclock = new GuestKvmclock(vm.memory);
  const reference = new GuestReferenceTsc(vm.memory, place.page);
  return {
    ...machine,
    kvmclock,
    reference,
    guestTscAt: (ns) => first.tsc.readL1(machine.host.tscAt(ns)),
    start: (deeds) => {
      for (const vcpu of vm.vcpus) {
        const own = vcpu === first ? deeds : [];
        vcpu.start("reads its clocks", (cpu) => runs(cpu, kvmclock, vcpu.id, own));
      }
    },
    see: (cpu) => ({ time: reference.read(cpu).time, clockNs: kvmclock.read(cpu, first.id) }),
  };
}

function* runs(cpu: GuestCpu, kvmclock: GuestKvmclock, vcpu: number, deeds: readonly Deed[]): GuestProgram {
  kvmclock.enable(cpu, vcpu);
  for (const { at, act } of deeds) {
    while (cpu.rdtsc() < at) yield cpu.run(at);
    act(cpu);
  }
  for (;;) yield cpu.run();
}
