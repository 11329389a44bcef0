// The one entry of every npm script: `node scripts/run.mjs <command> [arguments]`.
// It needs Node and npm only, and turns a fresh clone into a built workspace before it runs what was asked.

const FLOOR = [20, 19];
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < FLOOR[0] || (major === FLOOR[0] && minor < FLOOR[1])) {
  process.stderr.write(
    `chronovisor: expected Node ${FLOOR.join(".")} or newer, got ${process.versions.node}\n`,
  );
  process.exit(2);
}

// Imported only now: an older Node must fail with the line above, not with a syntax error.
const { main } = await import("./launcher/main.mjs");
process.exitCode = await main(process.argv.slice(2));
