import { resumeHost } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { counterOf, enterAll, runningVm, serviced, simulatedVm } from "../../test/simulated-vm.js";
import { KvmclockNotifier } from "../index.js";

const MSR_OLD = 0x12;
const MSR_NEW = 0x4b564d01;
const DAY_S = 86_400n;

describe("a VM gets its master clock", () => {
  it("not before its first vCPU took a reference", () => {
    const vm = simulatedVm();
    expect(vm.clock.reference.useMasterClock).toBe(false);
    expect(vm.vcpus[0]?.requests).toEqual(["masterclock-update"]);
    enterAll(vm);
    expect(vm.clock.reference).toEqual({ useMasterClock: true, hostTsc: 0n, kernelNs: 0n });
    expect(vm.tsc.useMasterClock).toBe(true);
  });

  it("with no vCPU at all it has none, and its clock counts from 0 at creation", () => {
    const vm = simulatedVm({ vcpus: 0 });
    expect(vm.clock.reference.useMasterClock).toBe(false);
    vm.host.advance(2n);
    expect(vm.clock.getClock()).toEqual({ clock: 1_999_999_880n, flags: 0, realtime: 0n, hostTsc: 0n });
  });

  it("and a vCPU added in step does not disturb it from 6.7 on", () => {
    const vm = runningVm({ vcpus: 2 });
    vm.host.advance(DAY_S);
    expect(vm.addVcpu().requests).toEqual([]);
  });

  it("while before 6.7 each added vCPU takes a new reference", () => {
    const vm = runningVm({ vcpus: 2, vcpuAddRefresh: "always" });
    expect(vm.addVcpu().requests).toEqual(["masterclock-update"]);
  });
});

describe("a VM loses its master clock", () => {
  it("when one vCPU's TSC offset differs by a cycle, and gets it back when all do", () => {
    const vm = runningVm({ vcpus: 2 });
    const [offset, other] = [counterOf(vm, 0).l1Offset + 1n, counterOf(vm, 1)];
    vm.tsc.setTscOffset(other, offset);
    enterAll(vm);
    enterAll(vm);
    expect(vm.clock.reference.useMasterClock).toBe(false);
    expect(vm.vcpus.map(({ cached }) => cached.flags)).toEqual([0, 0]);

    vm.tsc.setTscOffset(counterOf(vm, 0), offset);
    enterAll(vm);
    enterAll(vm);
    expect(vm.clock.reference.useMasterClock).toBe(true);
    expect(vm.vcpus.map(({ cached }) => cached.flags)).toEqual([1, 1]);
  });

  it("but with frequencies compared instead of offsets it keeps it, and only TSC_STABLE goes", () => {
    const vm = runningVm({ vcpus: 2, behaviours: { masterClockTsc: "equal-frequency" } });
    vm.tsc.setTscOffset(counterOf(vm, 1), counterOf(vm, 1).l1Offset + 5n);
    enterAll(vm);
    enterAll(vm);
    expect(vm.clock.reference.useMasterClock).toBe(true);
    expect(vm.vcpus.map(({ cached }) => [cached.flags, cached.tscTimestamp])).toEqual([
      [0, 0n],
      [0, 5n],
    ]);
    counterOf(vm, 1).setTscKhz(2_000_000);
    vm.clock.updateMasterClock();
    expect(vm.clock.reference.useMasterClock).toBe(false);
  });

  it("when the boot vCPU chooses the old MSR, and gets it back with the new one", () => {
    const vm = runningVm();
    const [vcpu] = vm.vcpus;
    vcpu?.wrmsr(MSR_OLD, 0x1001n);
    expect(vcpu?.requests).toEqual(["masterclock-update", "global-clock-update"]);
    vcpu?.serviceRequests();
    expect([vm.clock.bootVcpuRunsOldKvmclock, vm.clock.reference.useMasterClock]).toEqual([true, false]);
    vcpu?.wrmsr(MSR_NEW, 0x1001n);
    vcpu?.serviceRequests();
    expect([vm.clock.bootVcpuRunsOldKvmclock, vm.clock.reference.useMasterClock]).toEqual([false, true]);
  });

  it("not when another vCPU, or user space restoring MSRs, writes the old one", () => {
    const vm = runningVm({ vcpus: 2 });
    vm.vcpus[1]?.wrmsr(MSR_OLD, 0x1001n);
    vm.vcpus[0]?.wrmsr(MSR_OLD, 0x1001n, "host");
    enterAll(vm);
    expect([vm.clock.bootVcpuRunsOldKvmclock, vm.clock.reference.useMasterClock]).toEqual([false, true]);
  });

  it("for good when the host's counter falls back across a suspend, and its guest's clock goes on from A", () => {
    const vm = runningVm();
    vm.host.advance(3600n);
    counterOf(vm, 0).put(vm.host.now);
    vm.host.now = vm.host.tsc();
    const later = vm.host.now;
    vm.host.now = (later - 1_000_000_000n) as typeof later;
    expect(resumeHost([vm.tsc], vm.health, 0, vm.host.now)).toBe(1_000_000_000n);
    vm.tsc.load(counterOf(vm, 0), 0);
    enterAll(vm);
    expect(vm.clock.reference.useMasterClock).toBe(false);
    vm.clock.updateMasterClock();
    expect(vm.clock.reference.useMasterClock).toBe(false);
  });

  it("when the host's clocksource leaves the TSC; the return to it changes nothing until someone asks", () => {
    const notifier = new KvmclockNotifier();
    const vm = runningVm({ notifier, vcpus: 2 });
    expect(notifier.timekeeperUpdated(vm.host.copy())).toBe(false);
    vm.host.advance(10n);
    vm.host.vclockMode = "none";
    vm.health.clocksource = "other";
    expect(notifier.timekeeperUpdated(vm.host.copy())).toBe(true);
    notifier.run([vm.clock]);
    expect(notifier.timekeeperUpdated(vm.host.copy())).toBe(false);
    enterAll(vm);
    enterAll(vm);
    expect(vm.clock.reference).toEqual({ useMasterClock: false, hostTsc: 0n, kernelNs: 0n });
    expect(vm.vcpus[0]?.cached.flags).toBe(0);

    vm.host.vclockMode = "tsc";
    vm.health.clocksource = "tsc";
    expect(notifier.timekeeperUpdated(vm.host.copy())).toBe(false);
    enterAll(vm);
    expect(vm.clock.reference.useMasterClock).toBe(false);
    for (const vcpu of vm.vcpus) serviced(vcpu, "masterclock-update");
    expect(vm.clock.reference.useMasterClock).toBe(true);
  });
});

