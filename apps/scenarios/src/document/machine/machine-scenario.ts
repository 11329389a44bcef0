import { OLDEST_RELEASE } from "../../kernels/axes.js";
import { newestRelease } from "../../kernels/kernels.js";
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
import type { MachineDocument } from "./machine-document.js";
import { quantityRule } from "./quantities.js";
import { runMachine } from "./run-machine.js";
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

/** A document of a machine as a scenario: everything that runs scenarios runs it. */
export function machineScenario(
  id: string,
  document: MachineDocument,
  expected: readonly DocumentExpectation[],
): ScenarioDefinition {
  const observe = observationSpecs(document);
  const [headline = ""] = Object.keys(observe);
  const comparison = document.compare?.map((kernel): ComparedKernel => ({ label: kernel, kernel }));
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
    ...(comparison === undefined ? {} : { comparison }),
    headline,
    ...(isPlotted ? { plot: headline } : {}),
    observe,
    lengthNs: () => document.duration,
    run: (context) => runMachine(document, context),
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
