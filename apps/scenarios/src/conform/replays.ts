import type { Replay } from "./replay.js";

/** Every file the packages can replay, by area. A new area adds its list here. */
export const shippedReplays: readonly Replay[] = [];
