//! Reads a playbook's file.

use std::path::Path;

use crate::evidence::text_file;
use crate::language::playbook::{self, Broken, Playbook};
use crate::model::diagnostic::{Diagnostic, codes};

/// Reads a playbook's file.
///
/// # Errors
/// When the file cannot be read, its header or syntax is wrong, or it uses words that it may not.
pub fn load(path: &Path) -> Result<Playbook, Broken> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| Broken {
        diagnostics: vec![Diagnostic::new(codes::UNREADABLE, None, format!("read playbook {shown}: {error}"))],
    };
    playbook::read(&shown, text_file::read(path).map_err(unreadable)?)
}
