import { choice, count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { tscParams } from "../clock-params.js";

export const nonMasterAnchorsParams = {
  off: choice(["offset", "old-msr", "never"], {
    default: "offset",
    help: "why there is no master clock: a TSC offset one cycle off, or a boot vCPU on the old MSR; never: there is one",
  }),
  age: quantity({
    unit: "ns",
    default: "300s",
    min: "2s",
    max: "7d",
    help: "how long after the VM's start vCPU 0 is moved first; the cycle before, so that a sync due then comes after",
  }),
  moves: count({
    default: "50",
    min: "1",
    max: "1000",
    help: "how often vCPU 0 is moved to another CPU of the host, and back",
  }),
  moveEvery: quantity({
    unit: "ns",
    default: "20ms",
    min: "1ms",
    max: "10s",
    help: "from one move to the next",
  }),
  ipi: quantity({
    unit: "ns",
    default: "1us",
    min: "0ns",
    max: "100us",
    help: "from a kick to vCPU 1's exit",
  }),
  ...tscParams({ host: "2.5GHz", guest: "as-host" }),
} as const;

export type NonMasterAnchorsParams = ParamValues<typeof nonMasterAnchorsParams>;
