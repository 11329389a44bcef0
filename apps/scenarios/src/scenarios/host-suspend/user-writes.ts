import { GuestKvmclock } from "../../programs/kvmclock.js";
import { spins } from "./guest.js";
import { buildSuspendMachine, hostSleep } from "./machine.js";
import type { HostSuspendParams } from "./params.js";

/** Values written, as guest cycles from what KVM expects: the edges of its window, a second either way less a cycle. */
export function writeDistances({ guestKhz }: Pick<HostSuspendParams, "guestKhz">): readonly bigint[] {
  const second = guestKhz * 1000n;
  return [-second, 1n - second, 0n, second - 1n, second];
}

/** One write of IA32_TSC by user space after a sleep in which the TSC began anew. */
export interface UserWrite {
  /** From what KVM expected, guest cycles. */
  readonly distance: bigint;
  readonly value: bigint;
  /** Whether KVM took it for a write in step with those before, were it user space's first and were it not. */
  readonly first: boolean;
  readonly later: boolean;
  /** How far the guest's TSC is from the value afterwards, cycles. */
  readonly offFirst: bigint;
  readonly offLater: bigint;
}

/** Writes each value into the TSC of a guest that just woke, as user space's first write and as a later one. */
export function userWrites(
  params: HostSuspendParams,
  axes: Readonly<Record<string, string>>,
  onStep: () => void,
): UserWrite[] {
  return writeDistances(params).map((distance) => {
    const first = write(params, axes, "first", distance);
    const later = write(params, axes, "later", distance);
    onStep();
    return {
      distance,
      value: first.value,
      first: first.isTaken,
      later: later.isTaken,
      offFirst: first.off,
      offLater: later.off,
    };
  });
}

function write(
  params: HostSuspendParams,
  axes: Readonly<Record<string, string>>,
  which: "first" | "later",
  distance: bigint,
): { readonly value: bigint; readonly isTaken: boolean; readonly off: bigint } {
  const { host, kvm, vm } = buildSuspendMachine(params, axes);
  const kvmclock = new GuestKvmclock(vm.memory);
  for (const vcpu of vm.vcpus) vcpu.start("spins", (cpu) => spins(cpu, kvmclock, vcpu.id));
  const { counters } = vm;
  if (which === "later") {
    // As a VMM restores it: the offset it has.
    vm.paused(() => {
      for (const counter of counters.vcpus) counters.setTscOffset(counter, counter.l1Offset);
    });
  }
  host.engine.runUntil(host.tscAt(params.age));
  kvm.sleep(hostSleep(params, "resets"));
  return vm.paused(() => {
    const [counter] = counters.vcpus;
    if (counter === undefined) throw new Error("host-suspend: a VM without vCPUs");
    const value = counter.nsToCycles(vm.clock.baseNs()) + distance;
    const generation = counters.generationNumber;
    counters.hostWriteTsc(counter, value);
    const off = BigInt.asIntN(64, counter.readL1(host.engine.now) - value);
    return { value, isTaken: counters.generationNumber === generation, off };
  });
}
