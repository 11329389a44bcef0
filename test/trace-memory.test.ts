import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Measured, measure, STREAMS } from "./trace-memory/measure.ts";
import { root } from "./workspace.ts";

const MILLION = 1_000_000;
/** All formats take a minute, and ten million events as long again. */
const isLong = process.env.CHRONOVISOR_LONG === "1";
/**
 * What the heap in use may grow by over 19 of 20 parts of a run. After a collection it wanders by up to 310 KB (code that V8
 * compiles as it goes, pieces of text that are under way), while one byte kept of each event would be 950 KB of a million.
 */
const TOLERANCE = 768 * 1_024;
/** The least that any format writes of an event. */
const LEAST_WRITTEN: Readonly<Record<string, number>> = { "csv-series": 0.1 };

describe("a run of a million events and more, in a process of its own", () => {
  let directory = "";
  let child = "";

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "trace-memory-"));
    child = join(directory, "child.mjs");
    await build({
      stdin: {
        contents: `import { ${measure.name} as measure } from "./measure.ts";
          const [, , stream, events] = process.argv;
          process.stdout.write(JSON.stringify(measure(stream, Number(events))));`,
        resolveDir: join(root, "test", "trace-memory"),
      },
      outfile: child,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "es2022",
      conditions: ["@chronovisor/source"],
    });
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function measured(stream: string, events: number): Promise<Measured> {
    const args = ["--expose-gc", child, stream, String(events)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout);
  }

  it.concurrent.each(isLong ? Object.keys(STREAMS) : ["perfetto"])(
    "leaves nothing of its events in memory: %s",
    async (stream) => {
      const events = isLong && stream === "perfetto" ? 10 * MILLION : MILLION;
      const { written, readBack, early, most } = await measured(stream, events);
      expect(written).toBeGreaterThan(events * (LEAST_WRITTEN[stream] ?? 5));
      if (stream.endsWith("read back")) expect(readBack).toBeGreaterThan(events / 2);
      expect(most - early).toBeLessThan(TOLERANCE);
    },
    300_000,
  );
});
