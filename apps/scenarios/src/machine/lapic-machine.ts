import { VcpuTsc } from "@chronovisor/clocksource";
import { type LapicTimerBehaviours, preemptionTimerUsable } from "@chronovisor/lapic";
import type { TraceSink } from "@chronovisor/trace";
import { lapicBehaviours } from "../kernels/lapic-behaviours.js";
import type { RunHooks } from "../scenario/types.js";
import { Host } from "./host.js";
import { Vcpu } from "./vcpu.js";

export interface LapicMachineOptions {
  readonly hostKhz: bigint;
  readonly hostHz: bigint;
  readonly guestKhz: bigint;
  readonly monoRatePpm: bigint;
  readonly busNs: bigint;
  readonly preemptionTimerShift: bigint;
  readonly timerAdvance: "off" | "on";
  readonly exitCost: bigint;
  readonly entryCost: bigint;
  readonly immediateExitCost: bigint;
  readonly callbackCost: bigint;
  readonly minDelta: bigint;
  readonly startTsc: bigint;
  readonly maxCallbacksPerInterrupt?: number;
  readonly apicv: "off" | "on";
  readonly idleModel: "reentry" | "software";
  readonly axes: Readonly<Record<string, string>>;
  readonly hooks: RunHooks;
  readonly trace?: TraceSink;
}

/** A host with one CPU and a VM with one vCPU on it: the machine of the LAPIC timer stories. */
export interface LapicMachine {
  readonly host: Host;
  readonly vcpu: Vcpu;
}

export function buildLapicMachine(options: LapicMachineOptions): LapicMachine {
  const hostKhz = Number(options.hostKhz);
  const host = new Host({
    tscHz: options.hostHz,
    monoRatePpb: options.monoRatePpm,
    minDeltaNs: options.minDelta,
    cpus: 1,
    startTsc: options.startTsc,
    ...(options.maxCallbacksPerInterrupt === undefined
      ? {}
      : { maxCallbacksPerInterrupt: options.maxCallbacksPerInterrupt }),
  });
  const [cpu] = host.cpus;
  if (cpu === undefined) throw new Error("buildLapicMachine: the host has no CPU");
  const behaviours = lapicBehaviours(options.axes);
  const shift = Number(options.preemptionTimerShift);
  const costs = {
    exit: host.cycles(options.exitCost),
    entry: host.cycles(options.entryCost),
    immediateExit: host.cycles(options.immediateExitCost),
    callback: host.cycles(options.callbackCost),
  };
  const vcpu = new Vcpu(host, cpu, {
    id: 0,
    tsc: new VcpuTsc({ hostTscKhz: hostKhz, userTscKhz: Number(options.guestKhz), vendor: "vmx" }),
    behaviours,
    timerConfig: {
      busCycleNs: options.busNs,
      tscDeadlineSupported: true,
      advance: advanceConfig(options.timerAdvance, behaviours.advance),
    },
    preemptionTimerShift: preemptionTimerUsable(hostKhz, shift) ? shift : undefined,
    apicv: options.apicv,
    idleModel: options.idleModel,
    catchUp: options.hooks.stepped === true ? "stepped" : "closed-form",
    costs,
    ...(options.trace === undefined ? {} : { trace: options.trace }),
  });
  host.engine.add(host.timeline);
  return { host, vcpu };
}

/** The parameter's meaning by generation: kernels that do not tune take the fixed default, 1 µs. */
function advanceConfig(
  set: "off" | "on",
  tuning: LapicTimerBehaviours["advance"],
): { kind: "off" } | { kind: "fixed"; ns: number } | { kind: "adaptive" } {
  if (set === "off") return { kind: "off" };
  return tuning === "fixed" ? { kind: "fixed", ns: 1000 } : { kind: "adaptive" };
}
