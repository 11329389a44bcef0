import type { z } from "zod";
import { ChronovisorError, didYouMean, unknownName } from "../errors.js";
import { type KernelChoice, newestRelease, parseKernel, withOverride } from "../kernels/kernels.js";
import { parseParams } from "../params/parse-params.js";
import { type Condition, parseConditions } from "../scenario/condition.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { type DocumentPath, DocumentSource } from "./source.js";
import { type StoryDocument, storySchema } from "./story-document.js";

/** A scenario document, ready to be run. */
export interface ReadDocument {
  /** The file's name. */
  readonly name: string;
  readonly title: string | undefined;
  readonly scenario: ScenarioDefinition;
  readonly kernel: KernelChoice;
  /** Every parameter, parsed. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** What the document itself expects, besides what its scenario does. */
  readonly expect: readonly DocumentExpectation[];
}

/** One expectation of a document: all of its conditions must hold. */
export interface DocumentExpectation {
  readonly text: string;
  readonly conditions: readonly Condition[];
}

/**
 * Reads a scenario document.
 *
 * @param name - the file's name, for errors.
 * @param text - YAML or JSON.
 * @param scenarios - the built-in stories.
 * @throws ChronovisorError naming file, line, column and part, what was expected and what came.
 */
export function readDocument(
  name: string,
  text: string,
  scenarios: readonly ScenarioDefinition[],
): ReadDocument {
  const source = new DocumentSource(name, text);
  const document = validate(source, storySchema);
  const scenario = inPlace(source, ["scenario"], () => scenarioNamed(scenarios, document.scenario));
  return {
    name,
    title: document.title,
    scenario,
    kernel: readKernel(source, document.kernel),
    params: readParams(source, scenario, document.params ?? {}),
    seed: document.seed ?? 1,
    expect: readExpectations(source, scenario, document.expect ?? []),
  };
}

/** The document's value as its schema has it. @throws ChronovisorError for the first thing that is not */
export function validate<S extends z.ZodObject>(source: DocumentSource, schema: S): z.infer<S> {
  const known = schema.shape;
  const result = schema.safeParse(source.value);
  if (result.success) return result.data;
  throw issueError(source, result.error.issues[0], Object.keys(known));
}

function issueError(
  source: DocumentSource,
  issue: z.core.$ZodIssue | undefined,
  known: readonly string[],
): ChronovisorError {
  if (issue === undefined) return source.error([], "expected a scenario document");
  const path = issue.path.filter((part): part is string | number => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    const isTop = path.length === 0;
    const expected = isTop ? `one of ${known.join(", ")}` : "no such key";
    return source.errorAtKey(
      path,
      key,
      `expected ${expected}, got "${key}"${isTop ? didYouMean(key, known) : ""}`,
    );
  }
  if (issue.code === "invalid_union") {
    const nested = issue.errors.flat()[0];
    if (nested !== undefined) {
      return issueError(source, { ...nested, path: [...issue.path, ...nested.path] } as typeof issue, known);
    }
  }
  const [expected = ""] = issue.message.replace(/^.*?expected /, "").split(", received");
  return source.error(path, `expected ${expected}, got ${source.textAt(path)}`);
}

/** Calls `read`; what it refuses is told at its place in the document. */
export function inPlace<T>(source: DocumentSource, path: DocumentPath, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ChronovisorError) throw source.error(path, withoutName(error.message, path));
    throw error;
  }
}

/** The place says already what a message begins with. */
function withoutName(message: string, path: DocumentPath): string {
  const prefix = `${path.at(-1)}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function scenarioNamed(scenarios: readonly ScenarioDefinition[], id: string): ScenarioDefinition {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  throw unknownName(
    "scenario",
    id,
    scenarios.map((scenario) => scenario.id),
  );
}

/** The document's kernel; the newest of the table by default. */
export function readKernel(source: DocumentSource, kernel: StoryDocument["kernel"]): KernelChoice {
  if (kernel === undefined) return parseKernel(newestRelease);
  if (typeof kernel === "string") return inPlace(source, ["kernel"], () => parseKernel(kernel));
  const release = inPlace(source, ["kernel", "release"], () => parseKernel(kernel.release));
  return Object.entries(kernel.set ?? {}).reduce(
    (choice, [axis, value]) =>
      inPlace(source, ["kernel", "set", axis], () => withOverride(choice, axis, value)),
    release,
  );
}

function readParams(
  source: DocumentSource,
  { params: shape }: ScenarioDefinition,
  inputs: Readonly<Record<string, string | number>>,
): Readonly<Record<string, unknown>> {
  const names = Object.keys(shape);
  for (const [name, value] of Object.entries(inputs)) {
    if (!names.includes(name)) {
      throw source.errorAtKey(
        ["params"],
        name,
        `expected a parameter (${names.join(", ")}), got "${name}"${didYouMean(name, names)}`,
      );
    }
    // One at a time, so that what is wrong is told where it stands.
    inPlace(source, ["params", name], () =>
      parseParams({ [name]: shape[name] as z.ZodType }, { [name]: value }),
    );
  }
  return inPlace(source, ["params"], () => parseParams(shape, inputs));
}

/** The document's own expectations. */
export function readExpectations(
  source: DocumentSource,
  { observe }: Pick<ScenarioDefinition, "observe">,
  texts: readonly string[],
): readonly DocumentExpectation[] {
  return texts.map((text, i) => ({
    text,
    conditions: inPlace(source, ["expect", i], () => parseConditions(text, observe)),
  }));
}
