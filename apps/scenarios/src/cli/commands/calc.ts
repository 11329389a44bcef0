import type { Command } from "commander";
import { type DriftInput, driftWorksheet } from "../../calc/drift.js";
import { type MigrateInput, type MigrationEnd, migrateWorksheet } from "../../calc/migrate.js";
import { multShiftWorksheet } from "../../calc/mult-shift.js";
import { type PvclockInput, pvclockWorksheet } from "../../calc/pvclock.js";
import { parsePvclockLine, readPvclock } from "../../calc/pvclock-line.js";
import {
  readChoice,
  readCycleCount,
  readHz,
  readInteger,
  readKhz,
  readNanoseconds,
  readPpm,
  readTscOffset,
} from "../../calc/read-number.js";
import { renderWorksheet } from "../../calc/render-worksheet.js";
import { tscScaleWorksheet } from "../../calc/tsc-scale.js";
import { type Worksheet, worksheetToJson } from "../../calc/worksheet.js";
import { ChronovisorError, unknownName } from "../../errors.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { once } from "../options.js";
import { addExamples } from "../scenario-help.js";

const U32_MAX = 2 ** 32 - 1;
/** Host ticks that divide a second into whole nanoseconds, as the kernel's configurations have them. */
const TICKS: readonly number[] = [100, 250, 1000];
/** What ADJ_FREQUENCY takes, either way. */
const MAX_PPM = 500n;

/** Texts of the options given, by commander's names. */
type Texts = Readonly<Record<string, string | undefined>>;
type Calculation = (texts: Texts) => Worksheet;

const optionFlag = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Reads an option that commander made sure of, or one with a default. */
function read<Value>(
  texts: Texts,
  name: string,
  reader: (option: string, text: string) => Value,
  fallback?: string,
): Value {
  const text = texts[name] ?? fallback;
  if (text === undefined) throw new ChronovisorError(`${optionFlag(name)}: expected a value, got none`);
  return reader(optionFlag(name), text);
}

const readVendor = (option: string, text: string): "vmx" | "svm" => readChoice(option, text, ["vmx", "svm"]);

/** A calculator as a subcommand: its options are added by the caller, `--json` here. */
function addCalculator(
  calc: Command,
  context: CliContext,
  name: string,
  about: { readonly summary: string; readonly description: string; readonly examples: readonly string[] },
  calculate: Calculation,
): Command {
  const command = calc
    .command(name)
    .summary(about.summary)
    .description(about.description)
    .action((options: Texts & { readonly json?: true }) => {
      const worksheet = calculate(options);
      const { columns } = context.terminal;
      context.terminal.out(
        options.json
          ? `${JSON.stringify(worksheetToJson(worksheet))}\n`
          : renderWorksheet(worksheet, { columns, style: styleOf(context) }),
      );
      context.done(EXIT.held);
    });
  addExamples(command, about.examples);
  return command;
}

function addJson(command: Command): void {
  command.option("--json", "print every term exactly, as one JSON object, and nothing else");
}

function required(command: Command, name: string, placeholder: string, help: string): Command {
  return command.requiredOption(`--${name} <${placeholder}>`, help, once(`--${name}`));
}

function optional(command: Command, name: string, placeholder: string, help: string): Command {
  return command.option(`--${name} <${placeholder}>`, help, once(`--${name}`));
}

function addMultShift(calc: Command, context: CliContext): void {
  const about = {
    summary: "the mult and shift of a clocksource",
    description: "Works out the mult and shift the kernel converts a counter with, and what they are off by.",
    examples: [
      "chronovisor calc mult-shift --from-hz 2.5GHz --to-hz 1GHz",
      "chronovisor calc mult-shift --from-hz 3579545 --to-hz 1GHz --bits 24 --json",
    ],
  };
  const command = addCalculator(calc, context, "mult-shift", about, (texts) =>
    multShiftWorksheet({
      fromHz: read(texts, "fromHz", readHz),
      toHz: read(texts, "toHz", readHz),
      bits: read(texts, "bits", (option, text) => readInteger(option, text, 1, 64), "64"),
      ...(texts.maxSec === undefined
        ? {}
        : { maxSec: read(texts, "maxSec", (option, text) => readInteger(option, text, 0, U32_MAX)) }),
    }),
  );
  required(command, "from-hz", "freq", "the counter, 1 to 4294967295 Hz");
  required(command, "to-hz", "freq", "what it is converted to: 1GHz for nanoseconds");
  optional(command, "max-sec", "n", "seconds that must fit 64 bits (default: by the width, 600 at most)");
  optional(command, "bits", "n", "width of the counter, 1 to 64 (default: 64)");
  addJson(command);
}

