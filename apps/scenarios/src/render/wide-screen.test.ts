import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { formatQuantity } from "../units/format-quantity.js";
import type { Column } from "./column.js";
import {
  hostColumns,
  hostScenario,
  mitigationColumns,
  mitigationScenario,
} from "./fixtures/wide-comparisons.js";
import { renderScreen, type ScreenScenario } from "./screen.js";
import { colourStyle, plainStyle, type Style } from "./style.js";

function screen(
  scenario: ScreenScenario,
  columns: readonly Column[],
  width = 80,
  style: Style = plainStyle,
): string {
  return renderScreen(scenario, columns, { width, style, lengthNs: 10_000_000_000n });
}

/** The sections of a screen, without the indent. */
function sections(text: string): readonly string[] {
  return text
    .trimEnd()
    .split("\n\n")
    .map((section) => section.replaceAll(/^ {2}/gm, ""));
}

const block = (...lines: readonly string[]): string => lines.join("\n");

describe("eight columns in 80", () => {
  const [, ran, upper, lower, plot, expectations, verdicts] = sections(
    screen(mitigationScenario, mitigationColumns),
  );

  it("name the release they share once, and each value of the behaviour with its column", () => {
    expect(ran).toBe(
      block(
        "kernel    v6.19",
        "differ in mitigation: none (M0), raw-clock (M1), scale-at-arm (M2),",
        "          scale-and-restart (M3), re-check (M4), map-each-tick (M5),",
        "          hardware-timer (M6), scale-restart-and-re-check (M7)",
        "run       8 × 10 s simulated, seed 1",
      ),
    );
  });

  it("are set in two groups, marked against the first column of all", () => {
    expect(upper).toBe(
      block(
        "                                        M0  M1 raw      M2 rate-          M3",
        "                             uncompensated   clock   compensated   restarted",
        "expiry against its deadline        −638 µs    0 ns*    +4.002 ms*  +1.999 µs*",
        "furthest from it                    638 µs    0 ns*     4.002 ms*   1.999 µs*",
        "times armed again                        0       0             0         320*",
        "guest woken too early                  yes      no*           no*         no*",
        "rate left uncorrected             +500 ppm   0 ppb*     −149 ppb*      0 ppb*",
        "found early by the re-check              –       –             –           –",
      ),
    );
    expect(lower).toBe(
      block(
        "                                     M4       M5            M6         M7",
        "                             re-checked   mapped   multiplexed   combined",
        "expiry against its deadline  +640.32 µs*    0 ns*         0 ns*     +2 ns*",
        "furthest from it              640.32 µs*    0 ns*         0 ns*      2 ns*",
        "times armed again                     2*       0             0          3*",
        "guest woken too early                no*      no*           no*        no*",
        "rate left uncorrected             0 ppb*   0 ppb*        0 ppb*     0 ppb*",
        "found early by the re-check      638 µs*       –             –       2 ns*",
        "* not as M0 uncompensated",
      ),
    );
  });

  it("have one curve for those that fall together, and their keys where they end", () => {
    expect(plot).toBe(
      block(
        "expiry against its deadline (ms)",
        "⠒⠒⠒⠒ M0 uncompensated",
        "⠒ ⠒  M1 raw clock, M3 restarted, M5 mapped, M6 multiplexed, M7 combined",
        "⠂ ⠂  M2 rate-compensated   ⠒⠒ ⠒ M4 re-checked",
        "4 ┤                                                ⡀ ⡀ ⠄ ⠂ ⠁ M2",
        "  │                                      ⡀ ⡀ ⠄ ⠂ ⠁",
        "  │                              ⡀ ⠄ ⠂ ⠂",
        "2 ┤                    ⡀ ⠄ ⠂ ⠁ ⠁",
        "  │          ⡀ ⠄ ⠂ ⠂ ⠁",
        "0 ┤⣀⣀⣀⣀⣄ ⣂⣀⣁⣀⣀ ⣤⠤⣀⠤⣤ ⣤⠤⣀⠤⣤ ⣤⠤⣀⠒⣒ ⣒⠒⣀⠒⣒ ⣒⠒⣀⠒⣒ ⣉⠉⣀⠉⣉ ⣉⠉⣀⠉⣉ ⣉⠉⣀ M1,M3,M5,M6,M7 M4",
        "  │   ⠈⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠑⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠢⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⢄⣀⣀⣀⣀⣀⣀⣀⣀ M0",
        "  └┬───────────────────────────┬───────────────────────────┬",
        "   0                          5 s                       10 s",
      ),
    );
  });

  it("have a mark each beside every expectation", () => {
    expect(expectations).toBe(
      block(
        "20 of 21 expectations held, 3 not applicable",
        "M0  M1  M2  M3  M4  M5  M6  M7",
        "✓   ✓   ✓   ✓   ✓   ✓   ✓   ✓   every deadline is answered once",
        "                                a reason that says in a line or two why this",
        "                                must be so, with its formula",
        "✓   –   ✗   ✓   ✓   –   –   ✓   a rate that changes while a timer is armed",
        "                                moves its expiry by no more than one update",
        "                                period",
        "                                M2 rate-compensated: not held, expected at",
        "                                most 2 µs, got 4.002 ms",
        "                                a reason that says in a line or two why this",
        "                                must be so, with its formula",
        "✓   ✓   ✓   ✓   ✓   ✓   ✓   ✓   the guest reads a TSC past its deadline",
        "                                a reason that says in a line or two why this",
        "                                must be so, with its formula",
        "– not applicable: stated for other parameters or behaviours",
      ),
    );
  });

  it("are called by their labels in the verdicts", () => {
    expect(verdicts).toBe(
      block(
        "verdict   M0 uncompensated expires at −638 µs",
        "          M1 raw clock expires at 0 ns",
        "          M2 rate-compensated expires at +4.002 ms",
        "          M3 restarted expires at +1.999 µs",
        "          M4 re-checked expires at +640.32 µs",
        "          M5 mapped expires at 0 ns",
        "          M6 multiplexed expires at 0 ns",
        "          M7 combined expires at +2 ns",
      ),
    );
  });
});

