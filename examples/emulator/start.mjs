import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, exit, stderr, stdout } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const usage = "usage: node examples/emulator/start.mjs [--page DIRECTORY]\n";

/** The packages from their sources: nothing has to be built or installed first. */
const alias = Object.fromEntries(
  ["clocksource", "hrtimer", "lapic"].map((name) => [
    `@chronovisor/${name}`,
    join(here, "..", "..", "packages", name, "src", "index.ts"),
  ]),
);

/** @param {import("esbuild").BuildOptions} options */
const bundle = (options) => build({ bundle: true, target: "es2022", alias, logLevel: "warning", ...options });

const [option, directory] = argv.slice(2);

if (option === undefined) {
  const scratch = await mkdtemp(join(tmpdir(), "two-cpus-"));
  try {
    const outfile = join(scratch, "node.mjs");
    await bundle({ entryPoints: [join(here, "node.ts")], outfile, platform: "node", format: "esm" });
    await import(pathToFileURL(outfile).href);
  } finally {
    await rm(scratch, { recursive: true });
  }
} else if (option === "--page" && directory !== undefined) {
  // A classic script, so that the page opens from a disk, without a server.
  await bundle({ entryPoints: [join(here, "page.ts")], outfile: join(directory, "page.js"), format: "iife" });
  await copyFile(join(here, "index.html"), join(directory, "index.html"));
  stdout.write(`open ${join(directory, "index.html")}\n`);
} else {
  stderr.write(usage);
  exit(2);
}
