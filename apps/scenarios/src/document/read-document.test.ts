import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import { newestRelease, parseKernel } from "../kernels/kernels.js";
import { parseParams } from "../params/parse-params.js";
import { scenarios } from "../scenarios/index.js";
import { printDocument } from "./print-document.js";
import { readDocument } from "./read-document.js";

const read = (text: string) => readDocument("late.yaml", text, scenarios);
const HEAD = "chronovisor: 1\nscenario: xen-accuracy\n";

describe("readDocument", () => {
  it("takes defaults for what is not written", () => {
    const { scenario, kernel, params, seed, expect: expected } = read(HEAD);
    expect([scenario.id, kernel.name, seed, expected]).toEqual(["xen-accuracy", newestRelease, 1, []]);
    expect(params).toEqual(parseParams(scenario.params, {}));
  });

  it("reads JSON as it reads YAML", () => {
    const json = read(
      '{"chronovisor":1,"scenario":"long-stop","kernel":"v6.18","params":{"stop":"10d"},"seed":7}',
    );
    expect([json.scenario.id, json.kernel.name, json.params.stop, json.seed]).toEqual([
      "long-stop",
      "v6.18",
      864_000_000_000_000n,
      7,
    ]);
  });

  it("takes a kernel in parts, and a number without a unit in the parameter's own", () => {
    const { kernel, params } = read(
      `${HEAD}kernel:\n  release: 6.12.64\n  set:\n    guestKhz: hz\nparams:\n  hostTsc: 24312283136\n`,
    );
    expect(kernel).toEqual(parseKernel("v6.12.64 + guestKhz=hz"));
    expect(params.hostTsc).toBe(24_312_283_136n);
  });

  it.each([
    ["chronovisor: 2\nscenario: long-stop\n", "late.yaml:1:14: chronovisor: expected 1, got 2"],
    ["scenario: long-stop\n", "late.yaml:1:1: chronovisor: expected 1, got nothing"],
    [
      `${HEAD}parms:\n  a: 1\n`,
      'late.yaml:3:1: expected one of chronovisor, title, kernel, seed, expect, scenario, params, got "parms" (did you mean params?)',
    ],
    [
      `${HEAD}kernel:\n  release: v6.9\n  sett: 1\n`,
      'late.yaml:5:3: expected one of release, set, got "sett" (did you mean set?)',
    ],
    [
      `${HEAD}params:\n  request: 3GHz\n`,
      'late.yaml:4:12: params.request: expected a time such as 10m, 1h or 250us, got "3GHz"',
    ],
    [
      `${HEAD}params:\n  request: 99999999999999999999d\n`,
      'late.yaml:4:12: params.request: expected 1us to 10s, got "99999999999999999999d"',
    ],
    [`${HEAD}kernel: v3.1\n`, 'late.yaml:3:9: kernel: expected v4.5 or newer, got "v3.1"'],
    [
      `${HEAD}kernel: 4\n`,
      "late.yaml:3:9: kernel: expected a release such as v6.12, or a map of release and set, got 4",
    ],
    [
      `${HEAD}expect:\n  - late < 3\n  - lat < 3\n`,
      "late.yaml:5:5: expect[1]: expected an observation (line, late",
    ],
    [`${HEAD}seed: -1\n`, "late.yaml:3:7: seed: "],
    ["a: [1,\n", "late.yaml:2:1: Flow sequence"],
    ["- 1\n", "late.yaml:1:1: expected a scenario document, which is a map, got a list"],
    ["", "late.yaml:1:1: expected a scenario document, which is a map, got nothing"],
    ["# nothing\n", "late.yaml:1:1: expected a scenario document, which is a map, got nothing"],
    [
      "chronovisor: 1\ntitle: neither\n",
      "late.yaml:1:1: expected scenario, which names a built-in one, or vms, which describe a machine, got neither",
    ],
    [
      "chronovisor: 1\nscenaro: long-stop\n",
      'late.yaml:2:1: expected one of chronovisor, title, kernel, seed, expect, scenario, params, compare, host, vms, timeline, duration, observe, got "scenaro" (did you mean scenario?)',
    ],
    [`${HEAD}seed: 1\nseed: 2\n`, "late.yaml:4:1: expected each key once, got seed again"],
    [`${HEAD}---\na: 1\n`, "late.yaml:3:1: expected one document in a file, got another"],
    [
      "chronovisor: 1\nparams:\n\tage: 1h\n",
      "late.yaml:3:1: expected spaces, got a tab, which YAML does not take as indentation",
    ],
    [`${HEAD}title: !!js/function x\n`, "late.yaml:3:8: Unresolved tag"],
    [`${HEAD}title: *name\n`, "late.yaml:3:8: expected an anchor that is set above it, got *name"],
    [`${HEAD}kernel: { set: {} }\n`, "late.yaml:3:9: kernel.release: expected text, got nothing"],
    [
      `${HEAD}kernel: { release: v6.9, set: { guestKz: hz } }\n`,
      "late.yaml:3:33: expected a behaviour (periodicAdvance, ",
    ],
    [
      `${HEAD}kernel: { release: v6.9, set: { guestKhz: 5 } }\n`,
      "late.yaml:3:43: kernel.set.guestKhz: expected text, got 5",
    ],
    [
      `${HEAD}expect: late < 3\n`,
      'late.yaml:3:9: expect: expected a list of 0 to 1000 comparisons such as late <= 10ns, got "late < 3"',
    ],
    [
      `${HEAD}expect: [hasOwnProperty < 3]\n`,
      "late.yaml:3:10: expect[0]: expected an observation (line, late",
    ],
    [
      `${HEAD}params: { age: [1] }\n`,
      "late.yaml:3:16: params.age: expected text such as 10ms, or a whole number, got a list",
    ],
    [
      `${HEAD}params: { fracBits: 48 }\n`,
      'late.yaml:3:21: params.fracBits: expected "48" in quotes, as it is a name, got 48 without',
    ],
    [`${HEAD}seed: 1.5\n`, "late.yaml:3:7: seed: expected a whole number from 0 to 4294967295, got 1.5"],
    ["a\0b", "late.yaml: expected a scenario document, got a binary file"],
    [
      "x".repeat(1_000_001),
      "late.yaml: expected a scenario document of at most 1000000 characters, got 1000001",
    ],
  ])("refuses %j with its place", (text, message) => {
    expect(() => read(text)).toThrow(ChronovisorError);
    expect(() => read(text)).toThrow(message);
  });

  it.each([
    ['{"chronovisor": 1, "seed": 1,}', 'late.json:1:30: expected JSON, got "}"'],
    ['{"chronovisor": 1,\n "seed": 1', "late.json:2:11: expected JSON, got the end of the file"],
    ['{"chronovisor": 1, // one\n"seed": 1}', 'late.json:1:20: expected JSON, got "// one"'],
    ["chronovisor: 1\n", 'late.json:1:1: expected JSON, got "chronovisor: 1"'],
    [
      '{"chronovisor": 1, "chronovisor": 1}',
      'late.json:1:20: expected each key once, got "chronovisor" again',
    ],
  ])("refuses %j in a file whose name says JSON", (text, message) => {
    expect(() => readDocument("late.json", text, scenarios)).toThrow(new ChronovisorError(message));
  });

  it("refuses an alias that would multiply without end", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghi"
      .split("")
      .map(
        (name, i) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${"abcdefgh"[i]}`).join(",")}]`,
      )
      .join("\n")}\n`;
    expect(() => read(bomb)).toThrow("late.yaml:2:8: expected aliases that stand for less");
  });

  it("never throws anything but its own error", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(() => read(`${HEAD}${text}`)).not.toThrow(TypeError);
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ChronovisorError);
        }
      }),
    );
  });
});

describe("printDocument", () => {
  it.each(scenarios.map((scenario) => [scenario.id, scenario] as const))(
    "prints %s as what reads back the same",
    (_, scenario) => {
      const run = {
        kernel: parseKernel(scenario.variants.before),
        params: parseParams(scenario.params, {}),
        seed: 3,
      };
      const text = printDocument(scenario, run, "./scenario.schema.json");
      const back = read(text);
      expect([back.scenario, back.kernel, back.params, back.seed]).toEqual([
        scenario,
        run.kernel,
        run.params,
        run.seed,
      ]);
      expect(text.startsWith("# yaml-language-server: $schema=./scenario.schema.json\n")).toBe(true);
    },
  );
});
