import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import { meets, parseConditions } from "./condition.js";
import type { ObservationSpec, Quantity } from "./types.js";

const observe: Readonly<Record<string, ObservationSpec>> = {
  late: { unit: "ns", title: "late by" },
  lost: { unit: "count", title: "lost" },
  stuck: { unit: "flag", title: "stuck" },
  line: { unit: "name", title: "line" },
};
const seen: Readonly<Record<string, Quantity | undefined>> = {
  late: { value: -3_243n, unit: "ns" },
  lost: { value: 0n, unit: "count" },
  stuck: { value: true, unit: "flag" },
  line: { value: "103243/100000 (3.2430%)", unit: "name" },
};
const holds = (text: string): boolean => parseConditions(text, observe).every((each) => meets(each, seen));

describe("conditions", () => {
  it.each([
    ["late < 0", true],
    ["late <= -3.243us", true],
    ["late >= -3.243us", true],
    ["late > -3243ns", false],
    ["late == -3243", true],
    ["late != -3243", false],
    ["lost==0 && late<1ms", true],
    ["lost == 0 && late > 0", false],
    ["stuck == yes", true],
    ["stuck != yes", false],
    ["line == 103243/100000 (3.2430%)", true],
    ["line != 100000/100000 (0.0000%)", true],
  ])("%s: %s", (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it("hold of nothing that was not measured, but that it is not equal", () => {
    const [equal, unequal] = parseConditions("late == 1 && late != 1", observe);
    if (equal === undefined || unequal === undefined) throw new Error("expected two conditions");
    expect([meets(equal, { late: undefined }), meets(unequal, { late: undefined })]).toEqual([false, true]);
  });

  it.each([
    ["", 'expected an observation, one of <= >= == != < >, and a value, got ""'],
    ["late", 'expected an observation, one of <= >= == != < >, and a value, got "late"'],
    ["late = 3", 'expected an observation, one of <= >= == != < >, and a value, got "late = 3"'],
    ["lat < 3", 'expected an observation (late, lost, stuck, line), got "lat" (did you mean late?)'],
    ["late < 3GHz", 'expected a time such as 10m, 1h or 250us, got "3GHz"'],
    ["stuck < yes", 'expected == or != for stuck, which is no number, got "stuck < yes"'],
    ["stuck == perhaps", 'expected yes or no for stuck, got "perhaps"'],
    ["lost == 0 &&", 'expected an observation, one of <= >= == != < >, and a value, got ""'],
  ])("refuses %j", (text, message) => {
    expect(() => parseConditions(text, observe)).toThrow(new ChronovisorError(message));
  });
});
