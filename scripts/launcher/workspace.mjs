import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The built command. */
export const CLI = join(ROOT, "apps", "scenarios", "dist", "cli.js");

export const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Every workspace member: its directory and its manifest. */
export function members() {
  return ["packages", "apps"].flatMap((group) =>
    readdirSync(join(ROOT, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(ROOT, group, entry.name))
      .map((directory) => ({ directory, manifest: readJson(join(directory, "package.json")) })),
  );
}

/** The script behind a root dev dependency's command, to be run with this same Node: no shell, no PATH. */
export function tool(name, command = name) {
  const manifestPath = findManifest(name);
  const { bin } = readJson(manifestPath);
  return join(dirname(manifestPath), typeof bin === "string" ? bin : bin[command]);
}

/** Not every package exports its package.json, so the manifest is looked for where Node would look for the package. */
function findManifest(name) {
  const [modules] = createRequire(join(ROOT, "package.json")).resolve.paths(name);
  return join(modules, name, "package.json");
}
