import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { ChronovisorError } from "../../errors.js";
import { LivelockError } from "../../machine/engine/engine.js";
import { runToJson } from "../../scenario/json.js";
import { runScenario } from "../../scenario/run-scenario.js";
import { documentJsonSchema } from "../json-schema.js";
import { readDocument } from "../read-document.js";
import { anyValue, type Chosen, type SchemaPart } from "./fixtures/any-document.js";

const US_PER_MS = 1_000;
const LONGEST_MS = 20;
const MOST_CPUS = 12;

const schema = documentJsonSchema() as SchemaPart;
const machine = schema.anyOf?.find(({ title }) => title === "a machine") ?? {};
const observed = machine.properties?.observe?.additionalProperties;
if (observed === undefined || observed === false) throw new Error("expected a schema of observations");

const instant = fc.integer({ min: 0, max: LONGEST_MS * US_PER_MS }).map((us) => `${us}us`);

/** A timer that costs nothing may be set again at once; one of a microsecond makes a run too long for a test. */
const timer = fc.integer({ min: 100, max: 5_000 }).map((us) => `${us}us`);

/** What the schema leaves open: words of other tables, times short enough to be run, and what mostly fits the rest. */
const chosen: Chosen = {
  kernel: fc.constantFrom("v4.5", "v4.16", "v5.10", "v6.12", "v7.3", "v6.12.64 + guestKhz=hz"),
  compare: fc.constant(["v4.16", "v4.17"]),
  expect: fc.constantFrom([], [], [], [], ["one != 0"], ["one == yes"]),
  duration: fc.constant(`${2 * LONGEST_MS}ms`),
  at: instant,
  for: instant,
  // Back by more than it has counted, a TSC reads almost 2^64: timers of it are then past again and again, at no cost.
  by: fc.integer({ min: 0, max: 10 ** 9 }),
  period: timer,
  wait: timer,
  every: timer,
  cpus: fc.constant(MOST_CPUS),
  cpu: fc.integer({ min: 0, max: MOST_CPUS }),
  vcpu: fc.constantFrom(0, 0, 0, 0, 0, 1),
  scaling: fc.constantFrom("present", "present", "present", "present", "absent"),
};
/** Of any vCPU, whatever runs on it. */
const plain = fc.constantFrom("exits", "kvmclock-error", "kvmclock-lead", "tsc-error");
const observation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ quantity: plain, vcpu: fc.constant(0) }) },
  { weight: 1, arbitrary: anyValue(observed, chosen) },
);
const observe = fc.dictionary(fc.constantFrom("one", "two", "three"), observation, { minKeys: 1 });
const documents = anyValue(machine, { ...chosen, observe });

/** What came of a document: its result, or the line it was refused with. */
function outcome(text: string): string {
  try {
    const { scenario, kernel, params, seed } = readDocument("any.yaml", text, []);
    return JSON.stringify(runToJson(runScenario(scenario, { kernel, params: params as never, seed })));
  } catch (error) {
    if (error instanceof ChronovisorError || error instanceof LivelockError) return error.message;
    throw error;
  }
}

describe("any document that the schema allows", () => {
  it("runs, and the same again, or is refused in one line with its place", () => {
    const counts = { ran: 0, refused: 0 };
    fc.assert(
      fc.property(documents, (document) => {
        const text = stringify(document);
        const came = outcome(text);
        if (came.startsWith("{")) {
          counts.ran += 1;
          expect(outcome(text)).toBe(came);
        } else {
          counts.refused += 1;
          expect(came).toMatch(/^(any\.yaml:\d+:\d+: [^\n]*expected|machine: guest program) [^\n]*$/);
        }
      }),
      // A run takes long enough that the first that fails is told, not the least.
      { numRuns: 150, endOnFailure: true },
    );
    // Neither may be so rare that the other is all that was looked at.
    expect(counts.ran).toBeGreaterThan(10);
    expect(counts.refused).toBeGreaterThan(10);
  }, 60_000);
});
