import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import type { RunResult } from "../scenario/types.js";
import { metronomes, recordingContext } from "./fixtures/metronome.js";
import { Interrupted, main } from "./main.js";
import type { RunJob } from "./run-job.js";

let directory = "";
let out = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "chronovisor-report-"));
  out = join(directory, "made", "here");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const RUNS = ["metronome.after", "metronome.before"];
const FILES = [
  "index.html",
  ...RUNS.flatMap((run) => [".ftrace.txt", ".pftrace", ".series.csv"].map((extension) => run + extension)),
  "metronome.json",
];

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Context = ReturnType<typeof recordingContext>["context"];

async function cli(
  args: readonly string[],
  change: (context: Context) => Partial<Context> = () => ({}),
): Promise<Ended> {
  const recording = recordingContext();
  const code = await main(args, { ...recording.context, ...change(recording.context) });
  return { code, out: recording.out(), err: recording.err() };
}

const textOf = (name: string): Promise<string> => readFile(join(out, name), "utf8");

describe("report", () => {
  it("writes a page and the bytes of compare --json beside it, and prints where", async () => {
    const ended = await cli(["report", "--out", out]);
    expect(ended).toEqual({
      code: 0,
      out: `  ✓ metronome: 3 of 3 expectations held, 3 not applicable\n\n  report  ${join(out, "index.html")}\n`,
      err: "",
    });
    expect((await readdir(out)).sort()).toEqual(FILES);
    expect(await textOf("metronome.json")).toBe((await cli(["compare", "metronome", "--json"])).out);
    expect(await textOf("index.html")).toMatch(/^<!DOCTYPE html>.*A metronome that drifts.*<\/html>$/s);
  });

  it("says with --json where its files are and whether everything held", async () => {
    const { out: printed } = await cli(["report", "metronome", "--out", out, "--json"]);
    const sizeOf = async (name: string) => ({
      path: join(out, name),
      bytes: (await readFile(join(out, name))).length,
    });
    const run = async (label: string, kernel: string) => ({
      label,
      kernel,
      stretch: { fromNs: "0", toNs: "50000000", events: 51, ended: "with the run" },
      perfetto: await sizeOf(`metronome.${label}.pftrace`),
      ftrace: await sizeOf(`metronome.${label}.ftrace.txt`),
      "csv-series": await sizeOf(`metronome.${label}.series.csv`),
    });
    expect(JSON.parse(printed)).toEqual({
      page: join(out, "index.html"),
      results: { metronome: join(out, "metronome.json") },
      exports: { metronome: [await run("before", "v4.16"), await run("after", "v4.17")] },
      held: true,
    });
  });

  it("writes the first events of every run, links to them, and says how to have all of it", async () => {
    await cli(["report", "--out", out, "--events", "11", "--set", "beat=2ms"]);
    const [head, ...rows] = (await textOf("metronome.before.series.csv")).trimEnd().split("\n");
    expect([head, rows.length, rows.at(-1)]).toEqual(["t_ns,beats_count", 10, "20000000,10"]);
    const page = await textOf("index.html");
    expect(page).toContain('<a href="./metronome.before.pftrace" title="metronome.before.pftrace">');
    expect(page).toContain("<td>first 20 ms</td><td>11</td>");
    expect(page).toContain(
      "<code>chronovisor export metronome --kernel v4.16 --set beat=2ms --format perfetto --out metronome.before.whole.pftrace</code>",
    );
  });

  it("writes none where none are asked for", async () => {
    await cli(["report", "--out", out, "--events", "0"]);
    expect((await readdir(out)).sort()).toEqual(["index.html", "metronome.json"]);
    expect(await textOf("index.html")).not.toContain("pftrace");
  });

  it("takes documents, on the kernel they name", async () => {
    const path = join(directory, "slow beat.yaml");
    await writeFile(path, "chronovisor: 1\nscenario: metronome\nkernel: v4.16\nparams: { beat: 2ms }\n");
    const {
      code,
      out: printed,
      err,
    } = await cli(["report", "metronome", path, "--out", out, "--set", "beat=5ms"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(printed).toContain("✓ slow-beat: 2 of 2 expectations held");
    expect(JSON.parse(await textOf("slow-beat.json"))).toMatchObject({
      columns: [{ kernel: "v4.16", params: { beat: { value: "2000000" } } }],
    });
    expect(JSON.parse(await textOf("metronome.json")).columns[0].params.beat.value).toBe("5000000");
    expect(await readdir(out)).toContain("slow-beat.v4.16.pftrace");
    expect(await textOf("index.html")).toContain(`chronovisor run '${path}' --json`);
  });

  it("writes the same bytes again, over its own files and no others", async () => {
    await mkdir(out, { recursive: true });
    await writeFile(join(out, "index.html"), "an older report");
    await writeFile(join(out, "notes.txt"), "mine");
    await cli(["report", "--out", out]);
    const first = await textOf("index.html");
    await cli(["report", "--out", out]);
    expect(await textOf("index.html")).toBe(first);
    expect(first).not.toContain("an older report");
    expect(await textOf("notes.txt")).toBe("mine");
    expect((await readdir(out)).sort()).toEqual([...FILES, "notes.txt"]);
  });

  it("runs with what is set, and says how to run it again", async () => {
    await cli(["report", "--out", out, "--set", "beat=2ms", "--duration", "2s", "--seed", "9"]);
    expect(JSON.parse(await textOf("metronome.json"))).toMatchObject({
      columns: [{ seed: 9, params: { beat: { value: "2000000" }, duration: { value: "2000000000" } } }, {}],
    });
    expect(await textOf("index.html")).toContain(
      "chronovisor compare metronome --set beat=2ms --duration 2s --seed 9 --json",
    );
  });

  it("exits 1 when an expectation did not hold, with the page written", async () => {
    const { code, out: printed } = await cli(["report", "--out", out, "--set", "mood=broken"]);
    expect(code).toBe(1);
    expect(printed).toContain("✗ metronome: 1 of 3 expectations held");
    expect(await textOf("index.html")).toContain("not held");
  });
});

describe("several scenarios", () => {
  const second = { ...metronomes[0], id: "second", featured: undefined, params: {}, lengthNs: () => 1n };
  const both = (): Partial<Context> => ({ scenarios: [...metronomes, second as never] });

  it("are those a report is usually on, where none is named", async () => {
    await cli(["report", "--out", out], both);
    expect((await readdir(out)).sort()).toEqual(FILES);
  });

  it.each<[string[], string]>([
    [
      ["report", "metronom"],
      'scenario: expected one of metronome, second, got "metronom" (did you mean metronome?)',
    ],
    [["report", "metronome", "metronome"], "report: metronome is named twice"],
    [["report", "nowhere.yaml"], "nowhere.yaml: cannot be read: no such file or directory"],
    [["report", "--events", "many"], '--events: expected a whole number from 0 to 1000000, got "many"'],
    [["report", "--events", "1000001"], '--events: expected a whole number from 0 to 1000000, got "1000001"'],
    [["report", "--out", ""], '--out: expected a directory, got ""'],
    [["report", "--set", "beat=2GHz"], '--set beat: expected a time such as 10m, 1h or 250us, got "2GHz"'],
  ])("%j is one line and exit 2, and nothing is made", async (args, line) => {
    const where = args.includes("--out") ? args : [...args, "--out", out];
    expect(await cli(where, both)).toEqual({ code: 2, out: "", err: `chronovisor: ${line}\n` });
    expect(await readdir(directory)).toEqual([]);
  });

  it("take a setting each where they have it, and refuse one that none has", async () => {
    const { err } = await cli(["report", "metronome", "second", "--out", out, "--set", "beet=1ms"], both);
    expect(err).toMatch(/^chronovisor: --set: expected a parameter .*got "beet".*\n$/);
    const jobs: RunJob[] = [];
    const runner: Context["runner"] = async (job) => {
      jobs.push(job);
      return {
        ...(await recordingContext().context.runner(
          {
            ...job,
            scenario: "metronome",
            params: { ...job.params, duration: 1_000_000_000n, beat: 1_000_000n },
          },
          { onProgress: () => {}, signal: new AbortController().signal },
        )),
      };
    };
    await cli(["report", "metronome", "second", "--out", out, "--set", "beat=3ms"], () => ({
      ...both(),
      runner,
    }));
    expect(jobs.map(({ scenario, params }) => [scenario, params.beat])).toEqual([
      ["metronome", 3_000_000n],
      ["metronome", 3_000_000n],
      ["second", undefined],
      ["second", undefined],
    ]);
  });
});

describe("where nothing can be written", () => {
  it.each(["report", "start"])("%s says so in one line before it runs anything", async (command) => {
    const file = join(directory, "file");
    await writeFile(file, "a file");
    const runner = (): Promise<RunResult> => Promise.reject(new Error("it ran"));
    for (const place of [file, join(file, "below")]) {
      expect(await cli([command, "--out", place], () => ({ runner }))).toEqual({
        code: 2,
        out: "",
        err: `chronovisor: ${place}: cannot be written: not a directory\n`,
      });
    }
    expect(await readFile(file, "utf8")).toBe("a file");
  });

  it.runIf(existsSync("/proc/self"))("tells of a file system that takes no directory", async () => {
    const place = "/proc/chronovisor/report";
    const reason = process.getuid?.() === 0 ? "no such file or directory" : "permission denied";
    expect(await cli(["report", "--out", place])).toEqual({
      code: 2,
      out: "",
      err: `chronovisor: ${place}: cannot be written: ${reason}\n`,
    });
  });

  it("tells of a page that is a directory, and keeps it", async () => {
    await mkdir(join(out, "index.html"), { recursive: true });
    expect(await cli(["report", "--out", out])).toEqual({
      code: 2,
      out: "",
      err: `chronovisor: ${join(out, "index.html")}: cannot be written: is a directory\n`,
    });
  });
});

it("an interrupted report leaves nothing", async () => {
  const interruptible: Context["interruptible"] = (work) =>
    work(AbortSignal.abort(new Interrupted("interrupted")));
  expect(await cli(["report", "--out", out], () => ({ interruptible }))).toEqual({
    code: 130,
    out: "",
    err: "",
  });
  expect(await readdir(directory)).toEqual([]);
});

it("one interrupted while it is written leaves each file as it was or whole", async () => {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "metronome.json"), "older");
  let calls = 0;
  const interruptible: Context["interruptible"] = (work) => {
    calls++;
    const controller = new AbortController();
    // The runs come first, the writing last.
    if (calls > 1) controller.abort(new Interrupted("interrupted"));
    return work(controller.signal);
  };
  expect((await cli(["report", "--out", out], () => ({ interruptible }))).code).toBe(130);
  expect(await readdir(out)).toEqual(["metronome.json"]);
  expect(await textOf("metronome.json")).toBe("older");
});

