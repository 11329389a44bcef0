import type { HrtimerBehaviours } from "./behaviours.js";
import type { ClockBase } from "./clock-base.js";
import type { CpuBase } from "./cpu-base.js";
import type { Engine } from "./engine.js";
import type { HrtimerNode } from "./hrtimer-node.js";
import type { Topology } from "./topology.js";

/**
 * An unpinned timer whose expiry equals the next event of the CPU chosen for it:
 * `stay` — counted as unsuitable, it stays on the starting CPU (up to v4.15); `move` — it goes there (v4.16).
 */
export type EqualTarget = HrtimerBehaviours["equalTarget"];
/** Whether unpinned timers look for another CPU at all: sysctl kernel.timer_migration with NO_HZ active. */
export type TimerMigration = "on" | "off";

/** The settings of {@link selectBase}. */
export interface Placement {
  readonly migration: TimerMigration;
  readonly equalTarget: EqualTarget;
  readonly topology: Topology;
}

/** Where a timer that is being started goes (`switch_hrtimer_base`, docs/model/hrtimer §7). */
export function selectBase(
  engine: Engine,
  timer: HrtimerNode,
  here: CpuBase,
  pinning: "pinned" | "unpinned",
): ClockBase {
  const { base } = timer;
  // A running callback holds the timer where it is, whichever CPU was asked for.
  if (base.running === timer) return base;
  const candidate = candidateCpu(engine, here, pinning);
  const isSuitable = candidate === here || !here.online || isSuitableRemote(engine, timer, candidate);
  return (isSuitable ? candidate : here).baseAt(base.index);
}

function candidateCpu(engine: Engine, here: CpuBase, pinning: "pinned" | "unpinned"): CpuBase {
  if (!here.online) return firstOnlineHousekeeping(engine) ?? here;
  if (pinning === "pinned" || engine.placement.migration === "off") return here;
  return nohzTarget(engine, here);
}

/** `get_nohz_timer_target`, kernel/sched/core.c. */
function nohzTarget(engine: Engine, here: CpuBase): CpuBase {
  const { topology } = engine.placement;
  const isHereHousekeeping = isHousekeeping(topology, here.id);
  if (isHereHousekeeping && topology.isIdle?.(here.id) !== true) return here;
  const domains = topology.domains?.(here.id) ?? [engine.cpus.map((cpu) => cpu.id)];
  for (const domain of domains) {
    for (const id of domain) {
      const cpu = engine.cpus[id];
      if (cpu === undefined || cpu === here || !cpu.online || !isHousekeeping(topology, id)) continue;
      if (topology.isIdle?.(id) !== true) return cpu;
    }
  }
  if (isHereHousekeeping) return here;
  const closest = topology.closestHousekeeping?.(here.id);
  const cpu = closest === undefined ? undefined : engine.cpus[closest];
  return (cpu?.online === true ? cpu : firstOnlineHousekeeping(engine)) ?? here;
}

/** The first online CPU that takes timers; what an offline CPU falls back on too. */
export function firstOnlineHousekeeping(engine: Engine): CpuBase | undefined {
  return engine.cpus.find((cpu) => cpu.online && isHousekeeping(engine.placement.topology, cpu.id));
}

function isHousekeeping(topology: Topology, cpu: number): boolean {
  return topology.isHousekeeping?.(cpu) ?? true;
}

/** A remote device cannot be programmed, so the timer must not become its next event (`hrtimer_suitable_target`). */
function isSuitableRemote(engine: Engine, timer: HrtimerNode, candidate: CpuBase): boolean {
  const expires = candidate.baseAt(timer.base.index).toMonotonic(timer.expires);
  return engine.placement.equalTarget === "move"
    ? expires >= candidate.expiresNext
    : expires > candidate.expiresNext;
}
