import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportRun } from "../../export/export-run.js";
import { simulate } from "../../simulate.js";
import { logOf, MS, timersOnTwoCpus } from "../../trace-analysis/fixtures/logs.js";
import { recordingContext } from "../fixtures/metronome.js";
import { main } from "../main.js";
import { readingLine, readingText } from "../reading-line.js";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "chronovisor-trace-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, out, err } = recordingContext();
  const code = await main(["explain-trace", ...args], context);
  return { code, out: out(), err: err() };
}

describe("explain-trace", () => {
  it("tells the behaviour that made a log, and how to see it again", async () => {
    const path = file("pinned.txt", `${logOf("v4.5", timersOnTwoCpus(40n, 250n * MS))}oops\n`);
    const { code, out, err } = await cli(path);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.replace(path, "pinned.txt")).toBe(`
  pinned.txt
  441 events in 455 lines: 2.5401 s of 2 CPUs, times to the µs.

  ◆ vCPU 0 (thread 1000): the LAPIC timer is not pinned: 10 of 40 expiries were
    on another CPU than the interrupt that followed, mean 250 ms, max 250 ms
    before it (on its own CPU: mean 2 µs, max 2 µs). Nothing made the vCPU leave
    the guest then: it got the interrupt at its next exit.
    reproduce it: chronovisor compare pinned-timer

  vCPU 0 (thread 1000)
    LAPIC timer   40 expiries every 1.004 ms; late by mean 0 ns, max 0 ns;
                  interrupt 0xec (kvm_inj_virq); 30 on its CPU, mean 2 µs, max
                  2 µs after; 10 on another, mean 250 ms, max 250 ms after

  Not read
    1 line: no event
      line 455: oops
`);
  });

  it("is shown on the log among the examples, as the simulator exports it", () => {
    const example = fileURLToPath(new URL("../../../../../examples/logs/pinned-timer.txt", import.meta.url));
    let exported = "";
    exportRun(
      "ftrace",
      (hooks) => simulate("pinned-timer", { kernel: "v4.5", set: { timers: "8", residual: "100ms" }, hooks }),
      (piece) => {
        exported += String(piece);
      },
    );
    expect(readFileSync(example, "utf8")).toBe(exported);
  });

  it("prints exact findings as JSON, 64-bit integers as text", async () => {
    const { code, out } = await cli(
      file("json.txt", logOf("v4.5", timersOnTwoCpus(8n, 250n * MS))),
      "--json",
    );
    const findings = JSON.parse(out) as Record<string, unknown>;
    expect(code).toBe(0);
    expect(findings).toMatchObject({
      log: { unit: "ns", resolutionNs: "1000", text: { skipped: { payload: { count: 0 } } } },
      vcpus: [
        { name: { id: 0, pid: 1000 }, timers: [{ delivery: { remote: { count: 2, max: "250001000" } } }] },
      ],
      diagnoses: [{ kind: "remote-timer", delivery: "waited", story: "pinned-timer" }],
    });
  });

  it("says that a log is in order", async () => {
    const { out } = await cli(
      file("pinned-fix.txt", "  CPU 0/KVM-1 [000] d.... 1.000000: kvm_entry: vcpu 0\n"),
    );
    expect(out).toContain("Nothing in it is out of order, as far as it goes.");
  });

  it("reads a log that a crash cut off, as far as it goes", async () => {
    const log = logOf("v6.12", timersOnTwoCpus(400n, 3_000n));
    const { code, out } = await cli(file("cut.txt", `${log.slice(0, -30)}${"\0".repeat(500)}`));
    expect(code).toBe(0);
    expect(out.replace(/\s+/g, " ")).toContain("The vCPU was kicked out of the guest for it at once.");
    expect(out).toContain("1 line: no event");
    expect(out).not.toContain("\0");
  });

  it.each<[string, string | Uint8Array | undefined, string]>([
    ["missing.txt", undefined, "cannot be read: no such file or directory"],
    ["elf", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0]), "expected the text of a log, got a binary file"],
    [
      "trace.dat",
      "\u0017\u0008\u0044tracing6\0",
      "expected the text of a log, got a trace.dat: give what `trace-cmd report` prints of it",
    ],
    [
      "perf.data",
      "PERFILE2",
      "expected the text of a log, got a perf.data: give what `perf script` prints of it",
    ],
    ["log.gz", gzipSync("x"), "expected the text of a log, got compressed with gzip: give it through `zcat`"],
    [
      "notes.txt",
      "dear diary\n",
      "expected a log of KVM's and timers' events (tracefs, trace-cmd report, perf script), got none in 1 line; line 1 is \"dear diary\"",
    ],
    [
      "empty.txt",
      "",
      "expected a log of KVM's and timers' events (tracefs, trace-cmd report, perf script), got none in 0 lines",
    ],
  ])("refuses %s with one line and exit 2", async (name, content, message) => {
    const path = content === undefined ? join(directory, name) : file(name, content);
    expect(await cli(path)).toEqual({ code: 2, out: "", err: `chronovisor: ${path}: ${message}\n` });
  });

  it("refuses a directory", async () => {
    expect(await cli(directory)).toEqual({
      code: 2,
      out: "",
      err: `chronovisor: ${directory}: cannot be read: it is a directory\n`,
    });
  });
});

describe("the line about how far a file is read", () => {
  it.each<[number, number | undefined, number, string]>([
    [0, 100_000_000, 0, "log · 0 MB read"],
    [25_000_000, 100_000_000, 2_000, "log · 25 % · 25 MB of 100 MB · 6 s left"],
    // A log that is still written to.
    [120_000_000, 100_000_000, 9_000, "log · 100 % · 120 MB of 100 MB · 0 s left"],
    [25_000_000, undefined, 2_000, "log · 25 MB read"],
  ])("after %i of %s bytes", (bytes, size, elapsedMs, text) => {
    expect(readingText("log", bytes, size, elapsedMs)).toBe(text);
  });

  it("is drawn once reading has taken a second, and not without a terminal", () => {
    let drawn = "";
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        drawn += chunk;
        done();
      },
    });
    let now = 0;
    const line = readingLine(Object.assign(stream, { isTTY: true }), "log", 4_000_000, () => now);
    now = 999;
    line.update(1_000_000);
    expect(drawn).toBe("");
    now = 2_000;
    line.update(2_000_000);
    line.stop();
    expect(drawn).toContain("log · 50 % · 2 MB of 4 MB · 2 s left");
    const silent = readingLine(undefined, "log", undefined, () => 10_000);
    silent.update(1);
    silent.stop();
  });
});
