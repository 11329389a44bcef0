export type { HrtimerMode } from "./mode.js";
export {
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_HARD,
  HRTIMER_MODE_PINNED,
  HRTIMER_MODE_REL,
  HRTIMER_MODE_SOFT,
} from "./mode.js";
export type { CreateTimer, OnExpiry, Timer } from "./timer.js";