describe("without a master clock", () => {
  /** Definition B is 59.4 ppb faster than A at 2.5 GHz: 17.8 µs in 300 s; docs/model/scenarios-clock §S10. */
  it("a vCPU anchored 300 s ago is 17.8 µs ahead of one anchored now", () => {
    const vm = simulatedVm({ vcpus: 2 });
    vm.health.clocksource = "other";
    vm.host.vclockMode = "none";
    enterAll(vm);
    enterAll(vm);
    vm.host.advance(300n);
    const [first, second] = vm.vcpus;
    first?.request("clock-update");
    first?.serviceRequests();
    expect((second?.readAt(vm.host.now) ?? 0n) - (first?.readAt(vm.host.now) ?? 0n)).toBe(17_812n);
  });

  it("time and TSC of an anchor are two samples, and the gap between them is the error", () => {
    const vm = simulatedVm();
    vm.host.vclockMode = "none";
    enterAll(vm);
    vm.host.advance(1n);
    vm.host.sampleGap = 2_500n;
    vm.vcpus[0]?.request("clock-update");
    vm.vcpus[0]?.serviceRequests();
    const { tscTimestamp, systemTime } = vm.vcpus[0]?.cached ?? {};
    // The gap is 1 µs at 2.5 GHz; one second of RAW is 999 999 940 ns there.
    expect([tscTimestamp, systemTime]).toEqual([2_500_002_500n, 1_000_001_940n]);
  });

  it("the host reads the guest's clock as A", () => {
    const vm = simulatedVm();
    vm.host.vclockMode = "none";
    enterAll(vm);
    vm.host.advance(DAY_S);
    expect(vm.clock.getClock()).toEqual({ clock: 86_399_994_850_158n, flags: 0, realtime: 0n, hostTsc: 0n });
  });
});

describe("a guest that writes its TSC", () => {
  it("by IA32_TSC is off by the write until the next clock update", () => {
    const vm = runningVm({ vcpus: 2 });
    const [, vcpu] = vm.vcpus;
    const counter = counterOf(vm, 1);
    vm.host.advance(1n);
    const before = vcpu?.readAt(vm.host.now) ?? 0n;
    counter.wrmsrTsc(counter.readL1(vm.host.now) + 1_000_000_000n, vm.host.now);
    expect(vcpu?.requests).toEqual([]);
    expect((vcpu?.readAt(vm.host.now) ?? 0n) - before).toBe(400_000_000n);
    if (vcpu) serviced(vcpu, "clock-update");
    expect(vcpu?.readAt(vm.host.now)).toBe(before);
    expect(vm.clock.reference.useMasterClock).toBe(true);
  });

  it("by IA32_TSC_ADJUST gets its clock update before it runs again", () => {
    const vm = runningVm({ vcpus: 2 });
    const [, vcpu] = vm.vcpus;
    vm.host.advance(1n);
    const before = vcpu?.readAt(vm.host.now) ?? 0n;
    counterOf(vm, 1).wrmsrTscAdjust(1_000_000_000n);
    expect(vcpu?.requests).toEqual(["clock-update"]);
    vcpu?.serviceRequests();
    expect(vcpu?.readAt(vm.host.now)).toBe(before);
  });
});

