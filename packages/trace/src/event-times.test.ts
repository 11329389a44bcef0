import { hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventTimes } from "./event-times.js";
import type { TraceEvent } from "./events.js";
import { TrueTime } from "./true-time.js";

const HZ = 3_000_000_000n;

const event = (at: bigint): TraceEvent => ({ kind: "kick", at: hostTsc(at), vcpu: 0 });
const epoch = (at: bigint, ns: bigint): TraceEvent => ({ kind: "epoch", at: hostTsc(at), ns });

describe("the times of a run's events", () => {
  it("go by the newest epoch, also for an event of the same TSC", () => {
    const times = new EventTimes(HZ, "ascending", "Exporter");
    const events = [epoch(0n, 0n), event(3_000n), epoch(3_000n, 5_000n), event(3_000n), event(6_000n)];
    expect(events.map((each) => times.next(each))).toEqual([0n, 1_000n, 5_000n, 5_000n, 6_000n]);
  });

  it("are true time, however many events share an instant", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("event" as const, "epoch" as const), fc.nat({ max: 2 })));
    fc.assert(
      fc.property(steps, fc.constantFrom("ns" as const, "ps" as const), (all, unit) => {
        const times = new EventTimes(HZ, "any", "Exporter", unit);
        const time = new TrueTime(HZ);
        let at = 0n;
        for (const [kind, later] of all) {
          at += BigInt(later);
          const next = kind === "event" ? event(at) : epoch(at, 7n * at);
          time.note(next);
          expect(times.next(next)).toBe(unit === "ns" ? time.at(next.at) : time.psAt(next.at));
        }
      }),
    );
  });
});
