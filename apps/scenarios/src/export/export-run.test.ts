import { JsonLinesReader, type TraceEvent, type TraceRun } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import { exportRun, type PlayRun } from "./export-run.js";
import { HEAD, play, playTicks } from "./fixtures/ten-ticks.js";
import { exportFormatNamed, exportFormats } from "./formats.js";
import { sha256 } from "./sha256.js";

function written(format: string): { readonly file: Buffer; readonly result: number | undefined } {
  const pieces: Uint8Array[] = [];
  const { result, head } = exportRun(format, play, (piece) => pieces.push(Buffer.from(piece)));
  expect(head).toEqual(HEAD);
  return { file: Buffer.concat(pieces), result };
}

describe("exportRun", () => {
  it.each(exportFormats.map(({ name }) => name))(
    "writes what a machine did as %s, the same every time",
    (name) => {
      const { file, result } = written(name);
      expect(result).toBe(10);
      expect(file.length).toBeGreaterThan(100);
      expect(written(name).file.equals(file)).toBe(true);
    },
  );

  it("runs once, and once more where the head names the series", () => {
    const plays = exportFormats.map(({ name }) => {
      let played = 0;
      exportRun(
        name,
        ({ trace }) => {
          played += 1;
          trace(HEAD);
        },
        () => {},
      );
      return [name, played];
    });
    expect(Object.fromEntries(plays)).toEqual({
      perfetto: 1,
      chrome: 1,
      ftrace: 1,
      csv: 1,
      "csv-series": 2,
      jsonl: 1,
      vcd: 2,
    });
  });

  it("runs once where it is told which series", () => {
    let played = 0;
    const series = [{ of: "counter", name: "ticks.vcpu0", unit: "count" }] as const;
    let file = "";
    const counted: PlayRun<number> = (hooks) => {
      played += 1;
      return play(hooks);
    };
    exportRun("csv-series", counted, (piece) => (file += piece), { series });
    expect(played).toBe(1);
    const [head, ...rows] = file.split("\n").map((row) => row.split(","));
    expect(head).toEqual(["t_ns", "ticks.vcpu0_count"]);
    expect(rows.flatMap(([, lag]) => (lag === undefined || lag === "" ? [] : [lag])).slice(-10)).toEqual(
      "1 2 3 4 5 6 7 8 9 10".split(" "),
    );
  });

  it("writes JSON Lines that end with the SHA-256 of the lines before, and are read back to the same events", () => {
    const { file } = written("jsonl");
    const text = file.toString("utf8");
    const events: TraceEvent[] = [];
    const heads: TraceRun[] = [];
    const reader = new JsonLinesReader(
      { begin: (run) => heads.push(run), emit: (event) => events.push(event) },
      { digest: sha256() },
    );
    reader.write(text);
    reader.end();
    const emitted: TraceEvent[] = [];
    playTicks({ emit: (event) => emitted.push(event) });
    expect(events).toEqual(emitted);
    expect(heads).toEqual([HEAD]);
    expect(text).toMatch(/\{"type":"end","events":\d+,"sha256":"[0-9a-f]{64}"\}\n$/);
  });

  it("has series of the run as columns", () => {
    const [head] = written("csv-series").file.toString("utf8").split("\n");
    expect(head).toBe(
      "t_ns,lag.vcpu0_ns,CLOCK_REALTIME_ns,CLOCK_MONOTONIC_ns,CLOCK_MONOTONIC_RAW_ns,CLOCK_BOOTTIME_ns,CLOCK_TAI_ns,host_tsc_ns,guest_tsc.vcpu0_ns,ticks.vcpu0_count",
    );
  });

  it("ends the run when the file cannot take more", () => {
    const full = new ChronovisorError("out.csv: cannot be written: no space left on device");
    const attempt = (): unknown =>
      exportRun("csv", play, () => {
        throw full;
      });
    expect(attempt).toThrow(full);
  });

  it("knows its formats", () => {
    expect(() => written("perfeto")).toThrow(
      new ChronovisorError(
        'format: expected one of perfetto, chrome, ftrace, csv, csv-series, jsonl, vcd, got "perfeto" (did you mean perfetto?)',
      ),
    );
  });
});

describe("what lies beside an export", () => {
  const beside = (format: string) => exportFormatNamed(format).companions(HEAD);

  it("is what a table has no room for", () => {
    const [file, ...more] = beside("csv");
    expect(more).toEqual([]);
    expect(file?.suffix).toBe(".run.json");
    expect(JSON.parse(file?.text ?? "")).toEqual({ ...HEAD, tscHz: "2500000000" });
  });

  it("is names for the numbers of a waveform", () => {
    expect(beside("vcd").map(({ suffix }) => suffix)).toEqual([".vcpu-state.txt", ".cpu-runs.txt"]);
  });

  it.each(["perfetto", "chrome", "ftrace", "jsonl"])("is nothing for %s", (format) => {
    expect(beside(format)).toEqual([]);
  });
});
