import type { TscKhzChange, UserTsc, VcpuAddRefresh } from "@chronovisor/clocksource";
import { PVCLOCK_BEHAVIOURS, type PvclockBehaviours } from "@chronovisor/pvclock";

/** What a kernel does about guest TSCs. */
export interface TscBehaviours {
  readonly userTsc: UserTsc;
  readonly vcpuAddRefresh: VcpuAddRefresh;
  readonly tscKhzChange: TscKhzChange;
}

/** The kernel's values of the clock's axes. */
export function pvclockBehaviours(axes: Readonly<Record<string, string>>): PvclockBehaviours {
  const mine = Object.keys(PVCLOCK_BEHAVIOURS).map((axis) => [axis, axes[axis]]);
  return Object.fromEntries(mine) as PvclockBehaviours;
}

/** The kernel's values of the counters' axes. */
export function tscBehaviours(axes: Readonly<Record<string, string>>): TscBehaviours {
  return {
    userTsc: axes.userTsc as UserTsc,
    vcpuAddRefresh: axes.vcpuAddRefresh as VcpuAddRefresh,
    tscKhzChange: axes.tscKhzChange as TscKhzChange,
  };
}
