import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The simulated day takes longer than all other tests of a processor together: begun first, it runs beside them. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.includes("/test/long/");
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    projects: ["packages/*", "apps/*", "test"],
    // By default one processor is left free, which on two of them makes the tests take twice as long.
    maxWorkers: "100%",
    sequence: { sequencer: LongestFirst },
    coverage: {
      include: ["packages/*/src/**/*.ts", "apps/*/src/**/*.ts"],
      exclude: ["**/*.test.ts", "**/*.bench.ts", "**/index.ts"],
    },
  },
});
