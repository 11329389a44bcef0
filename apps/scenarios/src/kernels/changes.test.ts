import { describe, expect, it } from "vitest";
import { AXES, RELEASES } from "./axes.js";
import { CHANGES, COMMITS } from "./changes.js";

describe("CHANGES", () => {
  it("come in the order of their releases, each from the value before", () => {
    const at = CHANGES.map(({ since }) => RELEASES.indexOf(since));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    for (const { name, history } of AXES) {
      const mine = CHANGES.filter(({ axis }) => axis === name);
      expect(mine.map(({ value }) => value)).toEqual(history.slice(1).map(({ value }) => value));
      expect(mine.map(({ from }) => from)).toEqual(history.slice(0, -1).map(({ value }) => value));
    }
  });

  it("say how each is known", () => {
    expect(CHANGES.filter(({ known }) => known === undefined)).toEqual([]);
  });

  it("name the series of mainline releases only, each once", () => {
    for (const { stable = [], since } of CHANGES) {
      const series = stable.map((backport) => backport.series);
      expect(new Set(series).size).toBe(series.length);
      for (const each of series) expect(RELEASES.indexOf(each)).toBeLessThan(RELEASES.indexOf(since));
    }
  });
});

describe("COMMITS", () => {
  it("keep the clamp of v6.19 behind the two it needs", () => {
    const release = COMMITS.filter((commit) => commit.release === "v6.19").map(({ id }) => id);
    expect(release).toEqual(["0ea9494be9c9", "9633f180ce99", "18ab3fc8e880", "43ddbf16edf5", "446fcce2a52b"]);
  });

  it("make one of what one commit changed in several axes", () => {
    const xen = COMMITS.find(({ id }) => id === "536395260582");
    expect(xen?.changes.map(({ axis }) => axis)).toEqual(["xenStart", "xenFutureFlag", "xenDelivery"]);
    expect(COMMITS.flatMap(({ changes }) => changes)).toHaveLength(CHANGES.length);
  });
});
