import type { TraceRun } from "../exporter.js";
import type { FtraceLayout } from "./line-text.js";

/** Legend of the columns, as tracefs heads its file with. */
const LEGEND = `# tracer: nop
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
`;

/** A text that stays on its line. */
const quoted = (text: string): string => JSON.stringify(text);

/** What a log begins with: what it is of, in comments, and what its tool writes there. */
export function headerText(run: TraceRun, layout: FtraceLayout): string {
  const params = Object.entries(run.params).map(([name, value]) => `# param ${name} = ${quoted(value)}\n`);
  const about = [
    `# simulated: scenario ${quoted(run.scenario)}, kernel ${quoted(run.kernel)}, seed ${run.seed}\n`,
    `# host TSC: ${run.tscHz} Hz, calibrated to ${run.tscKhz} kHz\n`,
    ...params,
  ].join("");
  if (layout === "tracefs")
    return `${LEGEND.slice(0, LEGEND.indexOf("\n") + 1)}#\n${about}${LEGEND.slice(LEGEND.indexOf("\n") + 1)}`;
  return layout === "trace-cmd" ? `${about}cpus=${run.cpus}\n` : about;
}
