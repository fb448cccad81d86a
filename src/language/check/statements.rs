//! Statements: what they give, what they declare, and what never runs.

use rhai::{ASTFlags, Expr, FlowControl, Ident, Stmt, SwitchCasesCollection};

use super::changed::{self, Place};
use super::reader::{Id, Reader, key};
use super::types::{Of, Type};
use crate::model::diagnostic::codes;
use crate::words::manual::records::flow::CAPTURE;

/// What a statement comes to.
pub(super) struct Flow {
    pub(super) value: Type,
    /// What stands behind it never runs.
    pub(super) ends: bool,
}

impl Flow {
    fn of(value: Type) -> Self {
        Self { value, ends: false }
    }

    fn end() -> Self {
        Self { value: Type::NEVER, ends: true }
    }
}

impl Reader<'_> {
    /// The whole script once: its statements, and then its functions.
    pub(super) fn script(&mut self) {
        let script = self.script;
        self.scoped(|reader| {
            reader.body(&script.statements);
        });
        for function in script.own() {
            let key = key(&function.name, function.params.len());
            self.apart(|reader| {
                for (index, name) in function.params.iter().enumerate() {
                    reader.declare(name, Id::Param(key.clone(), index), &Type::NEVER, None);
                }
                reader.within.push(key.clone());
                let flow = reader.body(&function.body);
                reader.within.pop();
                reader.gives(&key, &flow.value);
            });
        }
    }

    /// A block, with the names that it declares for itself.
    pub(super) fn block(&mut self, statements: &[Stmt]) -> Flow {
        self.scoped(|reader| reader.body(statements))
    }

    /// Statements in their order.
    pub(super) fn body(&mut self, statements: &[Stmt]) -> Flow {
        let mut flow = Flow::of(Type::UNIT);
        let mut told = false;
        for (index, statement) in statements.iter().enumerate() {
            if flow.ends && !told && !matches!(statement, Stmt::Noop(_) | Stmt::Share(_)) {
                told = true;
                let hint = Some("delete it, or look whether what ends before it should end only at times".to_owned());
                self.say(codes::UNREACHABLE, statement.position(), "this never runs: what stands before it ends here", hint);
            }
            let one = self.statement(statement);
            if index + 1 < statements.len() && matches!(&one.value.of, Of::Record(record) if record.0.name == CAPTURE.name) {
                let hint = Some("give it to `during`: a capture ends with it".to_owned());
                self.say(codes::UNREAD_CAPTURE, statement.position(), "nothing reads this capture", hint);
            }
            flow = Flow { value: one.value, ends: flow.ends || one.ends };
        }
        if flow.ends { Flow::end() } else { flow }
    }

    fn statement(&mut self, statement: &Stmt) -> Flow {
        match statement {
            Stmt::If(control, _) => self.branches(control),
            Stmt::Switch(switch, _) => self.switch(&switch.0, &switch.1),
            Stmt::While(control, _) | Stmt::Do(control, ..) => {
                if !matches!(control.expr, Expr::Unit(_)) {
                    self.condition(&control.expr);
                }
                self.block(control.body.statements());
                Flow::of(Type::ANY)
            }
            Stmt::For(parts, _) => self.repeated(&parts.0, parts.1.as_ref(), &parts.2),
            Stmt::Var(parts, ..) => self.variable_declared(&parts.0, &parts.1),
            Stmt::Assignment(parts) => self.assigned(&parts.0, &parts.1),
            Stmt::FnCall(call, at) => {
                let value = self.call(call, *at);
                // Rhai's own way to end a script.
                Flow { value, ends: call.name == "exit" }
            }
            Stmt::Block(block) => self.block(block.statements()),
            Stmt::TryCatch(control, _) => {
                let tried = self.block(control.body.statements());
                let caught = self.scoped(|reader| {
                    if let Expr::Variable(variable, _, at) = &control.expr {
                        reader.declare(&variable.1, Id::At(*at), &Type::ANY, None);
                    }
                    reader.body(control.branch.statements())
                });
                Flow { value: Type::ANY, ends: tried.ends && caught.ends }
            }
            Stmt::Expr(expression) => self.told_alone(expression),
            Stmt::BreakLoop(value, ..) => {
                if let Some(value) = value {
                    self.expression(value);
                }
                Flow::end()
            }
            Stmt::Return(value, flags, _) => {
                let kind = value.as_ref().map_or(Type::UNIT, |value| self.expression(value));
                if let Some(key) = self.within.last().cloned().filter(|_| !flags.contains(ASTFlags::BREAK)) {
                    self.gives(&key, &kind);
                }
                Flow::end()
            }
            Stmt::Import(parts, _) => {
                self.expression(&parts.0);
                Flow::of(Type::UNIT)
            }
            _ => Flow::of(Type::UNIT),
        }
    }

    /// An expression that stands alone: what only fills a list does not read it.
    fn told_alone(&mut self, expression: &Expr) -> Flow {
        if let Expr::Dot(pair, ..) = expression
            && let (Expr::Variable(variable, ..), Expr::MethodCall(call, at)) = (&pair.lhs, &pair.rhs)
            && variable.2.is_empty()
            && changed::changes(&call.name)
            && self.script.named(&call.name).is_none()
            && let Some(id) = self.seen(&variable.1)
        {
            self.lost(&id, pair.lhs.start_position());
            let base = self.held(&id, false);
            self.method(&base, call, *at, Some(&Place::of(id)));
            return Flow::of(Type::UNIT);
        }
        if let Expr::Stmt(block) = expression
            && super::closures::of(expression).is_none()
        {
            return self.block(block.statements());
        }
        Flow::of(self.expression(expression))
    }

    fn branches(&mut self, control: &FlowControl) -> Flow {
        self.condition(&control.expr);
        let one = self.block(control.body.statements());
        let other = self.block(control.branch.statements());
        Flow { value: one.value.join(&other.value), ends: one.ends && other.ends }
    }

    fn switch(&mut self, on: &Expr, cases: &SwitchCasesCollection) -> Flow {
        self.expression(on);
        let mut value = if cases.def_case.is_some() { Type::NEVER } else { Type::UNIT };
        let mut ends = cases.def_case.is_some();
        for case in &cases.expressions {
            if !matches!(case.lhs, Expr::BoolConstant(true, _)) {
                self.condition(&case.lhs);
            }
            let flow = self.told_alone(&case.rhs);
            value = value.join(&flow.value);
            ends &= flow.ends;
        }
        Flow { value, ends }
    }

    fn repeated(&mut self, name: &Ident, counter: Option<&Ident>, control: &FlowControl) -> Flow {
        let over = self.expression(&control.expr);
        if over.is_sure() && !matches!(over.of, Of::List(_) | Of::Range | Of::Text(_)) {
            let hint = match over.of {
                Of::Shape(_) | Of::Params => Some("`for key in map.keys()` goes over its keys".to_owned()),
                Of::Int => Some("`for number in 0..count` counts".to_owned()),
                _ => None,
            };
            self.say(
                codes::OPERATION,
                control.expr.start_position(),
                format!("a loop goes over a list, and this is {}", over.shown()),
                hint,
            );
        }
        self.scoped(|reader| {
            reader.declare(&name.name, Id::At(name.pos), &over.part(), None);
            if let Some(counter) = counter {
                reader.declare(&counter.name, Id::At(counter.pos), &Type::INT, None);
            }
            reader.block(control.body.statements());
        });
        Flow::of(Type::ANY)
    }

    fn variable_declared(&mut self, name: &Ident, value: &Expr) -> Flow {
        let kind = self.expression(value);
        if name.name == "params" {
            let hint = Some("give it another name".to_owned());
            self.say(codes::SHADOWED, name.pos, "the variable `params` hides the playbook's parameters".to_owned(), hint);
        }
        self.declare(&name.name, Id::At(name.pos), &kind, Some(name.pos));
        Flow::of(Type::UNIT)
    }

    fn assigned(&mut self, how: &rhai::OpAssignment, pair: &rhai::BinaryExpr) -> Flow {
        let right = self.expression(&pair.rhs);
        let operator = how.get_op_assignment_info().map(|info| info.5);
        match &pair.lhs {
            Expr::Variable(variable, _, at) if variable.2.is_empty() => {
                let Some(id) = self.seen(&variable.1) else {
                    self.undefined(&variable.1, *at);
                    return Flow::of(Type::UNIT);
                };
                let kind = match operator {
                    Some(operator) => {
                        let left = self.held(&id, false);
                        self.combined_in_place(operator, &left, &right, how.position())
                    }
                    None => right,
                };
                self.lost(&id, *at);
                self.holds(&id, &kind);
            }
            chain => {
                let (left, place) = self.assigned_part(chain);
                let kind = match operator {
                    Some(operator) => self.combined_in_place(operator, &left, &right, how.position()),
                    None => right,
                };
                if let Some(place) = place {
                    self.lost(&place.id, chain.start_position());
                    self.put(&place, &kind);
                }
            }
        }
        Flow::of(Type::UNIT)
    }
}
