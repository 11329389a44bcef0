import type { HostClock, VcpuTscView } from "@chronovisor/clocksource";
import type { CreateTimer } from "@chronovisor/hrtimer";
import { checkInteger, checkOneOf, checkU32 } from "../arguments.js";
import type { ApicBusNode } from "../bus/apic-bus-node.js";
import type { ApicMessage } from "../bus/apic-message.js";
import type { ApicIdFormat } from "../icr/msi.js";
import type { PreemptionTimerPort } from "../preemption/preemption-timer-port.js";
import type { LapicTimerBehaviours } from "../timer/behaviours.js";
import type { LapicTimerConfig, LapicTimerOptions } from "../timer/options.js";
import type { LocalApicBehaviours } from "./behaviours.js";
import type { LocalApicEvents } from "./events.js";
import type { LocalApicVcpu } from "./vcpu.js";

/** What a VM's CPUID, capabilities and quirks make of a local APIC. */
export interface LocalApicConfig {
  /** Whether this is the processor that boots: runnable after RESET. The vCPU with id 0 by default. */
  readonly bootProcessor: boolean;
  /** CPUID.1:ECX[21]; true by default. */
  readonly x2apicSupported: boolean;
  /** CPUID.1:ECX[24]; true by default. */
  readonly tscDeadlineSupported: boolean;
  /** IA32_MCG_CAP[10]: whether there is an LVT for corrected machine checks; false by default. */
  readonly cmciSupported: boolean;
  /** Where the I/O APIC is emulated; `split` announces directed EOI. `kernel` by default. */
  readonly ioapic: "kernel" | "split";
  /** MAXPHYADDR, 36 … 52; 46 by default. */
  readonly physicalAddressBits: number;
  /** KVM_X86_QUIRK_LINT0_REENABLED: LINT0 of the boot processor is left open for the PIC by a reset; `on` by default. */
  readonly lint0Reenabled: "on" | "off";
  /** KVM_X86_QUIRK_LAPIC_MMIO_HOLE: the page of a disabled or x2APIC reads all-ones; `on` by default. */
  readonly mmioHole: "on" | "off";
  /** KVM_CAP_X2APIC_API: how a saved page presents an x2APIC's ID, in bits 31:24 or whole. `8-bit` by default. */
  readonly idFormat: ApicIdFormat;
  /** AMD keeps the halves of an x2APIC's ICR apart, and does not mask LVTPC at its delivery; `intel` by default. */
  readonly vendor: "intel" | "amd";
}

/** Where messages go that an APIC sends: an `ApicBus`, to which the APIC must be connected. */
export interface ApicMessageBus {
  /** Delivers to every APIC addressed; the number that accepted it, −1 when none was addressed. */
  send(message: ApicMessage, sender: ApicBusNode): number;
}

/** What a local APIC is built from. */
export interface LocalApicOptions extends Pick<LapicTimerOptions, "createRawTimer" | "sharedAdvance"> {
  /** The vCPU's number, which is its x2APIC ID and the reset value of its xAPIC ID; u32. */
  readonly id: number;
  readonly clock: HostClock;
  readonly createTimer: CreateTimer;
  /** The guest's counter; by default the host's, at 1 GHz. */
  readonly tsc?: VcpuTscView;
  /** A `PreemptionTimer` or a share of one; absent on SVM. */
  readonly preemptionTimer?: PreemptionTimerPort;
  readonly timerConfig?: Partial<Omit<LapicTimerConfig, "tscDeadlineSupported">>;
  /** The newest kernel's values where it says nothing. */
  readonly timerBehaviours?: Partial<LapicTimerBehaviours>;
  /** KVM's where it says nothing. */
  readonly behaviours?: Partial<LocalApicBehaviours>;
  readonly config?: Partial<LocalApicConfig>;
  readonly vcpu?: LocalApicVcpu;
  /** Without one the APIC is alone: what it sends reaches itself, or nobody. */
  readonly bus?: ApicMessageBus;
  readonly events?: Partial<LocalApicEvents>;
}

const SWITCH: readonly ("on" | "off")[] = ["on", "off"];
const FLAG: readonly boolean[] = [false, true];

/** `options.config` with the defaults where it says nothing; throws for a value outside its domain. */
export function completeApicConfig(options: LocalApicOptions): LocalApicConfig {
  const fn = "LocalApic";
  checkU32(fn, "id", options.id);
  const config: LocalApicConfig = {
    bootProcessor: options.id === 0,
    x2apicSupported: true,
    tscDeadlineSupported: true,
    cmciSupported: false,
    ioapic: "kernel",
    physicalAddressBits: 46,
    lint0Reenabled: "on",
    mmioHole: "on",
    idFormat: "8-bit",
    vendor: "intel",
    ...options.config,
  };
  checkOneOf(fn, "bootProcessor", config.bootProcessor, FLAG);
  checkOneOf(fn, "x2apicSupported", config.x2apicSupported, FLAG);
  checkOneOf(fn, "tscDeadlineSupported", config.tscDeadlineSupported, FLAG);
  checkOneOf(fn, "cmciSupported", config.cmciSupported, FLAG);
  checkOneOf(fn, "ioapic", config.ioapic, ["kernel", "split"]);
  checkInteger(fn, "physicalAddressBits", config.physicalAddressBits, 36, 52);
  checkOneOf(fn, "lint0Reenabled", config.lint0Reenabled, SWITCH);
  checkOneOf(fn, "mmioHole", config.mmioHole, SWITCH);
  checkOneOf(fn, "idFormat", config.idFormat, ["8-bit", "32-bit"]);
  checkOneOf(fn, "vendor", config.vendor, ["intel", "amd"]);
  return config;
}
