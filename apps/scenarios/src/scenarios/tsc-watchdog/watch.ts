import {
  elapsedNs,
  registerClocksource,
  type UnstableReason,
  type WatchdogTuning,
} from "@chronovisor/clocksource";
import { pvclockTscKhz } from "@chronovisor/pvclock";
import { watchdogTuning } from "../../kernels/guest-watchdog.js";
import { buildClockMachine, type ClockMachine } from "../../machine/clock-machine.js";
import type { GuestCpu, GuestProgram } from "../../machine/guest/guest.js";
import { clocksourceWatchdog } from "../../programs/clocksource-watchdog.js";
import { GuestKvmclock } from "../../programs/kvmclock.js";
import type { StoryHooks } from "../../scenario/types.js";
import { evenInstants, runSampled } from "../sampling.js";
import type { TscWatchdogParams } from "./params.js";

const SAMPLES = 24;
const MASK = 2n ** 64n - 1n;
/** Reads of one try: kvm-clock, the TSC, kvm-clock, kvm-clock. */
const READS_PER_TRY = 4;

/** What a guest's watchdog came to. */
export interface Watch {
  /** What KVM_SET_TSC_KHZ returned, and what KVM_GET_TSC_KHZ gives all the same. */
  readonly setTscKhz: number;
  readonly virtualTscKhz: number;
  /** What the guest takes its TSC for. */
  readonly tscKhz: number;
  /** What the TSC got ahead of kvm-clock from the first pass to the second, if both compared. */
  readonly perCheckNs: bigint | undefined;
  readonly unstable:
    | { readonly reason: UnstableReason; readonly check: number; readonly ns: bigint }
    | undefined;
  readonly checks: number;
  readonly skips: number;
  /** How far the guest's TSC, as it takes it, is ahead of its kvm-clock, by true time. */
  readonly ahead: ReadonlyArray<readonly [bigint, bigint]>;
}

/** The guest's watchdog, with the skew that is configured. */
export function tuningOf(
  { maxSkew }: Pick<TscWatchdogParams, "maxSkew">,
  axes: Readonly<Record<string, string>>,
): WatchdogTuning {
  const tuning = watchdogTuning(axes);
  return maxSkew === 0n ? tuning : { ...tuning, maxSkewNs: Number(maxSkew) };
}

/** Has a guest whose TSC is watched against kvm-clock run on a host (docs/model/scenarios-clock §S8). */
export function watch(
  params: TscWatchdogParams,
  axes: Readonly<Record<string, string>>,
  hooks: StoryHooks = {},
  totalNs: bigint = params.length,
): Watch {
  const guest = new WatchedGuest(params, axes, hooks.openTrace);
  const { host } = guest.machine;
  const ahead: [bigint, bigint][] = [];
  runSampled(host, evenInstants(params.length, SAMPLES), totalNs, hooks, () => {
    // A pass under way is finished first.
    ahead.push([host.trueNs(host.engine.now), guest.aheadNs()]);
    return BigInt(guest.checks);
  });
  const { setTscKhz, virtualTscKhz, tscKhz, perCheckNs, unstable, checks, skips } = guest;
  return { setTscKhz, virtualTscKhz, tscKhz, perCheckNs, unstable, checks, skips, ahead };
}

/** A guest of one running vCPU, and what its watchdog tells. */
class WatchedGuest {
  readonly machine: ClockMachine;
  readonly setTscKhz: number;
  readonly virtualTscKhz: number;
  tscKhz = 0;
  perCheckNs: bigint | undefined;
  unstable: Watch["unstable"];
  checks = 0;
  skips = 0;
  readonly #params: TscWatchdogParams;
  readonly #kvmclock: GuestKvmclock;
  readonly #tuning: WatchdogTuning;
  /** TSC and kvm-clock when the guest began to watch. */
  #began = { tsc: 0n, kvmclockNs: 0n };
  #baseline: { tsc: bigint; kvmclock: bigint } | undefined;
  #reads = 0;

