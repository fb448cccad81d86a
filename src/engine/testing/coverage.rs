//! Which statements of a playbook its tests ran.
//!
//! What ran is told by the language itself, at the position of each statement and expression that it evaluates; what there is to run comes of
//! the parsed script. A branch is what stands behind a condition: the parts of an `if`, the arms of a `switch`, the body of a loop, both
//! parts of a `try`. An `if` without `else` has one branch; the parts of `&&`, `||` and `??` are none.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, FlowControl, Position, Stmt, StmtBlock};

use crate::engine::came_to::CameTo;
use crate::language::playbook::Playbook;
use crate::model::tested::{Covered, Missed, Part};

/// What of a playbook ran.
pub(super) fn of(playbook: &Playbook, ran: &CameTo) -> Covered {
    let there = There::of(&playbook.ast);
    let ran = ran.positions();
    let lines: BTreeSet<usize> = ran.iter().filter_map(|at| at.line()).collect();
    let part = |points: &[Point]| {
        let missed: Vec<Missed> = points.iter().filter(|point| !point.first.iter().any(|at| ran.contains(at))).map(Point::missed).collect();
        Part { ran: points.len() - missed.len(), of: points.len(), missed }
    };
    let never: Vec<Missed> = there.lines.difference(&lines).map(|line| Missed { line: *line, what: "line".to_owned() }).collect();
    Covered {
        playbook: playbook.path.clone(),
        steps: part(&there.steps),
        branches: part(&there.branches),
        lines: Part { ran: there.lines.len() - never.len(), of: there.lines.len(), missed: never },
    }
}

/// Something that runs or does not: it ran when one of these positions was come to.
struct Point {
    what: String,
    /// Where it stands.
    line: usize,
    first: Vec<Position>,
}

impl Point {
    fn missed(&self) -> Missed {
        Missed { line: self.line, what: self.what.clone() }
    }
}

/// What there is to run.
#[derive(Default)]
struct There {
    steps: Vec<Point>,
    branches: Vec<Point>,
    lines: BTreeSet<usize>,
}

impl There {
    fn of(ast: &AST) -> Self {
        let mut there = Self::default();
        let mut seen = BTreeSet::new();
        ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(statement)) => there.statement(statement, &mut seen),
                Some(ASTNode::Expr(Expr::FnCall(call, at))) => there.call(&call.name, &call.args, *at),
                _ => {}
            }
            true
        });
        there.steps.sort_by_key(|point| point.line);
        there.branches.sort_by_key(|point| point.line);
        there
    }

    fn statement(&mut self, statement: &Stmt, seen: &mut BTreeSet<Position>) {
        if let Some(line) = first_of(statement).first().and_then(|at| at.line()) {
            self.lines.insert(line);
        }
        if let Stmt::FnCall(call, at) = statement {
            self.call(&call.name, &call.args, *at);
        }
        if !seen.insert(statement.position()) {
            return;
        }
        match statement {
            Stmt::If(parts, at) => {
                self.branch("if", *at, &parts.body);
                self.otherwise(parts);
            }
            Stmt::While(parts, at) => self.branch("while", *at, &parts.body),
            Stmt::Do(parts, _, at) => self.branch("do", *at, &parts.body),
            Stmt::For(parts, at) => self.branch("for", *at, &parts.2.body),
            Stmt::TryCatch(parts, at) => {
                self.branch("try", *at, &parts.body);
                self.branch("catch", *at, &parts.branch);
            }
            Stmt::Switch(parts, _) => {
                for arm in &parts.1.expressions {
                    self.add("switch arm", arm.rhs.start_position(), first_of_expression(&arm.rhs));
                }
            }
            _ => {}
        }
    }

    /// The part behind `else`, unless that is an `if` of its own.
    fn otherwise(&mut self, parts: &FlowControl) {
        if !matches!(parts.branch.statements(), [Stmt::If(..)]) {
            self.branch("else", parts.branch.position(), &parts.branch);
        }
    }

    fn branch(&mut self, what: &str, at: Position, block: &StmtBlock) {
        let first = block.statements().first().map(first_of).unwrap_or_default();
        let at = first.first().copied().filter(|first| first.line().is_some()).map_or(at, |first| if what == "else" { first } else { at });
        self.add(what, at, first);
    }

    /// A branch that holds nothing has nothing that could run.
    fn add(&mut self, what: &str, at: Position, first: Vec<Position>) {
        if let (Some(line), false) = (at.line(), first.is_empty()) {
            self.branches.push(Point { what: what.to_owned(), line, first });
        }
    }

    fn call(&mut self, name: &str, args: &[Expr], at: Position) {
        let Some(Expr::StringConstant(title, ..)) = args.first().filter(|_| name == "step") else { return };
        let line = at.line().unwrap_or_default();
        let what = format!("\"{title}\"");
        if !self.steps.iter().any(|step| step.line == line && step.what == what) {
            self.steps.push(Point { what, line, first: vec![at] });
        }
    }
}

/// The positions of which the first to be evaluated is one.
fn first_of(statement: &Stmt) -> Vec<Position> {
    match statement {
        Stmt::Noop(_) | Stmt::Share(_) => Vec::new(),
        Stmt::Expr(expression) => first_of_expression(expression),
        other => vec![other.position()],
    }
}

/// The language tells of no block as such, only of what stands in it.
fn first_of_expression(expression: &Expr) -> Vec<Position> {
    match expression {
        Expr::Stmt(block) => block.statements().first().map(first_of).unwrap_or_default(),
        other => vec![other.position(), other.start_position()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::playbook;

    const HEADER: &str = "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! ---\n";

    #[test]
    fn steps_and_branches_are_found_once_each() {
        let body = "let x = 1;\nif x > 1 { note(\"a\"); } else if x == 1 {\n    note(\"b\");\n} else {\n    note(\"c\");\n}\nlet y = switch x { 1 => \"one\", 2 => { note(\"d\"); 5 }, _ => () };\nfor i in [1] { step(\"Look\", || { while x > 9 { x -= 1; } }); }\n";
        let playbook = playbook::read("a.rhai", format!("{HEADER}{body}")).unwrap_or_else(|broken| panic!("{broken}"));
        let covered = of(&playbook, &CameTo::default());
        let told = |part: &Part| part.missed.iter().map(|one| format!("{} {}", one.line, one.what)).collect::<Vec<_>>();
        assert_eq!(told(&covered.steps), ["13 \"Look\""]);
        assert_eq!(
            told(&covered.branches),
            ["7 if", "7 if", "10 else", "12 switch arm", "12 switch arm", "12 switch arm", "13 for", "13 while"]
        );
        assert_eq!((covered.steps.ran, covered.branches.ran, covered.lines.ran), (0, 0, 0));
    }
}
