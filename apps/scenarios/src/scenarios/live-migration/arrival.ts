import type { GuestTsc, KvmclockNs } from "@chronovisor/clocksource";
import { readCycles } from "@chronovisor/pvclock";
import type { GuestCpu } from "../../machine/guest/guest.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { buildDestination, type Destination, type DestinationOptions } from "./destination.js";
import { cyclesIn, type LiveMigrationParams } from "./params.js";
import { type Restored, type RestoreMethod, restoreGuest } from "./restore.js";
import type { SavedGuest } from "./source.js";

const S = BigInt.asIntN;

/** What the guest finds when it goes on. All differences are signed: positive is ahead. */
export interface Arrival extends Restored {
  readonly destination: Destination;
  /** Its TSC, against one that went on at the guest's frequency during the blackout, cycles. */
  readonly tscAhead: bigint;
  /** Its clock, against what it read last plus the time that passed since, ns. */
  readonly clockAhead: bigint;
  /** Its clock, against the function of its TSC that it was on the source, ns (docs/model/pvclock §8.2). */
  readonly clockAgainstTsc: bigint;
  readonly guestTsc: GuestTsc;
  readonly guestNs: KvmclockNs;
  readonly masterClock: boolean;
}

/** Restores the guest on a destination and lets it go on: its first instructions read both clocks. */
export function arrive(
  saved: SavedGuest,
  params: LiveMigrationParams,
  options: DestinationOptions,
  method: RestoreMethod,
): Arrival {
  const destination = buildDestination(params, options);
  const restored = restoreGuest(destination, saved, method, params);
  const { host, vm, restoreTsc } = destination;
  const guest = new GuestKvmclock(vm.memory);
  const first: { read?: { tsc: GuestTsc; ns: KvmclockNs } } = {};
  const goesOn = (id: number) =>
    function* (cpu: GuestCpu) {
      if (id === 0) first.read = { tsc: cpu.rdtsc(), ns: guest.read(cpu, id) };
      yield cpu.run();
    };
  const passedCycles = host.engine.now - restoreTsc;
  for (const vcpu of vm.vcpus) vcpu.start("goes on", goesOn(vcpu.id));
  const { read } = first;
  if (read === undefined) throw new Error("arrive: the guest did not go on");
  const passedNs = params.blackout + host.nanoseconds(passedCycles);
  const wouldRead = saved.guestTsc + cyclesIn(passedNs, params.guestKhz);
  return {
    ...restored,
    destination,
    tscAhead: S(64, read.tsc - wouldRead),
    clockAhead: S(64, read.ns - saved.guestNs - passedNs),
    clockAgainstTsc: S(64, read.ns - readCycles(saved.published, read.tsc)),
    guestTsc: read.tsc,
    guestNs: read.ns,
    masterClock: vm.clock.reference.useMasterClock,
  };
}

/** The destination the parameters describe. */
export function chosenDestination(
  { destinationKhz, scaling, vcpus }: LiveMigrationParams,
  axes: Readonly<Record<string, string>>,
): DestinationOptions {
  return { axes, hostKhz: destinationKhz, scaling, createdAt: "host-frequency", vcpus: Number(vcpus) };
}
