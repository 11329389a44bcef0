import { ChronovisorError } from "../../errors.js";
import type { HostCpuOptions } from "../../machine/host.js";
import { formatCpuList } from "../../params/cpu-list.js";
import type { Random } from "../../random/random.js";
import type { PinnedTimerParams } from "./params.js";

/** Housekeeping CPUs of a host, or the reason why it has none. */
export function checkCpus(p: PinnedTimerParams): void {
  const total = Number(p.cpus);
  const beyond = p.nohzFull.find((cpu) => cpu >= total);
  if (beyond !== undefined) {
    throw new ChronovisorError(`nohzFull: expected CPUs from 0 to ${total - 1}, got ${beyond}`);
  }
  if (p.nohzFull.length === total) {
    throw new ChronovisorError(
      `nohzFull: expected to leave a housekeeping CPU, got "${formatCpuList(p.nohzFull)}" of ${total} CPUs`,
    );
  }
  if (Number(p.vcpuCpu) >= total) {
    throw new ChronovisorError(`vcpuCpu: expected a CPU from 0 to ${total - 1}, got ${p.vcpuCpu}`);
  }
}

/** The reproducer's host: housekeeping CPUs that tick while they are busy, nohz_full ones with their residual tick. */
export function hostCpus(p: PinnedTimerParams, random: Random): readonly HostCpuOptions[] {
  return Array.from({ length: Number(p.cpus) }, (_, id): HostCpuOptions => {
    const isolated = p.nohzFull.includes(id);
    const periodNs = isolated ? p.residual : p.tick;
    // Ticks of different CPUs have nothing to do with each other.
    const tick = { periodNs, firstNs: random.between(1n, periodNs), whenIdle: "stops" } as const;
    if (isolated) return { timers: "nohz_full", tick };
    return { tick, load: p.hog === "on" ? "busy" : "idle" };
  });
}

/** Where the thread goes when it has to leave `from`: the next nohz_full CPU, or the next CPU at all. */
export function nextCpu(p: PinnedTimerParams, from: number): number {
  const others = p.nohzFull.length > 1 ? p.nohzFull : Array.from({ length: Number(p.cpus) }, (_, id) => id);
  return others.find((cpu) => cpu > from) ?? others.find((cpu) => cpu !== from) ?? from;
}
