import { describe, expect, it } from "vitest";
import { axisNames, parseKernel } from "../kernels/kernels.js";
import { scenarios } from "./index.js";

describe.each(scenarios.map((scenario) => [scenario.id, scenario] as const))("%s", (_id, scenario) => {
  it("names kernels and axes of the table, before apart from after", () => {
    const { before, after } = scenario.variants;
    expect(parseKernel(before).axes).not.toEqual(parseKernel(after).axes);
    for (const axis of scenario.axes ?? []) expect(axisNames).toContain(axis);
  });

  it("compares columns that are told apart by their first words", () => {
    const columns = scenario.comparison ?? [];
    for (const { kernel } of columns) expect(() => parseKernel(kernel)).not.toThrow();
    const words = columns.map(({ label }) => label.split(" ")[0]);
    expect(new Set(words).size).toBe(columns.length);
  });

  it("has words for a person: a title, a story of sentences, where it comes from", () => {
    expect(scenario.title).toMatch(/^[A-Z].{9,}[^.]$/);
    expect(scenario.story).toMatch(/^[A-Z].{150,}\.$/);
    expect(scenario.sources.length).toBeGreaterThan(0);
    expect(Object.keys(scenario.observe)).toContain(scenario.headline);
  });
});
