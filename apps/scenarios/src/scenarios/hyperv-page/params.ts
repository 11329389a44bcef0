import { count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { fractionBits, tscParams } from "../clock-params.js";

export const hypervPageParams = {
  age: quantity({
    unit: "ns",
    default: "24h",
    min: "10s",
    max: "14d",
    help: "how long after the reference of the guest's clock something happens",
  }),
  ...tscParams({ host: "3GHz", guest: "2.5GHz" }),
  destinationKhz: quantity({
    unit: "kHz",
    default: "2.9GHz",
    min: "100MHz",
    max: "10GHz",
    help: "TSC frequency of the host the guest is moved to",
  }),
  fracBits: fractionBits(),
  vcpus: count({ default: "2", min: "1", max: "8", shown: "when-set", help: "vCPUs of the guest" }),
} as const;

export type HypervPageParams = ParamValues<typeof hypervPageParams>;
