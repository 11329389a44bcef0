import { describe, expect, it } from "vitest";
import { AXES } from "../kernels/axes.js";
import { CHANGES } from "../kernels/changes.js";
import { axisNames, axisValues } from "../kernels/kernels.js";
import { PROPOSED, RECORDED } from "../kernels/recorded.js";
import { kernelTableToJson, renderKernelTable } from "./kernel-table.js";
import { plainStyle } from "./style.js";

const screen = (names: readonly string[] = axisNames, width = 80): string =>
  renderKernelTable(names, plainStyle, width);
const blockOf = (text: string, heading: string): string =>
  text.split("\n\n").find((block) => block.startsWith(heading)) ?? "";

describe("renderKernelTable", () => {
  it.each([60, 80, 100])("keeps to %i columns", (width) => {
    const lines = screen(axisNames, width).split("\n");
    expect(lines.filter((line) => line.length > width)).toEqual([]);
  });

  it("has a block per release that changed something, with its commits and the stable releases that have them", () => {
    const text = screen();
    for (const { since, commit = "(no commit)", axis, from, value } of CHANGES) {
      const block = blockOf(text, `${since}\n`).replace(/\s+/g, " ");
      expect(block).toContain(commit);
      expect(block).toContain(`${axis}: ${from} → ${value}`);
    }
    expect(blockOf(text, "v6.19\n").replace(/\s+/g, " ")).toContain(
      "also in v5.10.248 (from memory), v5.15.198, v6.1.192 (or before), v6.6.120, v6.12.64, v6.18.3",
    );
  });

  it("puts what no release has of itself under its kind", () => {
    const text = screen();
    expect(blockOf(text, "Proposed and not merged")).toContain("  guestKhz=hz\n");
    expect(blockOf(text, "Options of releases")).toContain("timerPlacement=posted  since v5.3, 0c5f81dad46c");
    expect(blockOf(text, "Of Intel's manual")).toContain("  maskedTimer=sdm\n");
    expect(blockOf(text, "Parts of fixes and mistakes")).toContain("  periodicAdvance=resync-signed\n");
    expect(blockOf(text, "Seen on a running kernel")).toContain("  systemTimeWrite=clears-stable\n");
    for (const { release } of RECORDED)
      expect(blockOf(text, "Part of the history")).toContain(`  ${release}`);
    for (const { name = "(no name)" } of PROPOSED) {
      expect(blockOf(text, "Proposed, not merged, and no axis")).toContain(`  ${name}\n`);
    }
  });

  it("prints of some axes only what concerns them", () => {
    const text = screen(["eventDevice"]);
    expect(text.split("\n\n").map((block) => block.split("\n")[0])).toEqual([
      "v4.5, where the table begins",
      "v7.1",
    ]);
    expect(text).toContain("eventDevice (the machine): ");
    expect(screen(["runstate"])).toContain("    no story turns on it\n");
  });
});

describe("kernelTableToJson", () => {
  it("has every axis with its values, where they come from, and each change and alternative with its own", () => {
    const table = JSON.parse(JSON.stringify(kernelTableToJson(axisNames)));
    expect(table.axes.map(({ name }: { name: string }) => name)).toEqual(axisNames);
    for (const { name, values, packages, source } of table.axes) {
      expect([name, values]).toEqual([name, axisValues(name)]);
      expect(packages.length).toBeGreaterThan(0);
      expect(source).toMatch(/^docs\/model\//);
    }
    for (const change of table.changes)
      expect([change.effect, change.source]).toEqual([
        expect.stringMatching(/./),
        expect.stringMatching(/./),
      ]);
    const alternatives = AXES.flatMap((axis) => Object.keys(axis.alternatives ?? {}));
    expect(table.alternatives.map(({ value }: { value: string }) => value)).toEqual(alternatives);
    for (const { kind, merged } of table.alternatives) expect(merged).toBe(kind === "option");
  });
});