function addTscScale(calc: Command, context: CliContext): void {
  const about = {
    summary: "the ratio a guest's TSC is scaled by",
    description: "Works out the ratio a guest's TSC is scaled by, and the frequencies derived from it.",
    examples: [
      "chronovisor calc tsc-scale --host-khz 3GHz --guest-khz 2.5GHz",
      "chronovisor calc tsc-scale --host-khz 2.4GHz --guest-khz 2.5GHz --vendor svm",
    ],
  };
  const command = addCalculator(calc, context, "tsc-scale", about, (texts) =>
    tscScaleWorksheet({
      hostKhz: read(texts, "hostKhz", readKhz),
      guestKhz: read(texts, "guestKhz", readKhz),
      vendor: read(texts, "vendor", readVendor, "vmx"),
      ...(texts.tsc === undefined ? {} : { tsc: read(texts, "tsc", readCycleCount) }),
    }),
  );
  required(command, "host-khz", "freq", "the host's TSC, kHz");
  required(command, "guest-khz", "freq", "the frequency asked for, kHz");
  optional(command, "vendor", "name", "vmx or svm (default: vmx)");
  optional(command, "tsc", "cycles", "a host TSC to scale (default: a second of it)");
  addJson(command);
}

function pvclockInput(texts: Texts): PvclockInput {
  const fields = ["tscTimestamp", "systemTime", "mul", "shift", "flags", "version"] as const;
  const { line } = texts;
  const tsc = texts.tsc === undefined ? {} : { tsc: read(texts, "tsc", readCycleCount) };
  if (line !== undefined) {
    const twice = fields.find((name) => texts[name] !== undefined);
    if (twice === undefined) return { published: parsePvclockLine(line), ...tsc };
    throw new ChronovisorError(`${optionFlag(twice)}: --line has it too; give one of them`);
  }
  const text = (name: string): readonly [string, string] => {
    const given = texts[name];
    if (given !== undefined) return [optionFlag(name), given];
    throw new ChronovisorError(`${optionFlag(name)}: expected a value, or all of them in --line, got none`);
  };
  text("tsc");
  const published = readPvclock({
    tscTimestamp: text("tscTimestamp"),
    systemTime: text("systemTime"),
    mul: text("mul"),
    shift: text("shift"),
    ...(texts.flags === undefined ? {} : { flags: text("flags") }),
    ...(texts.version === undefined ? {} : { version: text("version") }),
  });
  return { published, ...tsc };
}

function addPvclock(calc: Command, context: CliContext): void {
  const about = {
    summary: "what a guest reads from a pvclock",
    description:
      "Works out the time a guest reads from a pvclock structure, given in fields or as a trace line.",
    examples: [
      "chronovisor calc pvclock --tsc-timestamp 1000 --system-time 7 \\\n    --mul 3435973836 --shift -1 --tsc 2500001000",
      "chronovisor calc pvclock --line 'version 2, tsc_timestamp 0x3e8, \\\n    system_time 0x7, tsc_to_system_mul 0xcccccccc, tsc_shift -1, flags 0x1'",
    ],
  };
  const command = addCalculator(calc, context, "pvclock", about, (texts) =>
    pvclockWorksheet(pvclockInput(texts)),
  );
  optional(command, "line", "text", "a kvm_pvclock_update line of a trace, instead of the fields");
  optional(command, "tsc-timestamp", "cycles", "guest TSC of the reference, u64");
  optional(command, "system-time", "ns", "guest time of the reference, u64");
  optional(command, "mul", "n", "tsc_to_system_mul, 1 to 4294967295");
  optional(command, "shift", "n", "tsc_shift, -63 to 63");
  optional(command, "flags", "n", "flags, if known");
  optional(command, "version", "n", "version, if known");
  optional(command, "tsc", "cycles", "guest TSC to read at (default with --line: a second on)");
  addJson(command);
}

function readTickHz(option: string, text: string): number {
  const hz = readInteger(option, text, 1, U32_MAX);
  if (TICKS.includes(hz)) return hz;
  throw new ChronovisorError(`${option}: expected one of ${TICKS.join(", ")}, got "${text}"`);
}

function driftInput(texts: Texts): DriftInput {
  return {
    hostKhz: read(texts, "hostKhz", readKhz),
    guestKhz: read(texts, "guestKhz", readKhz),
    vendor: read(texts, "vendor", readVendor, "vmx"),
    ntpPpm: read(texts, "ntpPpm", (option, text) => readPpm(option, text, MAX_PPM), "0"),
    tickHz: read(texts, "tickHz", readTickHz, "250"),
  };
}

