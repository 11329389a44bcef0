import { buildClockMachine, type ClockMachine } from "../../machine/clock-machine.js";
import type { HostSleep } from "../../machine/host/host-sleep.js";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import type { HostSuspendParams } from "./params.js";

/** What a TSC may do while its host sleeps. */
export type TscInSleep = HostSuspendParams["tsc"];

export const TSC_IN_SLEEP: readonly TscInSleep[] = ["counts", "resets", "stops"];

/** The machine of one run. Its host's TSC and its guest's clock begin at 0. */
export function buildSuspendMachine(
  params: HostSuspendParams,
  axes: Readonly<Record<string, string>>,
  openTrace?: OpenTrace,
): ClockMachine {
  return buildClockMachine({
    hostKhz: params.hostKhz,
    guestKhz: params.guestKhz,
    vendor: params.fracBits === "48" ? "vmx" : "svm",
    vcpus: Number(params.vcpus),
    axes,
    openTrace,
  });
}

/** The sleep the parameters ask for, with such a TSC. */
export function hostSleep({ sleep, resetTo }: HostSuspendParams, tsc: TscInSleep): HostSleep {
  return { ns: sleep, tsc: tsc === "resets" ? { resetTo } : tsc };
}
