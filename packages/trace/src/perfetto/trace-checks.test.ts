/** What the other tests here rely on: their reader refuses a trace that a viewer would not take whole. */
import { describe, expect, it } from "vitest";
import { readTrace } from "../../test/perfetto/read-trace.js";

type Bytes = readonly number[];

/** A length-delimited field whose number takes one byte. */
const message = (field: number, ...parts: readonly Bytes[]): Bytes => {
  const content = parts.flat();
  return [...tag(field, 2), content.length, ...content];
};
const integer = (field: number, value: number): Bytes => [...tag(field, 0), value];
const text = (field: number, value: string): Bytes =>
  message(field, [...new Uint8Array([...value].map((c) => c.charCodeAt(0)))]);
const tag = (field: number, wire: number): Bytes =>
  field < 16 ? [field * 8 + wire] : [((field * 8 + wire) % 128) + 128, (field * 8 + wire) >> 7];

const packet = (sequence: number, ...parts: readonly Bytes[]): Bytes =>
  message(1, integer(10, sequence), ...parts);
const process = packet(1, message(60, integer(1, 1), message(3, integer(1, 5), text(6, "VM 0"))));
const track = packet(1, message(60, integer(1, 2), text(2, "timers"), integer(5, 1)));
const counter = packet(
  1,
  message(60, integer(1, 3), text(2, "lag"), integer(5, 1), message(8, integer(3, 1))),
);
const event = (ns: number, ...parts: readonly Bytes[]): Bytes =>
  packet(1, integer(8, ns), message(11, ...parts));
const begin = (ns: number): Bytes => event(ns, integer(9, 1), integer(11, 2), text(23, "armed"));
const end = (ns: number): Bytes => event(ns, integer(9, 2), integer(11, 2));
const clock = (id: Bytes, value: number): Bytes => message(1, [...tag(1, 0), ...id], integer(2, value));
const snapshot = (...clocks: readonly Bytes[]): Bytes => packet(1, message(6, ...clocks, integer(2, 6)));

const read = (...packets: readonly Bytes[]): unknown => readTrace(new Uint8Array(packets.flat()));

describe("the reader of a trace", () => {
  it("takes one that is well formed", () => {
    const clocks = [clock([6], 0), clock([0x80, 0x01], 9)];
    expect(() => read(process, track, begin(1), begin(1), end(2), end(2), snapshot(...clocks))).not.toThrow();
  });

  it.each<[string, readonly Bytes[]]>([
    ["TracePacket has no field 7", [packet(1, integer(7, 1))]],
    ["TracePacket.timestamp has wire type 2", [packet(1, text(8, "x"))]],
    ["a packet has no sequence", [message(1, integer(8, 1))]],
    ["an event is on a track that is not described", [begin(1), end(2)]],
    ["track 2 has a parent that is not described", [track]],
    ["track 1 is described twice", [process, process]],
    ["track 2 has a slice without an end", [process, track, begin(1)]],
    ["an end on VM 0 > timers has no begin", [process, track, end(1)]],
    ["sequence 1 goes back to 1", [process, track, begin(2), end(1)]],
    ["a instant has no name", [process, track, event(1, integer(9, 3), integer(11, 2))]],
    [
      "a begin is on a counter track",
      [process, counter, event(1, integer(9, 1), integer(11, 3), text(23, "x"))],
    ],
    [
      "a packet uses the sequence's state without saying so",
      [process, track, event(1, integer(9, 3), integer(11, 2), integer(10, 1))],
    ],
    [
      "event_names 1 is not defined",
      [
        process,
        track,
        packet(1, integer(8, 1), integer(13, 2), message(11, integer(9, 3), integer(11, 2), integer(10, 1))),
      ],
    ],
    [
      "texts are interned before the sequence is cleared",
      [packet(1, message(12, message(2, integer(1, 1), text(2, "x"))))],
    ],
    ["the primary clock is not first", [snapshot(clock([3], 0), clock([6], 0))]],
    ["a clock is in a snapshot twice", [snapshot(clock([6], 0), clock([3], 0), clock([3], 0))]],
    ["a clock has an id that means something else", [snapshot(clock([6], 0), clock([64], 0))]],
    ["the primary clock goes back", [snapshot(clock([6], 1)), snapshot(clock([6], 0))]],
    [
      "a snapshot has other clocks than the one before",
      [snapshot(clock([6], 0), clock([3], 0)), snapshot(clock([6], 0), clock([5], 0))],
    ],
  ])("refuses: %s", (complaint, packets) => {
    expect(() => read(...packets)).toThrow(new Error(complaint));
  });
});
