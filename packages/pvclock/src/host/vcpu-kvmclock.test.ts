import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  enterAll,
  runningVm,
  type SimulatedVm,
  serviced,
  type simulatedVm,
} from "../../test/simulated-vm.js";
import { decodeVcpuTimeInfo, type VcpuKvmclock, type VcpuTimeInfo } from "../index.js";

const MSR_SYSTEM_TIME = 0x4b564d01;
const MSR_SYSTEM_TIME_OLD = 0x12;
const MSR_WALL_CLOCK = 0x4b564d00;
const MSR_WALL_CLOCK_OLD = 0x11;
const MSR_STEAL_TIME = 0x4b564d03;
const ENABLE = 1n;

const KVMCLOCK_GPA = 0x1000n;
const VCPU_INFO_GPA = 0x2000n;
const TIME_INFO_GPA = 0x3000n;

const STABLE = 1;
const STOPPED = 2;

function firstOf(vm: SimulatedVm): VcpuKvmclock {
  const [vcpu] = vm.vcpus;
  if (vcpu === undefined) throw new RangeError("expected a vCPU, got none");
  return vcpu;
}

const infoAt = (vm: SimulatedVm, gpa: bigint): VcpuTimeInfo =>
  decodeVcpuTimeInfo(vm.memory.bytes.subarray(Number(gpa), Number(gpa) + 32));

function setVersion(vm: SimulatedVm, gpa: bigint, version: number): void {
  new DataView(vm.memory.bytes.buffer).setUint32(Number(gpa), version, true);
}

/** All three areas active and written once. */
function publishing(options: Parameters<typeof simulatedVm>[0] = {}): SimulatedVm {
  const vm = runningVm(options);
  const vcpu = firstOf(vm);
  vcpu.wrmsr(MSR_SYSTEM_TIME, KVMCLOCK_GPA | ENABLE);
  vcpu.setXenVcpuInfo(VCPU_INFO_GPA);
  vcpu.setXenTimeInfo(TIME_INFO_GPA);
  enterAll(vm);
  return vm;
}

