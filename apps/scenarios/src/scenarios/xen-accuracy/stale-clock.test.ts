import { PRIORITY_2LEVEL } from "@chronovisor/xen-timer";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { parseParams } from "../../params/parse-params.js";
import { requireXenTimer } from "./check-params.js";
import { buildXenMachine, type XenMachine } from "./machine.js";
import { xenAccuracyParams } from "./params.js";
import { timerlat } from "./timerlat.js";
import { VIRQ_TIMER_PORT } from "./xen-guest.js";

const HOUR_NS = 3_600_000_000_000n;
const REQUEST_NS = 2_000_000n;
/** What a new reference makes of the guest's clock after an hour at 3.0 to 2.5 GHz (docs/model/scenarios-clock §S1.d). */
const YANK_NS = -1_654_377n;

/** An hour into a guest's life a new reference is taken of which its vCPU has not heard: it is out, a clock update pending. */
function unheardReference(kernelName: string): XenMachine {
  const kernel = parseKernel(kernelName);
  const machine = buildXenMachine(parseParams(xenAccuracyParams, {}), {
    xen: requireXenTimer(kernel),
    axes: kernel.axes,
  });
  const { host, clock, vcpuClock } = machine;
  host.engine.runUntil(host.tscAt(HOUR_NS));
  clock.updateMasterClock();
  expect(vcpuClock.requests).toContain("clock-update");
  return machine;
}

/** User space sets the vCPU's timer 2 ms ahead; then the vCPU goes on. @returns how late it fires, by the guest's clock */
function lateIfRestoredNow({ host, clock, vcpuClock, xen, guest }: XenMachine): bigint {
  const due = clock.getClock().clock + REQUEST_NS;
  const attribute = { port: VIRQ_TIMER_PORT, priority: PRIORITY_2LEVEL, expiresNs: due };
  host.engine.on(host.cpu(0).lane, () => xen.timer.setAttribute(attribute));
  vcpuClock.serviceRequests();
  guest.waitForEvent();
  return guest.clockNs() - due;
}

/** docs/model/scenarios-clock §S1.d; docs/model/xen-timer §4.1. */
describe("a timer that user space sets while the vCPU's clock update is pending", () => {
  it.each([
    ["v6.9", "KVM's copy of the clock"],
    ["v6.14", "KVM's copy of the clock"],
    ["v6.15", "the guest's own area"],
  ])("is off by exactly the yank in %s, which reads %s", (kernel) => {
    const off = lateIfRestoredNow(unheardReference(kernel)) - YANK_NS;
    expect(off >= -1n && off <= 1n).toBe(true);
  });

  it("is on time in v6.8, which asks KVM's own clock and has the new reference", () => {
    expect(lateIfRestoredNow(unheardReference("v6.8"))).toBeOneOf([-1n, 0n, 1n]);
  });

  it.each(["v6.8", "v6.9", "v6.15"])("is the only one: the next of %s is on time", (kernel) => {
    const machine = unheardReference(kernel);
    lateIfRestoredNow(machine);
    const { ns, interrupts } = timerlat(machine.guest, 100_000n, 1_000n);
    expect(ns).toBeOneOf([99_999n, 100_000n, 100_001n]);
    expect(interrupts).toBe(1);
  });

  it("is on time where the update was done first", () => {
    const machine = unheardReference("v6.9");
    machine.vcpuClock.serviceRequests();
    expect(lateIfRestoredNow(machine)).toBeOneOf([-1n, 0n, 1n]);
  });
});
