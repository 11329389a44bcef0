import type { EventTimerKind } from "../../machine/host/event-timer.js";
import type { HostCpuOptions } from "../../machine/host/host.js";
import { buildLapicMachine, type LapicMachine } from "../../machine/lapic-machine.js";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import type { RunContext } from "../../scenario/types.js";
import type { NtpSlewParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;

/** What tells the machines of this story apart. */
export interface SlewMachine {
  /** The slew NTP holds from the start, ppb. */
  readonly slewPpb: bigint;
  /** `ideal`, or what this kernel's hosts have. */
  readonly device: "ideal" | "real";
  /** Whether the vCPU's CPU ticks; CPU 0 always does, and keeps the time. */
  readonly ticks: "yes" | "no";
  readonly advance?: "off" | "on";
  readonly exitCost?: bigint;
  /** Where it is the one that is shown. */
  readonly openTrace?: OpenTrace | undefined;
}

/** A host that NTP steers: CPU 0 keeps the time, CPU 1 runs the vCPU. */
export function buildSlewMachine(
  { params, kernel, hooks }: Pick<RunContext<NtpSlewParams>, "params" | "kernel" | "hooks">,
  { slewPpb, device, ticks, advance = "off", exitCost = params.exitCost, openTrace }: SlewMachine,
): LapicMachine {
  const periodNs = NS_PER_S / params.hz;
  const tick = { periodNs, firstNs: periodNs, whenIdle: "goes-on" } as const;
  const cpus: HostCpuOptions[] = [{ tick, load: "busy" }, ticks === "yes" ? { tick } : {}];
  return buildLapicMachine({
    hostKhz: params.hostKhz,
    hostHz: params.hostKhz * 1000n,
    guestKhz: params.hostKhz,
    monoRatePpb: slewPpb,
    clock: "tsc",
    hz: params.hz,
    cpus,
    vcpuCpu: 1,
    eventDevice: device === "ideal" ? "ideal" : (kernel.axes.eventDevice as EventTimerKind),
    // The timers of this story are software timers; only one mitigation asks for the hardware's.
    preemptionTimer: kernel.axes.deadlineClock === "hardware-multiplexed" ? "present" : "absent",
    timerAdvance: advance,
    busNs: 1n,
    exitCost,
    entryCost: params.entryCost,
    immediateExitCost: 0n,
    callbackCost: 0n,
    minDelta: 0n,
    axes: kernel.axes,
    hooks,
    openTrace,
  });
}
