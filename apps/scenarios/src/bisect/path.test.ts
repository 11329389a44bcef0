import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RELEASES } from "../kernels/axes.js";
import { parseKernel } from "../kernels/kernels.js";
import { isOlder, kernelAlong, pathBetween } from "./path.js";

const commits = (from: string, to: string): readonly (string | undefined)[] =>
  pathBetween(parseKernel(from), parseKernel(to)).map(({ commit }) => commit);

describe("pathBetween", () => {
  it("takes a release's commits in their order", () => {
    expect(commits("v4.16", "v4.17")).toEqual(["ecf08dad723d", "d8f2f498d9ed"]);
    expect(commits("v6.18", "v6.19").slice(0, 3)).toEqual(["0ea9494be9c9", "9633f180ce99", "18ab3fc8e880"]);
  });

  it("takes them back in the opposite order", () => {
    expect(commits("v4.17", "v4.16")).toEqual(["d8f2f498d9ed", "ecf08dad723d"]);
  });

  it("takes what a stable series received, and nothing else", () => {
    expect(commits("v6.12.63", "v6.12.64")).toEqual(["0ea9494be9c9", "9633f180ce99", "18ab3fc8e880"]);
    expect(commits("v6.12.64", "v6.12.116")).toEqual([]);
  });

  it("goes through every value of an axis that changed twice", () => {
    const placement = pathBetween(parseKernel("v4.5"), parseKernel("v5.3"))
      .flatMap(({ moves }) => moves)
      .filter(({ axis }) => axis === "timerPlacement");
    expect(placement.map(({ to }) => to)).toEqual(["pinned", "unpinned-kick"]);
  });

  it("puts what no release has last", () => {
    const steps = pathBetween(parseKernel("v6.8"), parseKernel("v6.9 + guestKhz=hz"));
    expect(steps.map(({ commit, release }) => [commit, release])).toEqual([
      ["451a707813ae", "v6.9"],
      [undefined, undefined],
    ]);
  });

  it("leads from any release to any other", () => {
    const release = fc.constantFrom(...RELEASES);
    fc.assert(
      fc.property(release, release, (a, b) => {
        const [from, to] = [parseKernel(a), parseKernel(b)];
        const steps = pathBetween(from, to);
        expect(kernelAlong(from, steps, steps.length).axes).toEqual(to.axes);
        expect(kernelAlong(from, steps, 0)).toEqual(from);
      }),
    );
  });
});

describe("isOlder", () => {
  it("goes by release, then by what is overridden", () => {
    expect(isOlder(parseKernel("v4.20"), parseKernel("v5.0"))).toBe(true);
    expect(isOlder(parseKernel("v5.0"), parseKernel("v4.20"))).toBe(false);
    expect(isOlder(parseKernel("v7.0"), parseKernel("v7.0 + deadlineClock=raw"))).toBe(true);
    expect(isOlder(parseKernel("v7.0 + deadlineClock=raw"), parseKernel("v7.0"))).toBe(false);
  });

  it.each([
    ["v6.12.63", "v6.12.64"],
    ["v6.12.9", "v6.12.64"],
    ["v6.12", "v6.12.1"],
    ["v6.12.117", "v6.13"],
    ["v7.3", "v9.1"],
    ["v4.20", "v4.21"],
  ])("takes %s for older than %s", (a, b) => {
    expect([isOlder(parseKernel(a), parseKernel(b)), isOlder(parseKernel(b), parseKernel(a))]).toEqual([
      true,
      false,
    ]);
  });
});
