import { bench, describe } from "vitest";
import { guest, KERNEL_6_1, KERNEL_6_12, setTimer, takeEvents } from "../test/guest.js";

/** Timers per measured iteration. */
const TIMERS = 1000;
const DELAY_NS = 100_000n;

/** The guest's loop: ask for 100 µs, have the event delivered, take it. */
function loop(behaviours: typeof KERNEL_6_1): () => void {
  const g = guest(behaviours);
  g.xen.channels.setUpcallVector(0xf3);
  const [hrtimer] = g.host.timers;
  if (hrtimer === undefined) throw new Error("no timer was created");
  return () => {
    for (let i = 0; i < TIMERS; i++) {
      setTimer(g, g.host.guestNow + DELAY_NS);
      g.host.now += DELAY_NS;
      hrtimer.fire();
      g.xen.prepareEntry();
      takeEvents(g);
    }
    g.log.length = 0;
    g.starts.length = 0;
    g.host.readings.length = 0;
    hrtimer.modes.length = 0;
  };
}

describe(`${TIMERS} timers of 100 µs, by hypercall`, () => {
  bench("6.1: two samples, deferred delivery", loop(KERNEL_6_1));
  bench("6.12: one sample, delivery in the interrupt", loop(KERNEL_6_12));
});
