import type { ScenarioDefinition } from "../scenario/types.js";
import { hostSuspend } from "./host-suspend/index.js";
import { hypervPage } from "./hyperv-page/index.js";
import { liveMigration } from "./live-migration/index.js";
import { longStop } from "./long-stop/index.js";
import { masterClockLoss } from "./master-clock-loss/index.js";
import { masterClockYank } from "./master-clock-yank/index.js";
import { nonMasterAnchors } from "./non-master-anchors/index.js";
import { ntpSlew } from "./ntp-slew/index.js";
import { periodicDrift } from "./periodic-drift/index.js";
import { pinnedTimer } from "./pinned-timer/index.js";
import { setClockPause } from "./set-clock-pause/index.js";
import { tscWatchdog } from "./tsc-watchdog/index.js";
import { xenAccuracy } from "./xen-accuracy/index.js";

/** Every scenario, in the order a list shows them. Each keeps its own parameter types to itself. */
export const scenarios: readonly ScenarioDefinition[] = [
  periodicDrift,
  pinnedTimer,
  ntpSlew,
  xenAccuracy,
  masterClockYank,
  setClockPause,
  tscWatchdog,
  masterClockLoss,
  nonMasterAnchors,
  hostSuspend,
  hypervPage,
  liveMigration,
  longStop,
] as unknown as readonly ScenarioDefinition[];
