import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { defineProject, mergeConfig } from "vitest/config";
import { shared } from "../../vitest.shared.ts";

const index = fileURLToPath(new URL("./src/index.ts", import.meta.url));
const BUNDLED = "\0bundled-index";

/**
 * Gives benches the package as its users get it, in one file. The test runner turns every import into a property read,
 * which keeps V8 from inlining across files: kernels of 5 ns measure 80.
 */
const bundleForBenches = {
  name: "bundle-for-benches",
  enforce: "pre" as const,
  resolveId(source: string, importer?: string): string | undefined {
    return importer?.endsWith(".bench.ts") && source.endsWith("/index.js") ? BUNDLED : undefined;
  },
  async load(id: string): Promise<string | undefined> {
    if (id !== BUNDLED) return undefined;
    const options = {
      entryPoints: [index],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
    } as const;
    return (await build(options)).outputFiles[0]?.text;
  },
};

export default mergeConfig(
  shared,
  defineProject({ plugins: [bundleForBenches], test: { name: "clocksource" } }),
);
