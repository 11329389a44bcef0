import {
  type GuestTsc,
  getTimeScale,
  type HostTsc,
  hostTsc,
  type KvmClockCopy,
  type KvmclockNs,
  kvmclockNs,
  type MonotonicNs,
  monotonicNs,
  readMonotonic,
  realtimeNs,
  ScaledTsc,
} from "@chronovisor/clocksource";
import { ktimeSub, type Timer } from "@chronovisor/hrtimer";
import { readCycles } from "@chronovisor/pvclock";
import {
  HYPERVISOR_SET_TIMER_OP,
  type HypercallRegisters,
  hostExpiry,
  NEWEST_XEN_TIMER_BEHAVIOURS,
  PRIORITY_2LEVEL,
  planTimeout,
  type TimeoutWorkaround,
  type VcpuGuestClock,
  type XenGuestClock,
  type XenHostClock,
  type XenTimerBehaviours,
  type XenTimerStart,
  XenVcpu,
  XenVm,
} from "@chronovisor/xen-timer";
import type { JudgeRow, Mismatch, Replay, Row } from "../replay.js";
import { big, bool, compare, MalformedRow, maybeBig, num, oneOf } from "../row-fields.js";

/** The rows of `xen/`: one start of a timer per row, no state between them. */
export const xenReplays: readonly Replay[] = [
  stateless("linux_workaround", linuxWorkaround),
  stateless("start_timer", startTimer),
  stateless("clock_sampling", clockSampling),
];

function stateless(file: string, judge: JudgeRow): Replay {
  return { area: "xen", file, create: () => judge };
}

function linuxWorkaround(row: Row): Mismatch | undefined {
  const { guestAbsNs, deltaNs, action } = planTimeout({
    guestAbsNs: big(row, "guest_abs"),
    guestNowNs: big(row, "guest_now"),
    workaround: workaround(row),
  });
  return compare(
    {
      guest_abs_effective: big(row, "guest_abs_effective"),
      delta: big(row, "delta"),
      action: oneOf(row, "action", ["hrtimer", "immediate"]),
      expiry: maybeBig(row, "expiry"),
    },
    {
      guest_abs_effective: guestAbsNs,
      delta: deltaNs,
      action,
      expiry: action === "hrtimer" ? hostExpiry(big(row, "kernel_now"), deltaNs) : undefined,
    },
  );
}

/** Newest kernel, except that `clock_path` `kvmclock` leaves the vCPU without a clock of its own. */
function startTimer(row: Row): Mismatch | undefined {
  const path = oneOf(row, "clock_path", ["guest", "kvmclock"]);
  const first = hostTsc(big(row, "host_tsc"));
  const second = maybeBig(row, "host_tsc_second");
  if (path === "kvmclock" && second === undefined) {
    throw new MalformedRow("host_tsc_second", "a decimal string where clock_path is kvmclock", null);
  }
  const clocks = new RowClocks(row, path, first, second === undefined ? first : hostTsc(second));
  // The column says which of the two deliveries an immediate timer met: a page to write to, or none.
  const page = num(row, "pending_after") === 0 ? "mapped" : "unmapped";
  const vcpu = new RowVcpu(clocks, NEWEST_XEN_TIMER_BEHAVIOURS, page);
  const start =
    workaround(row) === "linux" ? vcpu.setTimer(big(row, "guest_abs")) : vcpu.start(big(row, "guest_abs"));
  return compare(
    {
      kernel_now: big(row, "kernel_now"),
      guest_now: big(row, "guest_now"),
      guest_abs_effective: big(row, "guest_abs_effective"),
      delta: big(row, "delta"),
      action: oneOf(row, "action", ["hrtimer", "immediate"]),
      expiry: maybeBig(row, "expiry"),
      timer_expires_after: big(row, "timer_expires_after"),
      pending_after: num(row, "pending_after"),
    },
    {
      kernel_now: clocks.monotonicNs(),
      guest_now: start?.guestNowNs,
      guest_abs_effective: start?.guestAbsNs,
      delta: start?.deltaNs,
      action: start?.armed === undefined ? "immediate" : "hrtimer",
      expiry: start?.armed?.expiresNs,
      timer_expires_after: vcpu.xen.timer.expiresNs,
      pending_after: vcpu.xen.timer.pending,
    },
  );
}

