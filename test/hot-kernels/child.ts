/** The child process: drives every hot kernel and says which ones it drove. */

import { DRIVERS } from "./drivers.js";

for (const drive of Object.values(DRIVERS)) drive();
process.stdout.write(JSON.stringify({ node: process.version, driven: Object.keys(DRIVERS) }));
