import type { GuestTsc, HostTsc, KvmclockNs } from "@chronovisor/clocksource";
import {
  type ClockPair,
  type KvmClockData,
  MSR_KVM_SYSTEM_TIME_NEW,
  type TscRatioOf,
  type VcpuTimeInfo,
} from "@chronovisor/pvclock";
import { buildClockMachine } from "../../machine/clock-machine.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import { cyclesIn, type LiveMigrationParams } from "./params.js";

/** CLOCK_REALTIME of the source when the guest starts, ns since 1970. */
const REALTIME_NS = 1_700_000_000_000_000_000n;
/** The pages of guest memory in which the guest has its clocks. */
const MIGRATED_BYTES = 2 * 4096;

/** What the source's user space sends to the destination, and what only an observer of both knows. */
export interface SavedGuest {
  /** `KVM_GET_CLOCK`. */
  readonly clock: KvmClockData;
  /** `KVM_GET_CLOCK_GUEST`, proposed; or a negative errno. */
  readonly clockGuest: VcpuTimeInfo | number;
  /** `KVM_GET_TSC_KHZ`. */
  readonly tscKhz: number;
  /** `KVM_VCPU_TSC_OFFSET`, the same on every vCPU. */
  readonly offset: bigint;
  /** IA32_TSC, read on every vCPU in the same instant. */
  readonly guestTsc: GuestTsc;
  /** `KVM_VCPU_TSC_SCALE`, proposed: without it user space can but guess the ratio. */
  readonly ratio: TscRatioOf;
  readonly memory: Uint8Array;
  /** The system-time MSR of each vCPU. */
  readonly systemTimeMsrs: readonly bigint[];
  /** What the guest itself would have read then. */
  readonly guestNs: KvmclockNs;
  /** The structure it would have read it by: guest time as a function of guest TSC. */
  readonly published: VcpuTimeInfo;
}

/** Guest time and host TSC of a reading. */
export function pairOf({ clock, hostTsc }: KvmClockData): ClockPair {
  return { guestNs: clock, hostTsc };
}

/** Runs the guest on the source for its age, takes its vCPUs out and saves what there is to save. */
export function saveGuest(params: LiveMigrationParams, axes: Readonly<Record<string, string>>): SavedGuest {
  const { sourceKhz, guestKhz, fracBits, age, sourceUptime, vcpus } = params;
  const startTsc = cyclesIn(sourceUptime, sourceKhz);
  const { host, vm } = buildClockMachine({
    hostKhz: sourceKhz,
    guestKhz,
    vendor: fracBits === "48" ? "vmx" : "svm",
    vcpus: Number(vcpus),
    startTsc,
    realtimeNs: REALTIME_NS,
    axes,
  });
  const guest = new GuestKvmclock(vm.memory);
  for (const vcpu of vm.vcpus) {
    vcpu.start("reads its clock", function* (cpu) {
      guest.enable(cpu, vcpu.id);
      yield cpu.run();
    });
  }
  host.engine.runUntil((startTsc + cyclesIn(age, sourceKhz)) as HostTsc);
  for (const vcpu of vm.vcpus) vcpu.stop();

  const now = host.engine.now;
  const [counter] = vm.counters.vcpus;
  const [vcpuClock] = vm.clock.vcpus;
  if (counter === undefined || vcpuClock === undefined) throw new Error("saveGuest: the guest has no vCPU");
  return {
    clock: vm.clock.getClock(),
    guestNs: vcpuClock.readAt(now),
    clockGuest: vm.clock.getClockGuest(vcpuClock),
    tscKhz: counter.virtualTscKhz,
    offset: counter.l1Offset,
    guestTsc: counter.readL1(now),
    ratio: { l1Ratio: counter.l1Ratio, fractionBits: counter.fractionBits },
    memory: vm.memory.at(0n, MIGRATED_BYTES).slice(),
    systemTimeMsrs: vm.clock.vcpus.map((clock) => clock.rdmsr(MSR_KVM_SYSTEM_TIME_NEW) ?? 0n),
    published: guest.published(0),
  };
}
