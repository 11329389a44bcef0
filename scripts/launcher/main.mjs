import { build, turbo } from "./build.mjs";
import { check } from "./check.mjs";
import { prepare } from "./prepare.mjs";
import { run } from "./processes.mjs";
import { CLI, ROOT, tool } from "./workspace.mjs";

/** Where the person typed the command: npm itself runs scripts in the root. */
const callerDirectory = process.env.INIT_CWD ?? process.cwd();

const cli = (args) => run(process.execPath, [CLI, ...args], { cwd: callerDirectory });
const vitest = (args) => run(process.execPath, [tool("vitest"), ...args], { cwd: ROOT });
const changeset = (command) =>
  run(process.execPath, [tool("@changesets/cli", "changeset"), command], { cwd: ROOT });

/** What each npm script does once the workspace is installed. */
const commands = {
  start: async (args) => (await build()) || cli(["start", ...args]),
  cli: async (args) => (await build()) || cli(args),
  conform: async (args) => (await build()) || cli(["conform", ...args]),
  test: async (args) => (await build()) || vitest(["run", ...args]),
  bench: (args) => vitest(["bench", "--run", ...args]),
  build,
  typecheck: () => turbo("typecheck"),
  check,
  // The lockfile names the versions of the workspace's own packages, so it follows them.
  "version-packages": async () =>
    (await changeset("version")) || run("pnpm", ["install", "--lockfile-only"], { cwd: ROOT }),
  release: async () => (await build()) || changeset("publish"),
};

/** Runs a command and returns the exit code of the program it ended in. */
export async function main([name, ...args]) {
  const command = Object.hasOwn(commands, name ?? "") ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(
      `chronovisor: expected one of ${Object.keys(commands).join(", ")}, got "${name ?? ""}"\n`,
    );
    return 2;
  }
  return (await prepare()) || command(args);
}
