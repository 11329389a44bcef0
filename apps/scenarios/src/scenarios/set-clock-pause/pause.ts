import type { HostTsc, WatchdogTuning } from "@chronovisor/clocksource";
import {
  KVM_CLOCK_REALTIME,
  type KvmClockData,
  PVCLOCK_TSC_STABLE_BIT,
  type VcpuTimeInfo,
} from "@chronovisor/pvclock";
import { watchdogTuning } from "../../kernels/guest-watchdog.js";
import { buildClockMachine, type ClockMachine } from "../../machine/clock-machine.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import type { StoryHooks } from "../../scenario/types.js";
import { evenInstants, runSampled } from "../sampling.js";
import type { SetClockPauseParams } from "./params.js";
import { WatchdogLog, watchedGuest } from "./watched-guest.js";

/** Followed before the stop, and after the pause: two passes of the watchdog. */
const AROUND_NS = 1_200_000_000n;
const SAMPLES = 24;
/** A clock that was set back is looked at so long after it should have caught up, and these shares of it and of its age: its rate is off. */
const LATER_NS = 100_000n;
const LATER_OF_BACK = 1_000n;
const LATER_OF_AGE = 40_000n;

/** What became of a guest's clocks over a pause. */
export interface Pause {
  /** What kvm-clock fell behind true time by, its clamp left aside. */
  readonly lostNs: bigint;
  /** From the guest's last read before it to its first after it. */
  readonly acrossNs: bigint;
  /** What its TSC went on by. */
  readonly tscCycles: bigint;
  readonly tscStable: boolean;
  /** How long its clock stands still, if it does. */
  readonly standstillNs: bigint | undefined;
  /** Whether it did so half way, and no longer once it was over. */
  readonly stands: boolean | undefined;
  readonly log: WatchdogLog;
  /** How far what the guest reads is behind true time, by true time since the first sample. */
  readonly behind: ReadonlyArray<readonly [bigint, bigint]>;
}

/** True time of one. */
export function pauseNs(params: SetClockPauseParams): bigint {
  const { age, pause, kvmclock } = params;
  return age + pause + AROUND_NS + (kvmclock === "old" ? caughtUpNs(params) : 0n);
}

/** Stops a guest, saves its clock, sets it after the pause, and lets the guest go on (docs/model/scenarios-clock §S5). */
export function pauseGuest(
  params: SetClockPauseParams,
  axes: Readonly<Record<string, string>>,
  hooks: StoryHooks = {},
  totalNs: bigint = pauseNs(params),
): Pause {
  const { age, pause, phase, flag } = params;
  const guest = new PausedGuest(params, axes, hooks.openTrace);
  const { host } = guest.machine;
  const stopTsc = host.tscAt(age);
  guest.start(stopTsc, phase);
  const behind: [bigint, bigint][] = [];
  const sample = (ns: bigint): bigint => {
    behind.push([ns, host.trueNs(host.engine.now) - guest.read()]);
    return BigInt(behind.length);
  };
  const follow = (instants: readonly bigint[]): void => runSampled(host, instants, totalNs, hooks, sample);

  follow(evenInstants(AROUND_NS, SAMPLES).map((ns) => age - AROUND_NS + ns));
  const before = guest.readings();
  guest.stop();
  host.engine.runUntil(host.tscAt(age + pause));
  guest.goOn(flag === "untold" ? "untold" : "told");
  host.engine.runUntil(host.engine.now);
  const after = guest.readings();
  behind.push([after.atNs, after.atNs - after.read]);

  const standstillNs = after.read > after.ns ? after.read - after.ns : undefined;
  const end = pauseNs(params) - age - pause;
  const later = evenInstants(end, SAMPLES).map((ns) => age + pause + ns);
  let stands: boolean | undefined;
  if (standstillNs === undefined) follow(later);
  else {
    const [half, over] = [age + pause + standstillNs / 2n, age + pause + caughtUpNs(params)];
    follow(later.filter((ns) => ns < half));
    follow([half]);
    const stood = guest.read() === after.read;
    follow(later.filter((ns) => ns > half && ns < over));
    follow([over]);
    stands = stood && guest.read() > after.read;
    follow(later.filter((ns) => ns > over));
  }
  return {
    lostNs: after.atNs - before.atNs - (after.ns - before.ns),
    acrossNs: after.read - before.read,
    tscCycles: after.tsc - before.tsc,
    tscStable: guest.isTscStable,
    standstillNs,
    stands,
    log: guest.log,
    behind: behind.map(([ns, behindNs]) => [ns - (behind[0]?.[0] ?? 0n), behindNs]),
  };
}

