import fc from "fast-check";
import { expect, it } from "vitest";
import { enterAll, simulatedVm } from "../../test/simulated-vm.js";
import { KvmclockNotifier } from "../index.js";

it("remembers that some VM of the host got a master clock, until its work ran", () => {
  const notifier = new KvmclockNotifier();
  const vms = [simulatedVm({ notifier }), simulatedVm({ notifier, vcpus: 0 })];
  expect(notifier.guestHasMasterClock).toBe(false);
  for (const vm of vms) enterAll(vm);
  expect(notifier.guestHasMasterClock).toBe(true);
  notifier.run(vms.map((vm) => vm.clock));
  expect(notifier.guestHasMasterClock).toBe(false);
  expect(vms[0]?.vcpus[0]?.requests).toEqual(["masterclock-update"]);
});

it("is quiet while the host's clock can be read from a TSC", () => {
  const notifier = new KvmclockNotifier();
  const vm = simulatedVm({ notifier });
  enterAll(vm);
  expect(notifier.timekeeperUpdated(vm.host.copy())).toBe(false);
  vm.host.vclockMode = "hyperv-page";
  expect(notifier.timekeeperUpdated(vm.host.copy())).toBe(false);
  vm.host.vclockMode = "none";
  expect(notifier.timekeeperUpdated(vm.host.copy())).toBe(true);
});

it("survives a round trip through JSON", () => {
  fc.assert(
    fc.property(fc.boolean(), (isNoted) => {
      const notifier = new KvmclockNotifier();
      if (isNoted) notifier.noteMasterClock();
      const copy = KvmclockNotifier.fromState(JSON.parse(JSON.stringify(notifier.state())));
      expect(copy.guestHasMasterClock).toBe(isNoted);
      expect(copy.state()).toEqual(notifier.state());
    }),
  );
});

it("refuses a state, or a copy of the timekeeper, that is none", () => {
  expect(() => KvmclockNotifier.fromState(undefined as never)).toThrow(TypeError);
  expect(() => KvmclockNotifier.fromState({ guestHasMasterClock: 1 } as never)).toThrow(TypeError);
  expect(() => new KvmclockNotifier().run(undefined as never)).toThrow(TypeError);
  expect(() => new KvmclockNotifier().timekeeperUpdated(null as never)).toThrow(TypeError);
});
