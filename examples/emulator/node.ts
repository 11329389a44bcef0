import { stdout } from "node:process";
import { runTwoCpus } from "./two-cpus.js";

runTwoCpus((line) => stdout.write(`${line}\n`));