describe("software catch-up", () => {
  const upscaled = { hostKhz: 2_400_000, guestKhz: 2_500_000, hasTscScaling: false };

  it("on a master clock moves the counter once per reference: a defect", () => {
    const vm = runningVm(upscaled);
    const [vcpu] = vm.vcpus;
    vm.host.advance(10n);
    vcpu?.noteExit();
    expect(vcpu?.requests).toEqual(["clock-update"]);
    vcpu?.serviceRequests();
    expect(counterOf(vm, 0).readL1(vm.host.now)).toBe(24_000_000_000n);
  });

  it("without one makes good what was missed, at RAW's rate", () => {
    const vm = simulatedVm(upscaled);
    vm.host.vclockMode = "none";
    enterAll(vm);
    vm.host.advance(10n);
    vm.vcpus[0]?.noteExit();
    vm.vcpus[0]?.serviceRequests();
    // 10 s of RAW are 10 000 000 476 ns at 2.4 GHz.
    expect(counterOf(vm, 0).readL1(vm.host.now)).toBe(25_000_001_190n);
  });

  it("computed for now (proposed) makes good what was missed on a master clock as well", () => {
    const vm = runningVm({ ...upscaled, behaviours: { catchup: "now" } });
    vm.host.advance(10n);
    const before = vm.vcpus[0]?.readAt(vm.host.now);
    vm.vcpus[0]?.noteExit();
    vm.vcpus[0]?.serviceRequests();
    expect(counterOf(vm, 0).readL1(vm.host.now)).toBe(25_000_001_190n);
    expect(vm.vcpus[0]?.readAt(vm.host.now)).toBe(before);
    expect(vm.vcpus[0]?.cached.tscTimestamp).toBe(1_000_001_190n);
  });

  describe("of a counter written after the reference, by an ioctl that does not wait for a new one", () => {
    const written = (catchupDelta: "unsigned" | "signed") => {
      const vm = runningVm({ ...upscaled, behaviours: { catchupDelta } });
      const [vcpu] = vm.vcpus;
      if (vcpu === undefined) throw new Error("a VM without vCPU");
      vm.host.advance(10n);
      vm.tsc.hostWriteTsc(counterOf(vm, 0), 24_000_000_000n);
      vcpu.noteExit();
      expect(vcpu.requests).toEqual(["masterclock-update", "clock-update"]);
      vm.clock.getClockGuest(vcpu);
      return { vm, vcpu, tsc: counterOf(vm, 0).readL1(vm.host.now) };
    };

    it("takes the ten seconds between them for 584 years, and the counter leaps", () => {
      const { tsc } = written("unsigned");
      // 2^64 − 10^10 ns at 2.5 GHz; the pre-shift of the scale wraps.
      expect(tsc).toBeGreaterThan(2n ** 60n);
    });

    it("leaves it where it was written if the difference is signed (proposed), and on goes it", () => {
      const { vm, vcpu, tsc } = written("signed");
      expect(tsc).toBe(24_000_000_000n);
      vcpu.serviceRequests();
      expect(counterOf(vm, 0).readL1(vm.host.now)).toBe(24_000_000_000n);
    });
  });

  it("asks for nothing on a counter that needs none", () => {
    const vm = runningVm();
    vm.vcpus[0]?.noteExit();
    expect(vm.vcpus[0]?.requests).toEqual([]);
  });
});

describe("the host clock behind it", () => {
  it("before 5.5 was CLOCK_BOOTTIME, from 5.6 RAW, and in 5.5 only the reference was RAW", () => {
    const readings = (["boot", "mixed", "raw"] as const).map((base) => {
      const vm = simulatedVm({ vcpus: 0, behaviours: { base } });
      vm.host.boottimeNs = () => 1_000n as ReturnType<typeof vm.host.boottimeNs>;
      vm.host.advance(1n);
      vm.host.offsBootNs = 7n;
      vm.clock.updateMasterClock();
      return [vm.clock.baseNs(), vm.clock.reference.kernelNs];
    });
    expect(readings).toEqual([
      [1_000n, 999_999_947n],
      [1_000n, 999_999_947n],
      [999_999_947n, 999_999_947n],
    ]);
  });

  it("says when KVM's copy wrapped: a timekeeper that slept for longer than 2^64 / mult cycles", () => {
    const wrapped: boolean[] = [];
    const vm = simulatedVm({ events: { onMasterClockUpdate: ({ isWrapped }) => wrapped.push(isWrapped) } });
    const asleep = vm.host.copy();
    vm.host.copy = () => asleep;
    vm.host.advance(1_099n);
    vm.clock.updateMasterClock();
    vm.host.advance(2n);
    vm.clock.updateMasterClock();
    expect(wrapped).toEqual([false, true]);
    expect(vm.clock.reference.kernelNs < 2_000_000_000n).toBe(true);
  });
});
