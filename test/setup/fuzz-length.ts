import fc from "fast-check";

// Ten times the cases in CI. A property that asks for a number of its own keeps it.
if (process.env.CHRONOVISOR_LONG === "1") fc.configureGlobal({ numRuns: 1_000 });
