import fc from "fast-check";

const { CHRONOVISOR_LONG, CHRONOVISOR_SEED = "1" } = process.env;

// The same cases on every run, so that a failure is the change's and not the day's; CHRONOVISOR_SEED draws others.
fc.configureGlobal({ seed: Number(CHRONOVISOR_SEED) });

// Four times the cases in CI. A property that asks for a number of its own keeps it.
if (CHRONOVISOR_LONG === "1") fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 400 });
