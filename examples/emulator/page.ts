import { runTwoCpus } from "./two-cpus.js";

const log = document.querySelector("#log");
runTwoCpus((line) => log?.append(`${line}\n`));
