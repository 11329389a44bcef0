import { type HostTsc, HostTscHealth, type VcpuTsc, VmTsc } from "@chronovisor/clocksource";
import { CLOCK_MONOTONIC, HRTIMER_MODE_ABS, HRTIMER_MODE_HARD } from "@chronovisor/hrtimer";
import {
  type KvmclockHost,
  NEWEST_PVCLOCK_BEHAVIOURS,
  type PvclockBehaviours,
  readVcpuTimeInfo,
  tscRequests,
  type VcpuKvmclock,
  VmKvmclock,
} from "@chronovisor/pvclock";
import { PRIORITY_2LEVEL, XenVcpu, XenVm } from "@chronovisor/xen-timer";
import type { XenTimerChoice } from "../../kernels/xen-behaviours.js";
import { Host } from "../../machine/host.js";
import { FlatMemory, SHARED_INFO_GPA, VCPU_INFO_GPA } from "./guest-memory.js";
import type { XenAccuracyParams } from "./params.js";
import { StartClocks } from "./start-clocks.js";
import { VIRQ_TIMER_PORT, XenGuest } from "./xen-guest.js";

const HZ = 250;
const NS_PER_S = 1_000_000_000n;
/** The longest the host leaves its timekeeper alone: a host CPU never sleeps longer. */
const HOST_WAKES_NS = 60n * NS_PER_S;
const PAGE_SIZE = 4096;
const VCPU_INFO_SIZE = 64;
const TIME_INFO_OFFSET = 32n;
const TIME_INFO_SIZE = 32;

/** What a kernel does that this story is about. */
export interface XenMachineBehaviours {
  readonly xen: XenTimerChoice;
  readonly pvclock: Pick<PvclockBehaviours, "guestKhz" | "getClock">;
}

/** A host whose clock is its TSC, unsteered, and a Xen guest of one vCPU on a master clock. */
export interface XenMachine {
  readonly host: Host;
  readonly clock: VmKvmclock;
  readonly vcpuClock: VcpuKvmclock;
  readonly xen: XenVcpu;
  readonly guest: XenGuest;
}

/** Builds the machine at its reference: every clock reads 0 there, and the guest has been entered. */
export function buildXenMachine(params: XenAccuracyParams, behaviours: XenMachineBehaviours): XenMachine {
  const host = buildHost(params);
  const memory = new FlatMemory();
  const { clock, vcpuClock, counter } = buildVmClock(host, memory, params, behaviours.pvclock);
  const vcpuInfo = memory.at(VCPU_INFO_GPA, VCPU_INFO_SIZE);
  vcpuClock.setXenVcpuInfo(VCPU_INFO_GPA);
  const timeInfo = memory.at(VCPU_INFO_GPA + TIME_INFO_OFFSET, TIME_INFO_SIZE);
  const clocks = new StartClocks(
    host,
    {
      kvmclockNs: () => clock.getClock().clock,
      vcpuClock: (source) => {
        if (vcpuClock.cached.version === 0 || !clock.reference.useMasterClock) return undefined;
        if (source === "cached") return { nsAt: (tsc) => vcpuClock.readAt(tsc) };
        return { nsAt: (tsc) => readTimeInfo(timeInfo, counter, tsc) };
      },
    },
    params,
  );
  const vm = new XenVm({
    wallClock: {
      realtimeNs: () => host.clock.timekeeper.realtimeNs(),
      kvmclockNs: () => clock.getClock().clock,
      epochNs: () => host.clock.timekeeper.realtimeNs() - clock.getClock().clock,
    },
    requestMasterClockUpdate: () => clock.noteXenSharedInfo(),
    behaviours: behaviours.xen,
  });
  const enter = (): void => {
    vcpuClock.serviceRequests();
    xen.prepareEntry();
  };
  const guest: XenGuest = new XenGuest({
    host,
    sharedInfo: memory.at(SHARED_INFO_GPA, PAGE_SIZE),
    vcpuInfo,
    timeInfo,
    rdtsc: () => counter.readL1(host.engine.now),
    hypercall: (registers) => {
      clocks.begin();
      host.engine.on(host.cpu(0).lane, () => xen.hypercall({ registers, mode: "64-bit", cpl: 0 }));
    },
    enter,
  });
  const xen: XenVcpu = new XenVcpu({
    vm,
    index: 0,
    vcpu: { requestUnblock() {}, kick: () => guest.kick(), injectVector() {} },
    memory,
    clock: clocks,
    guestClock: clocks,
    createTimer: (onExpiry) =>
      host.hrtimers.createTimer(onExpiry, {
        name: "xen timer",
        clock: CLOCK_MONOTONIC,
        mode: HRTIMER_MODE_ABS | HRTIMER_MODE_HARD,
      }),
  });
  vm.setLongMode("64-bit");
  vm.mapSharedInfo(memory.at(SHARED_INFO_GPA, PAGE_SIZE));
  xen.channels.vcpuInfo.activate(vcpuInfo);
  xen.setVcpuId(0);
  xen.timer.setAttribute({ port: VIRQ_TIMER_PORT, priority: PRIORITY_2LEVEL, expiresNs: 0n });
  enter();
  return { host, clock, vcpuClock, xen, guest };
}

