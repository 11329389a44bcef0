import { describe, expect, it } from "vitest";
import { counterOf, enterAll, runningVm, type SimulatedVm, simulatedVm } from "../../test/simulated-vm.js";

const MSR_SYSTEM_TIME = 0x4b564d01;
const MS_100 = 100_000_000n;
const S_300 = 300_000_000_000n;

/** Without a master clock: where global updates matter. */
function withoutMasterClock(options: Parameters<typeof simulatedVm>[0]): SimulatedVm {
  const vm = simulatedVm(options);
  vm.host.vclockMode = "none";
  enterAll(vm);
  enterAll(vm);
  vm.log.length = 0;
  return vm;
}

const written = (vm: SimulatedVm, index: number): void => {
  vm.vcpus[index]?.wrmsr(MSR_SYSTEM_TIME, 0x1001n + BigInt(index) * 64n);
};

describe("a global update", () => {
  it("reaches the others 100 ms after the first request, up to 6.18", () => {
    const vm = withoutMasterClock({ vcpus: 2, behaviours: { globalUpdate: "delayed-100ms" } });
    written(vm, 0);
    vm.vcpus[0]?.serviceRequests();
    written(vm, 1);
    vm.vcpus[1]?.serviceRequests();
    expect(vm.log.filter((entry) => entry.startsWith("global"))).toEqual([`global update in ${MS_100}`]);
    expect(vm.clock.isGlobalUpdateQueued).toBe(true);

    vm.log.length = 0;
    vm.clock.runGlobalUpdate();
    expect(vm.log).toEqual(["request clock-update 0", "kick 0", "request clock-update 1", "kick 1"]);
    expect(vm.clock.isGlobalUpdateQueued).toBe(false);
    expect(() => vm.clock.runGlobalUpdate()).toThrow(RangeError);
  });

  it.each(["immediate", "ratelimited"] as const)("reaches the others at once, %s", (globalUpdate) => {
    const vm = withoutMasterClock({ vcpus: 3, behaviours: { globalUpdate } });
    written(vm, 1);
    vm.log.length = 0;
    vm.vcpus[1]?.serviceRequests();
    expect(vm.log).toEqual([
      "request clock-update 1",
      "request clock-update 0",
      "kick 0",
      "request clock-update 2",
      "kick 2",
      "clock update 1",
    ]);
  });

  it("of a load is limited to 10 in a second and VM, from 7.1; beyond, only the vCPU itself is updated", () => {
    const vm = withoutMasterClock({ vcpus: 2, behaviours: { globalUpdate: "ratelimited" } });
    const asked = (count: number): string[] => {
      vm.log.length = 0;
      for (let load = 0; load < count; load++) {
        vm.tsc.load(counterOf(vm, 0), load + 1);
        vm.vcpus[0]?.serviceRequests();
      }
      return vm.log.filter((entry) => entry === "request global-clock-update 0");
    };
    expect(asked(12)).toHaveLength(10);
    expect(vm.vcpus[0]?.requests).toEqual([]);
    // A nominal second is 999 999 940 ns of RAW at 2.5 GHz: the window has not ended.
    vm.host.advance(1n);
    expect(asked(1)).toHaveLength(0);
    vm.host.advance(1n);
    expect(asked(12)).toHaveLength(10);
  });

  it("of an MSR write is not limited", () => {
    const vm = withoutMasterClock({ behaviours: { globalUpdate: "ratelimited" } });
    for (let write = 0; write < 12; write++) {
      written(vm, 0);
      vm.vcpus[0]?.serviceRequests();
    }
    expect(vm.log.filter((entry) => entry === "request global-clock-update 0")).toHaveLength(12);
  });

  it("of loads without end is made without end between 6.19 and 7.0", () => {
    const vm = withoutMasterClock({ behaviours: { globalUpdate: "immediate" } });
    for (let load = 0; load < 12; load++) {
      vm.tsc.load(counterOf(vm, 0), load + 1);
      vm.vcpus[0]?.serviceRequests();
    }
    expect(vm.log.filter((entry) => entry === "request global-clock-update 0")).toHaveLength(12);
  });

  it("on a master clock is only the vCPU's own where that is known to be useless (proposed)", () => {
    const vm = runningVm({ vcpus: 2, behaviours: { gratuitousGlobal: "without-master-clock" } });
    written(vm, 0);
    expect(vm.vcpus[0]?.requests).toEqual(["clock-update"]);
  });

  it("follows the first load of a vCPU even on a master clock, not a later one", () => {
    const vm = runningVm();
    vm.tsc.load(counterOf(vm, 0), 3);
    expect(vm.vcpus[0]?.requests).toEqual(["global-clock-update"]);
    enterAll(vm);
    vm.tsc.load(counterOf(vm, 0), 4);
    expect(vm.vcpus[0]?.requests).toEqual([]);
  });
});

describe("the periodic sync", () => {
  it("is started by the first vCPU and queues a global update every 300 s, up to 6.18", () => {
    const vm = simulatedVm({ vcpus: 2, behaviours: { periodicSync: "300s", globalUpdate: "delayed-100ms" } });
    expect(vm.log.filter((entry) => entry.startsWith("periodic"))).toEqual([`periodic sync in ${S_300}`]);
    vm.log.length = 0;
    vm.clock.runPeriodicSync();
    expect(vm.log).toEqual(["global update in 0", `periodic sync in ${S_300}`]);
    vm.log.length = 0;
    vm.clock.runPeriodicSync();
    expect(vm.log).toEqual([`periodic sync in ${S_300}`]);
  });

  it("does not exist from 6.19 on", () => {
    const vm = simulatedVm({ behaviours: { periodicSync: "none" } });
    expect(vm.log.filter((entry) => entry.startsWith("periodic"))).toEqual([]);
    expect(() => vm.clock.runPeriodicSync()).toThrow(RangeError);
  });

  it("leaves a VM on a master clock alone where that is known to be useless (proposed)", () => {
    const vm = runningVm({
      behaviours: { periodicSync: "300s", gratuitousGlobal: "without-master-clock" },
    });
    vm.clock.runPeriodicSync();
    expect(vm.log).toEqual([`periodic sync in ${S_300}`]);
  });
});

describe("a request", () => {
  it("of a counter that is only being created reaches its vCPU", () => {
    const vm = simulatedVm({ vcpus: 0 });
    const counter = vm.tsc.createVcpu();
    expect(vm.log).toEqual([]);
    expect(vm.clock.addVcpu(counter).requests).toEqual(["masterclock-update"]);
  });

  it("is told of once while it is pending", () => {
    const vm = runningVm();
    vm.vcpus[0]?.request("clock-update");
    vm.vcpus[0]?.request("clock-update");
    expect(vm.log).toEqual(["request clock-update 0"]);
  });

  it("for an unknown thing throws", () => {
    const vm = runningVm();
    expect(() => vm.clock.requestFor(counterOf(vm, 0), "" as never)).toThrow(RangeError);
  });
});
