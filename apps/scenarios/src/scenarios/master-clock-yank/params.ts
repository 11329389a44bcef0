import { choice, count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";
import { fractionBits, tscParams } from "../clock-params.js";

export const masterClockYankParams = {
  cause: choice(["xen-map", "hotplug", "set-clock", "request"], {
    default: "xen-map",
    help: "what happens: Xen's shared_info is mapped, a vCPU is plugged in, KVM_SET_CLOCK sets what KVM_GET_CLOCK gave, or every vCPU is asked for a new reference",
  }),
  age: quantity({
    unit: "ns",
    default: "24h",
    min: "10s",
    max: "14d",
    help: "how long after the clock's last reference",
  }),
  ...tscParams({ host: "2.5GHz", guest: "as-host" }),
  fracBits: fractionBits(),
  vcpus: count({ default: "4", min: "1", max: "8", help: "vCPUs of the guest" }),
} as const;

export type MasterClockYankParams = ParamValues<typeof masterClockYankParams>;
