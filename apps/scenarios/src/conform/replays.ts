import { clocksourceReplays } from "./areas/clocksource.js";
import { hrtimerReplays } from "./areas/hrtimer.js";
import { hvtimerReplays } from "./areas/hvtimer.js";
import { lapicReplays } from "./areas/lapic.js";
import { liveLapicReplays } from "./areas/live-lapic.js";
import { livePvclockReplays } from "./areas/live-pvclock.js";
import { mathReplays } from "./areas/math.js";
import { pvclockReplays } from "./areas/pvclock.js";
import { timekeepingReplays } from "./areas/timekeeping.js";
import { tscReplays } from "./areas/tsc.js";
import { xenReplays } from "./areas/xen.js";
import type { Replay } from "./replay.js";

/** Every file the packages can replay, by area. A new area adds its list here. */
export const shippedReplays: readonly Replay[] = [
  ...mathReplays,
  ...clocksourceReplays,
  ...tscReplays,
  ...timekeepingReplays,
  ...pvclockReplays,
  ...lapicReplays,
  ...hvtimerReplays,
  ...hrtimerReplays,
  ...xenReplays,
  ...livePvclockReplays,
  ...liveLapicReplays,
];
