/** Entry of the worker thread that carries one run. */
import { parentPort, workerData } from "node:worker_threads";
import { scenarios } from "../scenarios/index.js";
import type { RunJob } from "./run-job.js";
import { serveJob } from "./serve-job.js";

if (parentPort !== null) serveJob(scenarios, workerData as RunJob, parentPort);
