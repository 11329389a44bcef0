import { defineConfig } from "tsup";
import { packageBuild } from "../../tsup.base";

export default defineConfig([
  { ...packageBuild, platform: "node" },
  // The library build cleans dist; the command only adds to it, and loads its worker from beside itself.
  {
    ...packageBuild,
    entry: { cli: "src/cli.ts", worker: "src/cli/worker.ts" },
    format: ["esm"],
    platform: "node",
    dts: false,
    clean: false,
  },
]);
