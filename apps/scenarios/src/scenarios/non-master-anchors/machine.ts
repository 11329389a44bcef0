import type { HostTsc } from "@chronovisor/clocksource";
import { buildClockMachine, type ClockMachine } from "../../machine/clock-machine.js";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import type { NonMasterAnchorsParams } from "./params.js";

/** A VM of two vCPUs, and a CPU more than they need. */
export interface AnchorMachine extends ClockMachine {
  readonly guest: GuestKvmclock;
}

/** What a vCPU's guest does once its clock is there. */
export type Reader = (cpu: GuestCpu, machine: AnchorMachine) => GuestProgram;

function* spin(cpu: GuestCpu): GuestProgram {
  for (;;) yield cpu.run();
}

/** Builds the machine, without a master clock if the parameters say so, and starts its guests. */
export function buildAnchorMachine(
  { off, ipi, hostKhz, guestKhz }: NonMasterAnchorsParams,
  axes: Readonly<Record<string, string>>,
  readers: readonly [Reader, Reader] = [spin, spin],
  openTrace?: OpenTrace,
): AnchorMachine {
  const sizes = { vcpus: 2, spareCpus: 1 };
  const built = buildClockMachine({ hostKhz, guestKhz, ...sizes, ipiNs: ipi, axes, openTrace });
  const { vm } = built;
  const machine = { ...built, guest: new GuestKvmclock(vm.memory, off === "old-msr" ? "old" : "new") };
  const last = vm.counters.vcpus[1];
  if (off === "offset" && last !== undefined) {
    vm.counters.setTscOffset(last, BigInt.asUintN(64, last.l1Offset + 1n));
  }
  for (const [id, vcpu] of vm.vcpus.entries()) {
    vcpu.start("a guest with kvm-clock", function* (cpu): GuestProgram {
      machine.guest.enable(cpu, id);
      yield* readers[id]?.(cpu, machine) ?? spin(cpu);
    });
  }
  return machine;
}

/** When vCPU 0 is moved: the cycle before each instant. */
export function moveInstants({ host }: AnchorMachine, params: NonMasterAnchorsParams): readonly HostTsc[] {
  const { age, moves, moveEvery } = params;
  return Array.from(
    { length: Number(moves) },
    (_, i) => (host.tscAt(age + moveEvery * BigInt(i)) - 1n) as HostTsc,
  );
}

/** The scheduler moves vCPU 0 to the CPU that is free, at each of these instants. */
export function scheduleMoves({ host, vm }: AnchorMachine, instants: readonly HostTsc[]): void {
  for (const at of instants) {
    host.timeline.add({
      at,
      name: "vCPU 0 moves",
      act: () => {
        const free = host.cpus.find(({ guest }) => guest === undefined);
        if (free !== undefined) vm.vcpus[0]?.moveTo(free);
      },
    });
  }
}
