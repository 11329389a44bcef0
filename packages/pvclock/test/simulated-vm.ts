/** A host and a VM for the tests of the host side: real counters (`VmTsc`), clocks that count exactly, memory with holes. */

import {
  type BoottimeNs,
  type ClockCopy,
  clocksourceMask,
  type HostTsc,
  HostTscHealth,
  hostTsc,
  type KvmClockCopy,
  type MonotonicRawNs,
  type RealtimeNs,
  registerClocksource,
  type TscVendor,
  type VcpuAddRefresh,
  type VcpuTsc,
  VmTsc,
} from "@chronovisor/clocksource";
import {
  type GuestMemory,
  type KvmclockHost,
  type KvmclockNotifier,
  type KvmclockRequest,
  kvmclockBaseNs,
  NEWEST_PVCLOCK_BEHAVIOURS,
  type PvclockBehaviours,
  tscRequests,
  type VcpuKvmclock,
  VmKvmclock,
  type VmKvmclockEvents,
} from "../src/index.js";

const NSEC_PER_SEC = 1_000_000_000n;
const TICKS_PER_SECOND = 250n;
const PAGE_SIZE = 4096;

/** A host whose timekeeper ticks 250 times a second and is never steered; RAW and MONOTONIC are 0 at TSC 0. */
export class SimulatedHost implements KvmclockHost {
  now: HostTsc = hostTsc(0n);
  khz: number;
  vclockMode: ClockCopy["vclockMode"] = "tsc";
  offsBootNs = 0n;
  /** CLOCK_REALTIME at TSC 0, whole seconds. */
  wallTimeSec = 1_700_000_000n;
  /** Cycles from one sample to the next, to make two samples differ. */
  sampleGap = 0n;
  readonly #mult: bigint;
  readonly #shift: bigint;
  readonly #tick: bigint;

  constructor(khz: number) {
    this.khz = khz;
    const counter = { scale: 1000, freq: khz, mask: clocksourceMask(64), watchdogMaxSkewNs: 0 };
    const { mult, shift } = registerClocksource(counter);
    this.#mult = BigInt(mult);
    this.#shift = BigInt(shift);
    this.#tick = (BigInt(khz) * 1000n) / TICKS_PER_SECOND;
  }

