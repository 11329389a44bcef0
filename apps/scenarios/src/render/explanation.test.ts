import { describe, expect, it } from "vitest";
import type { Explanation } from "../explain/explain.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { renderExplanation } from "./explanation.js";
import { plainStyle } from "./style.js";

const scenario = {
  title: "A clock that is off",
  observe: { off: { unit: "ns", title: "how far it is off" } },
} as unknown as ScenarioDefinition;

const explanation: Explanation = {
  scenario: "off",
  kernel: "v6.8",
  observation: "off",
  unit: "ns",
  total: 2_001_000n,
  shares: [
    { term: { name: "rate", title: "its rate", ideal: {} }, share: 4_000_000n, alone: 4_000_000n },
    {
      term: {
        name: "floor",
        title: "a floor that is explained in more words than fit beside the numbers",
        ideal: {},
      },
      share: -2_000_000n,
      alone: 0n,
    },
  ],
  rest: 1_000n,
  restTitle: "a microsecond",
  overNs: undefined,
};

const printed = (given: Explanation, width = 60): string =>
  renderExplanation(scenario, given, plainStyle, width);

describe("renderExplanation", () => {
  it("has shares that sum as they are written, and a bar for each, hollow where it is against the others", () => {
    expect(printed(explanation)).toBe(`
  A clock that is off
  What “how far it is off” is made of on v6.8: each cause
  taken away after those above it.

  share, ms  alone, ms
     +4.000     +4.000  its rate
                        ████████████████████████
     −2.000      0.000  a floor that is explained in more
                        words than fit beside the numbers
                        ░░░░░░░░░░░░
     +0.001             left: a microsecond
     +2.001             in all: how far it is off

  The shares and what is left sum to the total. Alone: what
  changes if nothing else is taken away; causes that need
  each other differ there.
`);
  });

  it("has the shares of a drift as rates too", () => {
    const text = printed({ ...explanation, overNs: 10_000_000_000_000n });
    expect(text).toContain(
      "  share, ms     as a rate  alone, ms\n     +4.000  +400.000 ppb     +4.000  its rate\n",
    );
    expect(text).toContain("     +2.001  +200.100 ppb             in all: how far");
  });

  it.each([40, 60, 80, 120])("keeps within %i columns", (width) => {
    expect(
      printed(explanation, width)
        .split("\n")
        .filter((line) => line.length > width),
    ).toEqual([]);
  });
});
