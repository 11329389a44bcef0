import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** The members of package.json that the tests read. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A workspace member. */
export interface Member {
  readonly name: string;
  /** `packages` or `apps`. */
  readonly group: string;
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Every package and app, in name order. */
export const members: readonly Member[] = ["packages", "apps"].flatMap((group) =>
  readdirSync(join(root, group))
    .map((entry) => join(root, group, entry))
    .filter((directory) => existsSync(join(directory, "package.json")))
    .map((directory) => {
      const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
      return { name: manifest.name, group, directory, manifest };
    }),
);

/** The members that go to the registry. */
export const publishable: readonly Member[] = members.filter(({ manifest }) => manifest.private !== true);

/** Every TypeScript file under a member's `src`, tests included. */
export function sourceFiles(member: Member): readonly string[] {
  return readdirSync(join(member.directory, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(member.directory, "src", path))
    .sort();
}

/** Whether a source file is a test or a bench, which may use what the package itself may not. */
export const isTest = (path: string): boolean => /\.(test|bench)\.ts$/.test(path);
