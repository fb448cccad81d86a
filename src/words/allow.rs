//! What a run may do: the playbook's header and the site both allow it, or a word is refused.

use rhai::NativeCallContext;

use super::session::{Answer, Progress, Run, Stop};

impl Run {
    /// Refuses a word whose capability the playbook or the site does not allow.
    ///
    /// # Errors
    /// When it is not allowed.
    pub fn allow(&self, context: &NativeCallContext, word: &str, capability: &str) -> Answer<()> {
        self.enter(word);
        if self.evidence.interrupt.reason().is_some() {
            return Err(self.end(context, Stop::Interrupted));
        }
        if capability.is_empty() || self.uses.contains(capability) {
            return Ok(());
        }
        Err(Self::refuse(context, format!("the word `{word}` needs the capability `{capability}`, {}", self.forbidden(capability))))
    }

    /// Who does not allow a capability, and what to try.
    fn forbidden(&self, capability: &str) -> String {
        let lacks = |uses: &Vec<String>| !uses.iter().any(|one| one == capability);
        if self.site.static_only {
            "which --static does not allow: leave it out, or ask `allowed(\"…\")` before".to_owned()
        } else if self.site.uses.as_ref().is_some_and(lacks) {
            "which the site file's `uses` does not allow; ask `allowed(\"…\")` before".to_owned()
        } else {
            "which this run does not allow; add it to `uses` in the playbook's header".to_owned()
        }
    }

    /// Refuses what needs a capability that there was not always, where the site does not allow it. A header from before goes on working,
    /// with a notice.
    ///
    /// # Errors
    /// When the site says what playbooks may use, and this is not among it.
    pub fn newly_needs(&self, context: &NativeCallContext, word: &str, with: &str, capability: &'static str) -> Answer<()> {
        if self.uses.contains(capability) {
            return Ok(());
        }
        if self.site.uses.as_ref().is_some_and(|uses| !uses.iter().any(|one| one == capability)) {
            return Err(Self::refuse(
                context,
                format!("the word `{word}` with {with} needs the capability `{capability}`, which the site file's `uses` does not have"),
            ));
        }
        if self.state().old_names.insert(capability) {
            let notice = format!(
                "`{word}` with {with} needs the capability `{capability}` from lbdiag 0.3 on: add it to `uses` in the playbook's header"
            );
            (self.progress)(Progress::Note(notice));
        }
        Ok(())
    }
}
