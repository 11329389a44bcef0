import { addVcpu, type ClockMachine } from "../../machine/clock-machine.js";
import type { GuestKvmclock } from "../../programs/kvmclock.js";
import { spinning } from "./guest.js";
import type { MasterClockYankParams } from "./params.js";

/** Makes KVM do what it takes a new reference for, or once did. */
export function bringAbout(
  cause: MasterClockYankParams["cause"],
  { host, vm }: ClockMachine,
  kvmclock: GuestKvmclock,
  axes: Readonly<Record<string, string>>,
): void {
  const { clock } = vm;
  if (cause === "xen-map") clock.noteXenSharedInfo();
  else if (cause === "request") clock.requestMasterClockUpdates();
  else if (cause === "set-clock") vm.paused(() => clock.setClock({ clock: clock.getClock().clock }));
  else {
    const plugged = addVcpu(host, vm, axes);
    plugged.start("plugged in", (cpu) => spinning(cpu, kvmclock, plugged.id));
  }
}