describe("what is published", () => {
  it("is one structure in up to three places, each with the version found there", () => {
    const vm = publishing();
    setVersion(vm, VCPU_INFO_GPA + 32n, 8);
    setVersion(vm, TIME_INFO_GPA, 0xffff_ffff);
    vm.host.advance(1n);
    vm.clock.updateMasterClock();
    enterAll(vm);
    const { version: first, ...kvmclock } = infoAt(vm, KVMCLOCK_GPA);
    const { version: second, ...vcpuInfo } = infoAt(vm, VCPU_INFO_GPA + 32n);
    const { version: third, ...timeInfo } = infoAt(vm, TIME_INFO_GPA);
    expect([first, second, third]).toEqual([4, 10, 2]);
    expect(kvmclock).toEqual({
      tscTimestamp: 2_500_000_000n,
      systemTime: 999_999_940n,
      tscToSystemMul: 3_435_973_836,
      tscShift: -1,
      flags: STABLE,
    });
    expect([vcpuInfo, timeInfo]).toEqual([kvmclock, kvmclock]);
    expect(firstOf(vm).cached).toEqual({ ...kvmclock, version: 2 });
  });

  it("does not change on a master clock but for the version, whenever it is computed", () => {
    const vm = publishing({ hostKhz: 3_000_000, guestKhz: 2_500_000 });
    const { version, ...before } = infoAt(vm, KVMCLOCK_GPA);
    vm.host.advance(1000n);
    serviced(firstOf(vm), "clock-update");
    const { version: next, ...after } = infoAt(vm, KVMCLOCK_GPA);
    expect(after).toEqual(before);
    expect(next).toBe(version + 2);
  });

  it("is computed, and has version 0, while no area is written", () => {
    const vm = runningVm();
    expect(firstOf(vm).cached).toMatchObject({ version: 0, tscToSystemMul: 3_435_973_836 });
  });

  it("without TSC_STABLE in Xen's areas when the VMM hides it, and with it in kvmclock's and the cached structure", () => {
    const vm = publishing({ hideTscStableFromXen: true });
    const flags = [KVMCLOCK_GPA, VCPU_INFO_GPA + 32n, TIME_INFO_GPA].map((gpa) => infoAt(vm, gpa).flags);
    expect([...flags, firstOf(vm).cached.flags]).toEqual([STABLE, 0, 0, STABLE]);
  });

  it.each([
    ["an even address that is no multiple of 4", 0x1002n],
    ["one in the middle of a cache line", 0x103en],
  ])("is published at %s as anywhere else: KVM asks for no alignment", (_title, gpa) => {
    const vm = runningVm();
    const vcpu = firstOf(vm);
    expect(vcpu.wrmsr(MSR_SYSTEM_TIME, gpa | 1n)).toBe(true);
    expect([vcpu.setXenVcpuInfo(VCPU_INFO_GPA + 1n), vcpu.setXenTimeInfo(TIME_INFO_GPA + 3n)]).toEqual([
      0, 0,
    ]);
    enterAll(vm);
    const { version: _, ...published } = infoAt(vm, gpa);
    expect(published).toMatchObject({ tscToSystemMul: 3_435_973_836, tscShift: -1, flags: STABLE });
    expect(infoAt(vm, VCPU_INFO_GPA + 33n)).toMatchObject(published);
    expect(infoAt(vm, TIME_INFO_GPA + 3n)).toMatchObject(published);
  });

  it("needs a frequency that is not 0 Hz after scaling", () => {
    const vm = runningVm({ hostKhz: 2_500_000, guestKhz: 2_000 });
    vm.host.khz = 1;
    firstOf(vm).request("clock-update");
    expect(() => firstOf(vm).serviceRequests()).toThrow(RangeError);
  });

  it("is dropped without a trace where the page is not mapped", () => {
    const vm = publishing();
    vm.memory.unmapped.add(1);
    firstOf(vm).setXenVcpuInfo(undefined);
    firstOf(vm).setXenTimeInfo(undefined);
    const { version } = firstOf(vm).cached;
    expect(firstOf(vm).kvmclockCtrl()).toBe(0);
    vm.log.length = 0;
    enterAll(vm);
    expect(vm.log).toEqual(["dropped kvmclock 0", "clock update 0"]);
    expect(firstOf(vm).cached.version).toBe(version);
    expect(firstOf(vm).guestStoppedPending).toBe(true);
    vm.memory.unmapped.clear();
    serviced(firstOf(vm), "clock-update");
    expect(infoAt(vm, KVMCLOCK_GPA).flags).toBe(STABLE | STOPPED);
  });

  it("waits while the frequency of the CPU is not known, and the request with it", () => {
    const vm = publishing();
    const before = infoAt(vm, KVMCLOCK_GPA);
    vm.host.khz = 0;
    const vcpu = firstOf(vm);
    vcpu.request("clock-update");
    expect(vcpu.serviceRequests()).toBe("retry");
    expect(vcpu.requests).toEqual(["clock-update"]);
    expect(infoAt(vm, KVMCLOCK_GPA)).toEqual(before);
    vm.host.khz = 2_400_000;
    expect(vcpu.serviceRequests()).toBe("entry");
    expect([vcpu.hz, vcpu.cached.tscToSystemMul]).toEqual([2_400_000_000n, 3_579_139_413]);
  });

  it("tells of a new scale, and keeps the pair while the frequency stays", () => {
    const scales: unknown[] = [];
    const vm = publishing({ events: { onScale: (_vcpu, scale, hz) => scales.push([scale, hz]) } });
    vm.clock.updateMasterClock();
    enterAll(vm);
    expect(scales).toEqual([[{ mul: 3_435_973_836, shift: -1 }, 2_500_000_000n]]);
  });
});

describe("GUEST_STOPPED", () => {
  it.each([
    ["bleeds", [STABLE | STOPPED, STABLE | STOPPED, STABLE | STOPPED], STABLE | STOPPED],
    ["kvmclock-only", [STABLE | STOPPED, STABLE, STABLE], STABLE],
  ] as const)("with %s shows in %o", (stoppedFlag, flags, cached) => {
    const vm = publishing({ behaviours: { stoppedFlag } });
    expect(firstOf(vm).kvmclockCtrl()).toBe(0);
    enterAll(vm);
    expect([KVMCLOCK_GPA, VCPU_INFO_GPA + 32n, TIME_INFO_GPA].map((gpa) => infoAt(vm, gpa).flags)).toEqual(
      flags,
    );
    expect(firstOf(vm).cached.flags).toBe(cached);
    expect(firstOf(vm).guestStoppedPending).toBe(false);
  });

  it.each(["bleeds", "kvmclock-only"] as const)(
    "with %s stays until the guest clears its copy",
    (stoppedFlag) => {
      const vm = publishing({ behaviours: { stoppedFlag } });
      const vcpu = firstOf(vm);
      vcpu.setXenVcpuInfo(undefined);
      vcpu.setXenTimeInfo(undefined);
      vcpu.kvmclockCtrl();
      vcpu.serviceRequests();
      serviced(vcpu, "clock-update");
      expect(infoAt(vm, KVMCLOCK_GPA).flags).toBe(STABLE | STOPPED);
      vm.memory.bytes[Number(KVMCLOCK_GPA) + 29] = 0;
      serviced(vcpu, "clock-update");
      expect(infoAt(vm, KVMCLOCK_GPA).flags).toBe(STABLE);
    },
  );

  it("cannot be asked for without kvmclock's own area, whatever Xen's are", () => {
    const vm = runningVm();
    firstOf(vm).setXenVcpuInfo(VCPU_INFO_GPA);
    expect(firstOf(vm).kvmclockCtrl()).toBe(-22);
    expect(firstOf(vm).guestStoppedPending).toBe(false);
  });
});

