import { defineConfig } from "tsup";
import { packageBuild } from "../../tsup.base";

// The shims give the CommonJS build its import.meta.url, by which the published vectors are found.
export default defineConfig({ ...packageBuild, platform: "node", shims: true });