/** When a clock that was set back by so much goes on again, at the latest. */
function caughtUpNs({ back, age }: SetClockPauseParams): bigint {
  return back + back / LATER_OF_BACK + age / LATER_OF_AGE + LATER_NS;
}

/** What a VM's clock and counter read at one instant. */
interface Readings {
  /** True time. */
  readonly atNs: bigint;
  /** What kvm-clock's line says, and what the guest makes of it. */
  readonly ns: bigint;
  readonly read: bigint;
  readonly tsc: bigint;
}

/** A guest of one vCPU, and the user space that saves and sets its clock. */
class PausedGuest {
  readonly machine: ClockMachine;
  readonly log: WatchdogLog = new WatchdogLog();
  readonly #params: SetClockPauseParams;
  readonly #tuning: WatchdogTuning;
  readonly #kvmclock: GuestKvmclock;
  #saved: KvmClockData | VcpuTimeInfo | undefined;

  constructor(
    params: SetClockPauseParams,
    axes: Readonly<Record<string, string>>,
    openTrace: StoryHooks["openTrace"],
  ) {
    const { hostKhz, guestKhz, kvmclock } = params;
    this.#params = params;
    this.#tuning = watchdogTuning(axes);
    this.machine = buildClockMachine({ hostKhz, guestKhz, axes, openTrace });
    this.#kvmclock = new GuestKvmclock(this.machine.vm.memory, kvmclock);
  }

  get isTscStable(): boolean {
    return (this.#kvmclock.published(0).flags & PVCLOCK_TSC_STABLE_BIT) !== 0;
  }

  start(stopTsc: HostTsc, phaseNs: bigint): void {
    const { vcpu } = this.#boot();
    const looks = this.#params.flag === "heeded" ? "before-a-pass" : "never";
    const [kvmclock, tuning, log] = [this.#kvmclock, this.#tuning, this.log];
    const guestStop = vcpu.tsc.readL1(stopTsc);
    vcpu.start("watches its clocks", (cpu) =>
      watchedGuest(cpu, { kvmclock, stopTsc: guestStop, phaseNs, looks, tuning, log }),
    );
  }

  read(): bigint {
    const { vcpu } = this.#boot();
    const { now } = this.machine.host.engine;
    return this.#kvmclock.pvclock.read(this.#kvmclock.area(0), () => vcpu.tsc.readL1(now)) ?? 0n;
  }

  readings(): Readings {
    const { vcpu, clock } = this.#boot();
    const { host } = this.machine;
    const { now } = host.engine;
    return { atNs: host.trueNs(now), ns: clock.readAt(now), read: this.read(), tsc: vcpu.tsc.readL1(now) };
  }

  stop(): void {
    const { vcpu, clock } = this.#boot();
    const vm = this.machine.vm.clock;
    vcpu.stop();
    const saved = this.#params.set === "guest" ? vm.getClockGuest(clock) : vm.getClock();
    if (typeof saved === "number") throw new Error(`set-clock-pause: KVM_GET_CLOCK_GUEST gave ${saved}`);
    this.#saved = saved;
  }

  goOn(flag: "untold" | "told"): void {
    const { vcpu, clock } = this.#boot();
    const result = this.#set();
    if (result !== 0) throw new Error(`set-clock-pause: setting the clock gave ${result}`);
    if (flag === "told") clock.kvmclockCtrl();
    vcpu.resume();
  }

  #set(): number {
    const { host, kvm, vm } = this.machine;
    const { back, gap, set } = this.#params;
    const saved = this.#saved;
    if (saved === undefined) return 0;
    if (!("clock" in saved)) return vm.clock.setClockGuest(this.#boot().clock, saved);
    const clock = saved.clock - back;
    if (set === "clock") return vm.clock.setClock({ clock });
    kvm.beforeClockRead = () => host.engine.spend(host.cycles(gap));
    const result = vm.clock.setClock({ clock, flags: KVM_CLOCK_REALTIME, realtime: saved.realtime });
    kvm.beforeClockRead = undefined;
    return result;
  }

  #boot(): {
    vcpu: ClockMachine["vm"]["vcpus"][number];
    clock: ClockMachine["vm"]["clock"]["vcpus"][number];
  } {
    const { vm } = this.machine;
    const [vcpu] = vm.vcpus;
    const [clock] = vm.clock.vcpus;
    if (vcpu === undefined || clock === undefined) throw new Error("set-clock-pause: expected a vCPU");
    return { vcpu, clock };
  }
}