function addDrift(calc: Command, context: CliContext): void {
  const about = {
    summary: "how fast the clocks of a guest and its host part",
    description:
      "Works out the rate of every clock of a guest and its host, which rounding makes it, and how fast every two of them part.",
    examples: [
      "chronovisor calc drift --host-khz 3GHz --guest-khz 2.5GHz",
      "chronovisor calc drift --host-khz 2.9GHz --guest-khz 2.5GHz --ntp-ppm -12.5",
    ],
  };
  const command = addCalculator(calc, context, "drift", about, (texts) => driftWorksheet(driftInput(texts)));
  required(command, "host-khz", "freq", "the host's TSC, kHz");
  required(command, "guest-khz", "freq", "the frequency asked for, kHz");
  optional(command, "vendor", "name", "vmx or svm (default: vmx)");
  optional(command, "ntp-ppm", "ppm", "frequency NTP set on the host, -500 to 500 (default: 0)");
  optional(command, "tick-hz", "n", "ticks of the host a second: 100, 250 or 1000 (default: 250)");
  addJson(command);
}

function migrationEnd(texts: Texts, end: "source" | "dest"): MigrationEnd {
  return {
    hostKhz: read(texts, `${end}Khz`, readKhz),
    hostTsc: read(texts, `${end}Tsc`, readCycleCount),
    guestNs: read(texts, `${end}Ns`, readNanoseconds),
  };
}

function migrateInput(texts: Texts): MigrateInput {
  return {
    guestKhz: read(texts, "guestKhz", readKhz),
    vendor: read(texts, "vendor", readVendor, "vmx"),
    sourceOffset: read(texts, "sourceOffset", readTscOffset),
    source: migrationEnd(texts, "source"),
    destination: migrationEnd(texts, "dest"),
  };
}

function addMigrate(calc: Command, context: CliContext): void {
  const about = {
    summary: "the TSC offset of a guest that moves to another host",
    description:
      "Works out the TSC offset of a guest that moves to another host, by the formula that scales and by the documented one.",
    examples: [
      "chronovisor calc migrate --guest-khz 2.5GHz --source-khz 2.9GHz \\\n    --source-tsc 250560000000000 --source-ns 3599999999958 \\\n    --source-offset -206999999999999 --dest-khz 3.1GHz \\\n    --dest-tsc 3100000000000 --dest-ns 3600499999958",
      "chronovisor calc migrate --guest-khz 2.5GHz --source-khz 2.5GHz \\\n    --source-tsc 9000 --source-ns 1s --source-offset 0 --dest-khz 2.5GHz \\\n    --dest-tsc 5000 --dest-ns 1.5s --json",
    ],
  };
  const command = addCalculator(calc, context, "migrate", about, (texts) =>
    migrateWorksheet(migrateInput(texts)),
  );
  required(command, "guest-khz", "freq", "the guest's TSC, kHz");
  required(command, "source-khz", "freq", "the source's TSC, kHz");
  required(command, "source-tsc", "cycles", "its TSC at KVM_GET_CLOCK, u64");
  required(command, "source-ns", "ns", "guest time at KVM_GET_CLOCK, u64");
  required(command, "source-offset", "cycles", "the guest's TSC offset there, signed or u64");
  required(command, "dest-khz", "freq", "the destination's TSC, kHz");
  required(command, "dest-tsc", "cycles", "its TSC at KVM_GET_CLOCK, u64");
  required(command, "dest-ns", "ns", "guest time at KVM_GET_CLOCK, u64");
  optional(command, "vendor", "name", "of both hosts: vmx or svm (default: vmx)");
  addJson(command);
}

/** What is left when no calculator was named: nothing, which is answered with the help, or a name that is none. */
function answerUnnamed(calc: Command, context: CliContext): void {
  const [name] = calc.args;
  if (name !== undefined) {
    throw unknownName(
      "calculator",
      name,
      calc.commands.map((command) => command.name()),
    );
  }
  calc.outputHelp();
  context.done(EXIT.held);
}

/** `chronovisor calc`: what the kernel computes of clocks, worked out term by term. */
export function addCalcCommand(program: Command, context: CliContext): void {
  const calc = program
    .command("calc")
    .summary("work out what the kernel computes of clocks")
    .description("Works out, term by term and exactly, what the kernel computes of clocks and counters.")
    .usage("<calculator> [options]")
    .helpCommand(false)
    .allowExcessArguments();
  calc.action(() => answerUnnamed(calc, context));
  addMultShift(calc, context);
  addTscScale(calc, context);
  addPvclock(calc, context);
  addDrift(calc, context);
  addMigrate(calc, context);
  addExamples(calc, [
    "chronovisor calc drift --host-khz 3GHz --guest-khz 2.5GHz",
    "chronovisor calc tsc-scale --help",
  ]);
}
