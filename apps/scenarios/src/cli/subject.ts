import type { DocumentText } from "../document/read-document.js";
import { ChronovisorError } from "../errors.js";
import type { KernelChoice } from "../kernels/kernels.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { type CliContext, scenarioNamed } from "./context.js";
import { isDocumentPath, readDocumentFile } from "./document-files.js";
import { parseSeed, parseSettings, type SharedOptions } from "./options.js";

/** What a command runs: a built-in scenario as the options set it, or a document as it is written. */
export interface Subject {
  readonly scenario: ScenarioDefinition;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Behaviours of the kernel that the options set. */
  readonly overrides: ReadonlyMap<string, string>;
  /** The kernel a document names. */
  readonly kernel: KernelChoice | undefined;
  /** What a worker reads the scenario from, where it is not built in. */
  readonly document: DocumentText | undefined;
}

/** A scenario with what the options set. @throws ChronovisorError for a wrong setting */
export function scenarioSubject(scenario: ScenarioDefinition, options: SharedOptions): Subject {
  const { params, overrides } = parseSettings(scenario, options);
  const seed = parseSeed(options.seed);
  return { scenario, params, seed, overrides, kernel: undefined, document: undefined };
}

/**
 * The subject of a command: the scenario called `argument`, or the document in the file it names.
 *
 * @throws ChronovisorError for an unknown scenario, a document that cannot be read, or a setting beside one.
 */
export function subjectOf(context: CliContext, argument: string, options: SharedOptions): Subject {
  if (!isDocumentPath(argument)) return scenarioSubject(scenarioNamed(context, argument), options);
  const { set, duration, seed } = options;
  refuseBesideDocument({ "--set": set, "--duration": duration, "--seed": seed });
  const read = readDocumentFile(argument, context.scenarios);
  const { scenario, params, kernel, source: document } = read;
  return { scenario, params, seed: read.seed, overrides: new Map(), kernel, document };
}

/** A document says all there is to say: what options would add is in it. @throws ChronovisorError for one that is given */
export function refuseBesideDocument(given: Readonly<Record<string, unknown>>): void {
  const [first] = Object.entries(given).filter(([, value]) => value !== undefined);
  if (first === undefined) return;
  throw new ChronovisorError(`${first[0]}: a document is run as it is written; change it there`);
}
