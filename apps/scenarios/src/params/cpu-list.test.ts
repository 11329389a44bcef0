import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ChronovisorError } from "../errors.js";
import { allowedInput, defaultInput, renderParamHelp } from "../render/param-help.js";
import { renderParams } from "../render/params.js";
import { cpuList } from "./builders.js";
import { formatCpuList, parseCpuList } from "./cpu-list.js";
import { paramMeta } from "./param-meta.js";
import { paramQuantities, parseParams } from "./parse-params.js";

describe("parseCpuList", () => {
  it.each<[string, number[]]>([
    ["none", []],
    ["0", [0]],
    ["0-1", [0, 1]],
    ["1-3,5", [1, 2, 3, 5]],
    ["5,1-3", [1, 2, 3, 5]],
    ["1-3,2-4,3", [1, 2, 3, 4]],
    [" 2 , 7-8 ", [2, 7, 8]],
    ["255", [255]],
    ["10,9", [9, 10]],
  ])("reads %j", (text, cpus) => {
    expect(parseCpuList(text, 255)).toEqual(cpus);
  });

  it.each(["", " ", "3-1", "1-", "-1", "1,,2", "1;2", "a", "1-2-3", "1.5", "0x1", "NONE", "1,none", "1 2"])(
    "refuses %j",
    (text) => {
      expect(() => parseCpuList(text, 255)).toThrow(
        new ChronovisorError(`expected a list of CPUs such as 1-3,5, got "${text}"`),
      );
    },
  );

  it.each<[string, number]>([
    ["256", 255],
    ["0-256", 255],
    ["4", 3],
    ["0-999999999", 255],
  ])("refuses %j where %i is the last CPU", (text, max) => {
    expect(() => parseCpuList(text, max)).toThrow(
      new ChronovisorError(`expected CPUs from 0 to ${max}, got "${text}"`),
    );
  });

  it("gives back any set of CPUs from what formatCpuList prints, and no shorter way to print it", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 255 })), (cpus) => {
        const ascending = [...cpus].sort((x, y) => x - y);
        const text = formatCpuList(ascending);
        expect(parseCpuList(text, 255)).toEqual(ascending);
        const apart = ascending.filter((cpu) => !ascending.includes(cpu - 1)).length;
        expect(text === "none" ? 0 : text.split(",").length).toBe(apart);
      }),
    );
  });
});

describe("a parameter that is a list of CPUs", () => {
  const shape = {
    nohzFull: cpuList({ default: "1-3", max: 7, title: "nohz_full", help: "CPUs without a tick" }),
    isolated: cpuList({ default: "none", help: "CPUs left alone" }),
  };

  it("has values that are numbers in order, and text in a result", () => {
    const values = parseParams(shape, { nohzFull: "5,1-3" });
    expect(values).toEqual({ nohzFull: [1, 2, 3, 5], isolated: [] });
    expect(paramQuantities(shape, values)).toEqual({
      nohzFull: { value: "1-3,5", unit: "name" },
      isolated: { value: "none", unit: "name" },
    });
    expect(parseParams(shape, { isolated: 3 }).isolated).toEqual([3]);
  });

  it.each([
    ["3-1", 'nohzFull: expected a list of CPUs such as 1-3,5, got "3-1"'],
    ["8", 'nohzFull: expected CPUs from 0 to 7, got "8"'],
  ])("refuses %s by its name", (nohzFull, message) => {
    expect(() => parseParams(shape, { nohzFull })).toThrow(new ChronovisorError(message));
  });

  it("is refused at once when its default is no list", () => {
    expect(() => cpuList({ default: "3-1", help: "" })).toThrow(ChronovisorError);
    expect(() => cpuList({ default: "8", max: 7, help: "" })).toThrow(ChronovisorError);
  });

  it("is shown like any other parameter", () => {
    const shown = (inputs: Record<string, string>) =>
      renderParams(shape, paramQuantities(shape, parseParams(shape, inputs)));
    expect(shown({})).toEqual([["params", "nohz_full 1-3"]]);
    // Another way to write the default is the default.
    expect(shown({ nohzFull: "1,2,3" })).toEqual([["params", "nohz_full 1-3"]]);
    expect(shown({ nohzFull: "1", isolated: "0-1" })).toEqual([
      ["set", "nohz_full 1 (default 1-3), isolated 0-1 (default none)"],
    ]);
  });

  it("says in help what it takes", () => {
    expect(renderParamHelp({ nohzFull: shape.nohzFull }, 80)).toEqual([
      "nohzFull=1-3  CPUs without a tick (CPUs from 0 to 7 such as 1-3,5, or none)",
    ]);
    const meta = paramMeta(shape.isolated);
    expect([defaultInput(meta), allowedInput(meta)]).toEqual([
      "none",
      "CPUs from 0 to 255 such as 1-3,5, or none",
    ]);
  });

  it("becomes JSON Schema of what may be written", () => {
    const { properties } = z.toJSONSchema(z.strictObject(shape), { io: "input" });
    expect(properties?.nohzFull).toMatchObject({
      default: "1-3",
      title: "nohz_full",
      description: "CPUs without a tick",
      "x-unit": "cpus",
    });
  });
});
