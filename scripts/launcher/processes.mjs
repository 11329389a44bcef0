import { spawn } from "node:child_process";
import { constants } from "node:os";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];
/** A terminal sends Ctrl-C to the whole group; only a child still running after this long is told again. */
const INTERRUPT_GRACE_MS = 250;

/** npm's quiet setting is for its own banner; what we start through it must be able to say what went wrong. */
const overrides = { DO_NOT_TRACK: "1", TURBO_TELEMETRY_DISABLED: "1", npm_config_loglevel: "error" };

/** npm and pnpm are `.cmd` files on Windows, which only a shell can start. */
const shell = process.platform === "win32";

/** Runs a program on our own terminal and returns its exit code, 128 + n after signal n. */
export function run(program, args, options = {}) {
  return finish(start(program, args, { ...options, stdio: options.stdio ?? "inherit" }));
}

/** Runs a program on our standard error: it sets things up, and standard output belongs to the command's result. */
export function runAside(program, args, options = {}) {
  return run(program, args, { ...options, stdio: ["ignore", 2, 2] });
}

/** Runs a program silently and returns its exit code with all it printed. */
export async function capture(program, args, options = {}) {
  const child = start(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const chunks = { stdout: [], stderr: [], output: [] };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].on("data", (chunk) => {
      chunks[stream].push(chunk);
      chunks.output.push(chunk);
    });
  }
  const code = await finish(child);
  const text = (parts) => Buffer.concat(parts).toString();
  return { code, stdout: text(chunks.stdout), output: text(chunks.output) };
}

function start(program, args, { cwd, env, stdio }) {
  const needsShell = shell && program !== process.execPath;
  return spawn(program, args, {
    cwd,
    env: { ...process.env, ...overrides, ...env },
    stdio,
    shell: needsShell,
  });
}

/** Signals that reach us while a child runs are passed on, so that it ends by its own rules and we report how. */
function finish(child) {
  return new Promise((resolve, reject) => {
    const forward = (signal) => {
      setTimeout(() => child.kill(signal), signal === "SIGINT" ? INTERRUPT_GRACE_MS : 0).unref();
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const stopForwarding = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    child.once("error", (error) => {
      stopForwarding();
      reject(error);
    });
    child.once("close", (code, signal) => {
      stopForwarding();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}
