import { VcpuTsc } from "@chronovisor/clocksource";
import { type LapicTimerBehaviours, preemptionTimerUsable } from "@chronovisor/lapic";
import type { TraceSink } from "@chronovisor/trace";
import { lapicBehaviours } from "../kernels/lapic-behaviours.js";
import type { RunHooks } from "../scenario/types.js";
import { Host } from "./host.js";
import { Vcpu } from "./vcpu.js";

/** What the machine of the LAPIC timer stories is made from: times in ns, frequencies in their names' units. */
export interface LapicMachineOptions {
  readonly hostKhz: bigint;
  readonly hostHz: bigint;
  readonly guestKhz: bigint;
  /** Rate error of CLOCK_MONOTONIC against the TSC in parts per 10^9. */
  readonly monoRatePpb: bigint;
  readonly busNs: bigint;
  /** Rate shift of the preemption timer; 5 by default. */
  readonly preemptionTimerShift?: bigint;
  readonly timerAdvance?: "off" | "on";
  readonly exitCost: bigint;
  readonly entryCost: bigint;
  readonly immediateExitCost: bigint;
  readonly callbackCost: bigint;
  /** From a wake-up to the thread of a halted vCPU running; none by default. */
  readonly wakeCost?: bigint;
  /** How long a halting vCPU polls before its thread sleeps; not at all by default. */
  readonly haltPoll?: bigint;
  readonly minDelta: bigint;
  /** Where the host's TSC starts; 0 by default. */
  readonly startTsc?: bigint;
  readonly maxCallbacksPerInterrupt?: number;
  readonly apicv?: "off" | "on";
  readonly idleModel?: "reentry" | "software";
  readonly axes: Readonly<Record<string, string>>;
  readonly hooks?: RunHooks;
  readonly trace?: TraceSink;
}

/** A host with one CPU and a VM with one vCPU on it: the machine of the LAPIC timer stories. */
export interface LapicMachine {
  readonly host: Host;
  readonly vcpu: Vcpu;
}

/**
 * Builds a machine of one CPU and one vCPU with a LAPIC timer, ready for `vcpu.start` and `host.engine.runUntil`.
 *
 * @param options - clocks, costs and behaviours; see {@link LapicMachineOptions}.
 * @throws RangeError or TypeError for a frequency, bus cycle or rate shift outside its domain.
 * @example
 * const { axes } = parseKernel("v6.19");
 * const free = { exitCost: 0n, entryCost: 0n, immediateExitCost: 0n, callbackCost: 0n, minDelta: 0n };
 * const oneGHz = { hostKhz: 1_000_000n, hostHz: 1_000_000_000n, guestKhz: 1_000_000n, monoRatePpb: 0n, busNs: 1n };
 * const { host, vcpu } = buildLapicMachine({ ...oneGHz, ...free, axes });
 * const ticks = [];
 * vcpu.start("three ticks", function* (cpu) {
 *   cpu.wrmsr(X2APIC_SVR, SVR_APIC_ENABLED | 0xff);
 *   cpu.wrmsr(X2APIC_LVTT, LVTT_PERIODIC | 0xec);
 *   cpu.wrmsr(X2APIC_TMICT, 500_000);
 *   for (;;) {
 *     yield cpu.halt();
 *     ticks.push(cpu.rdtsc());
 *     cpu.eoi();
 *   }
 * });
 * host.engine.runUntil(host.tscAt(3_000_000n));
 * ticks // => [ 1000000n, 2000000n, 3000000n ]
 */
export function buildLapicMachine(options: LapicMachineOptions): LapicMachine {
  const hostKhz = Number(options.hostKhz);
  const host = new Host({
    tscHz: options.hostHz,
    monoRatePpb: options.monoRatePpb,
    minDeltaNs: options.minDelta,
    cpus: 1,
    startTsc: options.startTsc ?? 0n,
    ...(options.maxCallbacksPerInterrupt === undefined
      ? {}
      : { maxCallbacksPerInterrupt: options.maxCallbacksPerInterrupt }),
  });
  const [cpu] = host.cpus;
  if (cpu === undefined) throw new Error("buildLapicMachine: the host has no CPU");
  const behaviours = lapicBehaviours(options.axes);
  const shift = Number(options.preemptionTimerShift ?? 5n);
  const costs = {
    exit: host.cycles(options.exitCost),
    entry: host.cycles(options.entryCost),
    immediateExit: host.cycles(options.immediateExitCost),
    callback: host.cycles(options.callbackCost),
    wake: host.cycles(options.wakeCost ?? 0n),
  };
  const vcpu = new Vcpu(host, cpu, {
    id: 0,
    tsc: new VcpuTsc({ hostTscKhz: hostKhz, userTscKhz: Number(options.guestKhz), vendor: "vmx" }),
    behaviours,
    timerConfig: {
      busCycleNs: options.busNs,
      tscDeadlineSupported: true,
      advance: advanceConfig(options.timerAdvance ?? "off", behaviours.advance),
    },
    preemptionTimerShift: preemptionTimerUsable(hostKhz, shift) ? shift : undefined,
    apicv: options.apicv ?? "off",
    idleModel: options.idleModel ?? "reentry",
    catchUp: options.hooks?.stepped === true ? "stepped" : "closed-form",
    costs,
    haltPoll: host.cycles(options.haltPoll ?? 0n),
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
