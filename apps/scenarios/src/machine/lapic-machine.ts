import { type CyclesToNsForm, VcpuTsc } from "@chronovisor/clocksource";
import type { EqualTarget } from "@chronovisor/hrtimer";
import { type LapicTimerBehaviours, preemptionTimerUsable } from "@chronovisor/lapic";
import type { TraceSink } from "@chronovisor/trace";
import { lapicBehaviours, localApicBehaviours } from "../kernels/lapic-behaviours.js";
import { type Random, seededRandom } from "../random/random.js";
import type { RunHooks } from "../scenario/types.js";
import type { EventTimerKind } from "./host/event-timer.js";
import { Host, type HostCpuOptions } from "./host/host.js";
import { steerTo } from "./host/steer.js";
import type { OpenTrace } from "./trace/open-trace.js";
import { TraceOrder } from "./trace/trace-order.js";
import { longTailed } from "./vcpu/exit-latency.js";
import { Vcpu } from "./vcpu/vcpu.js";

/** What the machine of the LAPIC timer stories is made from: times in ns, frequencies in their names' units. */
export interface LapicMachineOptions {
  readonly hostKhz: bigint;
  readonly hostHz: bigint;
  readonly guestKhz: bigint;
  /** Rate error of CLOCK_MONOTONIC against the TSC in parts per 10^9. */
  readonly monoRatePpb: bigint;
  /**
   * What CLOCK_MONOTONIC counts: `exact` (the default) nanoseconds, off by `monoRatePpb` and by nothing else; `tsc` the TSC,
   * by the kernel's mult and shift, with NTP holding the rate tick by tick.
   */
  readonly clock?: "exact" | "tsc";
  /** CONFIG_HZ of the host where the clock is the TSC's; 250 by default. */
  readonly hz?: bigint;
  /** The host's CPUs; by default one, without a tick where the clock is exact, else one that always ticks. */
  readonly cpus?: readonly HostCpuOptions[];
  /** The CPU the vCPU's thread begins on; 0 by default. */
  readonly vcpuCpu?: number;
  /** The CPUs' clock event devices; ideal by default. */
  readonly eventDevice?: EventTimerKind;
  /** From an interrupt sent to another CPU to its arrival; none by default. */
  readonly ipiCost?: bigint;
  readonly busNs: bigint;
  /** Whether the host has a VMX preemption timer; present by default. */
  readonly preemptionTimer?: "present" | "absent";
  /** Rate shift of the preemption timer; 5 by default. */
  readonly preemptionTimerShift?: bigint;
  readonly timerAdvance?: "off" | "on";
  readonly exitCost: bigint;
  readonly entryCost: bigint;
  /** The most an exit takes beyond `exitCost`, with a long tail; nothing by default. */
  readonly exitJitter?: bigint;
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
  /** Whether expiries may be posted to a running guest (pi_inject_timer, HLT without exits); off by default. */
  readonly posting?: "off" | "on";
  readonly idleModel?: "reentry" | "software";
  readonly axes: Readonly<Record<string, string>>;
  readonly hooks?: RunHooks;
  /** Where the machine tells what happens; by default nowhere. */
  readonly trace?: TraceSink;
  /** Opens the machine's trace, where none is given: what a story has of its run. */
  readonly openTrace?: OpenTrace | undefined;
  /** Where what varies from exit to exit is drawn from; seed 1 by default. */
  readonly random?: Random;
}

/** A host and a VM with one vCPU on it: the machine of the LAPIC timer stories. */
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
  const { host, vcpu } = assemble(options);
  host.engine.add(host.timeline);
  return { host, vcpu };
}

