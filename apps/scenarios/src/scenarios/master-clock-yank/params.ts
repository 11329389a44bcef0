import { choice, count, quantity } from "../../params/builders.js";
import type { ParamValues } from "../../scenario/types.js";

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
  hostKhz: quantity({
    unit: "kHz",
    default: "2.5GHz",
    min: "100MHz",
    max: "10GHz",
    help: "host TSC frequency",
  }),
  guestKhz: quantity({
    unit: "kHz",
    default: { sameAs: "hostKhz", times: 1n },
    min: "100MHz",
    max: "10GHz",
    help: "guest TSC frequency; within 250 ppm of the host's, it is the host's",
  }),
  fracBits: choice(["48", "32"], {
    default: "48",
    shown: "when-set",
    help: "fraction bits of the hardware's TSC ratio: 48 on VMX, 32 on SVM",
  }),
  vcpus: count({ default: "4", min: "1", max: "8", help: "vCPUs of the guest" }),
} as const;

export type MasterClockYankParams = ParamValues<typeof masterClockYankParams>;
