import { WATCHDOG_TUNING } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../kernels/kernels.js";
import { buildClockMachine, type ClockMachine } from "../machine/clock-machine.js";
import type { GuestWatchdogOptions } from "./clocksource-watchdog.js";
import { clocksourceWatchdog } from "./clocksource-watchdog.js";
import { GuestKvmclock } from "./kvmclock.js";

const NS_PER_S = 1_000_000_000n;
const GUEST_KHZ = 2_500_000;

/** A guest of one vCPU that watches its TSC from its start on, and the true times of its passes. */
function watched(options: Partial<GuestWatchdogOptions>): ClockMachine & { readonly passes: bigint[] } {
  const { axes } = parseKernel("v6.12");
  const machine = buildClockMachine({ hostKhz: BigInt(GUEST_KHZ), guestKhz: 0n, axes });
  const { host, vm } = machine;
  const kvmclock = new GuestKvmclock(vm.memory);
  const passes: bigint[] = [];
  vm.vcpus[0]?.start("watches", function* (cpu) {
    kvmclock.enable(cpu, 0);
    yield cpu.work(1n);
    yield* clocksourceWatchdog(cpu, {
      kvmclock,
      vcpu: 0,
      tscKhz: GUEST_KHZ,
      tuning: WATCHDOG_TUNING["6.12"],
      onPass: () => passes.push(host.trueNs(host.engine.now)),
      ...options,
    });
  });
  return { ...machine, passes };
}

describe("a guest's clocksource watchdog", () => {
  it("runs each half second, and finds nothing in clocks that agree", () => {
    const reasons: unknown[] = [];
    const { host, passes } = watched({ passes: 4, onUnstable: (reason) => reasons.push(reason) });
    host.engine.runUntil(host.tscAt(10n * NS_PER_S));
    expect(passes).toEqual([500_000_001n, 1_000_000_001n, 1_500_000_001n, 2_000_000_001n]);
    expect(reasons).toEqual([]);
  });

  it("runs late, and at once, where the guest was out when a pass was due", () => {
    const { host, vm, passes } = watched({ passes: 3 });
    const [vcpu] = vm.vcpus;
    host.engine.runUntil(host.tscAt(900_000_000n));
    vcpu?.stop();
    host.engine.runUntil(host.tscAt(1_200_000_000n));
    vcpu?.resume();
    host.engine.runUntil(host.tscAt(10n * NS_PER_S));
    expect(passes).toEqual([500_000_001n, 1_200_000_000n, 1_500_000_001n]);
  });

  it.each([
    ["finds what a clock lost between two passes", false, 1],
    ["starts over where it is touched before it looks", true, 0],
  ])("%s", (_words, touches, found) => {
    const reasons: unknown[] = [];
    const { host, vm } = watched({
      passes: 6,
      beforePass: (pass, watchdog) => {
        if (touches && pass === 2) watchdog.touch();
      },
      onUnstable: (reason, pass) => reasons.push([reason.kind, pass]),
    });
    host.engine.runUntil(host.tscAt(1_200_000_000n));
    vm.paused(() => vm.clock.setClock({ clock: vm.clock.getClock().clock - 1_000_000n }));
    host.engine.runUntil(host.tscAt(10n * NS_PER_S));
    expect(reasons).toEqual(Array.from({ length: found }, () => ["skew", 2]));
  });
});
