import type { HostTsc } from "@chronovisor/clocksource";
import type { Host } from "./host.js";

const NS_PER_S = 1_000_000_000n;
/** The longest the host leaves its timekeeper alone: one that idles has a housekeeping job more often than that. */
const HOST_WAKES_NS = 60n * NS_PER_S;

/** The host's timekeeper accumulates now and then, though no tick runs: as often as the counter under it asks for. */
export function keepTime(host: Host): void {
  const { clock, engine, timeline } = host;
  const everyNs = (): bigint => (clock.maxIdleNs < HOST_WAKES_NS ? clock.maxIdleNs : HOST_WAKES_NS);
  let planned = { everyNs: 0n };
  const plan = (): void => {
    const mine = { everyNs: everyNs() };
    planned = mine;
    timeline.add({
      at: (engine.now + host.cycles(mine.everyNs)) as HostTsc,
      name: "the host accumulates its clock",
      act: () => {
        if (planned !== mine) return;
        clock.timekeeper.tick();
        plan();
      },
    });
  };
  plan();
  host.onClockUpdate(() => {
    if (planned.everyNs !== everyNs()) plan();
  });
}
