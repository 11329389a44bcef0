import { type MonotonicNs, monotonicNs } from "@chronovisor/clocksource";
import { bench, describe } from "vitest";
import { HrtimerSystem } from "./index.js";

/** A 1 kHz timer, one interrupt and one callback per simulated tick, among `others` timers that are not due. */
function ticker(rearm: "return" | "start", others: number): () => void {
  const period = 1_000_000n;
  let now = 0n;
  let at = 0n;
  const system = new HrtimerSystem({
    clock: { monotonicNs: () => now as MonotonicNs },
    cpus: [
      {
        device: {
          program: (expiresNs, force) => {
            at = expiresNs;
            return force === "force" || expiresNs > now;
          },
        },
      },
    ],
  });
  const cpu = system.cpu(0);
  for (let i = 0; i < others; i++) system.createTimer(() => undefined).start(10n ** 18n + BigInt(i), 0);
  const timer = system.createTimer((self) =>
    rearm === "return" ? ((self.expiresNs + period) as MonotonicNs) : undefined,
  );
  timer.start(period, 0);
  return () => {
    for (let i = 0; i < 1000; i++) {
      now = at;
      cpu.interrupt();
      if (rearm === "start") timer.start(monotonicNs(now + period), 0);
    }
  };
}

describe("1000 ticks: interrupt, callback, next event programmed", () => {
  bench("re-armed by its callback, alone", ticker("return", 0));
  bench("re-armed by its callback, among 100", ticker("return", 100));
  bench("started after each interrupt, alone", ticker("start", 0));
});