describe("four columns with a distribution in 80", () => {
  const [, ran, table, bars, quantiles] = sections(screen(hostScenario, hostColumns));

  it("fit beside each other, each label over its release", () => {
    expect(ran).toBe(
      block(
        "differ in timerPlacement: unpinned (era0), pinned (era1), kicked (era2),",
        "          posted (era3)",
        "run       4 × 10 s simulated, seed 1",
      ),
    );
    expect(table).toBe(
      block(
        "                                   era0      era1       era2       era3",
        "                               unpinned    pinned     kicked     posted",
        "                                  v4.15     v4.17       v5.3       v5.8",
        "timers armed                     10 000    10 000     10 000     10 000",
        "expired on another CPU            2 500         0*     2 500      2 500",
        "longest from expiry to guest  999.97 ms  2.599 µs*  6.499 µs*  2.599 µs*",
        "* not as era0 unpinned",
      ),
    );
  });

  it("have their bars on one scale, bucket beside bucket", () => {
    expect(bars).toBe(
      block(
        "from expiry to the guest, 10 000 samples each",
        "                era0 unpinned  era1 pinned     era2 kicked    era3 posted",
        " 200 to 500 ns                                                  987 ▉",
        "500 ns to 1 µs                                                1 513 █▍",
        "     1 to 2 µs  1 021 █        1 374 █▎        1 021 █        1 021 █",
        "     2 to 5 µs  6 479 ██████   8 626 ████████  7 466 ██████▉  6 479 ██████",
        "    5 to 10 µs                                 1 513 █▍",
        "             …",
        " 100 to 200 µs      1 ▏",
        " 200 to 500 µs",
        "500 µs to 1 ms      2 ▏",
        "     1 to 2 ms      2 ▏",
        "     2 to 5 ms     13 ▏",
        "    5 to 10 ms      9 ▏",
        "   10 to 20 ms     25 ▏",
        "   20 to 50 ms     79 ▏",
        "  50 to 100 ms    125 ▏",
        " 100 to 200 ms    231 ▎",
        " 200 to 500 ms    744 ▊",
        " 500 ms to 1 s  1 269 █▏",
      ),
    );
    expect(quantiles).toBe(
      block(
        "                  min      p50      p90      p99    p99.9     max     mean",
        "era0 unpinned  1.9 µs  2.37 µs   597 ms   962 ms   997 ms     1 s   126 ms",
        "era1 pinned    1.9 µs  2.25 µs  2.53 µs  2.59 µs   2.6 µs  2.6 µs  2.25 µs",
        "era2 kicked    1.9 µs  2.37 µs  5.49 µs   6.4 µs  6.49 µs  6.5 µs     3 µs",
        "era3 posted    300 ns  2.14 µs  2.51 µs  2.59 µs   2.6 µs  2.6 µs  1.83 µs",
      ),
    );
  });
});

