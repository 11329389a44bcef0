import { type MonotonicNs, VcpuTsc } from "@chronovisor/clocksource";
import type { OnExpiry, Timer } from "@chronovisor/hrtimer";
import { bench, describe } from "vitest";
import { FakeVcpu } from "../../test/fake-host.js";
import { NanosecondHost } from "../../test/nanosecond-host.js";
import { LapicTimer, type LapicTimerBehaviours, PreemptionTimer } from "../index.js";

/** Ticks per measured iteration. */
const TICKS = 1000;
const PERIOD_NS = 1_000_000n;

function periodic(behaviours: Partial<LapicTimerBehaviours>, rateShift?: number) {
  const host = new NanosecondHost();
  const tsc = new VcpuTsc({ hostTscKhz: 1_000_000, vendor: "vmx" });
  const hv =
    rateShift === undefined ? {} : { preemptionTimer: new PreemptionTimer({ clock: host, tsc, rateShift }) };
  const timer = new LapicTimer({
    clock: host,
    tsc,
    vcpu: new FakeVcpu(),
    createTimer: host.createTimer,
    behaviours,
    ...hv,
  });
  timer.writeTdcr(0xb);
  timer.writeLvtt(0x200ec);
  timer.writeTmict(Number(PERIOD_NS));
  const [hrtimer] = host.timers;
  if (hrtimer === undefined) throw new Error("no timer was created");
  return { host, timer, hrtimer };
}

/** The least that a periodic software timer can do: one addition and one restart. */
class BareTimer {
  armed = true;
  expiresNs: MonotonicNs = PERIOD_NS as MonotonicNs;
  readonly #onExpiry: OnExpiry = (timer) => BigInt.asIntN(64, timer.expiresNs + PERIOD_NS) as MonotonicNs;
  start(): void {}
  cancel(): boolean {
    return false;
  }
  fire(): void {
    const next = this.#onExpiry(this as Timer);
    if (next !== undefined) this.expiresNs = next;
  }
}

describe(`${TICKS} periodic ticks`, () => {
  const bare = new BareTimer();
  bench("a bare periodic timer, for scale", () => {
    for (let i = 0; i < TICKS; i++) bare.fire();
  });

  for (const periodicAdvance of ["independent", "resync", "resync-clamped"] as const) {
    const sw = periodic({ periodicAdvance });
    bench(`hrtimer callback, injection: ${periodicAdvance}`, () => {
      for (let i = 0; i < TICKS; i++) {
        sw.host.now += PERIOD_NS;
        sw.hrtimer.fire();
        sw.timer.injectPending();
      }
    });
    const hv = periodic({ periodicAdvance }, 5);
    bench(`preemption-timer exit, restart, injection: ${periodicAdvance}`, () => {
      for (let i = 0; i < TICKS; i++) {
        hv.host.now += PERIOD_NS;
        hv.timer.expiredHvTimer();
        hv.timer.injectPending();
      }
    });
  }

  const halting = periodic({}, 5);
  bench("block, callback, unblock, injection: resync-clamped", () => {
    for (let i = 0; i < TICKS; i++) {
      halting.timer.switchToSw();
      halting.host.now += PERIOD_NS;
      halting.hrtimer.fire();
      halting.timer.switchToHv();
      halting.timer.injectPending();
    }
  });
});
