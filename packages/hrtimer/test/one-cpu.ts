import { monotonicNs } from "@chronovisor/clocksource";
import {
  type CreateTimerOptions,
  type Hrtimer,
  type HrtimerCpu,
  HrtimerSystem,
  type HrtimerSystemOptions,
  type HrtimerWarning,
  type OnExpiry,
} from "../src/index.js";

// Redeclared, so that a wrong constant in the source shows.
export const KTIME_MAX: bigint = 2n ** 63n - 1n;
export const ABS = 0;
export const REL = 1;
export const SOFT = 4;
export const HARD = 8;
export const CLOCK_REALTIME = 0;
export const CLOCK_TAI = 11;

/** One host with one CPU, and what was seen of it. */
export interface OneCpu {
  readonly host: {
    now: bigint;
    realtimeNs: bigint;
    sequence: number;
    readonly writes: [bigint, string][];
    readonly warnings: HrtimerWarning[];
    softirqs: number;
    readonly fired: [string, bigint][];
  };
  readonly system: HrtimerSystem;
  readonly cpu: HrtimerCpu;
  readonly timer: (name: string, then?: OnExpiry, more?: CreateTimerOptions) => Hrtimer;
  /** The device writes since the last call. */
  readonly takeWrites: () => [bigint, string][];
}

/** A host of one CPU at 1000 ns, CLOCK_REALTIME 500 ns and CLOCK_TAI 37 ns ahead. Time stands still unless a test moves it. */
export function oneCpu(options: Partial<HrtimerSystemOptions> = {}): OneCpu {
  const host: OneCpu["host"] = {
    now: 1000n,
    realtimeNs: 500n,
    sequence: 1,
    writes: [],
    warnings: [],
    softirqs: 0,
    fired: [],
  };
  const device = {
    program(expiresNs: bigint, force: "attempt" | "force"): boolean {
      host.writes.push([expiresNs, force]);
      return force === "force" || expiresNs === KTIME_MAX || expiresNs > host.now;
    },
  };
  const system = new HrtimerSystem({
    clock: {
      monotonicNs: () => monotonicNs(host.now),
      offsets: () => ({ sequence: host.sequence, realtimeNs: host.realtimeNs, boottimeNs: 0n, taiNs: 37n }),
    },
    cpus: [{ device }],
    events: {
      onWarning: (warning) => host.warnings.push(warning),
      onSoftirqRaised: () => {
        host.softirqs++;
      },
    },
    ...options,
  });
  const timer = (name: string, then: OnExpiry = () => undefined, more: CreateTimerOptions = {}): Hrtimer =>
    system.createTimer(
      (self) => {
        host.fired.push([name, host.now]);
        return then(self);
      },
      { name, ...more },
    );
  const takeWrites = (): [bigint, string][] => host.writes.splice(0);
  return { host, system, cpu: system.cpu(0), timer, takeWrites };
}
