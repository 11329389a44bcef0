import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { publishable } from "../workspace.ts";
import { countAssertions, exampleModule } from "./example-module.ts";
import { exportedDeclarations } from "./exported-declarations.ts";
import { runExamples } from "./run-examples.ts";

describe.each(publishable)("$name", (member) => {
  const declarations = exportedDeclarations(member);
  const callables = declarations.filter(({ kind }) => kind === "callable");
  const scope = {
    module: join(member.directory, "src", "index.ts"),
    names: declarations.filter(({ kind }) => kind !== "type").map(({ name }) => name),
  };
  const examples = declarations.flatMap(({ name, place, examples }) =>
    examples.map((code, index) => ({ title: index === 0 ? name : `${name} (${index + 1})`, place, code })),
  );

  it("documents every export", () => {
    const silent = declarations.filter(({ doc }) => doc.trim() === "");
    expect(silent.map(({ name, place }) => `${name} at ${place}`)).toEqual([]);
  });

  it("shows every function and class in an example that asserts something", () => {
    const unshown = callables.filter(({ examples }) => !examples.some((code) => countAssertions(code) > 0));
    expect(unshown.map(({ name, place }) => `${name} at ${place}`)).toEqual([]);
  });

  describe.runIf(examples.length > 0)("the example of", async () => {
    const runs = await runExamples(examples.map(({ code }) => exampleModule(code, scope)));

    it.each(examples.map((example, index) => ({ ...example, run: runs[index] })))(
      "$title holds",
      ({ run, place }) => {
        expect(run?.error, place).toBeUndefined();
        expect(run?.checked.map(({ expression, got }) => `${expression} // => ${got}`)).toEqual(
          run?.checked.map(({ expression, expected }) => `${expression} // => ${expected}`),
        );
      },
    );
  });
});
