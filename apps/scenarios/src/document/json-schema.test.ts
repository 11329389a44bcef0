import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentJsonSchema } from "./json-schema.js";

describe("documentJsonSchema", () => {
  it("is the file that is published; `chronovisor schema` prints it", () => {
    const published = readFileSync(new URL("../../schema/scenario.schema.json", import.meta.url), "utf8");
    expect(JSON.parse(published)).toEqual(documentJsonSchema());
  });

  it("says what each key is, and takes no other", () => {
    const { properties, additionalProperties, required } = documentJsonSchema() as {
      properties: Record<string, { description?: string }>;
      additionalProperties: boolean;
      required: readonly string[];
    };
    expect(additionalProperties).toBe(false);
    expect(required).toEqual(["chronovisor", "scenario"]);
    for (const [key, { description }] of Object.entries(properties)) expect(description, key).toMatch(/\w/);
  });
});
