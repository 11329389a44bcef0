import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishable, root } from "../workspace.ts";
import { pnpm } from "./pnpm.ts";

const exec = promisify(execFile);
const NOT_COPIED = new Set(["node_modules", "dist", ".git", ".turbo", "coverage", "data"]);

/** A copy with the history `changeset version` reads, so that versioning it leaves this checkout alone. */
async function copyWorkspace(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "chronovisor-release-"));
  await cp(root, copy, { recursive: true, filter: (source) => !NOT_COPIED.has(basename(source)) });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const git = (...args: string[]) =>
    exec("git", ["-c", "user.name=release", "-c", "user.email=release@example.com", ...args], { cwd: copy });
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "package.json", ".changeset", "packages", "apps");
  await git("commit", "--quiet", "--message=copy");
  return copy;
}

describe("a release", () => {
  let copy: string;
  beforeAll(async () => {
    copy = await copyWorkspace();
  });
  afterAll(() => rm(copy, { recursive: true }));

  it("versions every publishable package and writes its changelog from a changeset", async () => {
    const bumps = publishable.map(({ name }) => `"${name}": minor`).join("\n");
    await writeFile(
      join(copy, ".changeset", "first.md"),
      `---\n${bumps}\n---\n\nShow what a release writes.\n`,
    );
    const changeset = join(root, "node_modules", "@changesets", "cli", "bin.js");
    await exec(process.execPath, [changeset, "version"], { cwd: copy });
    for (const { name, directory } of publishable) {
      const released = join(copy, relative(root, directory));
      const manifest = JSON.parse(await readFile(join(released, "package.json"), "utf8"));
      expect(manifest.version, name).toMatch(/^\d+\.[1-9]\d*\.0$/);
      expect(await readFile(join(released, "CHANGELOG.md"), "utf8"), name).toContain(
        "Show what a release writes.",
      );
      for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
        if (publishable.some((member) => member.name === dependency))
          expect(range, `${name} → ${dependency}`).toBe("workspace:^");
      }
    }
  });

  it("publishes every publishable package, as a dry run shows", async () => {
    const printed = await pnpm(["-r", "publish", "--dry-run", "--no-git-checks"], root);
    for (const { name } of publishable) expect(printed).toContain(`+ ${name}@`);
  });
});
