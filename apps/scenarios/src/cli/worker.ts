/** Entry of the worker threads that carry runs out. */
import { parentPort } from "node:worker_threads";
import { scenarios } from "../scenarios/index.js";
import { serveTask } from "./serve-task.js";
import type { WorkerTask } from "./worker-messages.js";

const port = parentPort;
port?.on("message", (task: WorkerTask) => serveTask(scenarios, task, port));
