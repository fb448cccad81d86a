//! `lbdiag show`: what a playbook is, what it may be given, and how far it reaches.

use std::fmt::Write;
use std::path::Path;

use super::declared;
use super::exit::Exit;
use super::print;
use super::run::tell;
use crate::engine;
use crate::language::header::{Header, Param};
use crate::model::text::{hanging, one_line};

/// Prints a playbook's header as help.
pub(super) fn show(name: &Path) -> Exit {
    let playbook = match engine::open(name) {
        Ok(playbook) => playbook,
        Err(refusal) => return tell(refusal, &[]),
    };
    print(&text(&playbook.header))
}

fn text(header: &Header) -> String {
    let mut text = format!("{} {}\n{}\n\n", one_line(&header.name), one_line(&header.version), hanging(&header.about));
    // Writing to a string has no way to fail.
    let _ = writeln!(text, "Kind: {}\nUses: {}\n\nParameters:", header.kind.word(), one_line(&header.uses.join(" ")));
    let names: Vec<String> = header.params.iter().map(|param| format!("{} ({})", one_line(&param.name), param.kind.word())).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, param) in names.iter().zip(&header.params) {
        let _ = writeln!(text, "  {name:width$}  {}", one_line(&format!("{}{}", param.help, supplement(param))));
    }
    if !header.findings.is_empty() {
        text.push_str("\nFindings of its own:\n");
        text.push_str(&declared::list(&header.findings));
    }
    text
}

fn supplement(param: &Param) -> String {
    match &param.default {
        Some(serde_json::Value::String(default)) => format!(" [default: {default}]"),
        Some(default) if !default.is_null() => format!(" [default: {default}]"),
        _ if param.required => " [required]".to_owned(),
        _ => String::new(),
    }
}
