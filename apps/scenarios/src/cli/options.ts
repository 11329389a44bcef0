/** Options that several commands share: what is typed becomes kernels, parameters and a seed, or one clear error. */
import type { Command } from "commander";
import { ChronovisorError, didYouMean } from "../errors.js";
import { axisNames, type KernelChoice, withOverride } from "../kernels/kernels.js";
import { parseParams } from "../params/parse-params.js";
import type { ScenarioDefinition } from "../scenario/types.js";

/** What commander collects of the shared options. */
export interface SharedOptions {
  readonly set?: readonly string[];
  readonly duration?: string;
  readonly seed?: string;
  readonly json?: true;
}

const MAX_SEED = 2 ** 32 - 1;
const DEFAULT_SEED = 1;

/** An option that may be given once: commander alone would take the last one and drop the others in silence. */
export function once(flag: string): (value: string, previous: string | undefined) => string {
  return (value, previous) => {
    if (previous === undefined) return value;
    throw new ChronovisorError(`${flag}: given twice, as "${previous}" and "${value}"`);
  };
}

/** Collects an option that may be given more than once. */
export function each(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** Adds `--set`, `--duration`, `--seed` and `--json`, in that order. */
export function addSharedOptions(command: Command): Command {
  return addSettingOptions(command).option(
    "--json",
    "print the exact result as one JSON object and nothing else",
  );
}

/** Adds `--set`, `--duration` and `--seed`, in that order. */
export function addSettingOptions(command: Command): Command {
  return command
    .option(
      "--set <name=value>",
      "set a parameter, or override one behaviour of the kernel; repeatable",
      each,
    )
    .option(
      "--duration <time>",
      "simulated time: ns, us, ms, s, m, h or d (default: the scenario's)",
      once("--duration"),
    )
    .option(
      "--seed <n>",
      `seed of the run's random numbers, 0 to ${MAX_SEED} (default: ${DEFAULT_SEED})`,
      once("--seed"),
    );
}

/** The seed, or 1. */
export function parseSeed(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SEED;
  const seed = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seed <= MAX_SEED) return seed;
  throw new ChronovisorError(`--seed: expected a whole number from 0 to ${MAX_SEED}, got "${text}"`);
}

/** `--set` and `--duration` taken apart: parameters of the scenario, and overrides of kernel axes. */
export interface Settings {
  /** The parameters that were set, as typed. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, unknown>>;
  readonly overrides: ReadonlyMap<string, string>;
}

function splitSetting(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  throw new ChronovisorError(`--set: expected name=value, got "${text}"`);
}

/**
 * What `--set` and `--duration` ask of a scenario. A name that is both a parameter and an axis is the parameter.
 *
 * @throws ChronovisorError for an unknown name, a value out of range, or a name that is set twice
 */
export function parseSettings(scenario: ScenarioDefinition, options: SharedOptions): Settings {
  const inputs = new Map<string, string>();
  const overrides = new Map<string, string>();
  const labels = new Map<string, string>();
  const paramNames = Object.keys(scenario.params);
  for (const text of options.set ?? []) {
    const [name, value] = splitSetting(text);
    if (inputs.has(name) || overrides.has(name)) throw new ChronovisorError(`--set: ${name} is set twice`);
    if (paramNames.includes(name)) inputs.set(name, value);
    else if (axisNames.includes(name)) overrides.set(name, value);
    else {
      throw new ChronovisorError(
        `--set: expected a parameter (${paramNames.join(", ")}) or a behaviour that \`chronovisor kernels\` lists, got "${name}"${didYouMean(name, [...paramNames, ...axisNames])}`,
      );
    }
  }
  if (options.duration !== undefined) {
    if (!paramNames.includes("duration")) {
      throw new ChronovisorError(
        `--duration: ${scenario.id} has no duration; it has ${paramNames.join(", ")}`,
      );
    }
    if (inputs.has("duration")) throw new ChronovisorError("--duration: --set sets duration too");
    inputs.set("duration", options.duration);
    labels.set("duration", "--duration");
  }
  const label = (name: string): string => labels.get(name) ?? `--set ${name}`;
  const set = Object.fromEntries(inputs);
  return { inputs: set, params: parseParams(scenario.params, set, label), overrides };
}

/**
 * `choice` with the overrides of `--set`.
 *
 * @param expression - what was typed for the kernel, if it was: an axis in it must not be set again
 */
export function applyOverrides(
  choice: KernelChoice,
  overrides: ReadonlyMap<string, string>,
  expression?: string,
): KernelChoice {
  let overridden = choice;
  for (const [axis, value] of overrides) {
    if (expression?.split("+").some((part) => part.trim().startsWith(`${axis}=`))) {
      throw new ChronovisorError(`--set: ${axis} is set twice, the other time in "${expression}"`);
    }
    overridden = withOverride(overridden, axis, value);
  }
  return overridden;
}
