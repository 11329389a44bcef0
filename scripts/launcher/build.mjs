import { capture } from "./processes.mjs";
import { ROOT, tool } from "./workspace.mjs";

/** A build from the cache is over before this, and then nothing needs to be said. */
const QUIET_MS = 1500;

/** Runs a turbo task over the workspace, quietly unless it fails, and returns its exit code. */
export async function turbo(task, flags = []) {
  const notice = setTimeout(() => process.stderr.write(`chronovisor: running ${task}\n`), QUIET_MS);
  const { code, output } = await capture(
    process.execPath,
    [tool("turbo"), "run", task, "--output-logs=errors-only", "--log-prefix=none", "--ui=stream", ...flags],
    { cwd: ROOT },
  );
  clearTimeout(notice);
  if (code !== 0) process.stderr.write(output);
  return code;
}

/** Builds every package and app that changed. */
export const build = () => turbo("build");