describe("the system-time MSR", () => {
  it("reads back what was written, by both numbers", () => {
    const vcpu = firstOf(runningVm());
    expect(vcpu.wrmsr(MSR_SYSTEM_TIME_OLD, 0x1235n)).toBe(true);
    expect([vcpu.rdmsr(MSR_SYSTEM_TIME), vcpu.rdmsr(MSR_SYSTEM_TIME_OLD)]).toEqual([0x1235n, 0x1235n]);
    expect(vcpu.areaAddress("kvmclock")).toBe(0x1234n);
  });

  it("always asks for a global update, and without the enable bit deactivates the area", () => {
    const vcpu = firstOf(publishing());
    vcpu.wrmsr(MSR_SYSTEM_TIME, KVMCLOCK_GPA);
    expect(vcpu.areaAddress("kvmclock")).toBeUndefined();
    expect(vcpu.requests).toEqual(["global-clock-update"]);
  });

  it("leaves the area inactive where it would cross a page, without a fault", () => {
    const vcpu = firstOf(publishing());
    expect(vcpu.wrmsr(MSR_SYSTEM_TIME, 0x1fe0n | ENABLE)).toBe(true);
    expect(vcpu.areaAddress("kvmclock")).toBe(0x1fe0n);
    expect(vcpu.wrmsr(MSR_SYSTEM_TIME, 0x1fe2n | ENABLE)).toBe(true);
    expect(vcpu.areaAddress("kvmclock")).toBeUndefined();
    expect(vcpu.rdmsr(MSR_SYSTEM_TIME)).toBe(0x1fe3n);
  });

  it.each([
    ["keeps-page", STABLE, 2],
    ["clears-stable", 0, 4],
  ] as const)(
    "with %s leaves flags %i and version %i until the vCPU runs",
    (systemTimeWrite, flags, version) => {
      const vm = runningVm({ behaviours: { systemTimeWrite } });
      const vcpu = firstOf(vm);
      vcpu.wrmsr(MSR_SYSTEM_TIME, KVMCLOCK_GPA | ENABLE);
      vcpu.serviceRequests();
      vcpu.wrmsr(MSR_SYSTEM_TIME, KVMCLOCK_GPA | ENABLE);
      expect(infoAt(vm, KVMCLOCK_GPA)).toMatchObject({ flags, version });
    },
  );

  it("is zero and its area inactive after RESET; Xen's areas stay", () => {
    const vcpu = firstOf(publishing());
    vcpu.reset();
    expect([vcpu.rdmsr(MSR_SYSTEM_TIME), vcpu.areaAddress("kvmclock")]).toEqual([0n, undefined]);
    expect(vcpu.areaAddress("xen-vcpu-info")).toBe(VCPU_INFO_GPA + 32n);
  });
});

