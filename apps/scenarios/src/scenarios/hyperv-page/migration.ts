import { type GuestTsc, kvmclockNs } from "@chronovisor/clocksource";
import { type Outcome, outcomeOf } from "./events.js";
import { buildPageMachine, type PageMachine, type Seen } from "./guest.js";
import type { HypervPageParams } from "./params.js";

/** How long the destination has been up, ms. */
const UPTIME_MS = 1_000_000n;

/** Whether the guest counts on its TSC being emulated at the old rate for a while. */
export type TscEmulation = "off" | "on";

/** A move of the guest, in no time. */
export interface Migration extends Outcome {
  /** What the counter steps by as the page comes into force on the destination, units of 100 ns. */
  readonly inForce: bigint;
}

/** Moves a guest of that age to another host, by KVM_SET_CLOCK of what KVM_GET_CLOCK gave. */
export function migrate(
  params: HypervPageParams,
  axes: Readonly<Record<string, string>>,
  emulation: TscEmulation,
): Migration {
  const source = buildPageMachine(params, axes);
  const { age, destinationKhz } = params;
  const at = source.guestTscAt(age);
  let left: Seen | undefined;
  source.start([
    { at: source.guestTscAt(0n), act: (cpu) => source.reference.enable(cpu) },
    { at, act: (cpu) => (left = source.see(cpu)) },
  ]);
  source.host.engine.runUntil(source.host.tscAt(age));
  if (left === undefined) throw new Error("hyperv-page: the source saw nothing");

  const place = { hostKhz: destinationKhz, startTsc: destinationKhz * UPTIME_MS, page: "named" } as const;
  const destination = buildPageMachine(params, axes, place);
  restore(source, destination, emulation);
  const before = counterOf(destination);
  let arrived: Seen | undefined;
  destination.start([{ at: source.guestTscAt(age), act: (cpu) => (arrived = destination.see(cpu)) }]);
  if (arrived === undefined) throw new Error("hyperv-page: the destination saw nothing");
  return { ...outcomeOf(destination, left.time, arrived), inForce: counterOf(destination) - before };
}

/** The TSC goes on to the cycle; clock, page and emulation are set as user space does it. */
function restore(source: PageMachine, { vm, kvm, reference }: PageMachine, emulation: TscEmulation): void {
  const { clock } = source.vm.clock.getClock();
  const [from] = source.vm.counters.vcpus;
  const tsc: GuestTsc | undefined = from?.readL1(source.kvm.tsc());
  for (const counter of vm.counters.vcpus) {
    vm.counters.setTscOffset(counter, counter.offsetFor(tsc ?? 0n, kvm.tsc()));
  }
  vm.clock.setClock({ clock: kvmclockNs(clock), flags: 0 });
  reference.bytes().set(source.reference.bytes());
  vm.hypervPage.writeEmulationControl(emulation === "on" ? 1n : 0n);
  if (vm.hypervPage.writeMsr(source.vm.hypervPage.msr, "host"))
    vm.clock.vcpus[0]?.request("masterclock-update");
}

/** The counter, as user space reads it. */
function counterOf({ vm, kvm }: PageMachine): bigint {
  const [counter] = vm.counters.vcpus;
  if (counter === undefined) throw new Error("hyperv-page: a VM without vCPUs");
  return vm.hypervPage.referenceTime(counter.readL1(kvm.tsc()), vm.clock.getClock().clock);
}
