// Run by npx with the pinned pnpm on PATH: prints the directory that pnpm is in.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const names = process.platform === "win32" ? ["pnpm.cmd"] : ["pnpm"];
const directory = process.env.PATH.split(delimiter).find((path) =>
  names.some((name) => existsSync(join(path, name))),
);
if (directory === undefined) process.exitCode = 1;
else process.stdout.write(directory);
