import type { ApicCore } from "./core.js";
import { resetApic } from "./reset.js";

/**
 * INIT and SIPI are messages that wait until the vCPU looks for events (`kvm_apic_accept_events`, docs/model/lapic §4):
 * INIT resets, and an application processor then waits for the SIPI that tells it where to start.
 */
export function acceptEvents(core: ApicCore): void {
  const { vcpu } = core;
  if (vcpu.startUpBlocked === true) {
    core.pendingSipi = -1;
    return;
  }
  if (core.pendingInit === "pending") {
    core.pendingInit = "none";
    resetApic(core, "init");
    vcpu.init?.();
    core.runState = core.config.bootProcessor ? "runnable" : "init-received";
  }
  const vector = core.pendingSipi;
  core.pendingSipi = -1;
  if (vector < 0 || core.runState !== "init-received") return;
  vcpu.startUp?.(vector);
  core.runState = "runnable";
}
