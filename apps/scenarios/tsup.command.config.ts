import { defineConfig } from "tsup";
import { packageBuild } from "../../tsup.base";

/** The command, built after the library: it adds to dist, and loads its worker from beside itself. */
export default defineConfig({
  ...packageBuild,
  entry: { cli: "src/cli.ts", worker: "src/cli/worker.ts" },
  format: ["esm"],
  platform: "node",
  dts: false,
  clean: false,
});
