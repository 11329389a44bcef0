import type { CyclesToNsForm, TscVendor } from "@chronovisor/clocksource";
import type { EqualTarget } from "@chronovisor/hrtimer";
import { preemptionTimerUsable } from "@chronovisor/lapic";
import { lapicBehaviours, localApicBehaviours } from "../kernels/lapic-behaviours.js";
import type { Random } from "../random/random.js";
import type { EventTimerKind } from "./host/event-timer.js";
import { Host, type HostCpuOptions } from "./host/host.js";
import { keepTime } from "./host/keep-time.js";
import { steerTo } from "./host/steer.js";
import { KvmHost } from "./kvm/kvm-host.js";
import { KvmVm } from "./kvm/kvm-vm.js";
import { advanceConfig } from "./lapic-machine.js";
import type { OpenTrace } from "./trace/open-trace.js";
import { longTailed } from "./vcpu/exit-latency.js";
import type { CatchUp } from "./vcpu/timer-callbacks.js";
import { Vcpu } from "./vcpu/vcpu.js";

const NS_PER_S = 1_000_000_000n;
/** Rate shift of the VMX preemption timer on every processor that has one so far. */
const PREEMPTION_TIMER_SHIFT = 5;

/** The host of a document: times in ns, rates in parts per 10^9. */
export interface DocumentHostOptions {
  /** TSC frequency as the kernel calibrated it, kHz. */
  readonly tsc: bigint;
  /** Its true frequency against that. */
  readonly actual: bigint;
  readonly startTsc: bigint;
  readonly cpus: number;
  /** Rate at which NTP holds CLOCK_MONOTONIC. */
  readonly ntp: bigint;
  readonly hz: bigint;
  readonly tick: "on" | "idle-stops" | "off";
  readonly eventDevice: "real" | "ideal";
  readonly preemptionTimer: "present" | "absent";
  readonly timerAdvance: "off" | "on";
  readonly haltPoll: bigint;
  readonly costs: {
    readonly exit: bigint;
    readonly jitter: bigint;
    readonly entry: bigint;
    readonly wake: bigint;
    readonly ipi: bigint;
  };
}

/** The VM of a document. */
export interface DocumentVmOptions {
  /** The guest's TSC frequency, kHz. */
  readonly tsc: bigint;
  readonly vendor: TscVendor;
  readonly scaling: "present" | "absent";
  readonly apicv: "off" | "on";
  /** The host CPU that each vCPU begins on. */
  readonly cpus: readonly number[];
}

/** What the machine of a document is made from. */
export interface DocumentMachineOptions {
  readonly host: DocumentHostOptions;
  readonly vm: DocumentVmOptions;
  readonly axes: Readonly<Record<string, string>>;
  readonly catchUp: CatchUp;
  /** Where what varies from exit to exit is drawn from. */
  readonly random: Random;
  /** Opens the machine's trace; by default it has none. */
  readonly openTrace?: OpenTrace | undefined;
}

/** A host, and a VM on it whose vCPUs have a LAPIC timer and a kvmclock each. */
export interface DocumentMachine {
  readonly host: Host;
  readonly kvm: KvmHost;
  readonly vm: KvmVm;
}

/** The true frequency of a host's TSC, to the nearest Hz. */
function actualHz({ tsc, actual }: Pick<DocumentHostOptions, "tsc" | "actual">): bigint {
  return (tsc * 1000n * (NS_PER_S + actual) + NS_PER_S / 2n) / NS_PER_S;
}

/**
 * Builds a host whose clock is its TSC, steered by NTP, and a VM with all that a vCPU has: its vCPUs are to be started.
 *
 * @throws RangeError or TypeError for a frequency outside its domain, or two vCPUs on one CPU.
 */
export function buildDocumentMachine(options: DocumentMachineOptions): DocumentMachine {
  const host = buildHost(options);
  const kvm = new KvmHost(host, Number(options.host.tsc));
  const { tsc, vendor, scaling } = options.vm;
  const vm = new KvmVm(kvm, { guestKhz: Number(tsc), vendor, tscScaling: scaling, axes: options.axes });
  for (const cpu of options.vm.cpus) addVcpu(host, vm, cpu, options);
  host.engine.add(host.timeline);
  if (options.host.tick !== "on") keepTime(host);
  return { host, kvm, vm };
}

function buildHost({ host: options, vm, axes, openTrace }: DocumentMachineOptions): Host {
  const { tsc, hz, tick, eventDevice } = options;
  const tscKhz = Number(tsc);
  const periodNs = NS_PER_S / hz;
  const whenIdle = tick === "on" ? "goes-on" : "stops";
  const cpu: HostCpuOptions = tick === "off" ? {} : { tick: { periodNs, firstNs: periodNs, whenIdle } };
  const tscHz = actualHz(options);
  const host = new Host({
    tscHz,
    clock: { kind: "tsc", tscKhz, hz: Number(hz), cyclesToNs: axes.delta as CyclesToNsForm },
    tscKhz,
    minDeltaNs: 0n,
    cpus: Array.from({ length: options.cpus }, () => cpu),
    startTsc: options.startTsc,
    ipiNs: options.costs.ipi,
    equalTarget: axes.equalTarget as EqualTarget,
    forceLocal: axes.forceLocal as "off" | "on",
    eventDevice: eventDevice === "ideal" ? "ideal" : (axes.eventDevice as EventTimerKind),
    trace: openTrace?.({ tscHz, tscKhz, cpus: options.cpus, vcpus: vm.cpus.length }),
  });
  steerTo(host.clock.timekeeper, options.ntp);
  return host;
}

function addVcpu(host: Host, vm: KvmVm, cpu: number, options: DocumentMachineOptions): void {
  const { costs, tsc, timerAdvance, preemptionTimer, haltPoll } = options.host;
  const behaviours = lapicBehaviours(options.axes);
  const hasTimer =
    options.vm.vendor === "vmx" &&
    preemptionTimer === "present" &&
    preemptionTimerUsable(Number(tsc), PREEMPTION_TIMER_SHIFT);
  const clocks = vm.createClocks();
  const vcpu = new Vcpu(host, host.cpu(cpu), {
    id: vm.vcpus.length,
    tsc: clocks.counter,
    clocks,
    behaviours,
    apicBehaviours: localApicBehaviours(options.axes),
    bus: vm.bus,
    timerConfig: { advance: advanceConfig(timerAdvance, behaviours.advance) },
    preemptionTimerShift: hasTimer ? PREEMPTION_TIMER_SHIFT : undefined,
    apicv: options.vm.apicv,
    idleModel: "reentry",
    catchUp: options.catchUp,
    costs: {
      exit: host.cycles(costs.exit),
      entry: host.cycles(costs.entry),
      immediateExit: 0n,
      callback: 0n,
      wake: host.cycles(costs.wake),
      ...(costs.jitter === 0n ? {} : { exitJitter: longTailed(options.random, host.cycles(costs.jitter)) }),
    },
    haltPoll: host.cycles(haltPoll),
  });
  vm.attach(vcpu);
}
