import type { HostTsc, VcpuTsc } from "@chronovisor/clocksource";
import { CLOCK_MONOTONIC, HRTIMER_MODE_ABS, HRTIMER_MODE_HARD } from "@chronovisor/hrtimer";
import { readVcpuTimeInfo, type VcpuKvmclock, type VmKvmclock } from "@chronovisor/pvclock";
import { PRIORITY_2LEVEL, XenVcpu, XenVm } from "@chronovisor/xen-timer";
import type { XenTimerChoice } from "../../kernels/xen-behaviours.js";
import { buildClockMachine } from "../../machine/clock-machine.js";
import { PAGE_SIZE } from "../../machine/guest/guest-memory.js";
import type { Host } from "../../machine/host/host.js";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import type { XenAccuracyParams } from "./params.js";
import { StartClocks } from "./start-clocks.js";
import { VIRQ_TIMER_PORT, XenGuest } from "./xen-guest.js";

/** Guest-physical addresses of the two pages the guest shares with its host. */
const SHARED_INFO_GPA = 0x1000n;
const VCPU_INFO_GPA = 0x2000n;
const VCPU_INFO_SIZE = 64;
const TIME_INFO_OFFSET = 32n;
const TIME_INFO_SIZE = 32;

/** What a kernel does that this story is about. */
export interface XenMachineBehaviours {
  readonly xen: XenTimerChoice;
  /** One value per axis of the kernel table. */
  readonly axes: Readonly<Record<string, string>>;
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
export function buildXenMachine(
  params: XenAccuracyParams,
  behaviours: XenMachineBehaviours,
  openTrace?: OpenTrace,
): XenMachine {
  const machine = buildClockMachine({
    hostKhz: params.hostKhz,
    guestKhz: params.guestKhz,
    vendor: params.fracBits === "48" ? "vmx" : "svm",
    // The vCPU's thread is no part of this story: its clocks are, and the timer that reads them.
    vcpus: 0,
    spareCpus: 1,
    laterVcpus: 1,
    startTsc: params.referenceTsc,
    axes: behaviours.axes,
    openTrace,
  });
  const { host } = machine;
  const { memory, clock } = machine.vm;
  const vcpu = machine.vm.createClocks();
  vcpu.load(host.cpu(0).id);
  const { counter, clock: vcpuClock } = vcpu;
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
      epochNs: () => clock.wallClockEpochNs(),
    },
    requestMasterClockUpdate: () => clock.noteXenSharedInfo(),
    behaviours: behaviours.xen,
  });
  const enter = (): void => {
    vcpu.entering();
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
    createTimer: (onExpiry) => {
      const timer = host.hrtimers.createTimer(onExpiry, {
        name: "xen timer",
        clock: CLOCK_MONOTONIC,
        mode: HRTIMER_MODE_ABS | HRTIMER_MODE_HARD,
      });
      host.trace?.hrtimers.calls(timer, "xen_timer_callback");
      return timer;
    },
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
