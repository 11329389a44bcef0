import type { VmTscEvents } from "@chronovisor/clocksource";
import { checkFunction } from "../argument-checks.js";
import type { VmKvmclock } from "./vm-kvmclock.js";

/**
 * The events of a `VmTsc` that lead to a VM's clock: clock updates, global updates of a load, and new references.
 *
 * @param clock - gives the VM's clock when an event fires: it is made from the `VmTsc`, which fires while creating a vCPU.
 * @returns events to give to `VmTsc`, alone or merged with others.
 * @throws TypeError unless `clock` is a function.
 * Source: docs/model/pvclock §3.3, §5.4.
 * @example
 * const asked: string[] = [];
 * const clock = { requestFor: (_tsc: unknown, request: string) => asked.push(request) } as unknown as VmKvmclock;
 * const events = tscRequests(() => clock);
 * events.onMasterClockUpdate?.({} as Parameters<NonNullable<typeof events.onMasterClockUpdate>>[0]);
 * asked // => [ 'masterclock-update' ]
 */
export function tscRequests(
  clock: () => VmKvmclock,
): Pick<VmTscEvents, "onClockUpdate" | "onGlobalClockUpdate" | "onMasterClockUpdate"> {
  checkFunction("tscRequests", "clock", clock);
  return {
    onClockUpdate: (tsc) => clock().requestFor(tsc, "clock-update"),
    onGlobalClockUpdate: (tsc) => clock().requestFor(tsc, "global-clock-update"),
    onMasterClockUpdate: (tsc) => clock().requestFor(tsc, "masterclock-update"),
  };
}
