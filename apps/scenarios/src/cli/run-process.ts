import type { ScenarioDefinition } from "../scenario/types.js";
import type { CliContext } from "./context.js";
import { EXIT } from "./exit-codes.js";
import { Interrupted, main } from "./main.js";
import { processTerminal } from "./terminal.js";
import { WorkerPool } from "./worker-pool.js";

const INTERRUPTS = ["SIGINT", "SIGTERM"] as const;

/** Turns the interrupts of a process into an abort while `work` goes on. A second one ends the process as usual. */
function interruptible(process: NodeJS.Process): CliContext["interruptible"] {
  return async (work) => {
    const controller = new AbortController();
    const abort = (): void => controller.abort(new Interrupted("interrupted"));
    for (const name of INTERRUPTS) process.once(name, abort);
    try {
      return await work(controller.signal);
    } finally {
      for (const name of INTERRUPTS) process.off(name, abort);
    }
  };
}

/**
 * A reader that went away (`| head`) has what it wanted: no message, and the exit code stays that of the command.
 * Output that is lost otherwise, on a full disk, is told once.
 *
 * @returns whether output was lost
 */
function watchOutput({ stdout, stderr }: NodeJS.Process): () => boolean {
  let lost = false;
  stderr.on("error", () => {});
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (lost || error.code === "EPIPE") return;
    lost = true;
    stderr.write(`chronovisor: cannot write the output: ${error.message}\n`);
  });
  return () => lost;
}

/** How long an interrupted process may take to end by itself. */
const GRACE_MS = 500;

/**
 * Ends an interrupted process that something keeps: a read of a pipe that is under way cannot be called off, and `exit`
 * would wait for it. The signal's own action does not; shells report it as 130 too. The timer alone keeps nothing.
 */
function endSoon({ kill, pid }: NodeJS.Process): void {
  setTimeout(() => kill(pid, "SIGINT"), GRACE_MS).unref();
}

/**
 * Carries out the command line of a process and sets its exit code. The process ends by itself, so that what is still
 * in a pipe gets out.
 *
 * @param worker - the built module that carries runs out
 */
export async function runProcess(
  process: NodeJS.Process,
  scenarios: readonly ScenarioDefinition[],
  worker: URL,
): Promise<void> {
  const outputLost = watchOutput(process);
  // The stream reports its error after the write returned.
  process.on("exit", () => {
    if (outputLost()) process.exitCode = EXIT.request;
  });
  const { runner, exporter } = new WorkerPool(worker);
  const code = await main(process.argv.slice(2), {
    terminal: processTerminal(process),
    scenarios,
    runner,
    exporter,
    interruptible: interruptible(process),
    now: () => performance.now(),
  });
  process.exitCode = code;
  if (code === EXIT.interrupted) endSoon(process);
}
