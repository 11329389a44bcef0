import { choice, onOff, quantity } from "../../params/builders.js";
import { fields, wholeNumber, withDefaults } from "../fields.js";

/** The most CPUs a host of a document has. */
export const MOST_CPUS = 64;

const cost = (help: string) => quantity({ unit: "ns", default: "0ns", min: "0ns", max: "10ms", help });

/** What the work of the host takes. */
const costFields = fields({
  exit: cost("time a VM exit takes"),
  jitter: cost("the most an exit takes beyond that, drawn anew for each, with a long tail"),
  entry: cost("time a VM entry takes"),
  wake: cost("from a wake-up to the thread of a halted vCPU running"),
  ipi: cost("from an interrupt sent to another CPU to its arrival"),
});

/** Its counter, its clock and how NTP steers it, its CPUs. */
const everyField = fields({
  tsc: quantity({
    unit: "kHz",
    default: "2.5GHz",
    min: "100MHz",
    max: "10GHz",
    help: "TSC frequency as the kernel calibrated it (tsc_khz)",
  }),
  actual: quantity({
    unit: "ppb",
    default: "0ppm",
    min: "-10000ppm",
    max: "10000ppm",
    help: "the TSC's true frequency against the calibrated one",
  }),
  startTsc: quantity({
    unit: "cycles",
    default: "0",
    min: "0",
    max: "1_000_000_000_000_000_000",
    help: "what the TSC reads at the start: the host has been up since it read 0",
  }),
  cpus: wholeNumber(1, MOST_CPUS)
    .optional()
    .describe("its CPUs; by default as many as the vCPUs and the timeline need"),
  ntp: quantity({
    unit: "ppb",
    default: "0ppm",
    min: "-100000ppm",
    max: "100000ppm",
    help: "rate at which NTP holds CLOCK_MONOTONIC against the calibrated TSC",
  }),
  hz: quantity({
    unit: "count",
    default: "250",
    min: "100",
    max: "1000",
    help: "CONFIG_HZ: ticks per second",
  }),
  tick: choice(["on", "idle-stops", "off"], {
    default: "on",
    help: "CPUs tick always, while busy, or never: then the clock is accumulated every two seconds, which runs much faster",
  }),
  eventDevice: choice(["real", "ideal"], {
    default: "real",
    help: "CPUs program their timer as the kernel does, or without any error",
  }),
  preemptionTimer: choice(["present", "absent"], {
    default: "present",
    help: "whether VMX has its preemption timer",
  }),
  timerAdvance: onOff({
    default: "off",
    help: "lapic_timer_advance: fire early and spin to the deadline",
  }),
  haltPoll: quantity({
    unit: "ns",
    default: "0ns",
    min: "0ns",
    max: "1s",
    help: "how long a halting vCPU polls before its thread sleeps",
  }),
  costs: withDefaults(costFields).describe("what the host's work takes; nothing by default"),
});

/** The host, which may be left out. */
export const hostFields = withDefaults(everyField).describe("the machine everything runs on");
