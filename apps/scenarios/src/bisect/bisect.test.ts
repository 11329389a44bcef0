import { describe, expect, it } from "vitest";
import type { KernelChoice } from "../kernels/kernels.js";
import type { RunResult, ScenarioDefinition } from "../scenario/types.js";
import { type BisectQuestion, bisect } from "./bisect.js";
import { bisectToJson } from "./json.js";

const AXES = ["periodicAdvance", "hrtimerRearm", "period0", "timerPlacement"];

/** A story between v6.18 and v6.19 with one observation, and as much of a definition as a bisection reads. */
const scenario = {
  id: "story",
  axes: AXES,
  headline: "late",
  variants: { before: "v6.18", after: "v6.19" },
  observe: { late: { unit: "ns", title: "late" } },
} as unknown as ScenarioDefinition;

/** Asks of a story whose observation is `late` of the kernel's axes; what was run is in `ran`. */
async function ask(question: Partial<BisectQuestion>, late: (axes: KernelChoice["axes"]) => bigint) {
  const ran: string[] = [];
  const result = await bisect({ scenario, ...question }, async (kernels) => {
    ran.push(...kernels.map(({ name }) => name));
    return kernels.map(
      ({ axes }) => ({ observations: { late: { value: late(axes), unit: "ns" } } }) as unknown as RunResult,
    );
  });
  return { ...bisectToJson(result), ran };
}

const clamp = ({ periodicAdvance }: KernelChoice["axes"]): bigint =>
  periodicAdvance === "resync-clamped" ? 2n : 900n;

describe("bisect", () => {
  it("names the commit inside a release after which the observation is another, with the values on either side", async () => {
    expect(await ask({}, clamp)).toMatchObject({
      commit: "18ab3fc8e880",
      release: "v6.19",
      axis: "periodicAdvance",
      before: { value: "900", unit: "ns" },
      after: { value: "2", unit: "ns" },
      search: "binary",
    });
  });

  it("names the one of several that do it together: what it needs came before", async () => {
    const both = ({ periodicAdvance, hrtimerRearm }: KernelChoice["axes"]): bigint =>
      periodicAdvance === "resync-clamped" && hrtimerRearm === "set-target" ? 2n : 900n;
    expect((await ask({}, both)).commit).toBe("18ab3fc8e880");
  });

  it("tries every kernel once one gives a third value, and names every change", async () => {
    const late = ({ timerPlacement = "" }: KernelChoice["axes"]): bigint =>
      ({ unpinned: 900n, pinned: 2n })[timerPlacement] ?? 3n;
    const { search, changes, ran, points } = await ask({ bad: "v4.5", good: "v7.3" }, late);
    expect([search, changes.map(({ commit }) => commit)]).toEqual([
      "exhaustive",
      ["61abdbe0bcc2", "4d151bf3b89e"],
    ]);
    expect(ran).toHaveLength(points.length);
  });

  it.each([
    [{ good: "v6.19", bad: "v6.18" }],
    [{ good: "v6.18", bad: "v6.19" }],
    [{ good: "v6.12.64", bad: "v6.12.63" }],
    [{ good: "v6.12.63", bad: "v6.12.64" }],
  ])("goes from the older to the newer, whichever is good: %j", async (ends) => {
    const { commit, before, after } = await ask(ends, clamp);
    expect([commit, before?.value, after?.value]).toEqual(["18ab3fc8e880", "900", "2"]);
  });

  it("finds what made a condition hold, and says whether it does on each kernel it ran", async () => {
    const { commit, until, points } = await ask({ until: "late <= 10ns" }, clamp);
    expect([commit, until]).toEqual(["18ab3fc8e880", "late <= 10ns"]);
    expect([points[0]?.holds, points.at(-1)?.holds]).toEqual([false, true]);
  });

  it("names a proposal by its axis, without commit or release", async () => {
    const late = ({ periodicAdvance }: KernelChoice["axes"]): bigint =>
      periodicAdvance === "resync-signed" ? 1n : 2n;
    const ends = { bad: "v6.19", good: "v6.19 + periodicAdvance=resync-signed" };
    expect(await ask(ends, late)).toMatchObject({ commit: null, release: null, axis: "periodicAdvance" });
  });

  it("says so where nothing changed, and runs the ends only", async () => {
    const { ran, ...found } = await ask({}, () => 7n);
    expect(found).toMatchObject({ commit: null, axis: null, before: null, after: null, changes: [] });
    expect(ran).toHaveLength(2);
  });

  it("gives every kernel what is set, and takes no step that would change it", async () => {
    const overrides = new Map([["hrtimerRearm", "set-target"]]);
    const { points, ran } = await ask({ overrides }, clamp);
    expect(points.map(({ axis }) => axis)).toEqual([undefined, "period0", "periodicAdvance"]);
    expect(ran[0]).toBe("v6.18 + hrtimerRearm=set-target");
  });

  it.each([
    [
      { good: "v6.18" },
      "bisect: expected two kernels that differ in what story looks at, got v6.18 and v6.18",
    ],
    [
      { good: "v6.17" },
      "bisect: expected two kernels that differ in what story looks at, got v6.17 and v6.18",
    ],
    [{ observe: "lat" }, 'observe: expected one of late, got "lat" (did you mean late?)'],
    [
      { until: "late < 1ns" },
      'until: expected "late < 1ns" to hold on v6.19, the newer kernel, but it does not',
    ],
    [
      { until: "late > 1ns" },
      'until: expected "late > 1ns" not to hold on v6.18, the older kernel, but it does',
    ],
    [{ until: "late" }, /^until: expected .*, got "late"$/],
    [{ until: "late < 1kHz" }, 'until: expected a time such as 10m, 1h or 250us, got "1kHz"'],
    [{ bad: "v4.4" }, 'kernel: expected v4.5 or newer, got "v4.4"'],
  ])("refuses %j in one line", async (question, message) => {
    await expect(ask(question, clamp)).rejects.toThrow(message);
  });
});