/** The same set_timer_op under 6.1's two samples and under one. */
function clockSampling(row: Row): Mismatch | undefined {
  const first = hostTsc(big(row, "host_tsc_clock"));
  const second = hostTsc(big(row, "host_tsc_ktime"));
  const guestAbs = big(row, "guest_abs");
  const oneRead = new RowClocks(row, "guest", first, first);
  const twoReads = new RowClocks(row, "kvmclock", first, second);
  const old: XenTimerBehaviours = { ...NEWEST_XEN_TIMER_BEHAVIOURS, xenStart: "split-samples" };
  const fixedStart = new RowVcpu(oneRead, NEWEST_XEN_TIMER_BEHAVIOURS, "mapped").setTimer(guestAbs);
  const oldStart = new RowVcpu(twoReads, old, "mapped").setTimer(guestAbs);
  const fixedExpiry = fixedStart?.armed?.expiresNs;
  const oldExpiry = oldStart?.armed?.expiresNs;
  const { mul, shift } = twoReads.hostScale;
  return compare(
    {
      host_mul: num(row, "host_mul"),
      host_shift: num(row, "host_shift"),
      guest_now_guest_path: big(row, "guest_now_guest_path"),
      guest_now_host_path: big(row, "guest_now_host_path"),
      kernel_now_clock: big(row, "kernel_now_clock"),
      kernel_now_ktime: big(row, "kernel_now_ktime"),
      fixed_expiry: maybeBig(row, "fixed_expiry"),
      old_expiry: maybeBig(row, "old_expiry"),
      old_minus_fixed: maybeBig(row, "old_minus_fixed"),
    },
    {
      host_mul: mul,
      host_shift: shift,
      guest_now_guest_path: fixedStart?.guestNowNs,
      guest_now_host_path: oldStart?.guestNowNs,
      kernel_now_clock: oneRead.monotonicNs(),
      kernel_now_ktime: twoReads.monotonicNs(),
      fixed_expiry: fixedExpiry,
      old_expiry: oldExpiry,
      old_minus_fixed:
        oldExpiry === undefined || fixedExpiry === undefined ? undefined : ktimeSub(oldExpiry, fixedExpiry),
    },
  );
}

function workaround(row: Row): TimeoutWorkaround {
  return bool(row, "linux_wa") ? "linux" : "none";
}

/** Both clocks of a row, read at host TSC `first`, and CLOCK_MONOTONIC at `second` where it is a reading of its own. */
class RowClocks implements XenHostClock, XenGuestClock {
  readonly #copy: KvmClockCopy;
  readonly #guest: VcpuGuestClock | undefined;
  readonly #masterClock: VcpuGuestClock;
  readonly #first: HostTsc;
  readonly #second: HostTsc;
  readonly hostScale: { readonly mul: number; readonly shift: number };

  constructor(row: Row, path: "guest" | "kvmclock", first: HostTsc, second: HostTsc) {
    this.#first = first;
    this.#second = second;
    const clock = {
      vclockMode: "tsc",
      cycleLast: big(row, "mono_cycle_last"),
      mask: 2n ** 64n - 1n,
      mult: num(row, "mono_mult"),
      shift: num(row, "mono_shift"),
      baseCycles: big(row, "mono_xtime_nsec"),
      offset: big(row, "mono_base_ns"),
    } as const;
    this.#copy = { mono: clock, raw: clock, offsBootNs: 0n, wallTimeSec: 0n };
    this.#guest = path === "guest" ? guestClock(row) : undefined;
    this.hostScale = getTimeScale(1_000_000_000n, BigInt(num(row, "host_khz")) * 1000n);
    const master = {
      tscTimestamp: big(row, "master_cycle_now"),
      systemTime: big(row, "master_system_time"),
      tscToSystemMul: this.hostScale.mul,
      tscShift: this.hostScale.shift,
    };
    // KVM's own reading applies the formula to the host's counter as if it were the guest's.
    this.#masterClock = { nsAt: (tsc) => readCycles(master, tsc as bigint as GuestTsc) };
  }

