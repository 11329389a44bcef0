import { statSync } from "node:fs";
import { join, parse } from "node:path";
import type { Command } from "commander";
import { ChronovisorError } from "../../errors.js";
import {
  type ExportFormat,
  type ExportOptions,
  exportFormatNamed,
  exportFormats,
} from "../../export/formats.js";
import { hang } from "../../render/wrap.js";
import { addKernelOptions, chosenKernel, type KernelOptions } from "../chosen-kernel.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addSettingOptions, once, type SharedOptions } from "../options.js";
import { progressLine } from "../progress-line.js";
import type { ExportedFile, RunJob } from "../run-job.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";
import { subjectOf } from "../subject.js";
import { replaceFile, writeFile } from "../write-file.js";

const BYTES_PER_UNIT = 1_000;
const UNITS = ["bytes", "kB", "MB", "GB"] as const;

interface ExportCommandOptions extends SharedOptions, KernelOptions {
  readonly format: string;
  readonly out: string;
  readonly traceNs?: true;
}

function optionsOf({ name }: ExportFormat, { traceNs }: ExportCommandOptions): ExportOptions {
  if (traceNs === undefined) return {};
  if (name === "ftrace") return { ftrace: { timestamps: "ns" } };
  throw new ChronovisorError(`--trace-ns: only a log has times in microseconds, and ${name} is none`);
}

/** `12.3 MB`. */
function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  for (; size >= BYTES_PER_UNIT && unit < UNITS.length - 1; unit++) size /= BYTES_PER_UNIT;
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}

/** Runs a job whose target is `path`, in a worker; the file is there when it is whole. */
async function write(
  context: CliContext,
  job: Omit<RunJob, "target">,
  format: ExportFormat,
  { out, options }: { readonly out: string; readonly options: ExportOptions },
): Promise<{ readonly file: ExportedFile; readonly beside: readonly string[] }> {
  const line = progressLine(context.terminal.progress, `export ${job.scenario}`, 1, context.now);
  try {
    return await context.interruptible((signal) =>
      replaceFile(out, signal, async (path) => {
        let file: ExportedFile | undefined;
        await context.runner(
          { ...job, target: { format: format.name, path, name: out, options } },
          {
            signal,
            onProgress: (progress) => line.update(0, progress),
            onExported: (exported) => {
              file = exported;
            },
          },
        );
        if (file === undefined) throw new Error("export: the worker wrote no file");
        return { file, beside: await writeBeside(out, format, file, signal) };
      }),
    );
  } finally {
    line.stop();
  }
}

/** Writes what belongs beside the export, unless that is no file: a pipe has nothing beside it. */
async function writeBeside(
  out: string,
  { companions }: ExportFormat,
  { head }: ExportedFile,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (statSync(out, { throwIfNoEntry: false })?.isFile() === false) return [];
  const { dir, name } = parse(out);
  const written: string[] = [];
  for (const { suffix, text } of companions(head)) {
    const path = join(dir, `${name}${suffix}`);
    await writeFile(path, signal, (piece) => piece(text));
    written.push(path);
  }
  return written;
}

async function exportScenario(context: CliContext, id: string, options: ExportCommandOptions): Promise<void> {
  const format = exportFormatNamed(options.format);
  const choices = optionsOf(format, options);
  const subject = subjectOf(context, id, options);
  const { kernel } = chosenKernel(subject, options);
  const { scenario, params, seed, document } = subject;
  const job = { scenario: scenario.id, kernel, params, seed, document, mode: "closed-form" } as const;
  const { file, beside } = await write(context, job, format, { out: options.out, options: choices });
  const { head, bytes } = file;
  context.terminal.out(
    [
      `${options.out}: ${head.scenario} on ${head.kernel}, ${sizeText(bytes)}, for ${format.title}\n`,
      ...beside.map((path) => `${path} belongs beside it\n`),
    ].join(""),
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
  addSettingOptions(addKernelOptions(command))
    .option("--trace-ns", "ftrace: times to the nanosecond, as trace-cmd report -t has them")
    .action((id: string, options: ExportCommandOptions) => exportScenario(context, id, options));
  command.addHelpText("after", formatsHelp());
  addScenarioHelp(command, context);
  addExamples(command, [
    "chronovisor export pinned-timer --variant before --format perfetto --out pinned.pftrace",
    "chronovisor export periodic-drift --kernel v4.16 --duration 1s --format ftrace --out drift.txt",
  ]);
}
