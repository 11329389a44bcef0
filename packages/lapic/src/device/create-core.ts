import { APIC_ID } from "../registers/offsets.js";
import { LapicTimer } from "../timer/lapic-timer.js";
import type { LapicTimerOptions } from "../timer/options.js";
import { LVT_MASKED } from "../timer/registers.js";
import { deliverLocal } from "./acceptance.js";
import { ApicCore } from "./core.js";
import { HOST_TSC_AT_1_GHZ } from "./host-tsc.js";
import type { LocalApicOptions } from "./options.js";
import { resetRegisters, xapicIdRegister } from "./reset.js";

/** A core as after RESET, with its timer wired to it. */
export function createCore(options: LocalApicOptions): ApicCore {
  const core = new ApicCore(options, (self) => new LapicTimer(timerOptions(options, self)));
  core.file.write(APIC_ID, xapicIdRegister(core));
  resetRegisters(core);
  return core;
}

function timerOptions(options: LocalApicOptions, core: ApicCore): LapicTimerOptions {
  const { createRawTimer, preemptionTimer, sharedAdvance, timerBehaviours } = options;
  const vcpu = options.vcpu ?? {};
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
    vcpu: {
      get hwEnabled() {
        return core.hwEnabled;
      },
      get swEnabled() {
        return core.swEnabled;
      },
      get apicvActive() {
        return core.apicvActive;
      },
      get wantsToRun() {
        return vcpu.wantsToRun ?? true;
      },
      get inGuestMode() {
        return vcpu.inGuestMode ?? false;
      },
      get canPostTimerInterrupt() {
        return core.apicvActive && vcpu.canPostTimerInterrupt === true;
      },
      get canUseHvTimer() {
        return vcpu.canUseHvTimer ?? true;
      },
      deliver: () => deliverLocal(core, "timer") === "accepted",
      requestUnblock() {
        // The first to hear of an expiry that is pending.
        loseIfMasked(core);
        vcpu.requestUnblock?.();
      },
      wake: () => vcpu.wake?.(),
      kick: () => vcpu.kick?.(),
      spin: (wait) => vcpu.spin?.(wait),
    },
  };
}

/** By the manual, an expiry while LVTT is masked leaves nothing behind but a counter that ran out. */
function loseIfMasked(core: ApicCore): void {
  if (core.behaviours.maskedTimer === "kvm" || (core.timer.lvtt & LVT_MASKED) === 0) return;
  // The injection goes through the masked entry, so it ends the expiry and delivers nothing.
  core.timer.injectPending();
}