  monotonicNs(): MonotonicNs {
    return this.#monotonicNsAt(this.#second);
  }

  tsc(): HostTsc {
    return this.#first;
  }

  sample(): { monotonicNs: MonotonicNs; tsc: HostTsc } {
    return { monotonicNs: this.#monotonicNsAt(this.#first), tsc: this.#first };
  }

  kvmclockNs(): KvmclockNs {
    return this.#masterClock.nsAt(this.#first);
  }

  vcpuClock(): VcpuGuestClock | undefined {
    return this.#guest;
  }

  #monotonicNsAt(tsc: HostTsc): MonotonicNs {
    const reading = readMonotonic(this.#copy, tsc);
    return monotonicNs(BigInt.asIntN(64, reading?.ns ?? 0n));
  }
}

/** The guest's own clock: the published reference at its scaled and offset counter. */
function guestClock(row: Row): VcpuGuestClock {
  const tsc = new ScaledTsc(oneOf(row, "vendor", ["vmx", "svm"]), 0n);
  tsc.writeL1Ratio(big(row, "ratio"));
  tsc.writeL1Offset(BigInt.asUintN(64, big(row, "l1_tsc_offset")));
  const reference = {
    tscTimestamp: big(row, "pv_tsc_timestamp"),
    systemTime: big(row, "pv_system_time"),
    tscToSystemMul: num(row, "pv_mul"),
    tscShift: num(row, "pv_shift"),
  };
  return { nsAt: (at) => readCycles(reference, tsc.readL1(at)) };
}

const ZERO: HypercallRegisters = {
  rax: 0n,
  rbx: 0n,
  rcx: 0n,
  rdx: 0n,
  rsi: 0n,
  rdi: 0n,
  rbp: 0n,
  r8: 0n,
  r9: 0n,
  r10: 0n,
};

/** Any port will do. */
const PORT = 1;

/** A vCPU whose clocks stand still, and what its last start came to. */
class RowVcpu {
  readonly xen: XenVcpu;
  #start: XenTimerStart | undefined;

  constructor(clocks: RowClocks, behaviours: XenTimerBehaviours, page: "mapped" | "unmapped") {
    const vm = new XenVm({
      wallClock: { realtimeNs: () => realtimeNs(0n), kvmclockNs: () => kvmclockNs(0n), epochNs: () => 0n },
      behaviours,
    });
    if (page === "mapped") vm.mapSharedInfo(new Uint8Array(4096));
    this.xen = new XenVcpu({
      vm,
      index: 0,
      vcpu: { requestUnblock: () => undefined, kick: () => undefined, injectVector: () => undefined },
      memory: { translate: () => undefined, read: () => undefined },
      clock: clocks,
      guestClock: clocks,
      createTimer: () => new SilentTimer(),
      events: {
        onStart: (start) => {
          this.#start = start;
        },
      },
    });
    this.xen.timer.setAttribute({ port: PORT, priority: PRIORITY_2LEVEL, expiresNs: 0n });
  }

  setTimer(guestAbs: bigint): XenTimerStart | undefined {
    const registers = { ...ZERO, rax: HYPERVISOR_SET_TIMER_OP, rdi: guestAbs };
    this.xen.hypercall({ registers, mode: "64-bit", cpl: 0 });
    return this.#start;
  }

  start(guestAbs: bigint): XenTimerStart | undefined {
    this.xen.timer.start(guestAbs, "none");
    return this.#start;
  }
}

/** An hrtimer nobody fires. */
class SilentTimer implements Timer {
  armed = false;
  expiresNs = monotonicNs(0n);

  start(expiresNs: MonotonicNs): void {
    this.armed = true;
    this.expiresNs = expiresNs;
  }

  cancel(): boolean {
    const was = this.armed;
    this.armed = false;
    return was;
  }
}
