import { hostTsc } from "@chronovisor/clocksource";
import type { TraceEvent } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import { ThinReadings } from "./thin-readings.js";

/** A counter of milliseconds. */
const HZ = 1_000n;

const reading = (at: bigint, ns = at): TraceEvent => ({
  kind: "clocks",
  at: hostTsc(at),
  clocks: [["one", ns]],
});
const kick = (at: bigint): TraceEvent => ({ kind: "kick", at: hostTsc(at), vcpu: 0 });

function thinned(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const out: TraceEvent[] = [];
  const sink = new ThinReadings(HZ, { emit: (event) => out.push(event) });
  for (const event of events) sink.emit(event);
  return out;
}

const every10 = (count: number): readonly TraceEvent[] =>
  Array.from({ length: count }, (_, i) => reading(BigInt(i) * 10n));

describe("readings of clocks", () => {
  it("stay as long as there are few", () => {
    expect(thinned(every10(500))).toEqual(every10(500));
  });

  it("are twice as far apart after every 500", () => {
    const times = thinned(every10(3_600)).map(({ at }) => Number(at));
    const distances = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(distances.filter((distance) => distance === 10)).toHaveLength(499);
    expect(distances.filter((distance) => distance === 20)).toHaveLength(500);
    expect(distances.filter((distance) => distance === 40)).toHaveLength(500);
    expect(distances.at(-1)).toBe(80);
  });

  it("of a step stay both, wherever it is", () => {
    const step = [reading(6_005n, 1n), reading(6_005n, 2n)];
    const events = [...every10(600), ...step, reading(6_010n)];
    expect(thinned(events).filter(({ at }) => at === 6_005n)).toEqual(step);
  });

  it("go on where the counter was set back", () => {
    const out = thinned([...every10(600), reading(3n)]);
    expect(out.at(-1)).toEqual(reading(3n));
  });

  it("are all that is left out", () => {
    const kicks = Array.from({ length: 2_000 }, (_, i) => kick(BigInt(i)));
    expect(thinned(kicks)).toEqual(kicks);
  });
});
