import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../workspace.ts";

const exec = promisify(execFile);

const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  packageManager: string;
};

/** Without a network a lookup must fail at once instead of being retried for minutes. */
const env = {
  ...process.env,
  npm_config_fetch_retries: "0",
  npm_config_loglevel: "error",
  npm_config_audit: "false",
  npm_config_fund: "false",
};

/** Runs the pinned pnpm and returns what it printed. */
export async function pnpm(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await exec("npx", ["--yes", "--prefer-offline", packageManager, ...args], {
    cwd,
    env,
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

/** Runs npm, as a consumer would. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await exec("npm", args, { cwd, env });
  return stdout;
}

/** Runs Node on a script and returns what it printed. */
export async function node(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await exec(process.execPath, args, { cwd, maxBuffer: 2 ** 26 });
  return stdout;
}
