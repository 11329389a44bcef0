import type { Axis } from "./axis.js";

/** Departures of KVM's local APIC from Intel's manual: every release does as KVM does, and nothing changed between them. */
const DEPARTURES: ReadonlyArray<
  readonly [name: string, title: string, kvm: string, sdm: string, section: string]
> = [
  [
    "errorStatus",
    "errors of the local APIC",
    "the error status register never latches",
    "errors are gathered, shown by a write of the register, signalled through LVT error",
    "11.5.3",
  ],
  [
    "lowVectors",
    "interrupt vectors 0 to 15",
    "they are requested, and pending for ever",
    "they are refused as illegal",
    "11.5.2",
  ],
  [
    "x2apicReservedBits",
    "reserved bits of TPR, EOI, SVR, TDCR and the LVTs written by MSR",
    "they are dropped",
    "the write faults: #GP",
    "11.12.1.3",
  ],
  [
    "lvtReadOnlyBits",
    "delivery status and remote IRR of an LVT",
    "they are stored as written",
    "they are read-only",
    "11.5.1",
  ],
  [
    "eoiBroadcast",
    "an end of interrupt with directed EOI on",
    "it is broadcast to the I/O APIC all the same",
    "the I/O APIC hears of it from the guest alone",
    "11.8.5",
  ],
  [
    "maskedTimer",
    "a timer that expires while LVTT is masked",
    "its interrupt is kept until unmasked",
    "its interrupt is lost",
    "11.5.1",
  ],
  [
    "timerModeChange",
    "LVTT written from one-shot to periodic mode or back",
    "the count goes on",
    "the timer is disarmed, its count 0",
    "11.5.4.1",
  ],
  [
    "globalDisable",
    "IA32_APIC_BASE with EN clear",
    "registers and timer go on",
    "all is as after INIT",
    "11.4.3",
  ],
];

/** The local APIC besides its timer. */
export const LOCAL_APIC_AXES: readonly Axis[] = DEPARTURES.map(([name, title, kvm, sdm, section]) => ({
  name,
  title,
  history: [{ value: "kvm", since: "v4.5", effect: kvm }],
  alternatives: {
    sdm: { kind: "manual", effect: sdm, source: `Intel's manual, volume 3A §${section}` },
  },
  use: "no-story",
  source: "docs/model/lapic",
}));
