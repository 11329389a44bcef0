import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ChronovisorError } from "../errors.js";
import type { ParamShape } from "../scenario/types.js";
import { choice, count, onOff, quantity } from "./builders.js";
import { paramMeta } from "./param-meta.js";
import { paramQuantities, parseParams } from "./parse-params.js";

const shape = {
  period: quantity({ unit: "ns", default: "1ms", min: "1us", max: "1s", title: "tick", help: "tick period" }),
  rate: quantity({ unit: "ppb", default: "-50ppm", min: "-500ppm", max: "500ppm", help: "host clock rate" }),
  timers: count({ default: "4", min: "1", max: "1_000", help: "timers armed" }),
  guest: choice(["idle", "busy"], { default: "idle", help: "what the guest does" }),
  advance: onOff({ default: "off", help: "lapic_timer_advance" }),
} satisfies ParamShape;

describe("parseParams", () => {
  it("takes every default when nothing is set", () => {
    const values = parseParams(shape, {});
    expect(values).toEqual({ period: 1_000_000n, rate: -50_000n, timers: 4n, guest: "idle", advance: "off" });
  });

  it("reads text with units, numbers and bigints of the base unit", () => {
    expect(parseParams(shape, { period: "250us" }).period).toBe(250_000n);
    expect(parseParams(shape, { period: 250_000 }).period).toBe(250_000n);
    expect(parseParams(shape, { period: 250_000n }).period).toBe(250_000n);
  });

  it("accepts both ends of a range", () => {
    expect(parseParams(shape, { period: "1us" }).period).toBe(1_000n);
    expect(parseParams(shape, { period: "1s" }).period).toBe(1_000_000_000n);
  });

  it.each<[Record<string, string | number>, string]>([
    [
      { perod: "1ms" },
      'parameter: expected one of period, rate, timers, guest, advance, got "perod" (did you mean period?)',
    ],
    [{ period: "3parsecs" }, 'period: expected a time such as 10m, 1h or 250us, got "3parsecs"'],
    [{ period: "999ns" }, 'period: expected 1us to 1s, got "999ns"'],
    [{ period: "1000000001ns" }, 'period: expected 1us to 1s, got "1000000001ns"'],
    [{ period: "0.5ns" }, "period: 0.5ns is finer than 1 ns"],
    [{ rate: "-501ppm" }, 'rate: expected -500ppm to 500ppm, got "-501ppm"'],
    [{ timers: "0" }, 'timers: expected 1 to 1000, got "0"'],
    [{ guest: "bussy" }, 'guest: expected one of idle, busy, got "bussy" (did you mean busy?)'],
    [{ guest: "sleeping" }, 'guest: expected one of idle, busy, got "sleeping"'],
    [{ advance: "yes" }, 'advance: expected one of on, off, got "yes"'],
    [{ toString: "1" }, 'parameter: expected one of period, rate, timers, guest, advance, got "toString"'],
  ])("refuses %j", (inputs, message) => {
    expect(() => parseParams(shape, inputs)).toThrow(new ChronovisorError(message));
  });

  it("refuses a number that is not whole", () => {
    expect(() => parseParams(shape, { period: 1.5 })).toThrow(ChronovisorError);
  });

  it("calls a parameter what it is told to in an error", () => {
    expect(() => parseParams(shape, { period: "soon" }, (name) => `--${name}`)).toThrow(/^--period: /);
  });
});

