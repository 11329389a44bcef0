import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const BUNDLED = "\0bundled-index";

interface BenchPlugin {
  readonly name: string;
  readonly enforce: "pre";
  resolveId(source: string, importer?: string): string | undefined;
  load(id: string): Promise<string | undefined>;
}

/**
 * Gives benches their package as its users get it, in one file. The test runner turns every import into a property read,
 * which keeps V8 from inlining across files: kernels of 5 ns measure 80.
 *
 * @param config - `import.meta.url` of the package's vitest config
 */
export function bundleForBenches(config: string): BenchPlugin {
  const index = fileURLToPath(new URL("./src/index.ts", config));
  return {
    name: "bundle-for-benches",
    enforce: "pre",
    resolveId: (source, importer) =>
      importer?.endsWith(".bench.ts") && source.endsWith("/index.js") ? BUNDLED : undefined,
    async load(id) {
      if (id !== BUNDLED) return undefined;
      const { outputFiles } = await build({
        entryPoints: [index],
        bundle: true,
        write: false,
        format: "esm",
        target: "es2022",
        conditions: ["@chronovisor/source"],
      });
      return outputFiles[0]?.text;
    },
  };
}