it("one interrupted while its files are written leaves nothing of them", async () => {
  const controller = new AbortController();
  const exporter: Context["exporter"] = async (job, { signal }) => {
    await writeFile(job.files[0]?.path ?? "", "half");
    controller.abort(new Interrupted("interrupted"));
    signal.throwIfAborted();
    throw new Error("it went on");
  };
  const interruptible: Context["interruptible"] = (work) => work(controller.signal);
  const interrupted = () => cli(["report", "--out", out], () => ({ interruptible, exporter }));
  expect((await interrupted()).code).toBe(130);
  expect(await readdir(directory)).toEqual([]);
});

it("one whose exports fail leaves what was there", async () => {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "index.html"), "older");
  const exporter: Context["exporter"] = () =>
    Promise.reject(new ChronovisorError("x: cannot be written: no space left"));
  const ended = await cli(["report", "--out", out], () => ({ exporter }));
  expect(ended).toEqual({ code: 2, out: "", err: "chronovisor: x: cannot be written: no space left\n" });
  expect(await readdir(out)).toEqual(["index.html"]);
  expect(await textOf("index.html")).toBe("older");
});

describe("start", () => {
  it("ends with the report", async () => {
    const { code, out: printed } = await cli(["start", "--out", out]);
    expect(code).toBe(0);
    expect(printed.endsWith(`\n\n  report  ${join(out, "index.html")}\n`)).toBe(true);
    expect((await readdir(out)).sort()).toEqual(FILES);
  });

  it("writes none with --json", async () => {
    await cli(["start", "--json", "--out", out]);
    expect(await readdir(directory)).toEqual([]);
  });

  it("runs nothing twice for it", async () => {
    const ran: string[] = [];
    const counted = ({ runner }: Context): Partial<Context> => ({
      runner: (job, listeners) => {
        ran.push(job.kernel.name);
        return runner(job, listeners);
      },
    });
    await cli(["start", "--out", out], counted);
    expect(ran).toEqual(["v4.16", "v4.17"]);
  });
});
