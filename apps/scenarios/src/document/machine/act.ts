import type { DocumentMachine } from "../../machine/document-machine.js";
import { ACPI_PM, HPET } from "../../machine/host/chipset-counter.js";
import { steerTo } from "../../machine/host/steer.js";
import type { TimelineAction } from "./timeline-fields.js";
import type { UserSpace } from "./user-space.js";

/** The host's other counters, by their names in a document. */
const COUNTERS = { tsc: "tsc", hpet: HPET, acpi_pm: ACPI_PM } as const;

/** Does to the machine what the timeline has for now. What user space holds, the runner lets go. */
export function act(action: TimelineAction, machine: DocumentMachine, userSpace: UserSpace): void {
  const { host, kvm, vm } = machine;
  switch (action.do) {
    case "pause":
      userSpace.hold(action.vcpu);
      break;
    case "wake":
      vm.vcpus[action.vcpu]?.unhalt();
      break;
    case "move-vcpu":
      vm.vcpus[action.vcpu]?.moveTo(host.cpu(action.cpu));
      break;
    case "tsc-offset":
      userSpace.during(() => addToTsc(machine, action.vcpu, action.by));
      break;
    case "new-reference":
      vm.clock.requestMasterClockUpdates();
      break;
    case "set-clock":
      userSpace.during(() => {
        const to = action.to ?? vm.clock.getClock().clock + (action.by ?? 0n);
        vm.clock.setClock({ clock: to < 0n ? 0n : to });
      });
      break;
    case "ntp":
      steerTo(host.clock.timekeeper, action.rate);
      break;
    case "clocksource":
      kvm.changeClocksource(COUNTERS[action.to]);
      break;
    case "host-sleep":
      kvm.sleep({ ns: action.for, tsc: action.tsc === "resets" ? { resetTo: 0n } : action.tsc });
      break;
  }
}

function addToTsc({ vm }: DocumentMachine, vcpu: number, cycles: bigint): void {
  const counter = vm.counters.vcpus[vcpu];
  if (counter === undefined) throw new RangeError(`act: expected a vCPU, got ${vcpu}`);
  vm.counters.setTscOffset(counter, BigInt.asUintN(64, counter.l1Offset + cycles));
}
