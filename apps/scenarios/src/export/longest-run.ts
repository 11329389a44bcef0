import { type TraceEvent, type TraceExporter, type TraceRun, TrueTime } from "@chronovisor/trace";
import { ChronovisorError } from "../errors.js";
import type { ExportFormat } from "./formats.js";

/** An exporter of a format that cannot hold a run of any length: where the run gets too long, the error says so to whoever asked. */
export function refusingLonger(
  exporter: TraceExporter,
  { tscHz }: TraceRun,
  { name, longest }: Pick<ExportFormat, "name" | "longest">,
): TraceExporter {
  if (longest === undefined) return exporter;
  const time = new TrueTime(tscHz);
  return {
    emit: (event: TraceEvent) => {
      time.note(event);
      try {
        exporter.emit(event);
      } catch (error) {
        if (time.at(event.at) < longest.ns) throw error;
        throw new ChronovisorError(
          `${name}: expected a run of at most ${longest.text}, got a longer one; ${longest.advice}`,
        );
      }
    },
    end: () => exporter.end(),
  };
}
