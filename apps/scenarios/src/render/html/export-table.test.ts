import { describe, expect, it } from "vitest";
import { exportTable, type StoryExport } from "./export-table.js";

const run: StoryExport = {
  label: "before",
  kernel: "v4.16",
  stretch: { fromNs: 0n, toNs: 645_030_000n, events: 20_000, ended: "by the window" },
  perfetto: { name: "drift.before.pftrace", bytes: 991_900 },
  log: { name: "drift.before.ftrace.txt", bytes: 1_048_309 },
  series: { name: "a: b<c.csv", bytes: 12 },
  command: "chronovisor export drift",
};

const html = (...exports: readonly StoryExport[]): string =>
  exportTable(exports)
    .map((part) => part?.html ?? "")
    .join("");

describe("the files beside a report", () => {
  it("are links by their size, with what they cover", () => {
    const page = html(run);
    expect(page).toContain("<td>first 645.03 ms</td><td>20 000</td>");
    expect(page).toContain('<a href="./drift.before.pftrace" title="drift.before.pftrace">991.9 kB</a>');
    expect(page).toContain(">1.0 MB</a>");
  });

  it("have names that are nothing but names", () => {
    expect(html(run)).toContain('<a href="./a%3A%20b%3Cc.csv" title="a: b&lt;c.csv">12 bytes</a>');
  });

  it("come with the command for all of a run, where they have not all", () => {
    const whole: StoryExport = { ...run, stretch: { ...run.stretch, ended: "with the run" } };
    expect(html(run)).toContain("<code>chronovisor export drift</code>");
    expect(html(whole)).not.toContain("chronovisor export drift");
    expect(html(whole)).toContain("<td>all 645.03 ms</td>");
  });

  it("may begin later", () => {
    expect(html({ ...run, stretch: { ...run.stretch, fromNs: 1_000_000n } })).toContain("1 ms to 645.03 ms");
  });

  it("are nothing where there are none", () => {
    expect(html()).toBe("");
  });
});
