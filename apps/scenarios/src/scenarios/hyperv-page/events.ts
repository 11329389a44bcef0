import type { GuestTsc } from "@chronovisor/clocksource";
import { HPET } from "../../machine/host/chipset-counter.js";
import { buildPageMachine, type Deed, type PageMachine, type Seen } from "./guest.js";
import type { HypervPageParams } from "./params.js";

/** What happens to a page, in the order it is shown in. */
export const EVENTS = [
  { id: "named", title: "guest names a page" },
  { id: "reference", title: "new reference" },
  { id: "removed", title: "guest takes it away" },
  { id: "lost", title: "host leaves its TSC" },
  { id: "returned", title: "host returns to it" },
  { id: "renamed", title: "guest names it again" },
] as const;

export type EventId = (typeof EVENTS)[number]["id"];

/** What the guest saw of an event. */
export interface Outcome {
  /** What its reference time stepped by, units of 100 ns. */
  readonly step: bigint;
  /** How far that is ahead of kvmclock then, ns. */
  readonly ahead: bigint;
  /** What has become of the page, and the sequence in it. */
  readonly status: string;
  readonly sequence: bigint;
}

const UNIT_NS = 100n;

/** What came of an event of which the guest saw the before and the after. */
export function outcomeOf({ vm, reference }: PageMachine, before: bigint, after: Seen): Outcome {
  return {
    step: after.time - before,
    ahead: after.time * UNIT_NS - after.clockNs,
    status: vm.hypervPage.status,
    sequence: BigInt(reference.page().sequence),
  };
}

/** One event at the age of the parameters, on a machine of its own. */
export function eventAt(
  params: HypervPageParams,
  axes: Readonly<Record<string, string>>,
  id: EventId,
): Outcome {
  const machine = buildPageMachine(params, axes);
  const { reference, host } = machine;
  const { age } = params;
  const at = machine.guestTscAt(age);
  const names: Deed = { at: machine.guestTscAt(0n), act: (cpu) => reference.enable(cpu) };
  const seen: Seen[] = [];
  const sees = (tsc: bigint): Deed => ({ at: tsc as GuestTsc, act: (cpu) => seen.push(machine.see(cpu)) });
  // What the guest does itself it sees at one instant; what the host does, from one cycle to the next.
  const [before, after] = [sees(at), sees(at + 1n)];
  const own = (act: Deed["act"]): readonly Deed[] => [before, { at, act }, sees(at)];
  const deeds: Readonly<Record<EventId, readonly Deed[]>> = {
    named: own((cpu) => reference.enable(cpu)),
    reference: [names, before, after],
    removed: [names, ...own((cpu) => reference.disable(cpu))],
    lost: [names, before, after],
    returned: [names, before, after],
    renamed: [names, ...own((cpu) => reference.enable(cpu))],
  };
  machine.start(deeds[id]);
  if (id === "returned" || id === "renamed") {
    host.engine.runUntil(host.tscAt(age / 2n));
    leaveTsc(machine);
  }
  if (id === "renamed") {
    host.engine.runUntil(host.tscAt(age - renamedAfterNs(params)));
    returnToTsc(machine);
  }
  host.engine.runUntil(host.tscAt(age));
  if (id === "reference") machine.vm.clock.requestMasterClockUpdates();
  if (id === "lost") leaveTsc(machine);
  if (id === "returned") returnToTsc(machine);
  host.engine.runUntil(host.tscAt(age + UNIT_NS));
  const [first, last] = seen;
  if (first === undefined || last === undefined) throw new Error(`hyperv-page: nothing seen of ${id}`);
  return outcomeOf(machine, first.time, last);
}

/** How old the reference is by which the counter goes when the guest names its page again, ns. */
export function renamedAfterNs({ age }: HypervPageParams): bigint {
  return age / 4n;
}

/** KVM hears of it, and its vCPUs at their next exit: here at once. */
function leaveTsc({ kvm, vm, host }: PageMachine): void {
  kvm.changeClocksource(HPET);
  host.engine.runUntil(host.engine.now);
  for (const vcpu of vm.vcpus) vcpu.forceExit();
  host.engine.runUntil(host.engine.now);
}

/** Nobody is told: something else has to ask for a new reference. */
function returnToTsc({ kvm, vm, host }: PageMachine): void {
  kvm.changeClocksource("tsc");
  vm.clock.requestMasterClockUpdates();
  host.engine.runUntil(host.engine.now);
}
