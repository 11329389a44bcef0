import { hostTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { checksum } from "../../test/checksum.js";
import { RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import { JsonLinesExporter } from "./json-lines-exporter.js";

const at = hostTsc(3_000_000n);

function linesOf(events: readonly TraceEvent[]): readonly string[] {
  let file = "";
  const exporter = new JsonLinesExporter(RUN, (text) => {
    file += text;
  });
  for (const event of events) exporter.emit(event);
  exporter.end();
  expect(file.endsWith("\n")).toBe(true);
  return file.slice(0, -1).split("\n");
}

describe("JsonLinesExporter", () => {
  it("starts with what the run is, its frequency as decimal text", () => {
    expect(linesOf([])).toEqual([
      '{"type":"run","format":"chronovisor-events","version":1,"scenario":"any run","kernel":"v6.12 + tdcr=immediate","params":{"periodNs":"1000000"},"seed":7,"tscHz":"3000000000","tscKhz":2999999,"cpus":2,"vcpus":2}',
      '{"type":"end","events":0}',
    ]);
  });

  it.each<[string, TraceEvent, string]>([
    [
      "64 bits as decimal text, small counts as numbers",
      { kind: "msr-write", at, vcpu: 1, msr: 0x838, value: 2n ** 64n - 1n, flow: 3 },
      '{"type":"event","seq":0,"tNs":"1000000","kind":"msr-write","at":"3000000","vcpu":1,"msr":2104,"value":"18446744073709551615","flow":3}',
    ],
    [
      "an absent field not at all",
      { kind: "kick", at, vcpu: 0 },
      '{"type":"event","seq":0,"tNs":"1000000","kind":"kick","at":"3000000","vcpu":0}',
    ],
    [
      "an unknown vector as null",
      { kind: "eoi", at, vcpu: 0, vector: undefined },
      '{"type":"event","seq":0,"tNs":"1000000","kind":"eoi","at":"3000000","vcpu":0,"vector":null}',
    ],
    [
      "a reading of a counter as a sample",
      { kind: "counter", at, name: "lag", unit: "ns", value: -(2n ** 63n), vcpu: 0 },
      '{"type":"sample","seq":0,"tNs":"1000000","kind":"counter","at":"3000000","name":"lag","unit":"ns","value":"-9223372036854775808","vcpu":0}',
    ],
    [
      "readings of clocks in their order",
      {
        kind: "clocks",
        at,
        clocks: [
          ["b", 1n],
          ["a", -1n],
        ],
      },
      '{"type":"sample","seq":0,"tNs":"1000000","kind":"clocks","at":"3000000","clocks":[["b","1"],["a","-1"]]}',
    ],
    [
      "text escaped, half a surrogate pair too",
      { kind: "note", at, vcpu: 0, text: 'a"\n\u{d800}' },
      '{"type":"event","seq":0,"tNs":"1000000","kind":"note","at":"3000000","vcpu":0,"text":"a\\"\\n\\ud800"}',
    ],
  ])("writes %s", (_, event, line) => {
    expect(linesOf([event])[1]).toBe(line);
  });

  it("ends with the number of events and the digest of every line before", () => {
    let file = "";
    const exporter = new JsonLinesExporter(
      RUN,
      (text) => {
        file += text;
      },
      { digest: checksum() },
    );
    exporter.emit({ kind: "kick", at, vcpu: 0 });
    exporter.end();
    exporter.end();
    const lastAt = file.lastIndexOf("\n", file.length - 2) + 1;
    const expected = checksum();
    expected.update(file.slice(0, lastAt));
    expect(file.slice(lastAt)).toBe(`{"type":"end","events":1,"sha256":"${expected.hex()}"}\n`);
  });

  it("hands on a long run in pieces and holds no more than one", () => {
    let written = 0;
    let largest = 0;
    let pieces = 0;
    const exporter = new JsonLinesExporter(RUN, (text) => {
      written += text.length;
      pieces += 1;
      largest = Math.max(largest, text.length);
    });
    let lagging = 0;
    let emitted = 0;
    const line = '{"type":"event","seq":10000,"tNs":"1000000","kind":"kick","at":"3000000","vcpu":0}\n'
      .length;
    for (let i = 0; i < 100_000; i++) {
      exporter.emit({ kind: "kick", at, vcpu: 0 });
      emitted += line;
      lagging = Math.max(lagging, emitted - written);
    }
    exporter.end();
    expect(pieces).toBeGreaterThan(written / 2 ** 17);
    expect(largest).toBeLessThan(2 ** 17);
    expect(lagging).toBeLessThan(2 ** 18);
  });

  it("refuses an event after the end", () => {
    const exporter = new JsonLinesExporter(RUN, () => {});
    exporter.end();
    expect(() => exporter.emit({ kind: "kick", at, vcpu: 0 })).toThrow(
      new RangeError("JsonLinesExporter.emit: expected no event after end(), got kick"),
    );
  });

  it.each<[TraceEvent, string]>([
    [
      { kind: "kick", at, vcpu: Number.NaN },
      "JsonLinesExporter.emit: expected a safe integer as vcpu of kick, got NaN",
    ],
    [
      { kind: "tsc-offset", at, vcpu: 0, from: 2n ** 64n, to: 0n },
      "JsonLinesExporter.emit: expected an integer of 64 bits as from of tsc-offset, got 18446744073709551616",
    ],
    [
      { kind: "irq-begin", at, cpu: 0, what: "toString" as "timer" },
      "JsonLinesExporter.emit: expected one of timer, ipi as what of irq-begin, got toString",
    ],
    [
      { kind: "moonrise", at } as unknown as TraceEvent,
      "JsonLinesExporter.emit: expected a kind of event, got moonrise",
    ],
  ])("refuses a value no event has, %#", (event, message) => {
    const exporter = new JsonLinesExporter(RUN, () => {});
    expect(() => exporter.emit(event)).toThrow(new RangeError(message));
  });

  it("refuses a line that no reader would take", () => {
    const exporter = new JsonLinesExporter(RUN, () => {});
    expect(() => exporter.emit({ kind: "note", at, vcpu: 0, text: "x".repeat(2 ** 24) })).toThrow(RangeError);
  });

  it.each([
    [{ ...RUN, seed: 1.5 }, "traceRunToJson: expected a safe integer as seed, got 1.5"],
    [{ ...RUN, tscHz: 0n }, "TrueTime: expected a frequency of at least 1 Hz, got 0"],
  ])("refuses a run that is none, %#", (run, message) => {
    expect(() => new JsonLinesExporter(run, () => {})).toThrow(new RangeError(message));
  });
});
