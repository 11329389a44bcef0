import { JsonLinesReader, type TraceEvent } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import { readTrace } from "../../../../packages/trace/test/perfetto/read-trace.js";
import { ChronovisorError } from "../errors.js";
import { exportRun, type PlayRun } from "./export-run.js";
import { HEAD, play, playTicks } from "./fixtures/ten-ticks.js";
import { exportFormats } from "./formats.js";
import { sha256 } from "./sha256.js";
import type { TraceWindow } from "./trace-window.js";

const MS = 1_000_000n;
const WINDOW: TraceWindow = { fromNs: 3n * MS, toNs: 6n * MS };

function written(format: string, window: TraceWindow = WINDOW) {
  const pieces: Uint8Array[] = [];
  const { result, stretch } = exportRun(format, play, (piece) => pieces.push(Buffer.from(piece)), {}, window);
  const file = Buffer.concat(pieces);
  return {
    file,
    text: file.toString("utf8"),
    lines: file.toString("utf8").trimEnd().split("\n"),
    result,
    stretch,
  };
}

const firstCell = (row: string | undefined): bigint => BigInt(row?.split(",")[0] ?? -1);

describe("a window of a run", () => {
  it.each(exportFormats.map(({ name }) => name))("is written as %s, smaller than the run", (format) => {
    const { file, result, stretch } = written(format);
    expect(result).toBe(undefined);
    expect(stretch).toMatchObject({ ...WINDOW, ended: "by the window" });
    expect(file.length).toBeLessThan(written(format, {}).file.length);
    expect(written(format).file.equals(file)).toBe(true);
  });

  it.each(["csv", "csv-series"])("begins at its first instant as %s", (format) => {
    const [, first, ...rows] = written(format).lines;
    expect(firstCell(first)).toBe(3n * MS);
    expect(firstCell(rows.at(-1))).toBeLessThan(6n * MS);
  });

  it("has the values that counters stand at, in its first row", () => {
    const [head, first] = written("csv-series").lines;
    const row = new Map(head?.split(",").map((name, i) => [name, first?.split(",")[i]]));
    expect(row.get("ticks.vcpu0_count")).toBe("2");
  });

  it("begins there as a waveform: what stands is no x", () => {
    const { lines } = written("vcd");
    const times = lines.filter((line) => line.startsWith("#")).map((line) => BigInt(line.slice(1)));
    expect(times[0]).toBe(3n * MS);
    expect(times.at(-1)).toBeLessThan(6n * MS);
    const begun = lines.slice(lines.indexOf(`#${3n * MS}`), lines.indexOf(`#${times[1]}`));
    const codeOf = (name: string): string | undefined =>
      lines.find((line) => line.startsWith("$var") && line.includes(` ${name} `))?.split(" ")[3];
    for (const name of ["state", "armed", "runs"]) {
      expect(begun.some((line) => /^[01b]/.test(line) && line.endsWith(codeOf(name) ?? "?"))).toBe(true);
    }
  });

  it("is read back from JSON Lines, and from there into any other format as it is", () => {
    const events: TraceEvent[] = [];
    const replayed: PlayRun<void> = ({ trace }) => {
      let sink: ReturnType<typeof trace>;
      const reader = new JsonLinesReader(
        { begin: (run) => (sink = trace(run)), emit: (event) => sink?.emit(event) },
        { digest: sha256() },
      );
      reader.write(written("jsonl").text);
      reader.end();
    };
    replayed({ trace: () => ({ emit: (event) => events.push(event) }) });
    expect(events[0]).toEqual({ kind: "epoch", at: 7_500_000n, ns: 3n * MS });
    for (const format of ["perfetto", "csv", "vcd"]) {
      const pieces: Uint8Array[] = [];
      exportRun(format, replayed, (piece) => pieces.push(Buffer.from(piece)), {}, { fromNs: 3n * MS });
      expect(Buffer.concat(pieces).equals(written(format).file)).toBe(true);
    }
  });

  it("is in Perfetto's times from its first instant on, with what runs begun there", () => {
    const { events } = readTrace(written("perfetto").file);
    const slices = events.filter(({ type }) => type === "begin");
    const first = events.map(({ ns }) => ns).reduce((least, ns) => (ns < least ? ns : least));
    expect(first).toBe(3n * MS);
    const begun = slices.filter(({ ns }) => ns === first).map(({ name }) => name);
    expect(new Set(begun)).toEqual(new Set(["halted", "idle", "apic_timer_fn", "armed: hrtimer"]));
  });

  it("is in Chrome's too", () => {
    const { traceEvents } = JSON.parse(written("chrome").text);
    const times = traceEvents.flatMap(({ ts, ph }: { ts?: number; ph: string }) => (ph === "M" ? [] : [ts]));
    expect(Math.min(...times)).toBe(3_000);
  });

  it("has as a log lines of the run's log and no other", () => {
    const whole = written("ftrace", {}).lines;
    const part = written("ftrace").lines.filter((line) => !line.startsWith("#"));
    expect(part.length).toBeGreaterThan(20);
    expect(part.filter((line) => !whole.includes(line))).toEqual([]);
    const of = whole.filter((line) => / 0\.00[345]\d{3}: /.test(line));
    // A vCPU that was halted before is woken without the log having seen it halt.
    expect(of.filter((line) => !part.includes(line)).map((line) => line.split(": ")[1])).toEqual([
      "kvm_vcpu_wakeup",
    ]);
  });

  it("does not carry the run on", () => {
    let told = 0;
    exportRun(
      "jsonl",
      ({ trace }) => {
        const sink = trace(HEAD);
        playTicks({
          emit: (event) => {
            told += 1;
            sink?.emit(event);
          },
        });
      },
      () => {},
      {},
      { events: 5 },
    );
    expect(told).toBe(6);
  });
});

describe("a window that is none", () => {
  it.each<[TraceWindow, string]>([
    [{ fromNs: -1n }, "from: expected a time from the start of the run on, got -1"],
    [{ fromNs: 5n * MS, toNs: 5n * MS }, "to: expected a time after 5ms, got 5ms"],
    [{ toNs: 0n }, "to: expected a time after 0ns, got 0ns"],
    [{ events: 0 }, "events: expected a whole number of at least 1, got 0"],
    [{ events: 1.5 }, "events: expected a whole number of at least 1, got 1.5"],
    [{ fromNs: 21n * MS }, "from: expected a time within the run, whose last event is at 20ms, got 21ms"],
  ])("%o is refused", (window, message) => {
    expect(() => written("csv", window)).toThrow(new ChronovisorError(message));
  });
});

it("an error of the run itself is not taken for the window's end", () => {
  const broken: PlayRun<void> = ({ trace }) => {
    trace(HEAD);
    throw new RangeError("of its own");
  };
  expect(() => exportRun("csv", broken, () => {}, {}, WINDOW)).toThrow(new RangeError("of its own"));
});