function readTimeInfo(timeInfo: Uint8Array, counter: VcpuTsc, tsc: HostTsc) {
  const reading = readVcpuTimeInfo(timeInfo, () => counter.readL1(tsc));
  if (reading === undefined) throw new Error("xen-accuracy: the host read an area it is writing");
  return reading.ns;
}

function buildHost({ hostKhz, referenceTsc }: XenAccuracyParams): Host {
  const tscKhz = Number(hostKhz);
  const host = new Host({
    tscHz: hostKhz * 1000n,
    clock: { kind: "tsc", tscKhz, hz: HZ },
    tscKhz,
    minDeltaNs: 0n,
    cpus: [{}],
    startTsc: referenceTsc,
  });
  host.engine.add(host.timeline);
  const wake = (ns: bigint): void =>
    host.timeline.add({
      at: host.tscAt(ns),
      name: "the host accumulates its clock",
      act: () => {
        host.clock.timekeeper.tick();
        wake(ns + HOST_WAKES_NS);
      },
    });
  wake(HOST_WAKES_NS);
  return host;
}

/** The VM's counters and its clock, the counter 0 now. */
function buildVmClock(
  host: Host,
  memory: FlatMemory,
  { hostKhz, guestKhz, fracBits }: XenAccuracyParams,
  behaviours: XenMachineBehaviours["pvclock"],
): { clock: VmKvmclock; vcpuClock: VcpuKvmclock; counter: VcpuTsc } {
  const { timekeeper } = host.clock;
  const kvmHost: KvmclockHost = {
    tsc: () => host.engine.now,
    tscKhz: () => Number(hostKhz),
    rawNs: () => timekeeper.rawNs(),
    boottimeNs: () => timekeeper.boottimeNs(),
    realtimeNs: () => timekeeper.realtimeNs(),
    copy: () => timekeeper.copy(),
  };
  const counters: VmTsc = new VmTsc({
    hostTscKhz: Number(hostKhz),
    defaultTscKhz: Number(guestKhz),
    vendor: fracBits === "48" ? "vmx" : "svm",
    userTsc: "first-write-wins",
    vcpuAddRefresh: "on-change",
    clock: { tsc: kvmHost.tsc, kvmclockBaseNs: () => clock.baseNs() },
    health: new HostTscHealth("tsc"),
    events: tscRequests(() => clock),
  });
  const clock: VmKvmclock = new VmKvmclock({
    host: kvmHost,
    memory,
    tsc: counters,
    behaviours: { ...NEWEST_PVCLOCK_BEHAVIOURS, ...behaviours },
  });
  const counter = counters.createVcpu();
  return { clock, vcpuClock: clock.addVcpu(counter), counter };
}
