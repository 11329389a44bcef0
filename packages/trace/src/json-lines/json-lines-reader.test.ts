import { hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checksum } from "../../test/checksum.js";
import { anyEvents, RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import type { TraceRun } from "../exporter.js";
import { JsonLinesError } from "./json-lines-error.js";
import { JsonLinesExporter } from "./json-lines-exporter.js";
import { JsonLinesReader } from "./json-lines-reader.js";

const at = hostTsc(3_000_000n);
const HEAD =
  '{"type":"run","format":"chronovisor-events","version":1,"scenario":"s","kernel":"v6.12","params":{},"seed":1,"tscHz":"1000000000","tscKhz":1000000,"cpus":1,"vcpus":1}\n';

type Digesting = "with a digest" | "without";

function written(run: TraceRun, events: readonly TraceEvent[], digesting: Digesting): string {
  let file = "";
  const options = digesting === "without" ? {} : { digest: checksum() };
  const exporter = new JsonLinesExporter(
    run,
    (text) => {
      file += text;
    },
    options,
  );
  for (const event of events) exporter.emit(event);
  exporter.end();
  return file;
}

interface Read {
  readonly runs: readonly TraceRun[];
  readonly events: readonly TraceEvent[];
  readonly error: JsonLinesError | undefined;
}

function read(pieces: readonly string[], digesting: Digesting): Read {
  const runs: TraceRun[] = [];
  const events: TraceEvent[] = [];
  const reader = new JsonLinesReader(
    { begin: (run) => runs.push(run), emit: (event) => events.push(event) },
    digesting === "without" ? {} : { digest: checksum() },
  );
  try {
    for (const piece of pieces) reader.write(piece);
    reader.end();
    return { runs, events, error: undefined };
  } catch (error) {
    if (!(error instanceof JsonLinesError)) throw error;
    expect(() => reader.write("")).toThrow(error);
    expect(() => reader.end()).toThrow(error);
    return { runs, events, error };
  }
}

const FEW: readonly TraceEvent[] = [
  { kind: "msr-write", at, vcpu: 0, msr: 0x838, value: 1n },
  { kind: "note", at, vcpu: 1, text: "Grüße\n" },
  { kind: "eoi", at, vcpu: 0, vector: undefined },
  { kind: "clocks", at, clocks: [["CLOCK_MONOTONIC", 1n]] },
];

describe("JsonLinesReader", () => {
  it("gives back every run and its events, whatever the pieces", () => {
    fc.assert(
      fc.property(anyEvents, fc.infiniteStream(fc.integer({ min: 1, max: 300 })), (events, sizes) => {
        const file = written(RUN, events, "with a digest");
        const pieces: string[] = [];
        for (let from = 0; from < file.length; ) {
          const { value: size } = sizes.next();
          pieces.push(file.slice(from, from + size));
          from += size;
        }
        expect(read(pieces, "with a digest")).toEqual({ runs: [RUN], events, error: undefined });
      }),
    );
  });

  it("tells a vector that is unknown from a flow that is absent", () => {
    const [, , eoi] = read([written(RUN, FEW, "without")], "without").events;
    expect(eoi).toStrictEqual({ kind: "eoi", at, vcpu: 0, vector: undefined });
  });

  it("tells every cut, and hands on what came before it", () => {
    const file = written(RUN, FEW, "without");
    for (let length = 0; length < file.length; length++) {
      const { error, events } = read([file.slice(0, length)], "without");
      expect(error?.fault).toBe("cut");
      const whole = file.slice(0, length).split("\n").length - 1;
      expect(error?.line).toBe(whole + 1);
      expect(events).toEqual(FEW.slice(0, Math.max(0, whole - 1)));
    }
  });

  it("tells every character that was changed, given a digest", () => {
    const file = written(RUN, FEW, "with a digest");
    fc.assert(
      fc.property(
        fc.nat({ max: file.length - 1 }),
        fc.string({ minLength: 1, maxLength: 1 }),
        (i, character) => {
          fc.pre(file[i] !== character);
          const changed = file.slice(0, i) + character + file.slice(i + 1);
          expect(read([changed], "with a digest").error).toBeInstanceOf(JsonLinesError);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("tells a line that is gone or moved, without a digest too", () => {
    const lines = written(RUN, FEW, "without").split("\n");
    const gone = lines.filter((_, i) => i !== 2).join("\n");
    expect(read([gone], "without").error?.message).toBe("line 3: expected seq 1, got 2");
    const [head = "", first = "", second = "", ...rest] = lines;
    const moved = [head, second, first, ...rest].join("\n");
    expect(read([moved], "without").error?.message).toBe("line 2: expected seq 0, got 1");
  });

  it.each([
    ["an empty file", "", "cut", "line 1: expected an end line, got the end of the file"],
    ["another file", "TRACE\n", "damaged", "line 1: expected a JSON object, got TRACE"],
    [
      "another format",
      '{"type":"run"}\n',
      "damaged",
      'line 1: expected a run of format chronovisor-events, got {"type":"run"}',
    ],
    [
      "a later version",
      HEAD.replace('"version":1', '"version":2'),
      "damaged",
      "line 1: expected version 1 of chronovisor-events, got 2",
    ],
    [
      "an end without a beginning",
      '{"type":"end","events":0}\n',
      "damaged",
      "line 1: expected a run line, got an end line",
    ],
    [
      "an unknown kind",
      `${HEAD}{"type":"event","seq":0,"tNs":"0","kind":"moonrise","at":"0"}\n`,
      "damaged",
      "line 2: expected a kind of event, got moonrise",
    ],
    [
      "a number where text belongs",
      `${HEAD}{"type":"event","seq":0,"tNs":"0","kind":"note","at":"0","vcpu":0,"text":7}\n`,
      "damaged",
      "line 2: expected text as text of note, got 7",
    ],
    [
      "a missing field",
      `${HEAD}{"type":"event","seq":0,"tNs":"0","kind":"note","at":"0","vcpu":0}\n`,
      "damaged",
      "line 2: expected text as text of note, got nothing",
    ],
    [
      "a field too many",
      `${HEAD}{"type":"event","seq":0,"tNs":"0","kind":"kick","at":"0","vcpu":0,"cpu":0}\n`,
      "damaged",
      "line 2: expected no other fields of kick, got vcpu, cpu",
    ],
    [
      "more than 64 bits",
      `${HEAD}{"type":"event","seq":0,"tNs":"0","kind":"epoch","at":"0","ns":"18446744073709551616"}\n`,
      "damaged",
      "line 2: expected an integer of 64 bits as ns of epoch, got 18446744073709551616",
    ],
    [
      "a leading zero",
      `${HEAD}{"type":"event","seq":0,"tNs":"0","kind":"kick","at":"00","vcpu":0}\n`,
      "damaged",
      "line 2: expected a host TSC as at, got 00",
    ],
    [
      "a time that is not the counter's",
      `${HEAD}{"type":"event","seq":0,"tNs":"6","kind":"kick","at":"5","vcpu":0}\n`,
      "damaged",
      'line 2: expected tNs 5, got "6"',
    ],
    [
      "a wrong count at the end",
      `${HEAD}{"type":"end","events":1}\n`,
      "damaged",
      "line 2: expected 0 events in the end line, got 1",
    ],
    [
      "a second run behind the first",
      `${HEAD}{"type":"end","events":0}\n${HEAD}`,
      "damaged",
      `line 3: expected nothing after the end line, got ${HEAD.slice(0, 80)}`,
    ],
  ])("tells %s", (_, file, fault, message) => {
    const { error } = read([file], "without");
    expect([error?.fault, error?.message]).toEqual([fault, message]);
  });

  it("asks for a digest when it is given one", () => {
    const { error } = read([`${HEAD}{"type":"end","events":0}\n`], "with a digest");
    expect(error?.message).toMatch(/^line 2: expected sha256 [0-9a-f]{16}, got none$/);
  });

  it("does not take in a line without an end", () => {
    const piece = "x".repeat(2 ** 20);
    const reader = new JsonLinesReader({ begin: () => {}, emit: () => {} });
    for (let i = 0; i < 16; i++) reader.write(piece);
    expect(() => reader.write(piece)).toThrow(
      new JsonLinesError("damaged", 1, "a line of at most 16777216 characters", "a longer one"),
    );
  });
});
