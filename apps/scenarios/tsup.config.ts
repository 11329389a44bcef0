import { defineConfig } from "tsup";
import { packageBuild } from "../../tsup.base";

export default defineConfig([
  { ...packageBuild, platform: "node" },
  // The library build cleans dist; the command only adds to it.
  { ...packageBuild, entry: ["src/cli.ts"], format: ["esm"], platform: "node", dts: false, clean: false },
]);