describe("the wall-clock MSR", () => {
  it("writes the epoch once, one value per VM, at any address but 0", () => {
    const vm = runningVm({ vcpus: 2 });
    const [first, second] = vm.vcpus;
    vm.host.advance(100n);
    expect(first?.wrmsr(MSR_WALL_CLOCK_OLD, 0x4000n)).toBe(true);
    expect(second?.rdmsr(MSR_WALL_CLOCK)).toBe(0x4000n);
    const words = new Uint32Array(vm.memory.bytes.buffer, 0x4000, 3);
    // CLOCK_REALTIME counts 5961 ns less than C in 100 s, so the epoch seems to lie before the second.
    expect([...words]).toEqual([2, 1_699_999_999, 999_994_063]);
    vm.host.advance(100n);
    enterAll(vm);
    expect(words[0]).toBe(2);
    second?.wrmsr(MSR_WALL_CLOCK, 0n);
    expect([first?.rdmsr(MSR_WALL_CLOCK), words[0]]).toEqual([0n, 2]);
  });

  it("drops the write where nothing is mapped", () => {
    const vm = runningVm();
    vm.memory.unmapped.add(4);
    expect(firstOf(vm).wrmsr(MSR_WALL_CLOCK, 0x4000n)).toBe(true);
    expect(vm.memory.bytes.subarray(0x4000, 0x400c).every((byte) => byte === 0)).toBe(true);
  });
});

describe("Xen's areas", () => {
  it("are refused where the whole structure would cross a page, and inactive then", () => {
    const vcpu = firstOf(publishing());
    expect([vcpu.setXenVcpuInfo(0x2fc0n), vcpu.areaAddress("xen-vcpu-info")]).toEqual([0, 0x2fe0n]);
    expect([vcpu.setXenVcpuInfo(0x2fe0n), vcpu.areaAddress("xen-vcpu-info")]).toEqual([-22, undefined]);
    expect([vcpu.setXenTimeInfo(0x2fe0n), vcpu.areaAddress("xen-time-info")]).toEqual([0, 0x2fe0n]);
    expect([vcpu.setXenTimeInfo(0x2fe4n), vcpu.areaAddress("xen-time-info")]).toEqual([-22, undefined]);
  });

  it("ask for a clock update when set, not when taken away", () => {
    const vcpu = firstOf(runningVm());
    vcpu.setXenVcpuInfo(undefined);
    expect(vcpu.requests).toEqual([]);
    vcpu.setXenVcpuInfo(VCPU_INFO_GPA);
    expect(vcpu.requests).toEqual(["clock-update"]);
  });
});

describe("a caller's mistakes", () => {
  const vcpu = firstOf(runningVm());
  const wrong = "" as never;

  it.each([
    ["an unknown request", () => vcpu.request(wrong), RangeError],
    ["another MSR", () => vcpu.wrmsr(0x10, 0n), RangeError],
    ["the steal-time MSR", () => vcpu.wrmsr(MSR_STEAL_TIME, 0n), RangeError],
    ["a read of the steal-time MSR", () => vcpu.rdmsr(MSR_STEAL_TIME), RangeError],
    ["a value that is no u64", () => vcpu.wrmsr(MSR_SYSTEM_TIME, -1n), RangeError],
    ["an unknown writer", () => vcpu.wrmsr(MSR_SYSTEM_TIME, 0n, wrong), RangeError],
    ["an MSR that is no number", () => vcpu.rdmsr(wrong), TypeError],
    ["a vcpu_info that is no address", () => vcpu.setXenVcpuInfo(-1n), RangeError],
    ["a time info that is no bigint", () => vcpu.setXenTimeInfo(wrong), TypeError],
    ["a TSC beyond 64 bits", () => vcpu.readAt((2n ** 64n) as never), RangeError],
    ["a TSC that is no bigint", () => vcpu.aheadOfHostNs(wrong), TypeError],
  ])("%s throws", (_title, mistake, type) => {
    expect(mistake).toThrow(type);
  });
});

describe("whatever was asked in whatever order", () => {
  it("is done in the order of the kernel, and nothing is left but what the doing asked of others", () => {
    const requests = fc.shuffledSubarray([
      "masterclock-update",
      "global-clock-update",
      "clock-update",
    ] as const);
    fc.assert(
      fc.property(requests, (asked) => {
        const vm = runningVm({ behaviours: { globalUpdate: "delayed-100ms" } });
        const vcpu = firstOf(vm);
        for (const request of asked) vcpu.request(request);
        vm.log.length = 0;
        expect(vcpu.serviceRequests()).toBe("entry");
        expect(vcpu.requests).toEqual([]);
        const done = vm.log.filter((entry) => !entry.startsWith("request") && !entry.startsWith("kick"));
        expect(done).toEqual([
          ...(asked.includes("masterclock-update") ? ["master clock on"] : []),
          ...(asked.includes("global-clock-update") ? ["global update in 100000000"] : []),
          ...(asked.length > 0 ? ["clock update 0"] : []),
        ]);
      }),
    );
  });
});
