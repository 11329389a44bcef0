import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root } from "../workspace.ts";

const cli = join(root, "apps", "scenarios", "dist", "cli.js");

/** A day of a 1 kHz guest is 86.4 million ticks: minutes, so it runs only where time is no matter. */
it.each([
  // 50 ppm of a day are 4.32 s: CLOCK_MONOTONIC has 4 320 ticks fewer due than the TSC.
  ["after", { due: "86395680", seen: "86395680", cb: "86395680", hvExp: "0", largestLag: "50400" }],
  // Deadlines that part by 50 ns a tick are 4.32 s apart at midnight.
  ["before", { due: "86395680" }],
])(
  "a day of periodic-drift %s the fix",
  async (variant, figures) => {
    const args = [cli, "run", "periodic-drift", "--variant", variant, "--duration", "1d", "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
    const { observations, expectations } = JSON.parse(stdout);
    const got = Object.fromEntries(Object.keys(figures).map((name) => [name, observations[name].value]));
    expect(got).toEqual(figures);
    expect(expectations.filter(({ held }: { held: boolean | null }) => held === false)).toEqual([]);
  },
  20 * 60_000,
);