  constructor(
    params: TscWatchdogParams,
    axes: Readonly<Record<string, string>>,
    openTrace: StoryHooks["openTrace"],
  ) {
    const { hostKhz, guestKhz, scaling } = params;
    this.#params = params;
    this.machine = buildClockMachine({ hostKhz, guestKhz, tscScaling: scaling, axes, openTrace });
    this.#kvmclock = new GuestKvmclock(this.machine.vm.memory);
    this.#tuning = tuningOf(params, axes);
    const [vcpu] = this.machine.vm.vcpus;
    const counter = vcpu?.clocks?.counter;
    if (vcpu === undefined || counter === undefined) throw new Error("tsc-watchdog: expected a vCPU");
    this.setTscKhz = counter.ioctlSetTscKhz(guestKhz);
    this.virtualTscKhz = counter.virtualTscKhz;
    vcpu.start("watches its clocks", (cpu) => this.#program(cpu));
  }

  /** How far the TSC is ahead of kvm-clock since the guest began to watch. */
  aheadNs(): bigint {
    const { host, vm } = this.machine;
    const { now } = host.engine;
    const [clock] = vm.clock.vcpus;
    if (clock === undefined) return 0n;
    const tscNs = this.#tscNs(this.#began.tsc, clock.tsc.readL1(now));
    return tscNs - (clock.readAt(now) - this.#began.kvmclockNs);
  }

  *#program(cpu: GuestCpu): GuestProgram {
    this.#kvmclock.enable(cpu, 0);
    yield cpu.work(1n);
    const { tscToSystemMul, tscShift } = this.#kvmclock.published(0);
    const { calibration, guestKhz, cpus } = this.#params;
    this.tscKhz = Number(calibration === "kept" ? guestKhz : pvclockTscKhz(tscToSystemMul, tscShift));
    this.#began = { tsc: cpu.rdtsc(), kvmclockNs: this.#kvmclock.read(cpu, 0) };
    yield* clocksourceWatchdog(cpu, {
      kvmclock: this.#kvmclock,
      vcpu: 0,
      tscKhz: this.tscKhz,
      tuning: this.#tuning,
      onlineCpus: Number(cpus),
      beforePass: () => {
        this.#reads = 0;
      },
      beforeRead: () => this.#beforeRead(),
      onPass: (pass, watchdog) => {
        this.checks = pass + 1;
        const baseline = watchdog.state().sources[0]?.baseline;
        this.#compared(
          baseline ? { tsc: BigInt(baseline.source), kvmclock: BigInt(baseline.watchdog) } : undefined,
        );
      },
      onSkipped: () => {
        this.skips += 1;
      },
      onUnstable: (reason, pass) => this.#gaveUp(reason, pass),
    });
  }

  /** What passes before the third and the fourth read of a try. */
  #beforeRead(): void {
    const { readDelay, backDelay, delayed } = this.#params;
    const inTry = this.#reads % READS_PER_TRY;
    const isFirst = this.#reads < READS_PER_TRY;
    this.#reads += 1;
    if (delayed === "first-try" && !isFirst) return;
    const delayNs = inTry === 2 ? readDelay : inTry === 3 ? backDelay : 0n;
    const { host } = this.machine;
    host.engine.spend(host.cycles(delayNs));
  }

  #compared(baseline: { tsc: bigint; kvmclock: bigint } | undefined): void {
    const last = this.#baseline;
    this.#baseline = baseline;
    if (last === undefined || baseline === undefined || this.perCheckNs !== undefined) return;
    this.perCheckNs = this.#tscNs(last.tsc, baseline.tsc) - (baseline.kvmclock - last.kvmclock);
  }

  #gaveUp(reason: UnstableReason, pass: number): void {
    const { host } = this.machine;
    this.unstable = { reason, check: pass + 1, ns: host.trueNs(host.engine.now) };
    if (reason.kind === "skew") this.perCheckNs ??= reason.sourceNs - reason.watchdogNs;
  }

  /** As the guest's clocksource tells it. */
  #tscNs(from: bigint, to: bigint): bigint {
    const { maxSkewNs: watchdogMaxSkewNs, deltaRule } = this.#tuning;
    const rates = registerClocksource({ scale: 1000, freq: this.tscKhz, mask: MASK, watchdogMaxSkewNs });
    return elapsedNs({ ...rates, mask: MASK }, from, to, deltaRule);
  }
}
