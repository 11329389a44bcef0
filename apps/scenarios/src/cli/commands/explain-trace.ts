import { TraceTextOrder, TraceTextReader } from "@chronovisor/trace";
import type { Command } from "commander";
import { ChronovisorError } from "../../errors.js";
import { renderFindings } from "../../render/findings.js";
import { counted } from "../../render/log-quantities.js";
import type { TraceFindings } from "../../trace-analysis/findings.js";
import { findingsToJson } from "../../trace-analysis/json.js";
import { TraceAnalysis } from "../../trace-analysis/trace-analysis.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { logSize, readLog } from "../log-file.js";
import { readingLine } from "../reading-line.js";
import { addExamples } from "../scenario-help.js";

interface ExplainTraceOptions {
  readonly json?: true;
}

/** Reads a log to its end and says what is in it. */
async function findingsOf(context: CliContext, path: string): Promise<TraceFindings> {
  const analysis = new TraceAnalysis();
  const order = new TraceTextOrder((record) => analysis.take(record));
  const reader = new TraceTextReader({ onRecord: (record) => order.add(record) });
  const size = await logSize(path);
  const line = readingLine(context.terminal.progress, `explain-trace ${path}`, size, context.now);
  const take = (text: string, bytes: number): void => {
    reader.write(text);
    line.update(bytes);
  };
  try {
    await context.interruptible((signal) => readLog(path, take, signal));
  } finally {
    line.stop();
  }
  reader.end();
  order.end();
  const text = reader.summary();
  if (text.records === 0) {
    throw new ChronovisorError(
      `${path}: expected a log of KVM's and timers' events (tracefs, trace-cmd report, perf script), got none in ${counted(text.lines, "line")}`,
    );
  }
  return analysis.findings(text, order.summary());
}

async function explainTrace(context: CliContext, path: string, { json }: ExplainTraceOptions): Promise<void> {
  const findings = await findingsOf(context, path);
  const { terminal } = context;
  const name = path === "-" ? "standard input" : path;
  terminal.out(
    json
      ? `${JSON.stringify(findingsToJson(findings))}\n`
      : renderFindings(name, findings, styleOf(context), terminal.columns),
  );
  context.done(EXIT.held);
}

/** `chronovisor explain-trace`: what a kernel's log says of its VMs' clocks and timers. */
export function addExplainTraceCommand(program: Command, context: CliContext): void {
  const command = program
    .command("explain-trace")
    .summary("say what a kernel log shows of VMs' clocks and timers")
    .description(
      "Reads the text of a kernel log (tracefs trace and trace_pipe, trace-cmd report, perf script) with events of KVM and of hrtimers, and says what it shows: each vCPU's clock and its drift, jumps, when and why the master clock went off, timers that expire on another CPU, late and lost ticks. Damaged logs are read as far as they go.",
    )
    .argument("<file>", "the log, or - for standard input")
    .option("--json", "print the exact findings as one JSON object and nothing else")
    .action((path: string, options: ExplainTraceOptions) => explainTrace(context, path, options));
  addExamples(command, [
    "trace-cmd record -e kvm -e hrtimer_start -e hrtimer_expire_entry sleep 10",
    "trace-cmd report | chronovisor explain-trace -",
    "chronovisor explain-trace trace.txt --json",
  ]);
}
