import { describe, expect, it } from "vitest";
import type { Mark } from "../timeline/timeline.js";
import { clockId, PRIMARY_CLOCK_ID } from "./clock-ids.js";
import { writeClockSnapshot, writeTrackDescriptor } from "./descriptors.js";
import { TRACK_EVENT_TYPE } from "./fields.js";
import { type PacketHead, PacketStream } from "./packet-stream.js";
import type { ProtoWriter } from "./proto-writer.js";
import { writeTrackEvent } from "./track-event.js";

/** One packet's bytes without its tag and length, which is a single byte for packets as short as these. */
function packetHex(head: PacketHead, payload: (out: ProtoWriter) => void): string {
  const pieces: Uint8Array[] = [];
  const stream = new PacketStream((bytes) => pieces.push(bytes));
  stream.packet(head, payload);
  stream.flush();
  const [tag, length, ...packet] = pieces.flatMap((piece) => [...piece]);
  expect([tag, length]).toEqual([0x0a, packet.length]);
  return packet.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const vcpu = { pid: 4242, tid: 4243 };
const armed: Mark = {
  category: "lapic",
  name: "timer armed",
  wording: "vocabulary",
  args: [
    ["targetNs", 18_446_744_073_709_551_615n],
    ["deltaTsc", -1250],
  ],
  flow: { id: 7, role: "step" },
};
const injected: Mark = {
  category: undefined,
  name: "injected 0xec",
  wording: "vocabulary",
  args: [],
  flow: { id: 7, role: "end" },
};

describe("the packets of docs/model/trace-formats §1.3, which another decoder read back", () => {
  it.each<[string, PacketHead, (out: ProtoWriter) => void, string]>([
    [
      "a snapshot of three clocks",
      { sequence: 1, flags: 1 },
      (out) =>
        writeClockSnapshot(
          out,
          [
            [PRIMARY_CLOCK_ID, 1000n],
            [3, 1000n],
            [clockId("kvmclock.vcpu0"), 500n],
          ],
          PRIMARY_CLOCK_ID,
        ),
      "50016801321b0a05080610e8070a05080310e8070a0908e5cbeeae0e10f4031006",
    ],
    [
      "a process",
      { ns: 1000n, sequence: 1 },
      (out) =>
        writeTrackDescriptor(out, 1, { kind: "process", pid: vcpu.pid, name: "VM 0", rank: undefined }),
      "40e8075001e2030d08011a090892213204564d2030",
    ],
    [
      "a thread",
      { ns: 1000n, sequence: 1 },
      (out) => writeTrackDescriptor(out, 2, { kind: "thread", ...vcpu, name: "CPU 0/KVM" }),
      "40e8075001e20315080222110892211093212a0943505520302f4b564d",
    ],
    [
      "a counter",
      { sequence: 1 },
      (out) =>
        writeTrackDescriptor(out, 3, {
          kind: "counter",
          name: "lag",
          parentUuid: 1,
          unit: "ns",
          description: undefined,
        }),
      "5001e2030d080312036c6167280142021801",
    ],
    [
      "a slice's begin, with annotations and a flow",
      { ns: 1500n, sequence: 1 },
      (out) => writeTrackEvent(out, 2, { type: TRACK_EVENT_TYPE.sliceBegin, mark: armed }, undefined),
      "40dc0b50015a5d48015802b201056c61706963ba010b74696d65722061726d6564222052087461726765744e73" +
        // The page has 52 for the tag of the second annotation: a decoder would skip it. The field is 4, so its tag is 22.
        "321431383434363734343037333730393535313631352215520864656c7461547363209ef6ffffffffffffff01" +
        "f9020700000000000000",
    ],
    [
      "a counter's negative value",
      { ns: 1600n, sequence: 1 },
      (out) => writeTrackEvent(out, 3, { type: TRACK_EVENT_TYPE.counter, value: -51n }, undefined),
      "40c00c50015a1048045803f001cdffffffffffffffff01",
    ],
    [
      "a slice's end",
      { ns: 2500n, sequence: 1 },
      (out) => writeTrackEvent(out, 2, { type: TRACK_EVENT_TYPE.sliceEnd }, undefined),
      "40c41350015a0448025802",
    ],
    [
      "an instant that ends a flow",
      { ns: 2500n, sequence: 1 },
      (out) => writeTrackEvent(out, 2, { type: TRACK_EVENT_TYPE.instant, mark: injected }, undefined),
      "40c41350015a1e48035802ba010d696e6a6563746564203078656381030700000000000000",
    ],
  ])("are written bit by bit: %s", (_title, head, payload, hex) => {
    expect(packetHex(head, payload)).toBe(hex);
  });
});
