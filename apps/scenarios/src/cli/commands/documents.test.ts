import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordingContext } from "../fixtures/metronome.js";
import { main } from "../main.js";

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, out, err } = recordingContext();
  const code = await main(args, context);
  return { code, out: out(), err: err() };
}

const examples = fileURLToPath(new URL("../../../../../examples/documents/", import.meta.url));
const files = readdirSync(examples)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => join(examples, name));

const TICKING = `chronovisor: 1
kernel: v4.17
host: { ntp: -200ppm, eventDevice: ideal }
vms: [{ vcpus: [{ program: periodic-timer }] }]
duration: 12s
observe: { lost: { quantity: ticks-lost } }
expect: [lost == 0]
`;

let directory = "";
let ticking = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "chronovisor-documents-"));
  ticking = join(directory, "ticking.yaml");
  await writeFile(ticking, TICKING);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("the documents among the examples", () => {
  it("hold what they expect", async () => {
    expect(files.length).toBeGreaterThanOrEqual(3);
    const { code, out, err } = await cli("test", ...files, "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { passed, failed, documents } = JSON.parse(out) as {
      passed: number;
      failed: number;
      documents: readonly { expectations: readonly unknown[] }[];
    };
    expect([failed, documents.length]).toEqual([0, files.length]);
    for (const { expectations } of documents) expect(expectations.length).toBeGreaterThan(0);
    expect(passed).toBeGreaterThanOrEqual(8);
  }, 60_000);
});

describe("a document of a machine, by its path", () => {
  it("is run on its own kernel", async () => {
    const { code, out } = await cli("run", ticking, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      scenario: "ticking.yaml",
      kernel: "v4.17",
      observations: { lost: { value: "0", unit: "count" } },
      expectations: [{ text: "lost == 0", held: true }],
    });
    expect((await cli("run", ticking, "--json")).out).toBe(out);
  });

  it("is compared on kernels that are named, and exits 1 where one breaks what it expects", async () => {
    const { code, out } = await cli("compare", ticking, "--kernels", "v4.16,v4.17", "--json");
    expect(code).toBe(1);
    const { columns } = JSON.parse(out) as {
      columns: readonly { kernel: string; expectations: readonly { held: boolean }[] }[];
    };
    expect(columns.map(({ kernel, expectations: [one] }) => [kernel, one?.held])).toEqual([
      ["v4.16", false],
      ["v4.17", true],
    ]);
  });

  it("is bisected to the commit that mends it", async () => {
    const { code, out } = await cli("bisect", ticking, "--bad", "v4.16", "--good", "v4.17", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      scenario: "ticking.yaml",
      observe: "lost",
      commit: "d8f2f498d9ed",
      axis: "periodicAdvance",
      after: { value: "0", unit: "count" },
    });
  });

  it.each([
    ["run", "--kernel", "v4.16"],
    ["run", "--variant", "before"],
    ["run", "--set", "tdcr=immediate"],
    ["compare", "--seed", "3"],
    ["bisect", "--duration", "1s"],
  ])("is %s as it is written: %s is refused", async (command, option, value) => {
    expect(await cli(command, ticking, option, value)).toEqual({
      code: 2,
      out: "",
      err: `chronovisor: ${option}: a document is run as it is written; change it there\n`,
    });
  });

  it("is refused in one line with its place", async () => {
    const file = join(directory, "wrong.yaml");
    await writeFile(file, TICKING.replace("duration: 12s", "duration: 12GHz"));
    for (const command of ["run", "compare", "bisect", "test"]) {
      expect(await cli(command, file)).toEqual({
        code: 2,
        out: "",
        err: `chronovisor: ${file}:5:11: duration: expected a time such as 10m, 1h or 250us, got "12GHz"\n`,
      });
    }
  });
});
