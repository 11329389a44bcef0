import type { AdvanceWait } from "../timer/advance-wait.js";
import { LVT_MASKED } from "../timer/registers.js";
import type { LapicTimerVcpu } from "../timer/vcpu.js";
import { deliverLocal } from "./acceptance.js";
import type { ApicCore } from "./core.js";

/**
 * What the timer of an APIC takes for its vCPU: the APIC where it is about registers and delivery, else the vCPU itself.
 * A class, because every tick asks it a dozen times: getters of object literals made one per APIC are not inlined.
 */
export class TimerVcpu implements LapicTimerVcpu {
  readonly #core: ApicCore;

  constructor(core: ApicCore) {
    this.#core = core;
  }

  get hwEnabled(): boolean {
    return this.#core.hwEnabled;
  }
  get swEnabled(): boolean {
    return this.#core.swEnabled;
  }
  get apicvActive(): boolean {
    return this.#core.apicvActive;
  }
  get wantsToRun(): boolean {
    return this.#core.vcpu.wantsToRun ?? true;
  }
  get inGuestMode(): boolean {
    return this.#core.vcpu.inGuestMode ?? false;
  }
  get canPostTimerInterrupt(): boolean {
    return this.#core.apicvActive && this.#core.vcpu.canPostTimerInterrupt === true;
  }
  get canUseHvTimer(): boolean {
    return this.#core.vcpu.canUseHvTimer ?? true;
  }

  deliver(): boolean {
    return deliverLocal(this.#core, "timer") === "accepted";
  }
  requestUnblock(): void {
    // The first to hear of an expiry that is pending.
    loseIfMasked(this.#core);
    this.#core.vcpu.requestUnblock?.();
  }
  wake(): void {
    this.#core.vcpu.wake?.();
  }
  kick(): void {
    this.#core.kick();
  }
  spin(wait: AdvanceWait): void {
    this.#core.vcpu.spin?.(wait);
  }
}

/** By the manual, an expiry while LVTT is masked leaves nothing behind but a counter that ran out. */
function loseIfMasked(core: ApicCore): void {
  if (core.behaviours.maskedTimer === "kvm" || (core.timer.lvtt & LVT_MASKED) === 0) return;
  // The injection goes through the masked entry, so it ends the expiry and delivers nothing.
  core.timer.injectPending();
}
