import type { CyclesToNsForm, TscVendor } from "@chronovisor/clocksource";
import { lapicBehaviours, localApicBehaviours } from "../kernels/lapic-behaviours.js";
import { Host } from "./host/host.js";
import { keepTime } from "./host/keep-time.js";
import { KvmHost } from "./kvm/kvm-host.js";
import { KvmVm } from "./kvm/kvm-vm.js";
import type { OpenTrace } from "./trace/open-trace.js";
import { Vcpu } from "./vcpu/vcpu.js";

/** CONFIG_HZ: the unit of NTP's arithmetic, where no tick runs. */
const HZ = 250;
const FREE = { exit: 0n, entry: 0n, immediateExit: 0n, callback: 0n, wake: 0n };

/** What the machine of the clock stories is made from. */
export interface ClockMachineOptions {
  /** The host's TSC as the kernel calibrated it. */
  readonly hostKhz: bigint;
  /** Its actual frequency; by default as calibrated. */
  readonly hostHz?: bigint;
  /** The guest's TSC frequency; 0 is the host's. */
  readonly guestKhz: bigint;
  /** VMX by default. */
  readonly vendor?: TscVendor;
  readonly tscScaling?: "present" | "absent";
  /** Whether the guest is one of Hyper-V's interface; by default it is not. */
  readonly hyperv?: "present" | "absent";
  /** vCPUs, each on a host CPU of its own; 1 by default. */
  readonly vcpus?: number;
  /** Further host CPUs; none by default. */
  readonly spareCpus?: number;
  /** From an interrupt sent to another CPU to its arrival, ns; none by default. */
  readonly ipiNs?: bigint;
  /** Where the host's TSC starts; 0 by default. */
  readonly startTsc?: bigint;
  /** CLOCK_REALTIME at the start, ns since 1970; 0 by default. */
  readonly realtimeNs?: bigint;
  readonly axes: Readonly<Record<string, string>>;
  /** Opens the machine's trace; by default it has none. */
  readonly openTrace?: OpenTrace | undefined;
  /** vCPUs that may come later, of which a trace has to know before; none by default. */
  readonly laterVcpus?: number;
}

/** A host and a VM on it whose work costs nothing: what its clocks read depends on nothing but its clocks. */
export interface ClockMachine {
  readonly host: Host;
  readonly kvm: KvmHost;
  readonly vm: KvmVm;
}

/**
 * Builds a host whose clock is its TSC, unsteered and accumulated once a minute, and a VM with kvmclock whose vCPUs are to
 * be started.
 *
 * @param options - see {@link ClockMachineOptions}.
 * @throws RangeError or TypeError for a frequency outside its domain.
 * @example
 * import { decodeVcpuTimeInfo, MSR_KVM_SYSTEM_TIME_NEW } from "@chronovisor/pvclock";
 * const { axes } = parseKernel("v6.12");
 * const { host, vm } = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, vcpus: 2, axes });
 * const seen = [];
 * vm.vcpus[0].start("reads its clock after a second", function* (cpu) {
 *   cpu.wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0x1001n);
 *   yield cpu.run(2_500_000_000n);
 *   seen.push(decodeVcpuTimeInfo(vm.memory.at(0x1000n, 32)).flags, cpu.rdtsc());
 * });
 * host.engine.runUntil(host.tscAt(1_000_000_000n));
 * seen // => [ 1, 2500000000n ]
 */
export function buildClockMachine(options: ClockMachineOptions): ClockMachine {
  const { vcpus = 1, spareCpus = 0, laterVcpus = 0, vendor = "vmx" } = options;
  const host = buildHost(options, vcpus + spareCpus, vcpus + laterVcpus);
  const kvm = new KvmHost(host, Number(options.hostKhz));
  const vm = new KvmVm(kvm, {
    guestKhz: Number(options.guestKhz === 0n ? options.hostKhz : options.guestKhz),
    vendor,
    ...(options.tscScaling === undefined ? {} : { tscScaling: options.tscScaling }),
    ...(options.hyperv === undefined ? {} : { hyperv: options.hyperv }),
    axes: options.axes,
  });
  for (let id = 0; id < vcpus; id++) addVcpu(host, vm, options.axes);
  host.engine.add(host.timeline);
  keepTime(host);
  return { host, kvm, vm };
}

/**
 * Adds a vCPU to a VM, on the first host CPU that has none: as hotplug does.
 *
 * @throws RangeError if every host CPU has one.
 */
export function addVcpu(host: Host, vm: KvmVm, axes: Readonly<Record<string, string>>): Vcpu {
  const id = vm.vcpus.length;
  const cpu = host.cpus.find(({ guest }) => guest === undefined);
  if (cpu === undefined) {
    throw new RangeError(`addVcpu: expected a host CPU without a vCPU, got ${host.cpus.length}, all taken`);
  }
  const clocks = vm.createClocks();
  const vcpu = new Vcpu(host, cpu, {
    id,
    tsc: clocks.counter,
    clocks,
    behaviours: lapicBehaviours(axes),
    apicBehaviours: localApicBehaviours(axes),
    timerConfig: {},
    preemptionTimerShift: undefined,
    apicv: "off",
    bus: vm.bus,
    idleModel: "reentry",
    catchUp: "closed-form",
    costs: FREE,
    haltPoll: 0n,
  });
  vm.attach(vcpu);
  return vcpu;
}

function buildHost(options: ClockMachineOptions, cpus: number, vcpus: number): Host {
  const { hostKhz, hostHz = hostKhz * 1000n, startTsc = 0n, realtimeNs, ipiNs, axes } = options;
  const tscKhz = Number(hostKhz);
  return new Host({
    tscHz: hostHz,
    clock: {
      kind: "tsc",
      tscKhz,
      hz: HZ,
      cyclesToNs: axes.delta as CyclesToNsForm,
      ...(realtimeNs === undefined ? {} : { realtimeNs }),
    },
    tscKhz,
    minDeltaNs: 0n,
    cpus: Array.from({ length: cpus }, () => ({})),
    startTsc,
    ...(ipiNs === undefined ? {} : { ipiNs }),
    trace: options.openTrace?.({ tscHz: hostHz, tscKhz, cpus, vcpus }),
  });
}