describe.each([
  ["eight mitigations", mitigationScenario, mitigationColumns],
  ["four hosts", hostScenario, hostColumns],
  ["two mitigations", mitigationScenario, mitigationColumns.slice(0, 2)],
  ["one host", hostScenario, hostColumns.slice(0, 1)],
] as const)("a screen of %s", (_title, scenario, columns) => {
  it.each([40, 60, 80, 100, 120, 140, 200])(
    "keeps within %i columns and has every value of every column on it",
    (width) => {
      const text = screen(scenario, columns, width);
      expect(text.split("\n").filter((line) => line.length > width)).toEqual([]);
      const shown = columns.flatMap(({ result }) =>
        Object.entries(result.observations).map(([name, quantity]) =>
          quantity === undefined
            ? "–"
            : formatQuantity(quantity.value, quantity.unit, {
                signs: scenario.observe[name]?.signed ? "both" : "minus",
              }),
        ),
      );
      expect(shown.filter((value) => !text.includes(value))).toEqual([]);
    },
  );

  it.each([40, 80, 200])("says the same at %i columns with colour as without", (width) => {
    const coloured = screen(scenario, columns, width, colourStyle);
    expect(coloured).not.toBe(screen(scenario, columns, width));
    expect(stripVTControlCharacters(coloured)).toBe(screen(scenario, columns, width));
  });
});

describe("where not even two columns fit", () => {
  it("each observation has its values below it, and the labels their release unless it is said already", () => {
    const [, , stacked] = sections(screen(hostScenario, hostColumns.slice(0, 2), 40));
    expect(stacked).toBe(
      block(
        "timers armed",
        "  era0 unpinned v4.15  10 000",
        "  era1 pinned v4.17    10 000",
        "expired on another CPU",
        "  era0 unpinned v4.15  2 500",
        "  era1 pinned v4.17        0*",
        "longest from expiry to guest",
        "  era0 unpinned v4.15  999.97 ms",
        "  era1 pinned v4.17     2.599 µs*",
        "* not as era0 unpinned v4.15",
      ),
    );
    const [, , many = ""] = sections(screen(mitigationScenario, mitigationColumns, 40));
    expect(many.split("\n").slice(0, 4)).toEqual([
      "expiry against its deadline",
      "  M0 uncompensated        −638 µs",
      "  M1 raw clock               0 ns*",
      "  M2 rate-compensated   +4.002 ms*",
    ]);
  });
});

describe("at 200 columns", () => {
  it("eight columns are side by side with their labels in one line", () => {
    const [, , table = ""] = sections(screen(mitigationScenario, mitigationColumns, 200));
    expect(table.split("\n")).toHaveLength(8);
    expect(table).toMatch(/^ +M0 uncompensated +M1 raw clock +M2 rate-compensated .* M7 combined\n/);
  });
});

describe("columns named by their kernels", () => {
  /** The first mitigations as if their kernels had been named on the command line, with overrides too long for a head. */
  const named = mitigationColumns.slice(0, 4).map(({ result }): Column => ({ label: result.kernel, result }));
  const text = screen(mitigationScenario, named);

  it("are told apart by letters where their overrides alone differ, and spelled out once", () => {
    const [, ran] = sections(text);
    expect(ran).toBe(
      block(
        "kernel    v6.19 (b): v6.19 + mitigation=raw-clock",
        "          v6.19 (c): v6.19 + mitigation=scale-at-arm",
        "          v6.19 (d): v6.19 + mitigation=scale-and-restart",
        "differ in mitigation: none (v6.19), raw-clock (v6.19 (b)), scale-at-arm",
        "          (v6.19 (c)), scale-and-restart (v6.19 (d))",
        "run       4 × 10 s simulated, seed 1",
      ),
    );
  });

  it("have letters for keys", () => {
    expect(text).toContain("⠒⠒⠒⠒ a: v6.19   ⠒ ⠒  b: v6.19 (b), d: v6.19 (d)   ⠂ ⠂  c: v6.19 (c)");
    expect(text).toMatch(/ b,d$/m);
    expect(text).toContain(
      block(
        "  a: v6.19, b: v6.19 (b), c: v6.19 (c), d: v6.19 (d)",
        "  a  b  c  d",
        "  ✓  ✓  ✓  ✓  every deadline is answered once",
      ),
    );
  });

  it("say an override of all of them once", () => {
    const all = named.map(({ label, result }): Column => {
      const kernel = label.includes("+")
        ? label.replace(" + ", " + tdcr=immediate + ")
        : `${label} + tdcr=immediate`;
      return { label: kernel, result: { ...result, kernel } };
    });
    expect(sections(screen(mitigationScenario, all))[1]?.split("\n").slice(0, 2)).toEqual([
      "kernel    every column with tdcr=immediate",
      "          v6.19 (b): v6.19 + tdcr=immediate + mitigation=raw-clock",
    ]);
  });
});