function assemble(options: LapicMachineOptions): LapicMachine {
  const host = buildHost(options);
  const cpu = host.cpu(options.vcpuCpu ?? 0);
  const hostKhz = Number(options.hostKhz);
  const behaviours = lapicBehaviours(options.axes);
  const shift = Number(options.preemptionTimerShift ?? 5n);
  const hasTimer = options.preemptionTimer !== "absent" && preemptionTimerUsable(hostKhz, shift);
  const random = options.random ?? seededRandom(1);
  const costs = {
    exit: host.cycles(options.exitCost),
    entry: host.cycles(options.entryCost),
    immediateExit: host.cycles(options.immediateExitCost),
    callback: host.cycles(options.callbackCost),
    wake: host.cycles(options.wakeCost ?? 0n),
    ...(options.exitJitter === undefined || options.exitJitter === 0n
      ? {}
      : { exitJitter: longTailed(random, host.cycles(options.exitJitter)) }),
  };
  const tsc = new VcpuTsc({ hostTscKhz: hostKhz, userTscKhz: Number(options.guestKhz), vendor: "vmx" });
  host.trace?.clocks.add({ id: 0, counter: tsc });
  const vcpu = new Vcpu(host, cpu, {
    id: 0,
    tsc,
    behaviours,
    apicBehaviours: localApicBehaviours(options.axes),
    timerConfig: {
      busCycleNs: options.busNs,
      advance: advanceConfig(options.timerAdvance ?? "off", behaviours.advance),
    },
    preemptionTimerShift: hasTimer ? shift : undefined,
    apicv: options.apicv ?? "off",
    posting: options.posting ?? "off",
    idleModel: options.idleModel ?? "reentry",
    catchUp: options.hooks?.stepped === true ? "stepped" : "closed-form",
    costs,
    haltPoll: host.cycles(options.haltPoll ?? 0n),
  });
  return { host, vcpu };
}

const NS_PER_S = 1_000_000_000n;

function buildHost(options: LapicMachineOptions): Host {
  const { clock = "exact", hz = 250n, monoRatePpb } = options;
  const tscKhz = Number(options.hostKhz);
  const periodNs = NS_PER_S / hz;
  const ticking: HostCpuOptions = { tick: { periodNs, firstNs: periodNs, whenIdle: "goes-on" } };
  const cpus = options.cpus ?? [clock === "exact" ? {} : ticking];
  const host = new Host({
    tscHz: options.hostHz,
    clock:
      clock === "exact"
        ? { kind: "exact", ratePpb: monoRatePpb }
        : { kind: "tsc", tscKhz, hz: Number(hz), cyclesToNs: options.axes.delta as CyclesToNsForm },
    tscKhz,
    minDeltaNs: options.minDelta,
    cpus,
    startTsc: options.startTsc ?? 0n,
    equalTarget: options.axes.equalTarget as EqualTarget,
    forceLocal: options.axes.forceLocal as "off" | "on",
    ...(options.eventDevice === undefined ? {} : { eventDevice: options.eventDevice }),
    ...(options.ipiCost === undefined ? {} : { ipiNs: options.ipiCost }),
    ...(options.maxCallbacksPerInterrupt === undefined
      ? {}
      : { maxCallbacksPerInterrupt: options.maxCallbacksPerInterrupt }),
    trace: traceOf(options, cpus.length),
  });
  if (clock === "tsc") steerTo(host.clock.timekeeper, monoRatePpb);
  return host;
}

function traceOf({ trace, openTrace, hostHz, hostKhz }: LapicMachineOptions, cpus: number) {
  if (trace !== undefined) return new TraceOrder(trace);
  return openTrace?.({ tscHz: hostHz, tscKhz: Number(hostKhz), cpus, vcpus: 1 });
}

/** The parameter's meaning by generation: kernels that do not tune take the fixed default, 1 µs. */
export function advanceConfig(
  set: "off" | "on",
  tuning: LapicTimerBehaviours["advance"],
): { kind: "off" } | { kind: "fixed"; ns: number } | { kind: "adaptive" } {
  if (set === "off") return { kind: "off" };
  return tuning === "fixed" ? { kind: "fixed", ns: 1000 } : { kind: "adaptive" };
}
