//! Whether everything that would run carries a signature that the site asks for. What is inside lbdiag needs none.

use std::path::Path;

use crate::evidence::signature::{NAMESPACE, verify};
use crate::evidence::text_file;
use crate::language::playbook::{Origin, Playbook};
use crate::model::text::one_line;

/// Looks at the playbook and at its modules, each with its signature in a file beside it.
///
/// # Errors
/// The first file that has none by one of the signers, and how one is made.
pub(super) fn known(playbook: &Playbook, signers: &[String]) -> Result<(), String> {
    if signers.is_empty() {
        return Ok(());
    }
    let own = (playbook.origin != Origin::Shipped).then_some((playbook.path.as_str(), playbook.source.as_str()));
    let modules = playbook.modules.iter().filter(|module| !module.found.shipped);
    for (path, text) in own.into_iter().chain(modules.map(|module| (module.found.path.as_str(), module.found.text.as_str()))) {
        let file = format!("{path}.sig");
        let signature = text_file::read(Path::new(&file)).map_err(|error| format!("read {file}: {error}"));
        let checked = signature.and_then(|signature| verify(text.as_bytes(), &signature, signers).map_err(|why| format!("{file}: {why}")));
        checked.map_err(|why| {
            let path = one_line(path);
            format!("the site runs only playbooks and modules that one of its `signers` signed, and {path} is none: {why}; `ssh-keygen -Y sign -n {NAMESPACE} -f KEY {path}` signs it")
        })?;
    }
    Ok(())
}
