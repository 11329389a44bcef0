import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { documentJsonSchema } from "./json-schema.js";

const published: unknown = JSON.parse(
  readFileSync(new URL("../../schema/scenario.schema.json", import.meta.url), "utf8"),
);
const examples = new URL("../../../../examples/documents/", import.meta.url);

/** A part of the schema. */
interface Part {
  readonly title?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Part>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Part[];
  readonly oneOf?: readonly Part[];
  readonly items?: Part;
}

/** Every map with named keys in a schema, by its path. */
function mapsIn(part: Part, path: string): readonly (readonly [string, Part])[] {
  const below = Object.entries(part.properties ?? {}).flatMap(([key, one]) => mapsIn(one, `${path}.${key}`));
  const choices = [...(part.anyOf ?? []), ...(part.oneOf ?? [])].flatMap((one, i) =>
    mapsIn(one, `${path}|${i}`),
  );
  const elements = part.items === undefined ? [] : mapsIn(part.items, `${path}[]`);
  const self = part.properties === undefined ? [] : [[path, part] as const];
  return [...self, ...below, ...choices, ...elements];
}

describe("documentJsonSchema", () => {
  it("is the file that is published; `chronovisor schema` prints it", () => {
    expect(published).toEqual(documentJsonSchema());
  });

  it("has both kinds of documents, and what each must have", () => {
    const { anyOf = [] } = documentJsonSchema() as Part;
    expect(anyOf.map(({ title, required }) => [title, required])).toEqual([
      ["a built-in story", ["chronovisor", "scenario"]],
      ["a machine", ["chronovisor", "vms", "duration", "observe"]],
    ]);
  });

  it("says what each key is, and takes no other", () => {
    const maps = mapsIn(documentJsonSchema() as Part, "");
    expect(maps.length).toBeGreaterThan(20);
    for (const [path, { properties = {}, additionalProperties }] of maps) {
      expect(additionalProperties, path).toBe(false);
      for (const [key, { description }] of Object.entries(properties)) {
        expect(description, `${path}.${key}`).toMatch(/\w/);
      }
    }
  });

  const validator = z.fromJSONSchema(published as Parameters<typeof z.fromJSONSchema>[0]);

  it.each(readdirSync(examples).filter((name) => name.endsWith(".yaml")))("takes the example %s", (name) => {
    const document: unknown = parse(readFileSync(new URL(name, examples), "utf8"));
    expect(validator.safeParse(document).error?.issues).toBeUndefined();
  });

  const machine = { chronovisor: 1, vms: [{ vcpus: [{ program: "idle" }] }], duration: "1s" };
  const observe = { exits: { quantity: "exits" } };
  it.each<[string, unknown, boolean]>([
    ["the least a machine needs", { ...machine, observe }, true],
    ["an unknown key", { ...machine, observe, durtion: "1s" }, false],
    ["a time in Hz", { ...machine, observe, duration: "1GHz" }, false],
    ["an unknown program", { ...machine, observe, vms: [{ vcpus: [{ program: "idel" }] }] }, false],
    [
      "an option of another program",
      { ...machine, observe, vms: [{ vcpus: [{ program: "idle", options: { period: "1ms" } }] }] },
      false,
    ],
    ["two VMs", { ...machine, observe, vms: [...machine.vms, ...machine.vms] }, false],
    ["an action without its time", { ...machine, observe, timeline: [{ do: "pause", for: "1s" }] }, false],
    ["a story with a machine's keys", { chronovisor: 1, scenario: "long-stop", duration: "1s" }, false],
  ])("of %s says so", (_, document, taken) => {
    expect(validator.safeParse(document).success).toBe(taken);
  });
});
