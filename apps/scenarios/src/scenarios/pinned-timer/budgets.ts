import type { Budget, BudgetTerm } from "../../scenario/types.js";

const ELSEWHERE: BudgetTerm = {
  name: "elsewhere",
  title: "expiring on another CPU, which leaves a note for the next exit",
  ideal: { axes: { timerPlacement: "pinned" } },
};
const EXITS: BudgetTerm = {
  name: "exits",
  title: "exits and entries",
  ideal: { params: { exitCost: "0ns", exitJitter: "0ns", entryCost: "0ns" } },
};
const IPI: BudgetTerm = {
  name: "ipi",
  title: "interrupts from one CPU to another",
  ideal: { params: { ipiCost: "0ns" } },
};
const STEAL: BudgetTerm = {
  name: "steal",
  title: "other work on the vCPU's CPU",
  ideal: { params: { steal: "0ns" } },
};

const TERMS = [ELSEWHERE, EXITS, IPI, STEAL];

/** The delay of a timer's interrupt. */
export const pinnedTimerBudgets: readonly Budget[] = ["p99", "mean", "max"].map((observation) => ({
  observation,
  terms: TERMS,
  rest: "nothing else",
}));
