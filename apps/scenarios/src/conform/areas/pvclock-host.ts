import { getTimeScale, hostTsc, mulU64U32Shr, type TscFractionBits, VcpuTsc } from "@chronovisor/clocksource";
import {
  encodeVcpuTimeInfo,
  guestClockHz,
  NEWEST_PVCLOCK_BEHAVIOURS,
  type PvclockBehaviours,
  type VcpuKvmclockState,
  VmKvmclock,
  type VmKvmclockState,
} from "@chronovisor/pvclock";
import { toHex } from "../hex-bytes.js";
import type { Mismatch, Replay, Row } from "../replay.js";
import { big, bool, compare, MalformedRow, num, oneOf, text } from "../row-fields.js";
import {
  type ClockColumns,
  inStep,
  RecordedHost,
  recordedCounter,
  singleArea,
} from "./pvclock-recorded-host.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const NSEC_PER_SEC = 1_000_000_000n;

/** The kernel the rows of `pvclock/` were recorded from, 6.12. */
const V6_12: PvclockBehaviours = {
  ...NEWEST_PVCLOCK_BEHAVIOURS,
  stoppedFlag: "bleeds",
  periodicSync: "300s",
  globalUpdate: "delayed-100ms",
  xenMapYank: "yank",
};

/** Where the one area of a row lies; any address will do. */
const AREA_GPA = "4096";

const NO_AREAS = { kvmclock: null, "xen-vcpu-info": null, "xen-time-info": null } as const;

/** A vCPU that published nothing yet. */
const FRESH_VCPU: VcpuKvmclockState = {
  id: 0,
  hz: "0",
  scale: { mul: 0, shift: 0 },
  cached: { version: 0, tscTimestamp: "0", systemTime: "0", tscToSystemMul: 0, tscShift: 0, flags: 0 },
  areas: NO_AREAS,
  systemTimeMsr: "0",
  guestStopped: false,
  requests: ["clock-update"],
};

const IDLE_CLOCK = { mult: 0, xtimeNsec: 0n, baseNs: 0n };

/** The rows of `pvclock/` about the host's side, one row per case, no state. */
export const pvclockHostReplays: readonly Replay[] = [
  { area: "pvclock", file: "guest_time_update", create: () => guestTimeUpdate },
  { area: "pvclock", file: "get_kvmclock", create: () => getKvmclock },
  { area: "pvclock", file: "drift", create: () => drift },
];

/** A VM restored with a row's reference, its vCPU about to enter the guest. */
function guestTimeUpdate(row: Row): Mismatch | undefined {
  const host = new RecordedHost(num(row, "host_khz"), {
    cycleLast: big(row, "raw_cycle_last"),
    shift: num(row, "raw_shift"),
    raw: {
      mult: num(row, "raw_mult"),
      xtimeNsec: big(row, "raw_xtime_nsec"),
      baseNs: big(row, "raw_base_ns"),
    },
    mono: IDLE_CLOCK,
    offsBootNs: big(row, "offs_boot"),
    wallTimeSec: 0n,
  });
  host.now = hostTsc(big(row, "host_tsc"));
  const counter = recordedCounter({
    fractionBits: fractionBits(row),
    ratio: big(row, "ratio"),
    l1Offset: U(64, big(row, "l1_tsc_offset")),
    hasTscScaling: bool(row, "has_tsc_control"),
  });
  const area = encodeVcpuTimeInfo({
    version: num(row, "guest_version_in"),
    flags: num(row, "guest_flags_in"),
    tscTimestamp: 0n,
    systemTime: 0n,
    tscToSystemMul: 0,
    tscShift: 0,
  });
  const state = vmState(row, {
    ...FRESH_VCPU,
    areas: { ...NO_AREAS, kvmclock: AREA_GPA },
    guestStopped: bool(row, "stopped_request"),
  });
  const vm = VmKvmclock.fromState(state, { host, memory: singleArea(area), tsc: inStep(counter) });
  const [vcpu] = vm.vcpus;
  vcpu?.serviceRequests();
  const cached = vcpu?.cached;
  return compare(
    {
      hw_tsc_hz: `${text(row, "hw_tsc_khz")}000`,
      version: num(row, "version"),
      tsc_timestamp: big(row, "tsc_timestamp"),
      system_time: big(row, "system_time"),
      tsc_to_system_mul: num(row, "tsc_to_system_mul"),
      tsc_shift: num(row, "tsc_shift"),
      flags: num(row, "flags"),
      bytes_hex: text(row, "bytes_hex"),
    },
    {
      hw_tsc_hz: String(vcpu?.hz),
      version: cached?.version,
      tsc_timestamp: cached?.tscTimestamp,
      system_time: cached?.systemTime,
      tsc_to_system_mul: cached?.tscToSystemMul,
      tsc_shift: cached?.tscShift,
      flags: cached?.flags,
      bytes_hex: toHex(area),
    },
  );
}

