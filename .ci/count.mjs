// Prints `N passed, N failed` over the reports of the tests and of the checks, and exits 1 when anything failed.
// A program that failed without saying how (no report, or no failure in it) counts as one failure.
import { readFileSync } from "node:fs";

const [testsFile, testsCode, checksFile, checksCode] = process.argv.slice(2);

function read(path, toCounts) {
  try {
    return toCounts(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return { passed: 0, failed: 0 };
  }
}

const withExitCode = ({ passed, failed }, code) => ({
  passed,
  failed: failed === 0 && code !== "0" ? 1 : failed,
});

const tests = read(testsFile, (report) => ({ passed: report.numPassedTests, failed: report.numFailedTests }));
const checks = read(checksFile, (report) => report);
const parts = [withExitCode(tests, testsCode), withExitCode(checks, checksCode)];
const total = (key) => parts.reduce((sum, part) => sum + part[key], 0);

process.stdout.write(`${total("passed")} passed, ${total("failed")} failed\n`);
process.exitCode = total("failed") === 0 ? 0 : 1;
