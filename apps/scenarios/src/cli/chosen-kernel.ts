import type { Command } from "commander";
import { ChronovisorError, didYouMean } from "../errors.js";
import { newestRelease, parseKernel } from "../kernels/kernels.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { applyOverrides, once } from "./options.js";
import type { LabelledKernel } from "./run-columns.js";
import { refuseBesideDocument, type Subject } from "./subject.js";

/** How one kernel is chosen. */
export interface KernelOptions {
  readonly kernel?: string;
  readonly variant?: string;
}

/** Adds `--kernel` and `--variant`. */
export function addKernelOptions(command: Command): Command {
  return command
    .option(
      "--kernel <release>",
      `run as this release, with overrides after +: "v4.16 + tdcr=immediate" (default: ${newestRelease})`,
      once("--kernel"),
    )
    .option("--variant <name>", "run as the scenario's kernel before or after the fix", once("--variant"));
}

function expressionOf(scenario: ScenarioDefinition, { kernel, variant }: KernelOptions): string {
  if (variant === undefined) return kernel ?? newestRelease;
  if (kernel !== undefined)
    throw new ChronovisorError("--variant: --kernel names a kernel too; give one of them");
  if (variant === "before" || variant === "after") return scenario.variants[variant];
  throw new ChronovisorError(
    `--variant: expected before or after, got "${variant}"${didYouMean(variant, ["before", "after"])}`,
  );
}

/**
 * The kernel to run on, and what its column is called: the one that is chosen, or a document's own.
 *
 * @throws ChronovisorError for an unknown one, or for a choice beside a document
 */
export function chosenKernel(subject: Subject, options: KernelOptions): LabelledKernel {
  const { kernel: documented, scenario, overrides } = subject;
  if (documented !== undefined) {
    refuseBesideDocument({ "--kernel": options.kernel, "--variant": options.variant });
    return { label: documented.name, kernel: documented };
  }
  const expression = expressionOf(scenario, options);
  const kernel = applyOverrides(parseKernel(expression), overrides, options.kernel);
  return { label: options.variant ?? kernel.name, kernel };
}