function getKvmclock(row: Row): Mismatch | undefined {
  const clocks: ClockColumns = {
    cycleLast: big(row, "cycle_last"),
    shift: num(row, "shift"),
    raw: {
      mult: num(row, "raw_mult"),
      xtimeNsec: big(row, "raw_xtime_nsec"),
      baseNs: big(row, "raw_base_ns"),
    },
    mono: { mult: num(row, "mono_mult"), xtimeNsec: big(row, "mono_xtime_nsec"), baseNs: 0n },
    offsBootNs: big(row, "offs_boot"),
    wallTimeSec: big(row, "wall_time_sec"),
  };
  const host = new RecordedHost(num(row, "host_khz"), clocks);
  host.now = hostTsc(big(row, "host_tsc_sample"));
  const surroundings = { host, memory: singleArea(new Uint8Array(0)), tsc: inStep() };
  const vm = VmKvmclock.fromState(vmState(row), surroundings);
  const { clock, flags, realtime, hostTsc: tsc } = vm.getClock();
  return compare(
    {
      clock: big(row, "clock"),
      clock_flags: num(row, "clock_flags"),
      realtime: big(row, "realtime"),
      host_tsc: big(row, "host_tsc"),
    },
    { clock, clock_flags: flags, realtime, host_tsc: tsc },
  );
}

/** One elapsed time seen three ways, the guest's from a structure the VM itself computed. */
function drift(row: Row): Mismatch | undefined {
  const reference = hostTsc(big(row, "master_cycle_now"));
  const cycles = big(row, "host_cycles");
  const host = new RecordedHost(num(row, "host_khz"), {
    cycleLast: 0n,
    shift: 0,
    raw: IDLE_CLOCK,
    mono: IDLE_CLOCK,
    offsBootNs: 0n,
    wallTimeSec: 0n,
  });
  const vendor = oneOf(row, "vendor", ["vmx", "svm"]);
  const counter = new VcpuTsc({
    hostTscKhz: num(row, "host_khz"),
    userTscKhz: num(row, "guest_khz"),
    vendor,
  });
  counter.writeL1Offset(counter.offsetFor(big(row, "guest_tsc_ref"), reference));
  const state: VmKvmclockState = {
    ...vmState({
      ...row,
      use_master_clock: true,
      master_kernel_ns: row.system_time_base,
      kvmclock_offset: 0,
    }),
    vcpus: [FRESH_VCPU],
  };
  const surroundings = { host, memory: singleArea(new Uint8Array(0)), tsc: inStep(counter) };
  const vm = VmKvmclock.fromState(state, surroundings);
  const [vcpu] = vm.vcpus;
  if (vcpu === undefined) throw new TypeError("drift: expected a vCPU, got none");
  vcpu.serviceRequests();
  const later = hostTsc(U(64, reference + cycles));
  const unscaled = { l1Ratio: 0n, fractionBits: 48, hasTscScaling: false } as const;
  const hostScale = getTimeScale(NSEC_PER_SEC, guestClockHz(host.tscKhz(), unscaled, "truncated-khz"));
  return compare(
    {
      ratio: big(row, "ratio"),
      hw_tsc_hz: `${text(row, "hw_tsc_khz")}000`,
      host_mul: num(row, "host_mul"),
      host_shift: num(row, "host_shift"),
      guest_mul: num(row, "guest_mul"),
      guest_shift: num(row, "guest_shift"),
      guest_tsc: big(row, "guest_tsc"),
      guest_ns: big(row, "guest_ns"),
      host_ns: big(row, "host_ns"),
      guest_minus_host_ns: big(row, "guest_minus_host_ns"),
      raw_elapsed_ns: big(row, "raw_elapsed_ns"),
    },
    {
      ratio: counter.l1Ratio,
      hw_tsc_hz: String(vcpu.hz),
      host_mul: hostScale.mul,
      host_shift: hostScale.shift,
      guest_mul: vcpu.cached.tscToSystemMul,
      guest_shift: vcpu.cached.tscShift,
      guest_tsc: counter.readL1(later),
      guest_ns: vcpu.readAt(later),
      host_ns: vm.kvmclockAt(later),
      guest_minus_host_ns: vcpu.aheadOfHostNs(later),
      raw_elapsed_ns: mulU64U32Shr(cycles, num(row, "raw_mult"), num(row, "raw_shift")),
    },
  );
}

function vmState(row: Row, ...vcpus: VcpuKvmclockState[]): VmKvmclockState {
  const useMasterClock = bool(row, "use_master_clock");
  return {
    behaviours: V6_12,
    hideTscStableFromXen: false,
    useMasterClock,
    isTscStable: useMasterClock,
    masterCycleNow: String(big(row, "master_cycle_now")),
    masterKernelNs: String(big(row, "master_kernel_ns")),
    kvmclockOffset: String(S(64, big(row, "kvmclock_offset"))),
    bootVcpuRunsOldKvmclock: false,
    wallClockMsr: "0",
    globalUpdateQueued: false,
    loadRateLimit: { beganNs: null, passed: 0 },
    vcpus,
  };
}

function fractionBits(row: Row): TscFractionBits {
  const bits = num(row, "frac_bits");
  if (bits === 48 || bits === 32) return bits;
  throw new MalformedRow("frac_bits", "48 or 32", bits);
}
