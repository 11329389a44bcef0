import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JsonLinesReader, type TraceEvent, type TraceRun } from "@chronovisor/trace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../export/sha256.js";
import { scenarios } from "../../scenarios/index.js";
import { carryOutExport } from "../carry-out.js";
import type { CliContext } from "../context.js";
import { recordingContext } from "../fixtures/metronome.js";
import { Interrupted, main } from "../main.js";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "chronovisor-export-"));
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true });
});

const file = (name: string): string => join(directory, name);

/** The command with runs on the test's own thread, and the built-in stories. */
async function cli(args: readonly string[], change: Partial<CliContext> = {}) {
  const { context, out, err } = recordingContext();
  const exporter: CliContext["exporter"] = async (job, { onProgress }) =>
    carryOutExport(job, scenarios, onProgress);
  const code = await main(["export", ...args], { ...context, scenarios, exporter, ...change });
  return { code, out: out(), err: err() };
}

const short = ["periodic-drift", "--variant", "before", "--duration", "10ms"];

describe("export", () => {
  it("writes a run, and says what it is and for what", async () => {
    const path = file("drift.jsonl");
    const { code, out, err } = await cli([...short, "--seed", "3", "--format", "jsonl", "--out", path]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^\S+drift\.jsonl: periodic-drift on v4\.16, \d+\.\d kB, for JSON Lines,/);
    const heads: TraceRun[] = [];
    const events: TraceEvent[] = [];
    const reader = new JsonLinesReader(
      { begin: (run) => heads.push(run), emit: (event) => events.push(event) },
      { digest: sha256() },
    );
    reader.write(readFileSync(path, "utf8"));
    reader.end();
    expect(heads).toMatchObject([
      { scenario: "periodic-drift", kernel: "v4.16", seed: 3, params: { duration: "10ms" } },
    ]);
    expect(events.filter(({ kind }) => kind === "eoi")).toHaveLength(9);
    expect(readdirSync(directory)).toEqual(["drift.jsonl"]);
  });

  it("writes what belongs beside a table, and says so", async () => {
    const { code, out } = await cli([...short, "--format", "csv-series", "--out", file("drift.csv")]);
    expect(code).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(["drift.csv", "drift.run.json"]);
    expect(out.split("\n")[1]).toBe(`${file("drift.run.json")} belongs beside it`);
    expect(JSON.parse(readFileSync(file("drift.run.json"), "utf8")).kernel).toBe("v4.16");
  });

  it("writes a log with times to the nanosecond if it is to", async () => {
    const lines = async (...more: string[]): Promise<string> => {
      await cli([...short, "--format", "ftrace", "--out", file("drift.txt"), ...more]);
      return readFileSync(file("drift.txt"), "utf8");
    };
    expect(await lines()).toMatch(/ 0\.\d{6}: kvm_entry/);
    expect(await lines("--trace-ns")).toMatch(/ 0\.\d{9}: kvm_entry/);
  });

  it("writes what a document describes", async () => {
    const document = "chronovisor: 1\nscenario: periodic-drift\nkernel: v4.16\nparams: { duration: 10ms }\n";
    writeFileSync(file("late.yaml"), document);
    await cli([file("late.yaml"), "--format", "csv", "--out", file("a.csv")]);
    await cli([...short, "--format", "csv", "--out", file("b.csv")]);
    expect(readFileSync(file("a.csv"), "utf8")).toBe(readFileSync(file("b.csv"), "utf8"));
  });

  it("writes what a document's own machine does", async () => {
    const document = `chronovisor: 1
kernel: v6.12
host: { tsc: 2.5GHz, tick: off }
vms: [{ vcpus: [{ program: clock-reader, options: { every: 1ms } }] }]
duration: 20ms
observe: { onMaster: { quantity: master-clock } }
`;
    writeFileSync(file("machine.yaml"), document);
    const { err } = await cli([file("machine.yaml"), "--format", "csv", "--out", file("m.csv")]);
    expect(err).toBe("");
    expect(readFileSync(file("m.csv"), "utf8")).toContain(",pvclock-update,");
  });

  it("writes a part of a run, and says which", async () => {
    const path = file("part.csv");
    const { code, out, err } = await cli([
      ...short,
      "--from",
      "2ms",
      "--to",
      "4ms",
      "--format",
      "csv",
      "--out",
      path,
    ]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/part\.csv: periodic-drift on v4\.16 from 2 ms to 4 ms, \d+\.\d kB, for/);
    const [, first, ...rows] = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(first).toMatch(/^2000000,0,,,epoch,/);
    expect(Number(rows.at(-1)?.split(",")[0])).toBeLessThan(4_000_000);
  });

  it("says with --json what was written", async () => {
    const path = file("part.csv");
    const { out } = await cli([...short, "--to", "4ms", "--format", "csv", "--out", path, "--json"]);
    const rows = readFileSync(path, "utf8").trimEnd().split("\n").slice(1);
    expect(JSON.parse(out)).toEqual({
      path,
      format: "csv",
      bytes: readFileSync(path).length,
      beside: [file("part.run.json")],
      run: JSON.parse(readFileSync(file("part.run.json"), "utf8")),
      stretch: {
        fromNs: "0",
        toNs: "4000000",
        events: rows.filter((row) => row.split(",")[4] !== "clocks").length,
        ended: "by the window",
      },
    });
  });

  it.each<[string, string[], string]>([
    ["a frequency", ["--from", "2GHz"], '--from: expected a time such as 10m, 1h or 250us, got "2GHz"'],
    [
      "a time before the run",
      ["--from", "-1s"],
      '--from: expected a time from the run\'s start on, got "-1s"',
    ],
    [
      "an end before the beginning",
      ["--from", "4ms", "--to", "3ms"],
      '--to: expected a time after --from 4ms, got "3ms"',
    ],
    ["an end that is the beginning", ["--to", "0"], '--to: expected a time after the run\'s start, got "0"'],
    ["two beginnings", ["--from", "1ms", "--from", "2ms"], '--from: given twice, as "1ms" and "2ms"'],
    [
      "a beginning after the run",
      ["--from", "2s"],
      "from: expected a time within the run, whose last event is at 10ms, got 2s",
    ],
    [
      "an end after the run",
      ["--to", "2s"],
      "to: expected a time within the run, whose last event is at 10ms, got 2s",
    ],
  ])("refuses %s of a window, and writes nothing", async (_title, window, line) => {
    const ended = await cli([...short, ...window, "--format", "csv", "--out", file("part.csv")]);
    expect(ended).toEqual({ code: 2, out: "", err: `chronovisor: ${line}\n` });
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each<[string, string[], string]>([
    [
      "an unknown format",
      ["--format", "perfeto", "--out", "x"],
      "format: expected one of perfetto, chrome, ftrace, csv, csv-series, jsonl, vcd, got",
    ],
    ["no format", ["--out", "x"], "required option '--format <name>' not specified"],
    ["no file", ["--format", "csv"], "required option '--out <file>' not specified"],
    [
      "nanoseconds of a table",
      ["--format", "csv", "--out", "x", "--trace-ns"],
      "--trace-ns: only a log has times in microseconds, and csv is none",
    ],
    [
      "two kernels",
      ["--format", "csv", "--out", "x", "--kernel", "v4.16"],
      "--variant: --kernel names a kernel too",
    ],
  ])("refuses %s in one line", async (_title, args, start) => {
    const { code, out, err } = await cli([...short, ...args]);
    expect({ code, out, lines: err.trimEnd().split("\n").length }).toEqual({ code: 2, out: "", lines: 1 });
    expect(err.startsWith(`chronovisor: ${start}`)).toBe(true);
  });

  it("refuses a directory that is not there, or cannot be written to, before it runs", async () => {
    const exporter = (): Promise<never> => Promise.reject(new Error("it ran"));
    const attempt = (path: string) => cli([...short, "--format", "csv", "--out", path], { exporter });
    const missing = file("missing/drift.csv");
    expect((await attempt(missing)).err).toBe(
      `chronovisor: ${missing}: cannot be written: no such file or directory\n`,
    );
    expect((await attempt(directory)).err).toBe(
      `chronovisor: ${directory}: cannot be written: is a directory\n`,
    );
  });

  it("refuses a run that is too long for Chrome, and leaves what was there", async () => {
    writeFileSync(file("long.json"), "kept");
    const days = ["--set", "age=14d", "--set", "sleep=30d", "--set", "reference=14d"];
    const args = ["host-suspend", ...days, "--format", "chrome", "--out", file("long.json")];
    expect(await cli(args)).toEqual({
      code: 2,
      out: "",
      err: "chronovisor: chrome: expected a run of at most 50.9 days, got a longer one; perfetto takes any\n",
    });
    expect(readFileSync(file("long.json"), "utf8")).toBe("kept");
    expect(readdirSync(directory)).toEqual(["long.json"]);
  });

  it("leaves nothing when it is interrupted", async () => {
    const abort = new AbortController();
    const { code, out, err } = await cli([...short, "--format", "csv", "--out", file("drift.csv")], {
      interruptible: (work) => work(abort.signal),
      exporter: async (job, { onProgress, signal }) => {
        carryOutExport(job, scenarios, onProgress);
        abort.abort(new Interrupted("interrupted"));
        throw signal.reason;
      },
    });
    expect({ code, out, err }).toEqual({ code: 130, out: "", err: "" });
    expect(readdirSync(directory)).toEqual([]);
  });
});
