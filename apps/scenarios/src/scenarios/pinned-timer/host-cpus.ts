import type { Host, HostCpuOptions } from "../../machine/host/host.js";
import type { HostCpu } from "../../machine/host/host-cpu.js";
import type { Random } from "../../random/random.js";
import type { PinnedTimerParams } from "./params.js";

const allCpus = (p: PinnedTimerParams): readonly number[] =>
  Array.from({ length: Number(p.cpus) }, (_, id) => id);

/** CPUs that serve the timers of others: all but the nohz_full ones. */
export function housekeepingCpus(p: PinnedTimerParams): readonly number[] {
  return allCpus(p).filter((cpu) => !p.nohzFull.includes(cpu));
}

/** CPUs the scheduler moves the vCPU's thread among: the nohz_full ones, or all where there are none. */
export function moveTargets(p: PinnedTimerParams): readonly number[] {
  return p.nohzFull.length > 0 ? p.nohzFull : allCpus(p);
}

/** The reproducer's host: housekeeping CPUs that tick while they are busy, nohz_full ones with their residual tick. */
export function hostCpus(p: PinnedTimerParams, random: Random): readonly HostCpuOptions[] {
  return allCpus(p).map((id): HostCpuOptions => {
    const isolated = p.nohzFull.includes(id);
    const periodNs = isolated ? p.residual : p.tick;
    // Ticks of different CPUs have nothing to do with each other.
    const tick = { periodNs, firstNs: random.between(1n, periodNs), whenIdle: "stops" } as const;
    if (isolated) return { timers: "nohz_full", tick };
    return { tick, load: p.hog === "on" ? "busy" : "idle" };
  });
}

/** Where the thread goes when it has to leave `from`: the next CPU online it may move to, else the next one at all. */
export function nextCpu(host: Host, p: PinnedTimerParams, from: number): HostCpu {
  const online = (id: number): boolean => id !== from && host.cpu(id).online;
  const targets = moveTargets(p).filter(online);
  const others = targets.length > 0 ? targets : allCpus(p).filter(online);
  return host.cpu(others.find((id) => id > from) ?? others[0] ?? from);
}
