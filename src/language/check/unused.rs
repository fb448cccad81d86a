//! What a playbook declares and does not use: variables, parameters, capabilities.

use super::reader::Reader;
use super::types::Of;
use crate::language::header_places;
use crate::model::diagnostic::{Diagnostic, codes};
use crate::words::all;
use crate::words::manual::records::flow::CAPTURE;

impl Reader<'_> {
    /// Tells all of it, after the script was read.
    pub(super) fn unused(&mut self) {
        for (name, at, kind) in self.unread() {
            if matches!(&kind.of, Of::Record(record) if record.0.name == CAPTURE.name) {
                let hint = Some("give it to `during`: a capture ends with it".to_owned());
                self.say(codes::UNREAD_CAPTURE, at, format!("nothing reads the capture `{name}`"), hint);
            } else {
                let hint = Some(format!("use it, delete it, or call it `_{name}`"));
                self.say(codes::UNUSED_VARIABLE, at, format!("nothing reads the variable `{name}`"), hint);
            }
        }
        let header = self.header;
        // Of a header that could not be read nothing is known.
        if header.name.is_empty() {
            return;
        }
        let params: Vec<&str> = header
            .params
            .iter()
            .map(|param| param.name.as_str())
            .filter(|name| !self.used.all_params && !self.used.params.contains(*name))
            .collect();
        let of_options = |capability: &str| {
            let mut options = all::words().flat_map(|word| word.options);
            options.any(|option| option.needs.contains(&capability) && self.used.keys.contains(option.name))
        };
        // The word that needs it may be mistyped.
        let mistyped = self.has_told(codes::UNKNOWN_WORD);
        let unused = |capability: &&String| !mistyped && !self.used.capabilities.contains(capability.as_str()) && !of_options(capability);
        let uses: Vec<&str> = header.uses.iter().filter(unused).map(String::as_str).collect();
        if params.is_empty() && uses.is_empty() {
            return;
        }
        let places = header_places::places(self.source);
        for name in params {
            let spot = places.params.get(name).map(|bytes| self.source.spot(bytes.clone()));
            let message = format!("nothing in the playbook reads the parameter `{name}`");
            self.add(
                Diagnostic::new(codes::UNUSED_PARAMETER, spot, message)
                    .hint(format!("read it as `params.{name}`, or delete it from the header")),
            );
        }
        for name in uses {
            let spot = places.uses.get(name).map(|bytes| self.source.spot(bytes.clone()));
            let message = format!("no word of the playbook needs the capability `{name}`");
            self.add(
                Diagnostic::new(codes::UNUSED_CAPABILITY, spot, message)
                    .hint("delete it from `uses`: the header tells how far the playbook reaches"),
            );
        }
    }
}
