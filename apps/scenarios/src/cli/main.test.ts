import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ScenarioDefinition } from "../scenario/types.js";
import { metronomes, recordingContext } from "./fixtures/metronome.js";
import { Interrupted, main } from "./main.js";

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, out, err } = recordingContext();
  const code = await main(args, context);
  return { code, out: out(), err: err() };
}

const params = "duration, beat, advanceNs, players, mood";

describe("a wrong request is one line on standard error, nothing on standard output, and exit 2", () => {
  it.each<[string[], string]>([
    [["rum", "metronome"], "unknown command 'rum' (did you mean run?)"],
    [["run"], "missing required argument 'scenario'"],
    [
      ["help", "rum"],
      'help: expected one of list, kernels, run, compare, bisect, explain, explain-trace, export, show, test, schema, report, start, calc, conform, got "rum" (did you mean run?)',
    ],
    [["conform", "--data", ""], '--data: expected a directory, got ""'],
    [
      ["run", "metronome", "--kernel", "v4.16 + tdcr=immediate + tdcr=at-next-tmict"],
      'kernel: tdcr is set twice in "v4.16 + tdcr=immediate + tdcr=at-next-tmict"',
    ],
    [["run", "metronome", "extra"], "too many arguments for 'run'. Expected 1 argument but got 2."],
    [["run", "metronome", "--duraton", "1s"], "unknown option '--duraton' (did you mean --duration?)"],
    [["run", "metronome", "--duration"], "option '--duration <time>' argument missing"],
    [["run", "metronom"], 'scenario: expected one of metronome, got "metronom" (did you mean metronome?)'],
    [["compare", "drift"], 'scenario: expected one of metronome, got "drift"'],
    [
      ["run", "metronome", "--duration", "3parsecs"],
      '--duration: expected a time such as 10m, 1h or 250us, got "3parsecs"',
    ],
    [["run", "metronome", "--duration", "11d"], '--duration: expected 1ms to 10d, got "11d"'],
    [["run", "metronome", "--duration", "1.5"], "--duration: 1.5 is finer than 1 ns"],
    [
      ["run", "metronome", "--set", "beat=2GHz"],
      '--set beat: expected a time such as 10m, 1h or 250us, got "2GHz"',
    ],
    [["run", "metronome", "--set", "beat=2s"], '--set beat: expected 1us to 1s, got "2s"'],
    [["run", "metronome", "--set", "players=0"], '--set players: expected 1 to 1000, got "0"'],
    [
      ["run", "metronome", "--set", "mood=clam"],
      '--set mood: expected one of calm, broken, got "clam" (did you mean calm?)',
    ],
    [["run", "metronome", "--set", "beat"], '--set: expected name=value, got "beat"'],
    [
      ["run", "metronome", "--set", "beet=1ms"],
      `--set: expected a parameter (${params}) or a behaviour that \`chronovisor kernels\` lists, got "beet" (did you mean beat?)`,
    ],
    [["run", "metronome", "--set", "beat=1ms", "--set", "beat=1ms"], "--set: beat is set twice"],
    [["run", "metronome", "--duration", "1s", "--set", "duration=1s"], "--duration: --set sets duration too"],
    [
      ["run", "metronome", "--duration", "1s", "--duration", "2s"],
      '--duration: given twice, as "1s" and "2s"',
    ],
    [
      ["run", "metronome", "--kernel", "v4.16", "--variant", "before"],
      "--variant: --kernel names a kernel too; give one of them",
    ],
    [
      ["run", "metronome", "--kernel", "v4.16", "--kernel", "v4.17"],
      '--kernel: given twice, as "v4.16" and "v4.17"',
    ],
    [
      ["run", "metronome", "--variant", "befor"],
      '--variant: expected before or after, got "befor" (did you mean before?)',
    ],
    [
      ["run", "metronome", "--kernel", "v4.16 + tdcr=immediate", "--set", "tdcr=immediate"],
      '--set: tdcr is set twice, the other time in "v4.16 + tdcr=immediate"',
    ],
    [["run", "metronome", "--seed", "-1"], '--seed: expected a whole number from 0 to 4294967295, got "-1"'],
    [
      ["run", "metronome", "--seed", "4294967296"],
      '--seed: expected a whole number from 0 to 4294967295, got "4294967296"',
    ],
    [["compare", "metronome", "--kernels", "v4.16"], '--kernels: expected two or more, got "v4.16"'],
    [["compare", "metronome", "--kernels", "v4.16,4.16.0"], "--kernels: v4.16 is named twice"],
    [
      ["run", "metro\nnome"],
      'scenario: expected one of metronome, got "metro nome" (did you mean metronome?)',
    ],
  ])("%j", async (args, line) => {
    expect(await cli(...args)).toEqual({ code: 2, out: "", err: `chronovisor: ${line}\n` });
  });

  it.each<[string[], RegExp]>([
    [
      ["run", "metronome", "--kernel", "v3.99"],
      /^chronovisor: kernel: expected v4\.5 or newer, got "v3\.99"\n$/,
    ],
    [["run", "metronome", "--kernel", "v4.16-rc3"], /^chronovisor: kernel: expected a release such as .*\n$/],
    [["run", "metronome", "--set", "tdcr=immediat"], /^chronovisor: tdcr: .*\(did you mean immediate\?\)\n$/],
    [["compare", "metronome", "--kernels", "v4.16,vx"], /^chronovisor: kernel: .*got "vx".*\n$/],
  ])("%j", async (args, line) => {
    const { code, out, err } = await cli(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(line);
  });
});

describe("exit codes of a run", () => {
  it("is 0 when everything that applies held", async () => {
    expect((await cli("run", "metronome", "--variant", "before")).code).toBe(0);
  });

  it.each(["run", "compare"])(
    "is 1 when an expectation of %s did not hold, with the figures",
    async (command) => {
      const { code, out, err } = await cli(command, "metronome", "--set", "mood=broken");
      expect({ code, err }).toEqual({ code: 1, err: "" });
      expect(out).toContain("not held, expected 1 listener, got 10000 beats and none");
    },
  );

  it("is 130 when it was interrupted, in silence", async () => {
    const { context, out, err } = recordingContext();
    const interruptible: typeof context.interruptible = (work) =>
      work(AbortSignal.abort(new Interrupted("interrupted")));
    expect(await main(["run", "metronome"], { ...context, interruptible })).toBe(130);
    expect(out() + err()).toBe("");
  });

  it("is 70 with a stack trace when a run crashed", async () => {
    const { context, out, err } = recordingContext();
    const runner = (): Promise<never> => Promise.reject(new Error("a slip of ours"));
    expect(await main(["run", "metronome"], { ...context, runner })).toBe(70);
    expect(out()).toBe("");
    expect(err()).toMatch(/internal error, please report it\nError: a slip of ours\n {4}at /);
  });
});

describe("what runs", () => {
  const kernelOf = (out: string): unknown => (JSON.parse(out) as { kernel: unknown }).kernel;

  it("is the newest release unless a kernel or a variant is named", async () => {
    expect(kernelOf((await cli("run", "metronome", "--json")).out)).toMatch(/^v\d+\.\d+$/);
    expect(kernelOf((await cli("run", "metronome", "--kernel", "4.16.0", "--json")).out)).toBe("v4.16");
    expect(kernelOf((await cli("run", "metronome", "--variant", "after", "--json")).out)).toBe("v4.17");
  });

  it("is overridden by --set with the name of a behaviour", async () => {
    const { out } = await cli(
      "run",
      "metronome",
      "--variant",
      "after",
      "--set",
      "periodicAdvance=independent",
      "--json",
    );
    const run = JSON.parse(out) as { kernel: string; axes: Record<string, string>; observations: unknown };
    expect(run.kernel).toBe("v4.17 + periodicAdvance=independent");
    expect(run.axes.periodicAdvance).toBe("independent");
    expect(run.observations).toMatchObject({ lag: { value: "500000", unit: "ns" } });
  });

  it("takes --duration for the parameter of that name", async () => {
    const { out } = await cli("run", "metronome", "--duration", "2s", "--json");
    expect((JSON.parse(out) as { params: unknown }).params).toMatchObject({
      duration: { value: "2000000000", unit: "ns" },
    });
  });

  it("keeps the order in which kernels were named", async () => {
    const { out } = await cli("compare", "metronome", "--kernels", "v4.17,v4.16,v5.0", "--json");
    const { columns, axes: differing } = JSON.parse(out) as { columns: { kernel: string }[]; axes: string[] };
    expect(columns.map(({ kernel }) => kernel)).toEqual(["v4.17", "v4.16", "v5.0"]);
    expect(differing).toContain("periodicAdvance");
  });
});

describe("a scenario with columns of its own to compare", () => {
  const [story] = metronomes;
  if (story === undefined) throw new Error("expected a scenario");
  const comparison = [
    { label: "M0 as it was", kernel: "v4.16" },
    { label: "M1 resynchronised", kernel: "v4.16 + periodicAdvance=resync" },
    { label: "M2 clamped", kernel: "v4.16 + periodicAdvance=resync-clamped" },
  ];

  async function compared(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const { context, out, err } = recordingContext();
    const code = await main(args, {
      ...context,
      scenarios: [{ ...story, comparison } as ScenarioDefinition],
    });
    return { code, out: out(), err: err() };
  }

  const kernelsOf = (out: string): readonly string[] =>
    (JSON.parse(out) as { columns: { kernel: string }[] }).columns.map(({ kernel }) => kernel);

  it("has them side by side under their labels", async () => {
    const { code, out } = await compared("compare", "metronome");
    expect(code).toBe(0);
    expect(out).toContain("  kernel    v4.16\n");
    expect(out).toContain("periodicAdvance: independent (M0), resync (M1), resync-clamped (M2)");
    expect(out).toMatch(/^ {16,}M0 as it was +M1 resynchronised +M2 clamped$/m);
    expect(out).toMatch(/^ {2}lag at the end +500 µs +0 ns\* +0 ns\*$/m);
    expect(out).toContain("  * not as M0 as it was\n");
    expect(kernelsOf((await compared("compare", "metronome", "--json")).out)).toEqual(
      comparison.map(({ kernel }) => kernel),
    );
  });

  it("gives way to kernels that are named", async () => {
    const { out } = await compared("compare", "metronome", "--kernels", "v4.17,v4.16", "--json");
    expect(kernelsOf(out)).toEqual(["v4.17", "v4.16"]);
  });

  it("takes overrides of other behaviours for all of them, and refuses one that makes them alike", async () => {
    const { out } = await compared("compare", "metronome", "--set", "tdcr=at-next-tmict");
    expect(out).toContain("  kernel    v4.16\n            every column with tdcr=at-next-tmict\n");
    expect(await compared("compare", "metronome", "--set", "periodicAdvance=resync")).toEqual({
      code: 2,
      out: "",
      err: 'chronovisor: --set: periodicAdvance is set twice, the other time in "v4.16 + periodicAdvance=resync"\n',
    });
  });

  it("still runs before and after, alone and with every other scenario", async () => {
    const { out } = await compared("run", "metronome", "--variant", "after", "--json");
    expect((JSON.parse(out) as { kernel: string }).kernel).toBe("v4.17");
    const start = JSON.parse((await compared("start", "--json")).out) as { comparisons: unknown[] };
    expect(start.comparisons.map((one) => kernelsOf(JSON.stringify(one)))).toEqual([["v4.16", "v4.17"]]);
  });

  it("tells them in its help and in the list for programs", async () => {
    expect((await compared("compare", "metronome", "--help")).out).toContain(
      "Compared: M0 as it was (v4.16), M1 resynchronised (v4.16 +\n",
    );
    const { scenarios } = JSON.parse((await compared("list", "--json")).out) as {
      scenarios: { comparison: unknown }[];
    };
    expect(scenarios[0]?.comparison).toEqual(comparison);
  });
});

describe("--json", () => {
  it.each([["run", "metronome"], ["compare", "metronome"], ["start"], ["list"]])(
    "of %s is one line of JSON and the same bytes again",
    async (...args) => {
      const first = await cli(...args, "--json");
      expect(first.out.split("\n")).toHaveLength(2);
      expect(() => JSON.parse(first.out)).not.toThrow();
      expect(await cli(...args, "--json")).toEqual(first);
    },
  );
});

describe("help", () => {
  const escapeCharacter = String.fromCharCode(27);

  it.each([
    [[]],
    [["--help"]],
    [["list", "--help"]],
    [["run", "--help"]],
    [["run", "metronome", "--help"]],
    [["compare", "--help"]],
    [["report", "--help"]],
    [["start", "--help"]],
    [["conform", "--help"]],
    [["calc"]],
    [["calc", "--help"]],
    [["calc", "mult-shift", "--help"]],
    [["calc", "tsc-scale", "--help"]],
    [["calc", "pvclock", "--help"]],
    [["calc", "drift", "--help"]],
    [["calc", "migrate", "--help"]],
  ])("of %j goes to standard output, fits 80 columns, and shows two examples", async (args) => {
    const { code, out, err } = await cli(...args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(out.split("\nExamples:\n")[1]?.match(/^ {2}chronovisor /gm)).toHaveLength(2);
    expect(out).not.toContain(escapeCharacter);
  });

  it("of a scenario lists its parameters with defaults, ranges and units", async () => {
    const { out } = await cli("run", "metronome", "--help");
    expect(out).toContain("duration=10s   how long it beats (1ms to 10d) [ns]");
    expect(out).toContain("mood=calm      broken: one expectation fails (calm, broken)");
    expect(out).toContain("periodicAdvance");
  });

  it("prints the version of the package", async () => {
    expect((await cli("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

it("start prints every screen, a line for each scenario, and where the report is", async () => {
  const directory = await mkdtemp(join(tmpdir(), "chronovisor-start-"));
  try {
    const { code, out } = await cli("start", "--out", directory);
    expect(code).toBe(0);
    expect(out.startsWith("metronome\n")).toBe(true);
    expect(out.split("\n").slice(-4)).toEqual([
      "  ✓ metronome: v4.16 drifts; v4.17 keeps time",
      "",
      `  report  ${join(directory, "index.html")}`,
      "",
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

it("list names every scenario", async () => {
  const { code, out } = await cli("list");
  expect(code).toBe(0);
  expect(out).toContain("metronome\n  A metronome that drifts (d8f2f498d9ed · fixed in v4.17)");
});
