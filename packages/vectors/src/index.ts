export type { Area } from "./areas.js";
export { areas } from "./areas.js";
export type { VectorFile } from "./vector-files.js";
export { vectorFiles } from "./vector-files.js";
export { vectorPath } from "./vector-path.js";
