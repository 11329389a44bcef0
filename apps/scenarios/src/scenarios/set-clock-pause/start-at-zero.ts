import { buildClockMachine } from "../../machine/clock-machine.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import type { SetClockPauseParams } from "./params.js";

/** So soon after its start a VMM sets a VM's clock. */
const SOON_NS = 1_000_000n;

/** Sets a VM's clock to 0 right after its start: the system_time that is published then, ns, signed. */
export function startAtZero(
  { hostKhz, guestKhz, kvmclock }: SetClockPauseParams,
  axes: Readonly<Record<string, string>>,
): bigint {
  const { host, vm } = buildClockMachine({ hostKhz, guestKhz, axes });
  const guest = new GuestKvmclock(vm.memory, kvmclock);
  vm.vcpus[0]?.start("spins", function* (cpu) {
    guest.enable(cpu, 0);
    for (;;) yield cpu.run();
  });
  host.engine.runUntil(host.tscAt(SOON_NS));
  vm.paused(() => vm.clock.setClock({ clock: 0n }));
  host.engine.runUntil(host.engine.now);
  return BigInt.asIntN(64, guest.published(0).systemTime);
}
