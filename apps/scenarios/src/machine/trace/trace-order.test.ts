import { type HostTsc, hostTsc } from "@chronovisor/clocksource";
import type { TraceEvent } from "@chronovisor/trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TraceOrder } from "./trace-order.js";

const note = (at: bigint, text = ""): TraceEvent => ({ kind: "note", at: hostTsc(at), vcpu: 0, text });

function ordered() {
  const out: (readonly [bigint, string])[] = [];
  const order = new TraceOrder({
    emit: (event) => out.push([event.at, event.kind === "note" ? event.text : event.kind]),
  });
  return { out, order };
}

describe("the order of a trace", () => {
  it("is that in which events come, where nobody says what is settled", () => {
    const { out, order } = ordered();
    order.emit(note(2n));
    order.emit(note(1n));
    expect(out.map(([at]) => at)).toEqual([2n, 1n]);
  });

  it("holds what something earlier may still come before", () => {
    const { out, order } = ordered();
    let settled = 10n;
    order.settledAt = () => settled as HostTsc;
    order.emit(note(30n));
    order.emit(note(10n));
    order.emit(note(20n));
    expect(out.map(([at]) => at)).toEqual([10n]);
    settled = 20n;
    order.emit(note(25n));
    expect(out.map(([at]) => at)).toEqual([10n, 20n]);
    order.flush();
    expect(out.map(([at]) => at)).toEqual([10n, 20n, 25n, 30n]);
  });

  it("keeps the events of one instant as they came", () => {
    const { out, order } = ordered();
    order.settledAt = () => 0n as HostTsc;
    for (const [at, text] of [
      [5n, "a"],
      [3n, "b"],
      [5n, "c"],
      [3n, "d"],
    ] as const)
      order.emit(note(at, text));
    order.flush();
    expect(out.map(([, text]) => text).join("")).toBe("bdac");
  });

  it("is that of time, for CPUs that are one event apart", () => {
    // Each step is one event of the engine: it begins no earlier than the one before, and tells of instants from then on.
    const steps = fc.array(fc.tuple(fc.nat(20), fc.array(fc.nat(50), { maxLength: 5 })));
    fc.assert(
      fc.property(steps, (all) => {
        const { out, order } = ordered();
        let begun = 0n;
        order.settledAt = () => begun as HostTsc;
        const instants: bigint[] = [];
        for (const [later, delays] of all) {
          begun += BigInt(later);
          for (const delay of delays) {
            instants.push(begun + BigInt(delay));
            order.emit(note(begun + BigInt(delay)));
          }
        }
        order.flush();
        expect(out.map(([at]) => at)).toEqual(instants.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
      }),
    );
  });
});
