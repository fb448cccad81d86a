//! The mistakes of a site file, its defaults among them: these are held against the parameters of the playbooks that are known.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::find::{Refusal, open, shipped};
use super::hooks;
use crate::evidence::site::Site;
use crate::language::header::{Header, Param};
use crate::language::params::checked;
use crate::language::playbook::Playbook;
use crate::model::diagnostic::{Diagnostic, Source, codes, did_you_mean};
use crate::model::document;

/// What is wrong with a site file beside the playbooks with these headers.
#[must_use]
pub fn site_mistakes(source: &Source, playbooks: &[Header]) -> Vec<Diagnostic> {
    if let Err(wrong) = Site::parse(source) {
        return wrong;
    }
    let Ok(node) = document::read(source.text) else { return Vec::new() };
    let defaults = node.entries().unwrap_or_default().iter().find(|entry| entry.key == "defaults");
    let entries = defaults.and_then(|defaults| defaults.value.entries()).unwrap_or_default();
    let mut wrong = Vec::new();
    for entry in entries {
        let of_that_name: Vec<&Param> = params(playbooks).filter(|param| param.name == entry.key).collect();
        let value = entry.value.value();
        if of_that_name.is_empty() {
            let message = format!("no playbook that is known here has the parameter `{}`", entry.key);
            let hint = did_you_mean(&entry.key, params(playbooks).map(|param| param.name.as_str()))
                .unwrap_or_else(|| "check it together with the playbooks that it is for".to_owned());
            wrong.push(Diagnostic::new(codes::UNKNOWN_DEFAULT, Some(source.spot(entry.key_bytes.clone())), message).hint(hint));
        } else if let Some(why) = refused(&of_that_name, &value) {
            wrong.push(Diagnostic::new(codes::FILE_VALUE, Some(source.spot(entry.value.bytes.clone())), why));
        }
    }
    wrong
}

/// What is wrong with the fragments that a site file runs at the steps of these playbooks and of the shipped ones. What is wrong with the
/// file itself `site_mistakes` tells.
#[must_use]
pub fn hook_mistakes(file: &Path, playbooks: &[Playbook]) -> Vec<Diagnostic> {
    let site = match Site::read(file) {
        Ok(site) => site,
        Err(error) => return error.0,
    };
    let named: BTreeSet<&str> = site.fragments.iter().map(|one| one.playbook.as_str()).collect();
    let mut wrong = Vec::new();
    for name in named {
        let given = playbooks.iter().find(|playbook| playbook.header.name == name).cloned();
        match given.map_or_else(|| open(Path::new(name)), Ok) {
            // Its own check tells what is wrong with it.
            Err(Refusal::Broken(_)) => {}
            Ok(playbook) => wrong.extend(hooks::of(&playbook, &site).err().into_iter().flat_map(|broken| broken.diagnostics)),
            Err(Refusal::Unknown(_)) => {
                let known = playbooks.iter().map(|playbook| playbook.header.name.clone()).chain(shipped().map(|header| header.name));
                let hint = did_you_mean(name, known.collect::<Vec<_>>().iter().map(String::as_str))
                    .unwrap_or_else(|| "check it together with the playbooks that it is for".to_owned());
                let message = format!("{}: hooks: no playbook that is known here has the name `{name}`", file.display());
                wrong.push(Diagnostic::new(codes::UNKNOWN_HOOKED, None, message).hint(hint));
            }
        }
    }
    wrong
}

fn params(playbooks: &[Header]) -> impl Iterator<Item = &Param> {
    playbooks.iter().flat_map(|header| &header.params)
}

/// Why no parameter of the name takes the value.
fn refused(params: &[&Param], value: &Value) -> Option<String> {
    let mut why = None;
    for param in params {
        match checked(param, value) {
            Ok(_) => return None,
            Err(error) => why = Some(error),
        }
    }
    why
}
