import { HOST_AXES } from "../../kernels/host-axes.js";
import { KVMCLOCK_AXES } from "../../kernels/kvmclock-axes.js";
import { LAPIC_AXES } from "../../kernels/lapic-axes.js";
import type { MachineDocument } from "./machine-document.js";

/** Behaviours on mapping a page of Xen's, which no guest of a document has. */
const OF_XEN = ["xenMapYank"];

/** Programs that set a timer of the LAPIC. */
const TIMERS = ["periodic-timer", "one-shot-timer", "deadline-timer"];

/**
 * The axes by which kernels can differ on the machine of a document: not those of Xen's timers, of the guest's own kernel
 * (its watchdog is chosen as an option of the program), or of LAPIC timers where no guest sets one. L2's timer waits by the
 * same clock as the LAPIC's deadlines.
 */
export function playingAxes({ vms: [vm] }: MachineDocument): readonly string[] {
  const programs = (vm?.vcpus ?? []).map(({ program }) => program);
  const timers = LAPIC_AXES.map(({ name }) => name);
  const lapic = programs.some((program) => TIMERS.includes(program))
    ? timers
    : timers.filter((name) => name === "deadlineClock" && programs.includes("nested-timer"));
  const others = [...HOST_AXES, ...KVMCLOCK_AXES].map(({ name }) => name);
  return [...lapic, ...others.filter((name) => !OF_XEN.includes(name))];
}
