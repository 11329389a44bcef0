import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { enterAll, runningVm, type SimulatedVm, simulatedVm } from "../../test/simulated-vm.js";
import { VmKvmclock } from "../index.js";

describe("a saved VM", () => {
  const restored = (vm: SimulatedVm): VmKvmclock =>
    VmKvmclock.fromState(JSON.parse(JSON.stringify(vm.clock.state())), {
      host: vm.host,
      memory: vm.memory,
      tsc: vm.tsc,
    });

  it("goes on from where it was, whatever was done to it", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("advance" as const), seconds: fc.bigInt({ min: 0n, max: 1000n }) }),
      fc.record({ do: fc.constant("enter" as const), index: fc.nat(1) }),
      fc.record({ do: fc.constant("set" as const), clock: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
      fc.record({
        do: fc.constant("wrmsr" as const),
        index: fc.nat(1),
        value: fc.bigInt({ min: 0n, max: 0x2fffn }),
      }),
      fc.record({ do: fc.constant("wall" as const), value: fc.constantFrom(0n, 0x4000n) }),
      fc.record({ do: fc.constant("xen" as const), index: fc.nat(1) }),
      fc.record({ do: fc.constant("stop" as const), index: fc.nat(1) }),
      fc.record({ do: fc.constant("yank" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const vm = simulatedVm({ vcpus: 2, behaviours: { globalUpdate: "delayed-100ms" } });
        for (const action of steps) {
          if (action.do === "advance") vm.host.advance(action.seconds);
          else if (action.do === "set") vm.clock.setClock({ clock: action.clock });
          else if (action.do === "yank") vm.clock.requestMasterClockUpdates();
          else if (action.do === "wall") vm.vcpus[0]?.wrmsr(0x4b564d00, action.value);
          else if (action.do === "enter") vm.vcpus[action.index]?.serviceRequests();
          else if (action.do === "stop") vm.vcpus[action.index]?.kvmclockCtrl();
          else if (action.do === "xen") vm.vcpus[action.index]?.setXenVcpuInfo(0x5000n);
          else vm.vcpus[action.index]?.wrmsr(0x4b564d01, action.value);
        }
        const copy = restored(vm);
        expect(copy.state()).toEqual(vm.clock.state());
        expect(copy.getClock()).toEqual(vm.clock.getClock());

        const before = vm.memory.bytes.slice();
        for (const vcpu of copy.vcpus) vcpu.serviceRequests();
        const written = vm.memory.bytes.slice();
        vm.memory.bytes.set(before);
        enterAll(vm);
        expect(written.findIndex((byte, at) => byte !== vm.memory.bytes[at])).toBe(-1);
        expect(vm.clock.state()).toEqual(copy.state());
      }),
    );
  });

  it.each([
    ["masterCycleNow", "-1"],
    ["masterKernelNs", 5],
    ["kvmclockOffset", "9223372036854775808"],
    ["wallClockMsr", "x"],
    ["useMasterClock", 1],
    ["isTscStable", null],
    ["bootVcpuRunsOldKvmclock", "false"],
    ["globalUpdateQueued", undefined],
    ["loadRateLimit", { beganNs: null, passed: 11 }],
    ["loadRateLimit", { beganNs: "x", passed: 0 }],
    ["hideTscStableFromXen", 0],
    ["behaviours", {}],
    ["vcpus", []],
    ["vcpus", undefined],
  ])("with %s = %o is refused", (member, value) => {
    const vm = runningVm();
    const state = { ...vm.clock.state(), [member]: value };
    const surroundings = { host: vm.host, memory: vm.memory, tsc: vm.tsc };
    expect(() => VmKvmclock.fromState(state as never, surroundings)).toThrow();
  });

  it.each([
    ["hz", "-1"],
    ["scale", { mul: -1, shift: 0 }],
    ["scale", { mul: 0, shift: 200 }],
    ["systemTimeMsr", 0],
    ["guestStopped", 1],
    ["requests", ["x"]],
    ["cached", undefined],
    ["areas", { kvmclock: "-1", "xen-vcpu-info": null, "xen-time-info": null }],
  ])("with a vCPU whose %s is %o is refused", (member, value) => {
    const vm = runningVm();
    const [vcpu] = vm.clock.state().vcpus;
    const state = { ...vm.clock.state(), vcpus: [{ ...vcpu, [member]: value }] };
    const surroundings = { host: vm.host, memory: vm.memory, tsc: vm.tsc };
    expect(() => VmKvmclock.fromState(state as never, surroundings)).toThrow();
  });
});
