import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { metronome, metronomes } from "../cli/fixtures/metronome.js";
import { parseKernel } from "../kernels/kernels.js";
import { type ParamInputs, parseParams } from "../params/parse-params.js";
import { runScenario } from "../scenario/run-scenario.js";
import type { Column } from "./column.js";
import { renderScreen } from "./screen.js";
import { colourStyle, plainStyle, type Style } from "./style.js";

const [scenario] = metronomes;
if (scenario === undefined) throw new Error("expected a scenario");

function column(label: string, kernel: string, inputs: ParamInputs = {}): Column {
  const params = parseParams(metronome.params, inputs);
  const choice = parseKernel(kernel);
  return { label, result: runScenario(metronome, { kernel: choice, params, seed: 7 }) };
}

const before = column("before", "v4.16");
const after = column("after", "v4.17");

function screen(columns: readonly Column[], width = 80, style: Style = plainStyle, wallMs?: number): string {
  return renderScreen(scenario as never, columns, {
    width,
    style,
    lengthNs: 10_000_000_000n,
    ...(wallMs === undefined ? {} : { wallMs }),
  });
}

const lines = (text: string): string[] => text.split("\n");

/** The rest of the line that starts with `label`, a bar between its columns. */
function rowOf(text: string, label: string): string | undefined {
  return lines(text)
    .map((line) => line.trim())
    .find((line) => line.startsWith(label))
    ?.slice(label.length)
    .trim()
    .replace(/ {2,}/g, " | ");
}

describe("the table of observations", () => {
  it("puts runs side by side and marks every cell that is not the first run's", () => {
    const text = screen([before, after]);
    expect(rowOf(text, "beats")).toBe("10 000 | 10 000");
    expect(rowOf(text, "lag at the end")).toBe("500 µs | 0 ns*");
    expect(rowOf(text, "drifts")).toBe("yes | no*");
    expect(rowOf(text, "backend")).toBe("tsc | mono*");
    expect(text).toContain("* not as before v4.16");
    expect(text).not.toContain("not on the screen");
  });

  it("says nothing of differences where there are none", () => {
    expect(screen([before, column("again", "v4.15")])).not.toContain("* not as");
    expect(screen([before])).not.toContain("* not as");
  });

  it("sets more runs than fit in groups, each with the first run to compare with", () => {
    const text = screen([before, after, column("v4.18", "v4.18")], 40);
    expect(text).toContain(
      [
        "                  before   after",
        "                   v4.16   v4.17",
        "  beats           10 000  10 000",
        "  lag at the end  500 µs    0 ns*",
        "  drifts             yes      no*",
        "  backend            tsc    mono*",
        "",
        "                  before   v4.18",
        "                   v4.16   v4.18",
        "  beats           10 000  10 000",
        "  lag at the end  500 µs    0 ns*",
        "  drifts             yes      no*",
        "  backend            tsc    mono*",
        "  * not as before",
      ].join("\n"),
    );
  });
});

describe("what was run", () => {
  it("names what was set, with its default, apart from the rest", () => {
    const text = screen([column("before", "v4.16", { beat: "2ms", players: "3" })]);
    expect(rowOf(text, "set ")).toBe("one beat 2 ms (default 1 ms), players 3 (default 1)");
    expect(rowOf(text, "default")).toBe("duration 10 s, mood calm");
  });

  it("leaves out what is zero by default and stays so", () => {
    expect(screen([before])).not.toContain("advanceNs");
    expect(screen([column("before", "v4.16", { advanceNs: "1us" })])).toContain(
      "advanceNs 1 µs (default 0 ns)",
    );
  });

  it("names the behaviours by which the kernels differ", () => {
    expect(rowOf(screen([before, after]), "differ in")).toBe("periodicAdvance: independent → resync");
    expect(screen([before])).not.toContain("differ in");
  });

  it("names each value once, with the runs that have it, over more than two", () => {
    const text = screen(["v4.16", "v4.17", "v4.18"].map((release) => column(release, release)));
    expect(rowOf(text, "differ in")).toBe("periodicAdvance: independent (v4.16), resync (v4.17, v4.18)");
  });

  it("only counts axes that play no part in the story, unless somebody set them", () => {
    const kernels = [before, after, column("x", "v4.17 + tdcr=at-next-tmict")];
    const options = { width: 80, style: plainStyle, lengthNs: 1n };
    const text = renderScreen({ ...scenario, axes: ["periodicAdvance"] } as never, kernels, options);
    expect(text).toContain(
      [
        "  differ in periodicAdvance: independent (before), resync (after, x)",
        "            tdcr: immediate (before, after), at-next-tmict (x)",
        "            and 1 more that plays no part here",
      ].join("\n"),
    );
  });

  it("spells overrides out where a column has no room for them", () => {
    const overridden = column("x", "v4.17 + tdcr=at-next-tmict");
    expect(screen([before, overridden])).toContain("v4.17 + 1");
    expect(screen([before, overridden])).toContain("x: v4.17 + tdcr=at-next-tmict");
  });

  it("tells what it took only when told", () => {
    expect(rowOf(screen([before]), "run")).toBe("10 s simulated, seed 7");
    expect(rowOf(screen([before, after], 80, plainStyle, 80), "run")).toBe(
      "2 × 10 s simulated in 0.1 s, 250 times real time, seed 7",
    );
  });
});

describe("expectations", () => {
  it("carry a mark for every run and the reason", () => {
    const text = screen([before, after]);
    expect(text).toContain("3 of 3 expectations held, 3 not applicable\n  before  after\n");
    expect(text).toContain("✓       ✓      every beat is heard\n                 nothing loses one\n");
    expect(text).toContain("✓       –      the lag is 50 ns a beat\n");
    expect(text).toContain(
      "–       –      a thousand players march in step\n  – not applicable: stated for other parameters or behaviours\n",
    );
  });

  it("that broke say in words whose, what was expected and what came", () => {
    const text = screen([column("before", "v4.16", { mood: "broken" }), after]);
    expect(text).toContain("✗       ✓      every beat is heard\n");
    expect(text).toContain("before: not held, expected 1 listener, got 10000 beats and none");
    expect(text).toContain("2 of 3 expectations held");
  });
});

describe("the whole screen", () => {
  it.each([40, 60, 80, 120])("keeps within %i columns", (width) => {
    const three = [before, after, column("v6.19 + tdcr=at-next-tmict", "v6.19 + tdcr=at-next-tmict")];
    for (const columns of [[before], [before, after], three]) {
      const wide = lines(screen(columns, width)).filter(
        (line) => line.length > width && !line.includes("https:"),
      );
      expect(wide).toEqual([]);
    }
  });

  it("says the same with colour as without", () => {
    const coloured = screen([before, after], 80, colourStyle);
    expect(coloured).not.toBe(screen([before, after]));
    expect(stripVTControlCharacters(coloured)).toBe(screen([before, after]));
  });

  it("has the story, the verdicts and the sources on it", () => {
    const text = screen([before, after]);
    expect(lines(text)[0]).toBe(`  A metronome that drifts${"d8f2f498d9ed · fixed in v4.17".padStart(55)}`);
    expect(text).toContain("Two deadlines, advanced separately");
    expect(rowOf(text, "verdict")).toBe("v4.16 drifts");
    expect(text).toContain("v4.17 keeps time");
    expect(rowOf(text, "sources")).toBe("d8f2f498d9ed the patch https://example.org/patch");
  });

  it("needs a run", () => {
    expect(() => screen([])).toThrow(RangeError);
  });
});
