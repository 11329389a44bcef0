import { hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventLog } from "./event-log.js";
import type { TraceEvent } from "./events.js";

const note = (text: string): TraceEvent => ({ kind: "note", at: hostTsc(0n), vcpu: 0, text });

describe("EventLog", () => {
  it("keeps everything in order while it fits, and counts nothing as dropped", () => {
    const log = new EventLog(3);
    for (const text of ["a", "b", "c"]) log.emit(note(text));
    expect(log.events()).toEqual([note("a"), note("b"), note("c")]);
    expect(log.dropped).toBe(0);
  });

  it("keeps the newest events of any run, in order, and counts the rest", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.string(), { maxLength: 60 }),
        (capacity, texts) => {
          const log = new EventLog(capacity);
          for (const text of texts) log.emit(note(text));
          expect(log.events()).toEqual(texts.slice(-capacity).map(note));
          expect(log.dropped).toBe(Math.max(0, texts.length - capacity));
        },
      ),
    );
  });

  it("selects one kind", () => {
    const log = new EventLog(4);
    log.emit(note("a"));
    log.emit({ kind: "kick", at: hostTsc(1n), vcpu: 0 });
    expect(log.ofKind("kick")).toEqual([{ kind: "kick", at: 1n, vcpu: 0 }]);
  });

  it.each([0, -1, 1.5, 2 ** 24 + 1, Number.NaN])("refuses a capacity of %s", (capacity) => {
    expect(() => new EventLog(capacity)).toThrow(
      new RangeError(`EventLog: expected a capacity from 1 to 16777216, got ${capacity}`),
    );
  });
});
