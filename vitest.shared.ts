import { defineConfig } from "vitest/config";

const source = "@chronovisor/source";
const conditions = [source, "module", "node", "import", "default"];

/** Tests resolve workspace packages to their sources, so nothing has to be built first. */
export const shared = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: [source] } },
  test: {
    include: ["src/**/*.test.ts"],
    // Nothing under test has state of a module: files of one worker share what they import, which halves the time of all.
    isolate: false,
    // A timeout is for what hangs. A property of a thousand runs takes 8 s where the processors have other work.
    testTimeout: 60_000,
    benchmark: { include: ["src/**/*.bench.ts"] },
    setupFiles: ["fail-on-console", "fuzz-length"].map(
      (name) => new URL(`./test/setup/${name}.ts`, import.meta.url).pathname,
    ),
  },
});
