import { statSync } from "node:fs";
import { join, parse } from "node:path";
import { traceRunToJson } from "@chronovisor/trace";
import type { Command } from "commander";
import { ChronovisorError } from "../../errors.js";
import {
  type ExportFormat,
  type ExportOptions,
  exportFormatNamed,
  exportFormats,
} from "../../export/formats.js";
import { sizeText } from "../../export/size-text.js";
import { stretchToJson } from "../../export/trace-window.js";
import { hang } from "../../render/wrap.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { addKernelOptions, chosenKernel, type KernelOptions } from "../chosen-kernel.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addWindowOptions, type WindowOptions, windowOf } from "../export-window.js";
import { addSettingOptions, once, type SharedOptions } from "../options.js";
import { progressLine } from "../progress-line.js";
import type { ExportedFiles, ExportJob, ExportTarget } from "../run-job.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";
import { subjectOf } from "../subject.js";
import { replaceFile, writeFile } from "../write-file.js";

interface ExportCommandOptions extends SharedOptions, KernelOptions, WindowOptions {
  readonly format: string;
  readonly out: string;
  readonly traceNs?: true;
}

function optionsOf({ name }: ExportFormat, { traceNs }: ExportCommandOptions): ExportOptions {
  if (traceNs === undefined) return {};
  if (name === "ftrace") return { ftrace: { timestamps: "ns" } };
  throw new ChronovisorError(`--trace-ns: only a log has times in microseconds, and ${name} is none`);
}

/** A file that was written, and what was beside it. */
interface Written extends ExportedFiles {
  readonly beside: readonly string[];
}

/** Writes a job's file into `out`, in a worker; it is there when it is whole. */
async function write(
  context: CliContext,
  out: string,
  format: ExportFormat,
  { run, window, options }: Pick<ExportJob, "run" | "window"> & Pick<ExportTarget, "options">,
): Promise<Written> {
  const line = progressLine(context.terminal.progress, `export ${run.scenario}`, 1, context.now);
  try {
    return await context.interruptible((signal) =>
      replaceFile(out, signal, async (path) => {
        const file = await context.exporter(
          { run, window, files: [{ format: format.name, options, path, name: out }] },
          { signal, onProgress: (progress) => line.update(0, progress) },
        );
        return { ...file, beside: await writeBeside(out, format, file, signal) };
      }),
    );
  } finally {
    line.stop();
  }
}

/** Whether a path is, or will be, a file's: not a pipe's or a device's. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() !== false;
}

/** Writes what belongs beside the export, unless that is no file: a pipe has nothing beside it. */
async function writeBeside(
  out: string,
  { companions }: ExportFormat,
  { head }: ExportedFiles,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!isFile(out)) return [];
  const { dir, name } = parse(out);
  const written: string[] = [];
  for (const { suffix, text } of companions(head)) {
    const path = join(dir, `${name}${suffix}`);
    await writeFile(path, signal, (piece) => piece(text));
    written.push(path);
  }
  return written;
}

/** What was written, JSON-safe. */
function toJson(path: string, format: ExportFormat, { head, stretch, bytes, beside }: Written): object {
  return {
    path,
    format: format.name,
    bytes: bytes[0] ?? 0,
    beside,
    run: traceRunToJson(head),
    stretch: stretchToJson(stretch),
  };
}

function toText(path: string, format: ExportFormat, { head, stretch, bytes, beside }: Written): string {
  const times = [stretch.fromNs, stretch.toNs].map((ns) => formatQuantity(ns, "ns")).join(" to ");
  const part = stretch.ended === "by the window" || stretch.fromNs > 0n ? ` from ${times}` : "";
  return [
    `${path}: ${head.scenario} on ${head.kernel}${part}, ${sizeText(bytes[0] ?? 0)}, for ${format.title}\n`,
    ...beside.map((file) => `${file} belongs beside it\n`),
  ].join("");
}

async function exportScenario(context: CliContext, id: string, options: ExportCommandOptions): Promise<void> {
  const format = exportFormatNamed(options.format);
  const choices = optionsOf(format, options);
  const subject = subjectOf(context, id, options);
  const window = windowOf(options);
  const { kernel } = chosenKernel(subject, options);
  const { scenario, params, seed, document } = subject;
  const run = { scenario: scenario.id, kernel, params, seed, document, mode: "closed-form" } as const;
  const written = await write(context, options.out, format, { run, window, options: choices });
  const { out, err } = context.terminal;
  // An export that goes to /dev/stdout is not to end with words of ours.
  const say = isFile(options.out) ? out : err;
  say(
    options.json
      ? `${JSON.stringify(toJson(options.out, format, written))}\n`
      : toText(options.out, format, written),
  );
  context.done(EXIT.held);
}

const FORMAT_WIDTH = 12;

function formatsHelp(): string {
  const lines = exportFormats.flatMap(({ name, title }) =>
    hang(name.padEnd(FORMAT_WIDTH - 1), title, FORMAT_WIDTH, 78),
  );
  return ["", "Formats:", ...lines.map((line) => `  ${line}`)].join("\n");
}

/** `chronovisor export`: what happens in a run, as a file for another tool. */
export function addExportCommand(program: Command, context: CliContext): void {
  const command = program
    .command("export")
    .summary("write what happens in a run for a trace viewer or another tool")
    .description(
      "Runs a scenario and writes every event of its machine into a file, as it goes: a long run takes no more memory than a short one. The file is there when it is whole.",
    )
    .argument("<scenario>", "one of those `chronovisor list` shows, or the path of a document (.yaml, .json)")
    .requiredOption(
      "--format <name>",
      `one of ${exportFormats.map(({ name }) => name).join(", ")}`,
      once("--format"),
    )
    .requiredOption("--out <file>", "where it goes; a file that is there is replaced", once("--out"));
  addWindowOptions(addSettingOptions(addKernelOptions(command)))
    .option("--trace-ns", "ftrace: times to the nanosecond, as trace-cmd report -t has them")
    .option("--json", "print what was written as one JSON object and nothing else")
    .action((id: string, options: ExportCommandOptions) => exportScenario(context, id, options));
  command.addHelpText("after", formatsHelp());
  addScenarioHelp(command, context, ({ id }) => [
    `${id} --format perfetto --out ${id}.pftrace`,
    `${id} --to 100ms --format ftrace --out ${id}.txt`,
  ]);
  addExamples(command, [
    "chronovisor export pinned-timer --variant before --format perfetto --out pinned.pftrace",
    "chronovisor export periodic-drift --variant before --from 10s --to 12s --format perfetto --out drift.pftrace",
    "chronovisor export periodic-drift --kernel v4.16 --duration 1s --format ftrace --out drift.txt",
  ]);
}
