import { APIC_ID } from "../registers/offsets.js";
import { LapicTimer } from "../timer/lapic-timer.js";
import type { LapicTimerOptions } from "../timer/options.js";
import { ApicCore } from "./core.js";
import { HOST_TSC_AT_1_GHZ } from "./host-tsc.js";
import type { LocalApicOptions } from "./options.js";
import { resetRegisters, xapicIdRegister } from "./reset.js";
import { TimerVcpu } from "./timer-vcpu.js";

/** A core as after RESET, with its timer wired to it. */
export function createCore(options: LocalApicOptions): ApicCore {
  const core = new ApicCore(options, (self) => new LapicTimer(timerOptions(options, self)));
  core.file.write(APIC_ID, xapicIdRegister(core));
  resetRegisters(core);
  return core;
}

function timerOptions(options: LocalApicOptions, core: ApicCore): LapicTimerOptions {
  const { createRawTimer, preemptionTimer, sharedAdvance, timerBehaviours } = options;
  return {
    clock: options.clock,
    tsc: options.tsc ?? HOST_TSC_AT_1_GHZ,
    createTimer: options.createTimer,
    ...(createRawTimer === undefined ? {} : { createRawTimer }),
    ...(preemptionTimer === undefined ? {} : { preemptionTimer }),
    ...(sharedAdvance === undefined ? {} : { sharedAdvance }),
    ...(timerBehaviours === undefined ? {} : { behaviours: timerBehaviours }),
    config: { ...options.timerConfig, tscDeadlineSupported: core.config.tscDeadlineSupported },
    ...(options.events?.timer === undefined ? {} : { events: options.events.timer }),
    vcpu: new TimerVcpu(core),
  };
}
