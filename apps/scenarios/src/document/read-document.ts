import type { z } from "zod";
import { ChronovisorError, didYouMean, quoted, unknownName } from "../errors.js";
import {
  axisNames,
  type KernelChoice,
  newestRelease,
  parseKernel,
  withOverride,
} from "../kernels/kernels.js";
import { parseParams } from "../params/parse-params.js";
import { parseConditions } from "../scenario/condition.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import type { DocumentExpectation } from "./expectation.js";
import { checkMachine } from "./machine/check-machine.js";
import { machineSchema } from "./machine/machine-document.js";
import { machineScenario, observationSpecs } from "./machine/machine-scenario.js";
import { type DocumentPath, DocumentSource } from "./source.js";
import { type StoryDocument, storySchema } from "./story-document.js";

/** A document as a worker needs it: it is read again there. */
export interface DocumentText {
  /** The file's name. */
  readonly name: string;
  readonly text: string;
}

/** A scenario document, ready to be run. */
export interface ReadDocument {
  /** The file's name. */
  readonly name: string;
  readonly title: string | undefined;
  readonly scenario: ScenarioDefinition;
  /** Where the scenario is the document's own: what it was read from. */
  readonly source: DocumentText | undefined;
  readonly kernel: KernelChoice;
  /** Every parameter, parsed. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** What the document itself expects, besides what its scenario does. */
  readonly expect: readonly DocumentExpectation[];
}

const STORY_KEYS: readonly string[] = Object.keys(storySchema.shape);
const MACHINE_KEYS: readonly string[] = Object.keys(machineSchema.shape);

/**
 * Reads a scenario document: one of a built-in story, or one that describes a machine.
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
  return kindOf(source) === "machine" ? readMachine(source, text) : readStory(source, scenarios);
}

/** What a document is of, by the keys that only one kind has. @throws ChronovisorError where it has none of them */
function kindOf(source: DocumentSource): "story" | "machine" {
  const { value } = source;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw source.error([], `expected a scenario document, which is a map, got ${quoted(value ?? undefined)}`);
  }
  const keys = Object.keys(value);
  if (keys.some((key) => STORY_KEYS.includes(key) && !MACHINE_KEYS.includes(key))) return "story";
  if (keys.some((key) => MACHINE_KEYS.includes(key) && !STORY_KEYS.includes(key))) return "machine";
  const known = [...new Set([...STORY_KEYS, ...MACHINE_KEYS])];
  const unknown = keys.find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const message = `expected one of ${known.join(", ")}, got "${unknown}"${didYouMean(unknown, known)}`;
    throw source.errorAtKey([], unknown, message);
  }
  throw source.error(
    [],
    "expected scenario, which names a built-in one, or vms, which describe a machine, got neither",
  );
}

function readStory(source: DocumentSource, scenarios: readonly ScenarioDefinition[]): ReadDocument {
  const document = validate(source, storySchema);
  const scenario = inPlace(source, ["scenario"], () => scenarioNamed(scenarios, document.scenario));
  return {
    name: source.name,
    title: document.title,
    scenario,
    source: undefined,
    kernel: readKernel(source, document.kernel),
    params: readParams(source, scenario, document.params ?? {}),
    seed: document.seed ?? 1,
    expect: readExpectations(source, scenario, document.expect ?? []),
  };
}

function readMachine(source: DocumentSource, text: string): ReadDocument {
  const document = validate(source, machineSchema);
  checkMachine(source, document);
  checkCompared(source, document.compare ?? []);
  const { name } = source;
  const kernel = readKernel(source, document.kernel);
  const expected = readExpectations(source, { observe: observationSpecs(document) }, document.expect ?? []);
  return {
    name,
    title: document.title,
    scenario: machineScenario({ id: baseName(name), document, source, kernel, expected }),
    source: { name, text },
    kernel,
    params: {},
    seed: document.seed ?? 1,
    expect: expected,
  };
}

/** Kernels that are set side by side are kernels, and each is another. */
function checkCompared(source: DocumentSource, kernels: readonly string[]): void {
  const names = kernels.map((kernel, i) => inPlace(source, ["compare", i], () => parseKernel(kernel).name));
  const again = names.findIndex((name, i) => names.indexOf(name) < i);
  if (again < 0) return;
  throw source.error(["compare", again], `expected another kernel than those before it, got ${names[again]}`);
}

/** A file's name without its directories, which are another on every machine. */
function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

/** The document's value as its schema has it. @throws ChronovisorError for the first thing that is not */
function validate<S extends z.ZodType>(source: DocumentSource, schema: S): z.output<S> {
  const result = schema.safeParse(source.value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A key that is missing may be one that is misspelt: that is told first.
  throw issueError(source, issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]);
}

function issueError(source: DocumentSource, issue: z.core.$ZodIssue | undefined): ChronovisorError {
  if (issue === undefined) return source.error([], "expected a scenario document");
  const path = issue.path.filter((part): part is string | number => typeof part !== "symbol");
  const { message } = issue;
  if (issue.code === "unrecognized_keys") return source.errorAtKey(path, issue.keys[0] ?? "", message);
  if (issue.code === "invalid_key") return source.error(path, issue.issues[0]?.message ?? message);
  const nested = issue.code === "invalid_union" ? issueOfBranch(issue.errors) : undefined;
  if (nested !== undefined) {
    return issueError(source, { ...nested, path: [...issue.path, ...nested.path] } as z.core.$ZodIssue);
  }
  // What schemas of ours say is complete; what zod says is put into our words.
  if (issue.code === "custom" || message.startsWith("expected ")) return source.error(path, message);
  const [expected = ""] = message.replace(/^.*?expected /, "").split(", received");
  return source.error(path, `expected ${expected}, got ${source.textAt(path)}`);
}

/** What is wrong by the one form of several that what is written has: where it has none, all of them are told. */
function issueOfBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): z.core.$ZodIssue | undefined {
  const fitting = branches.find((issues) =>
    issues.every(({ code, path }) => path.length > 0 || code !== "invalid_type"),
  );
  return fitting?.find(({ code }) => code === "unrecognized_keys") ?? fitting?.[0];
}

/** Calls `read`; what it refuses is told at its place in the document. */
function inPlace<T>(source: DocumentSource, path: DocumentPath, read: () => T): T {
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
function readKernel(source: DocumentSource, kernel: StoryDocument["kernel"]): KernelChoice {
  if (kernel === undefined) return parseKernel(newestRelease);
  if (typeof kernel === "string") return inPlace(source, ["kernel"], () => parseKernel(kernel));
  const release = inPlace(source, ["kernel", "release"], () => parseKernel(kernel.release));
  for (const axis of Object.keys(kernel.set ?? {})) {
    if (axisNames.includes(axis)) continue;
    const message = `expected a behaviour (${axisNames.join(", ")}), got "${axis}"${didYouMean(axis, axisNames)}`;
    throw source.errorAtKey(["kernel", "set"], axis, message);
  }
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
function readExpectations(
  source: DocumentSource,
  { observe }: Pick<ScenarioDefinition, "observe">,
  texts: readonly string[],
): readonly DocumentExpectation[] {
  return texts.map((text, i) => ({
    text,
    conditions: inPlace(source, ["expect", i], () => parseConditions(text, observe)),
  }));
}