describe("a default that follows another parameter", () => {
  const clocks = {
    actual: quantity({
      unit: "Hz",
      default: { sameAs: "khz", times: 1000n },
      min: "1MHz",
      max: "10GHz",
      help: "real frequency",
    }),
    khz: quantity({
      unit: "kHz",
      default: "2.5GHz",
      min: "1kHz",
      max: "10GHz",
      help: "calibrated frequency",
    }),
  };

  it("is that parameter's value times the factor, in the order of the shape", () => {
    const values = parseParams(clocks, { khz: "3GHz" });
    expect(Object.entries(values)).toEqual([
      ["actual", 3_000_000_000n],
      ["khz", 3_000_000n],
    ]);
  });

  it("gives way to a value of its own", () => {
    expect(parseParams(clocks, { actual: "2.4GHz" })).toEqual({ actual: 2_400_000_000n, khz: 2_500_000n });
  });

  it("is held to its range", () => {
    expect(() => parseParams(clocks, { khz: "5kHz" })).toThrow("actual: expected 1MHz to 10GHz");
  });

  it("is optional in JSON Schema", () => {
    const schema = z.toJSONSchema(z.strictObject(clocks), { io: "input" });
    expect(schema.required ?? []).toEqual([]);
    expect(schema.properties?.actual).toMatchObject({ "x-default": { sameAs: "khz", times: "1000" } });
  });

  it("must name a quantity of the shape", () => {
    expect(() => parseParams({ actual: clocks.actual }, {})).toThrow(TypeError);
  });
});

describe("a rate", () => {
  it.each<[string | number | bigint, bigint]>([
    ["-50", -50_000n],
    ["0.5", 500n],
    [" 500 ", 500_000n],
    [-50, -50_000n],
    [50n, 50_000n],
    ["0", 0n],
    ["-50ppb", -50n],
    ["\u221250", -50_000n],
  ])("of %s is in ppm unless it says otherwise", (rate, ppb) => {
    expect(parseParams(shape, { rate }).rate).toBe(ppb);
  });
});

describe("what a parameter says of itself", () => {
  it("is there to be read", () => {
    expect(paramMeta(shape.period)).toEqual({
      kind: "quantity",
      unit: "ns",
      title: "tick",
      help: "tick period",
      default: 1_000_000n,
      min: 1_000n,
      max: 1_000_000_000n,
      shown: "always",
    });
    expect(paramMeta(shape.guest)).toEqual({
      kind: "choice",
      title: undefined,
      help: "what the guest does",
      default: "idle",
      values: ["idle", "busy"],
      shown: "always",
    });
  });

  it("is shown on a screen only when set if its default is nothing to see, unless it says otherwise", () => {
    const range = { min: "0ns", max: "1s", help: "" };
    const shownOf = (schema: z.ZodType): unknown => paramMeta(schema).shown;
    expect(shownOf(quantity({ unit: "ns", default: "0ns", ...range }))).toBe("when-set");
    expect(shownOf(quantity({ unit: "ns", default: "0ns", ...range, shown: "always" }))).toBe("always");
    expect(shownOf(quantity({ unit: "ns", default: "1ns", ...range }))).toBe("always");
    expect(shownOf(quantity({ unit: "ns", default: "1ns", ...range, shown: "when-set" }))).toBe("when-set");
    expect(shownOf(quantity({ unit: "ns", default: { sameAs: "x", times: 1n }, ...range }))).toBe("when-set");
    expect(shownOf(onOff({ default: "off", help: "" }))).toBe("when-set");
    expect(shownOf(onOff({ default: "on", help: "" }))).toBe("always");
  });

  it("is not known of a schema from elsewhere", () => {
    expect(() => paramMeta(z.string())).toThrow(TypeError);
  });

  it("becomes JSON Schema of what may be written", () => {
    const { properties } = z.toJSONSchema(z.strictObject(shape), { io: "input" });
    expect(properties).toMatchObject({
      period: {
        default: "1ms",
        title: "tick",
        description: "tick period",
        "x-unit": "ns",
        "x-range": ["1us", "1s"],
      },
      guest: { default: "idle", enum: ["idle", "busy"] },
    });
  });

  it("is refused at once when the default is out of range", () => {
    expect(() => quantity({ unit: "ns", default: "2s", min: "0s", max: "1s", help: "" })).toThrow(
      ChronovisorError,
    );
  });
});

it("paramQuantities puts the unit beside each value", () => {
  expect(paramQuantities(shape, parseParams(shape, {}))).toEqual({
    period: { value: 1_000_000n, unit: "ns" },
    rate: { value: -50_000n, unit: "ppb" },
    timers: { value: 4n, unit: "count" },
    guest: { value: "idle", unit: "name" },
    advance: { value: "off", unit: "name" },
  });
});
