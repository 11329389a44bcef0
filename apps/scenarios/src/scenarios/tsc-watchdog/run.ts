import type { Measured, RunContext } from "../../scenario/types.js";
import { checkParams } from "./check-params.js";
import { outcomeOf } from "./outcome.js";
import type { TscWatchdogParams } from "./params.js";
import { caseTables } from "./tables.js";
import { tuningOf, watch } from "./watch.js";

const DAY_NS = 86_400_000_000_000n;
const EINVAL = 22;
/** The limit is the margins of both clocks, each twice the skew. */
const SKEWS_IN_LIMIT = 4n;

/** Follows a guest that came to a host of another TSC frequency, and the page's cases (docs/model/scenarios-clock §S8). */
export function runTscWatchdog(context: RunContext<TscWatchdogParams>): Measured {
  const { params, kernel, hooks } = context;
  checkParams(params);
  const tables = caseTables(kernel.axes, hooks);
  const seen = watch(params, kernel.axes, hooks);
  const { unstable, ahead } = seen;
  const [lastNs, lastAheadNs] = ahead[ahead.length - 1] ?? [1n, 0n];
  return {
    observations: {
      setTscKhz: seen.setTscKhz === -EINVAL ? "−EINVAL" : String(seen.setTscKhz),
      virtualKhz: BigInt(seen.virtualTscKhz),
      taken: BigInt(seen.tscKhz),
      short: params.guestKhz - BigInt(seen.tscKhz),
      perCheck: seen.perCheckNs,
      limit: SKEWS_IN_LIMIT * BigInt(tuningOf(params, kernel.axes).maxSkewNs),
      outcome: outcomeOf(seen),
      check: unstable === undefined ? undefined : BigInt(unstable.check),
      checks: BigInt(seen.checks),
      skips: BigInt(seen.skips),
      perDay: (lastAheadNs * DAY_NS) / lastNs,
    },
    series: {
      ahead: {
        title: "guest's TSC, as it takes it, ahead of kvm-clock, by time since the start",
        unit: "ns",
        points: ahead,
      },
    },
    tables,
  };
}
