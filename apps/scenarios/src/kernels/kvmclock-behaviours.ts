import type { TscKhzChange, UserTsc, VcpuAddRefresh } from "@chronovisor/clocksource";
import { NEWEST_PVCLOCK_BEHAVIOURS, PVCLOCK_BEHAVIOURS, type PvclockBehaviours } from "@chronovisor/pvclock";

/** What a kernel does about guest TSCs. */
export interface TscBehaviours {
  readonly userTsc: UserTsc;
  readonly vcpuAddRefresh: VcpuAddRefresh;
  readonly tscKhzChange: TscKhzChange;
}

/** The kernel's values of the clock's axes; of those that are not in the table the newest ones. */
export function pvclockBehaviours(axes: Readonly<Record<string, string>>): PvclockBehaviours {
  const chosen = Object.keys(PVCLOCK_BEHAVIOURS).flatMap((axis) => {
    const value = axes[axis];
    return value === undefined ? [] : [[axis, value] as const];
  });
  return { ...NEWEST_PVCLOCK_BEHAVIOURS, ...Object.fromEntries(chosen) };
}

/** The kernel's values of the counters' axes. */
export function tscBehaviours(axes: Readonly<Record<string, string>>): TscBehaviours {
  return {
    userTsc: axes.userTsc as UserTsc,
    vcpuAddRefresh: axes.vcpuAddRefresh as VcpuAddRefresh,
    tscKhzChange: axes.tscKhzChange as TscKhzChange,
  };
}
