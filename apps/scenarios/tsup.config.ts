import { defineConfig } from "tsup";
import { packageBuild } from "../../tsup.base";

export default defineConfig([
  // The shims give the CommonJS build its import.meta.url, by which the published vectors are found.
  { ...packageBuild, platform: "node", shims: true },
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
