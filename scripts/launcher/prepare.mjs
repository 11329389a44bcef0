import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { capture, runAside } from "./processes.mjs";
import { members, ROOT, readJson } from "./workspace.mjs";

/** What the last successful installation was made from, and where its pnpm is. */
const STAMP = join(ROOT, "node_modules", ".chronovisor-install.json");
/** pnpm's own record: gone when another package manager has rebuilt node_modules. */
const PNPM_RECORD = join(ROOT, "node_modules", ".modules.yaml");

const say = (line) => process.stderr.write(`chronovisor: ${line}\n`);

/**
 * Installs the workspace's dependencies, and returns an exit code.
 *
 * Nothing runs when the lockfile and the manifests are those of the last installation: this is what makes a second
 * command fast and lets it work without a network.
 */
export async function prepare() {
  const fingerprint = fingerprintInputs();
  const stamp = readStamp();
  if (stamp.fingerprint === fingerprint && existsSync(PNPM_RECORD) && existsSync(stamp.pnpmDirectory)) {
    usePnpm(stamp.pnpmDirectory);
    return 0;
  }
  say("installing dependencies");
  const pnpmDirectory = await findPnpm();
  if (pnpmDirectory === undefined) return 1;
  usePnpm(pnpmDirectory);
  const code = await runAside(
    "pnpm",
    ["install", "--frozen-lockfile", "--prefer-offline", "--reporter=append-only", "--loglevel=warn"],
    // CI makes pnpm replace a node_modules of another package manager without asking.
    { cwd: ROOT, env: { CI: "1" } },
  );
  if (code === 0) writeFileSync(STAMP, `${JSON.stringify({ fingerprint, pnpmDirectory })}\n`);
  else say("the dependencies could not be installed");
  return code;
}

/** turbo starts tasks through the `pnpm` of PATH, and nobody needs one of their own. */
function usePnpm(directory) {
  process.env.PATH = `${directory}${delimiter}${process.env.PATH}`;
}

/** npx keeps the pinned pnpm in its cache; asking it takes seconds, so the answer goes into the stamp. */
async function findPnpm() {
  const { packageManager } = readJson(join(ROOT, "package.json"));
  // --prefer-offline: without a network npx would else retry the registry for a minute over what it has.
  const { code, stdout, output } = await capture(
    "npx",
    [
      "--yes",
      "--prefer-offline",
      `--package=${packageManager}`,
      "-c",
      "node scripts/launcher/print-pnpm-directory.mjs",
    ],
    { cwd: ROOT },
  );
  if (code === 0) return stdout.trim();
  process.stderr.write(output);
  say(`${packageManager} could not be had through npx`);
  return undefined;
}

/** Everything that decides what an installation contains. */
function fingerprintInputs() {
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"].map((name) => join(ROOT, name));
  const manifests = members().map(({ directory }) => join(directory, "package.json"));
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const path of [...files, ...manifests]) hash.update("\0").update(readFileSync(path));
  return hash.digest("hex");
}

function readStamp() {
  try {
    return readJson(STAMP);
  } catch {
    // No stamp, or not one of ours: the same as never installed.
    return {};
  }
}
