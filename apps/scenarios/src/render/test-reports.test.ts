import { describe, expect, it } from "vitest";
import { readDocument } from "../document/read-document.js";
import { judgeDocument } from "../document/run-document.js";
import { runScenario } from "../scenario/run-scenario.js";
import { renderJunit } from "./junit.js";
import { plainStyle } from "./style.js";
import { renderTap } from "./tap.js";
import { renderTestScreen } from "./test-screen.js";

const judged = (name: string, extra: string) => {
  const document = readDocument(
    name,
    `chronovisor: 1\nkernel: v6.12\nhost: { tick: off }\nvms: [{ vcpus: [{ program: idle }] }]
duration: 1s\nobserve: { on: { quantity: master-clock }, exits: { quantity: exits } }\n${extra}`,
    [],
  );
  const { scenario, kernel, seed } = document;
  return judgeDocument(document, runScenario(scenario, { kernel, params: {}, seed, hooks: {} }));
};

const good = judged("good.yaml", "expect: [on == yes, exits == 2 && on == yes]\n");
/** A title with everything that XML or TAP give a meaning. */
const bad = judged("b#d.yaml", 'title: "a <b> & \\"c\\" \\x01\\n#1"\nexpect: [exits > 5, on == yes]\n');
const silent = judged("silent.yaml", "");

describe("the reports of chronovisor test", () => {
  it("are a screen with what came where something else was expected", () => {
    expect(renderTestScreen([good, silent], plainStyle, 80)).toBe(`
  good.yaml
  good.yaml on v6.12
  ✓ on == yes
  ✓ exits == 2 && on == yes

  silent.yaml
  silent.yaml on v6.12
    expects nothing

  2 of 2 held

`);
    expect(renderTestScreen([bad], plainStyle, 80)).toContain("  ✗ exits > 5, got 2\n  ✓ on == yes\n");
  });

  it("are TAP 14: a plan, a point each, and what came of those that do not hold", () => {
    expect(renderTap([good, bad])).toBe(`TAP version 14
1..4
# good.yaml on v6.12
ok 1 - good.yaml: on == yes
ok 2 - good.yaml: exits == 2 && on == yes
# b#d.yaml on v6.12
not ok 3 - b\\#d.yaml: exits > 5
  ---
  expected: "exits > 5"
  got: "2"
  ...
ok 4 - b\\#d.yaml: on == yes
`);
    expect(renderTap([silent])).toBe(`TAP version 14
1..0 # SKIP nothing is expected
# silent.yaml on v6.12
`);
  });

  it("are JUnit XML: a suite per document, counted, with nothing in it that XML cannot hold", () => {
    expect(renderJunit([good, bad])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="chronovisor" tests="4" failures="1" errors="0" skipped="0">
  <testsuite name="good.yaml" file="good.yaml" tests="2" failures="0" errors="0" skipped="0">
    <properties><property name="kernel" value="v6.12"/></properties>
    <testcase classname="good.yaml" name="on == yes" file="good.yaml"/>
    <testcase classname="good.yaml" name="exits == 2 &amp;&amp; on == yes" file="good.yaml"/>
  </testsuite>
  <testsuite name="a &lt;b&gt; &amp; &quot;c&quot; \ufffd&#10;#1" file="b#d.yaml" tests="2" failures="1" errors="0" skipped="0">
    <properties><property name="kernel" value="v6.12"/></properties>
    <testcase classname="b#d.yaml" name="exits &gt; 5" file="b#d.yaml"><failure type="expectation" message="expected exits &gt; 5, got 2"/></testcase>
    <testcase classname="b#d.yaml" name="on == yes" file="b#d.yaml"/>
  </testsuite>
</testsuites>
`);
  });
});
