import { choice, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { hostParams, loadParams } from "../lapic-params.js";

export const periodicDriftParams = {
  duration: quantity({
    unit: "ns",
    default: "10m",
    min: "1ms",
    max: "30d",
    help: "how long the guest runs, in true time",
  }),
  period: quantity({
    unit: "ns",
    default: "1ms",
    min: "1us",
    max: "100s",
    help: "period of the guest's timer; below 200us KVM raises it to that",
  }),
  handler: quantity({
    unit: "ns",
    default: "5us",
    min: "0ns",
    max: "1s",
    help: "time the guest takes to handle a tick",
  }),
  load: choice(["idle", "alternating", "running"], {
    default: "idle",
    help: "between ticks the guest halts, halts and runs in turn, or runs",
  }),
  ...hostParams,
  monoRatePpm: quantity({
    unit: "ppb",
    default: "-50ppm",
    min: "-100000ppm",
    max: "100000ppm",
    help: "rate of CLOCK_MONOTONIC against the host TSC: what NTP does to it",
  }),
  ...loadParams,
} as const;

export type PeriodicDriftParams = ParamValues<typeof periodicDriftParams>;
