import { OLDEST_RELEASE } from "../../kernels/axes.js";
import { type KernelChoice, newestRelease } from "../../kernels/kernels.js";
import type {
  ComparedKernel,
  ExpectationSpec,
  Measured,
  ObservationSpec,
  Quantity,
  RunResult,
  ScenarioDefinition,
} from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { type DocumentExpectation, judgeExpectation } from "../expectation.js";
import type { DocumentSource } from "../source.js";
import type { MachineDocument } from "./machine-document.js";
import { playingAxes } from "./playing-axes.js";
import { quantityRule } from "./quantities.js";
import { runMachine } from "./run-machine.js";
import { untilStuck } from "./stuck-machine.js";
import { machineStory, observationTitle } from "./titles.js";

/** What a document's observations are, before any run. */
export function observationSpecs(document: MachineDocument): Readonly<Record<string, ObservationSpec>> {
  return Object.fromEntries(
    Object.entries(document.observe).map(([name, observation]) => {
      const { unit, signed } = quantityRule(observation.quantity);
      const title = observationTitle(document, observation);
      return [name, { unit, title, headline: true, ...(signed === undefined ? {} : { signed }) }];
    }),
  );
}

/** A document of a machine, read to its end. */
export interface MachineParts {
  /** The file's name. */
  readonly id: string;
  readonly document: MachineDocument;
  readonly source: DocumentSource;
  readonly kernel: KernelChoice;
  readonly expected: readonly DocumentExpectation[];
}

/** The kernels set side by side where a document names none: the ends of the table, and its own between them. */
function comparedBy({ compare }: MachineDocument, kernel: KernelChoice): readonly ComparedKernel[] {
  const names = compare ?? [...new Set([OLDEST_RELEASE, kernel.name, newestRelease])];
  return names.map((name) => ({ label: name, kernel: name }));
}

/** A document of a machine as a scenario: everything that runs scenarios runs it. */
export function machineScenario({
  id,
  document,
  source,
  kernel,
  expected,
}: MachineParts): ScenarioDefinition {
  const observe = observationSpecs(document);
  const [headline = ""] = Object.keys(observe);
  const { at } = document.observe[headline] ?? {};
  const isPlotted = at === undefined && observe[headline]?.unit !== "flag";
  return {
    id,
    title: document.title ?? id,
    fix: id,
    story: machineStory(document),
    sources: [],
    params: {},
    variants: {
      before: document.compare?.[0] ?? OLDEST_RELEASE,
      after: document.compare?.at(-1) ?? newestRelease,
    },
    comparison: comparedBy(document, kernel),
    axes: playingAxes(document),
    headline,
    ...(isPlotted ? { plot: headline } : {}),
    observe,
    lengthNs: () => document.duration,
    run: (context) => untilStuck(source, () => runMachine(document, context)),
    expect: expected.map((each) => expectation(each, observe)),
    verdict: (result, name) => verdict(result, name, headline, observe),
  };
}

function expectation(
  expected: DocumentExpectation,
  observe: Readonly<Record<string, ObservationSpec>>,
): ExpectationSpec<unknown> {
  return {
    text: expected.text,
    reason: "the document expects it",
    judge: ({ measured }) => judgeExpectation(expected, quantitiesOf(measured, observe)),
  };
}

function quantitiesOf(
  { observations }: Measured,
  observe: Readonly<Record<string, ObservationSpec>>,
): Readonly<Record<string, Quantity | undefined>> {
  return Object.fromEntries(
    Object.entries(observe).map(([name, { unit }]) => {
      const value = observations[name];
      return [name, value === undefined ? undefined : { value, unit }];
    }),
  );
}

function verdict(
  { observations }: RunResult,
  name: string,
  headline: string,
  observe: Readonly<Record<string, ObservationSpec>>,
): string {
  const quantity = observations[headline];
  const spec = observe[headline];
  if (quantity === undefined || spec === undefined) return `${name} measured nothing`;
  const signs = spec.signed ? "both" : "minus";
  return `${name}: ${spec.title}: ${formatQuantity(quantity.value, quantity.unit, { signs })}`;
}
