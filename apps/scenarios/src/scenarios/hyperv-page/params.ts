import { choice, count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";

export const hypervPageParams = {
  age: quantity({
    unit: "ns",
    default: "24h",
    min: "10s",
    max: "14d",
    help: "how long after the reference of the guest's clock something happens",
  }),
  hostKhz: quantity({
    unit: "kHz",
    default: "3GHz",
    min: "100MHz",
    max: "10GHz",
    help: "host TSC frequency",
  }),
  guestKhz: quantity({
    unit: "kHz",
    default: "2.5GHz",
    min: "100MHz",
    max: "10GHz",
    help: "guest TSC frequency; within 250 ppm of the host's, it is the host's",
  }),
  destinationKhz: quantity({
    unit: "kHz",
    default: "2.9GHz",
    min: "100MHz",
    max: "10GHz",
    help: "TSC frequency of the host the guest is moved to",
  }),
  fracBits: choice(["48", "32"], {
    default: "48",
    shown: "when-set",
    help: "fraction bits of the hardware's TSC ratio: 48 on VMX, 32 on SVM",
  }),
  vcpus: count({ default: "2", min: "1", max: "8", shown: "when-set", help: "vCPUs of the guest" }),
} as const;

export type HypervPageParams = ParamValues<typeof hypervPageParams>;
