import { checkOneOf } from "../arguments.js";

/**
 * Where KVM's local APIC departs from Intel's manual in what a guest sees: `kvm` as KVM, `sdm` as the manual (vol 3A
 * chapter 11). KVM is the default of every axis.
 */
export const LOCAL_APIC_BEHAVIOURS = {
  /** Errors: never latched, or gathered, moved into ESR by a write of it, and signalled through LVT error. */
  errorStatus: ["kvm", "sdm"],
  /** Vectors 0 to 15: requested and pending for ever, or refused as illegal. */
  lowVectors: ["kvm", "sdm"],
  /** Reserved bits of TPR, EOI, SVR, TDCR and the LVTs written by MSR: dropped, or #GP. */
  x2apicReservedBits: ["kvm", "sdm"],
  /** Delivery status and remote IRR of an LVT, bits 12 and 14: stored as written, or read-only. */
  lvtReadOnlyBits: ["kvm", "sdm"],
  /** An end of interrupt with SVR bit 12 set: the I/O APIC hears of it from the APIC, or from the guest alone. */
  eoiBroadcast: ["kvm", "sdm"],
  /** A timer that expires while LVTT is masked: its interrupt is kept until unmasked, or lost. */
  maskedTimer: ["kvm", "sdm"],
  /** A write of LVTT from one-shot to periodic mode or back: the count goes on, or the timer is disarmed. */
  timerModeChange: ["kvm", "sdm"],
  /** IA32_APIC_BASE with EN clear: registers and timer go on, or all is as after INIT. */
  globalDisable: ["kvm", "sdm"],
} as const;

/** The axes of {@link LOCAL_APIC_BEHAVIOURS}. */
export type LocalApicAxis = keyof typeof LOCAL_APIC_BEHAVIOURS;

/** One value per axis. */
export type LocalApicBehaviours = {
  readonly [Axis in LocalApicAxis]: (typeof LOCAL_APIC_BEHAVIOURS)[Axis][number];
};

const KVM: LocalApicBehaviours = {
  errorStatus: "kvm",
  lowVectors: "kvm",
  x2apicReservedBits: "kvm",
  lvtReadOnlyBits: "kvm",
  eoiBroadcast: "kvm",
  maskedTimer: "kvm",
  timerModeChange: "kvm",
  globalDisable: "kvm",
};

const AXES = Object.keys(LOCAL_APIC_BEHAVIOURS) as readonly LocalApicAxis[];

/** `chosen` with KVM's values where it says nothing; throws for an unknown value. */
export function completeApicBehaviours(chosen: Partial<LocalApicBehaviours>): LocalApicBehaviours {
  const behaviours = { ...KVM, ...chosen };
  for (const axis of AXES) {
    checkOneOf<string>("LocalApic", `behaviours.${axis}`, behaviours[axis], LOCAL_APIC_BEHAVIOURS[axis]);
  }
  return behaviours;
}
