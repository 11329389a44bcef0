import { KVM_CLOCK_REALTIME } from "@chronovisor/pvclock";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../kernels/kernels.js";
import { GuestKvmclock } from "../programs/kvmclock.js";
import { addVcpu, buildClockMachine } from "./clock-machine.js";
import { ACPI_PM, HPET } from "./host/chipset-counter.js";
import { KvmVm } from "./kvm/kvm-vm.js";

const { axes } = parseKernel("v6.12");
const KHZ = 2_500_000n;
const machine = (options: Partial<Parameters<typeof buildClockMachine>[0]> = {}) =>
  buildClockMachine({ hostKhz: KHZ, guestKhz: 0n, vcpus: 2, axes, ...options });

describe("a vCPU that is added", () => {
  it("takes the first host CPU without one, whichever VM had the others", () => {
    const { host, kvm, vm } = machine({ spareCpus: 2 });
    const [first] = vm.vcpus;
    first?.moveTo(host.cpu(2));
    const other = new KvmVm(kvm, { guestKhz: Number(KHZ), vendor: "vmx", axes });
    expect(addVcpu(host, other, axes).cpu).toBe(host.cpu(0));
    expect(addVcpu(host, other, axes).cpu).toBe(host.cpu(3));
    expect(other.vcpus.map(({ id }) => id)).toEqual([0, 1]);
    expect(() => addVcpu(host, vm, axes)).toThrow(
      new RangeError("addVcpu: expected a host CPU without a vCPU, got 4, all taken"),
    );
    expect(vm.clock.vcpus).toHaveLength(2);
  });
});

describe("what passes between KVM's reads of TSC and clock", () => {
  it("puts the clock of a vCPU ahead by as much where there is no master clock", () => {
    const { host, kvm, vm } = machine();
    const guest = new GuestKvmclock(vm.memory, "old");
    const late = vm.vcpus[1]?.lane;
    kvm.beforeClockRead = () => {
      if (late !== undefined && host.engine.lane === late) host.engine.spend(host.cycles(700n));
    };
    for (const vcpu of vm.vcpus) {
      vcpu.start("spins", function* (cpu) {
        guest.enable(cpu, vcpu.id);
        for (;;) yield cpu.run();
      });
    }
    host.engine.runUntil(host.tscAt(1_000_000_000n));
    const [k0 = 0n, k1 = 0n] = vm.clock.vcpus.map((clock) => clock.readAt(host.engine.now));
    expect(vm.clock.reference.useMasterClock).toBe(false);
    expect(k1 - k0).toBe(700n);
  });
});

describe("what passes between KVM's new reference and its read of CLOCK_REALTIME", () => {
  it("puts a clock ahead by as much that is moved on by CLOCK_REALTIME", () => {
    const { host, kvm, vm } = machine();
    for (const vcpu of vm.vcpus) {
      vcpu.start("spins", function* (cpu) {
        for (;;) yield cpu.run();
      });
    }
    host.engine.runUntil(host.tscAt(1_000_000_000n));
    const { clock, realtime } = vm.clock.getClock();
    kvm.beforeClockRead = () => host.engine.spend(host.cycles(700n));
    vm.paused(() => vm.clock.setClock({ clock, realtime, flags: KVM_CLOCK_REALTIME }));
    const reference = vm.clock.reference.kernelNs + vm.clock.kvmclockOffset;
    expect(reference - clock).toBe(700n);
  });
});

describe("a kick", () => {
  it("takes as long as an interrupt to another CPU does", () => {
    const { host, vm } = machine({ ipiNs: 3_000n });
    for (const vcpu of vm.vcpus) {
      vcpu.start("spins", function* (cpu) {
        for (;;) yield cpu.run();
      });
    }
    const [first, second] = vm.vcpus;
    const exits = (): number => second?.counters.exitsFor.kick ?? 0;
    const before = exits();
    host.engine.runUntil(host.tscAt(1_000_000n));
    if (first !== undefined) host.engine.on(first.lane, () => second?.forceExit());
    host.engine.runUntil(host.tscAt(1_002_999n));
    expect(exits()).toBe(before);
    host.engine.runUntil(host.tscAt(1_003_000n));
    expect(exits()).toBe(before + 1);
  });
});

describe("its host's timekeeper", () => {
  it.each([
    ["the TSC", 10, "tsc"],
    // Half of what 2^32 counts take, less what NTP may add: 133.48 s are more than a minute.
    ["hpet", 10, HPET],
    // Half of 4.69 s, less the same: 2.0857 s.
    ["acpi_pm", 287, ACPI_PM],
  ] as const)(
    "is told of the time often enough, though nothing ticks: by %s %i times in 10 min",
    (_name, times, counter) => {
      const { host, kvm } = machine();
      kvm.changeClocksource(counter);
      let updates = 0;
      host.onClockUpdate(() => {
        updates += 1;
      });
      host.engine.runUntil(host.tscAt(600_000_000_000n));
      expect(updates).toBe(times);
    },
  );

  it("goes on in its rhythm after a sleep", () => {
    const { host, kvm } = machine();
    host.engine.runUntil(host.tscAt(90_000_000_000n));
    kvm.sleep({ ns: 3_600_000_000_000n, tsc: { resetTo: 0n } });
    const at: bigint[] = [];
    host.onClockUpdate(() => at.push(host.trueNs(host.engine.now) - 3_690_000_000_000n));
    host.engine.runUntil(host.tscAt(3_870_000_000_000n));
    // What fell due meanwhile finds nothing to accumulate on waking; from there it is every minute again.
    expect(at).toEqual([60_000_000_000n, 120_000_000_000n, 180_000_000_000n]);
  });
});
