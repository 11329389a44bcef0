import { choice, quantity } from "../params/builders.js";

/** A host's TSC and its guest's, as most clock stories have them. */
export function tscParams(defaults: { readonly host: string; readonly guest: string | "as-host" }) {
  return {
    hostKhz: quantity({
      unit: "kHz",
      default: defaults.host,
      min: "100MHz",
      max: "10GHz",
      help: "host TSC frequency",
    }),
    guestKhz: quantity({
      unit: "kHz",
      default: defaults.guest === "as-host" ? { sameAs: "hostKhz", times: 1n } : defaults.guest,
      min: "100MHz",
      max: "10GHz",
      help: "guest TSC frequency; within 250 ppm of the host's, it is the host's",
    }),
  } as const;
}

/** Of the hardware that scales. */
export function fractionBits(shown: "always" | "when-set" = "when-set") {
  return choice(["48", "32"], {
    default: "48",
    ...(shown === "always" ? {} : { shown }),
    help: "fraction bits of the hardware's TSC ratio: 48 on VMX, 32 on SVM",
  });
}