  tsc(): HostTsc {
    this.now = hostTsc(this.now + this.sampleGap);
    return this.now;
  }
  tscKhz(): number {
    return this.khz;
  }
  rawNs(): MonotonicRawNs {
    this.now = hostTsc(this.now + this.sampleGap);
    return this.#elapsed() as MonotonicRawNs;
  }
  boottimeNs(): BoottimeNs {
    return (this.#elapsed() + this.offsBootNs) as BoottimeNs;
  }
  realtimeNs(): RealtimeNs {
    this.now = hostTsc(this.now + this.sampleGap);
    return (this.wallTimeSec * NSEC_PER_SEC + this.#elapsed()) as RealtimeNs;
  }
  copy(): KvmClockCopy {
    const cycleLast = this.now - (this.now % this.#tick);
    const shifted = cycleLast * this.#mult;
    const ns = shifted >> this.#shift;
    const baseCycles = shifted - (ns << this.#shift);
    const shared = { vclockMode: this.vclockMode, cycleLast, mask: clocksourceMask(64) };
    const clock = { ...shared, mult: Number(this.#mult), shift: Number(this.#shift), baseCycles, offset: ns };
    const wallTimeSec = this.wallTimeSec + ns / NSEC_PER_SEC;
    const mono = { ...clock, baseCycles: baseCycles + ((ns % NSEC_PER_SEC) << this.#shift) };
    return {
      mono: { ...mono, offset: ns - (ns % NSEC_PER_SEC) },
      raw: clock,
      offsBootNs: this.offsBootNs,
      wallTimeSec,
    };
  }

  /** Moves the counter on by so many seconds of its nominal rate. */
  advance(seconds: bigint): void {
    this.now = hostTsc(this.now + seconds * BigInt(this.khz) * 1000n);
  }

  #elapsed(): bigint {
    return (this.now * this.#mult) >> this.#shift;
  }
}

/** Guest memory of a few pages, some of which may be taken away. */
export class SimulatedMemory implements GuestMemory {
  readonly bytes: Uint8Array = new Uint8Array(16 * PAGE_SIZE);
  readonly unmapped: Set<number> = new Set();

  map(address: bigint, length: number): Uint8Array | undefined {
    const start = Number(address);
    const page = Math.floor(start / PAGE_SIZE);
    if (start + length > this.bytes.length || this.unmapped.has(page)) return undefined;
    return this.bytes.subarray(start, start + length);
  }
}

export interface SimulatedVmOptions {
  readonly hostKhz?: number;
  readonly guestKhz?: number;
  readonly vendor?: TscVendor;
  readonly hasTscScaling?: boolean;
  readonly vcpus?: number;
  readonly vcpuAddRefresh?: VcpuAddRefresh;
  readonly behaviours?: Partial<PvclockBehaviours>;
  readonly hideTscStableFromXen?: boolean;
  readonly notifier?: KvmclockNotifier;
  readonly events?: VmKvmclockEvents;
}

/** Everything a test of a VM's clock touches. */
export interface SimulatedVm {
  readonly host: SimulatedHost;
  readonly memory: SimulatedMemory;
  readonly tsc: VmTsc;
  readonly health: HostTscHealth;
  readonly clock: VmKvmclock;
  readonly vcpus: readonly VcpuKvmclock[];
  /** What happened, in words. */
  readonly log: string[];
  addVcpu(): VcpuKvmclock;
}

/** A VM at TSC 0 of its host. Nobody has entered the guest yet. */
export function simulatedVm(options: SimulatedVmOptions = {}): SimulatedVm {
  const { hostKhz = 2_500_000, guestKhz = hostKhz, vendor = "vmx", hasTscScaling = true } = options;
  const host = new SimulatedHost(hostKhz);
  const memory = new SimulatedMemory();
  const health = new HostTscHealth("tsc");
  const log: string[] = [];
  const tsc: VmTsc = new VmTsc({
    hostTscKhz: hostKhz,
    defaultTscKhz: guestKhz,
    vendor,
    hasTscScaling,
    userTsc: "first-write-wins",
    vcpuAddRefresh: options.vcpuAddRefresh ?? "on-change",
    clock: { tsc: () => host.now, kvmclockBaseNs: () => kvmclockBaseNs(host, "raw") },
    health,
    events: tscRequests(() => clock),
  });
  const clock: VmKvmclock = new VmKvmclock({
    host,
    memory,
    tsc,
    behaviours: { ...NEWEST_PVCLOCK_BEHAVIOURS, ...options.behaviours },
    hideTscStableFromXen: options.hideTscStableFromXen ?? false,
    ...(options.notifier && { notifier: options.notifier }),
    events: {
      onRequest: (vcpu, request) => log.push(`request ${request} ${vcpu.id}`),
      onKick: (vcpu) => log.push(`kick ${vcpu.id}`),
      onMasterClockUpdate: ({ useMasterClock }) => log.push(`master clock ${useMasterClock ? "on" : "off"}`),
      onGlobalUpdateQueued: (delayNs) => log.push(`global update in ${delayNs}`),
      onPeriodicSyncQueued: (delayNs) => log.push(`periodic sync in ${delayNs}`),
      onClockUpdate: (vcpu) => log.push(`clock update ${vcpu.id}`),
      onAreaDropped: (vcpu, area) => log.push(`dropped ${area} ${vcpu.id}`),
      ...options.events,
    },
  });
  const addVcpu = (): VcpuKvmclock => clock.addVcpu(tsc.createVcpu());
  for (let count = 0; count < (options.vcpus ?? 1); count++) addVcpu();
  return { host, memory, tsc, health, clock, vcpus: clock.vcpus, log, addVcpu };
}

/** Lets every vCPU enter the guest once, in order. */
export function enterAll(vm: SimulatedVm): void {
  for (const vcpu of vm.vcpus) vcpu.serviceRequests();
}

/** A VM that runs on a master clock whose reference is at host TSC 0, all clocks 0 there. */
export function runningVm(options: SimulatedVmOptions = {}): SimulatedVm {
  const vm = simulatedVm(options);
  enterAll(vm);
  enterAll(vm);
  vm.log.length = 0;
  return vm;
}

/** The counter of a vCPU, as `VmTsc` keeps it. */
export function counterOf(vm: SimulatedVm, index: number): VcpuTsc {
  const counter = vm.tsc.vcpus[index];
  if (counter === undefined) throw new RangeError(`counterOf: expected a vCPU, got ${index}`);
  return counter;
}

/** Asks one vCPU and lets it enter. */
export function serviced(vcpu: VcpuKvmclock, request: KvmclockRequest): void {
  vcpu.request(request);
  vcpu.serviceRequests();
}
