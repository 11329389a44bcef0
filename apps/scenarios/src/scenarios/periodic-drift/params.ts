import { choice, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { hostParams, loadParams, monoRate, tickParams } from "../lapic-params.js";

export const periodicDriftParams = {
  duration: quantity({
    unit: "ns",
    default: "10m",
    min: "1ms",
    max: "30d",
    help: "how long the guest runs, in true time",
  }),
  ...tickParams,
  load: choice(["idle", "alternating", "running"], {
    default: "idle",
    help: "between ticks the guest halts, halts and runs in turn, or runs",
  }),
  ...hostParams,
  monoRatePpm: monoRate("-50ppm"),
  ...loadParams,
} as const;

export type PeriodicDriftParams = ParamValues<typeof periodicDriftParams>;
