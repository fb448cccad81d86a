//! What a run runs, by path, version and hash: a reader can tell whether it was what they think it was.

use crate::evidence::site::Site;
use crate::language::playbook::{Origin, Playbook, sha256};
use crate::model::outcome::Ran;

/// The playbook, its modules, and the site's hooks for it.
pub(super) fn ran(playbook: &Playbook, site: &Site) -> Vec<Ran> {
    let mut all = vec![Ran {
        kind: "playbook".to_owned(),
        path: playbook.path.clone(),
        shipped: playbook.origin == Origin::Shipped,
        version: playbook.header.version.clone(),
        at: String::new(),
        sha256: sha256(&playbook.source),
        in_place_of_shipped: playbook.origin == Origin::InPlaceOfShipped,
    }];
    all.extend(playbook.modules.iter().map(|module| Ran {
        kind: "module".to_owned(),
        path: module.found.path.clone(),
        shipped: module.found.shipped,
        version: module.header.version.clone(),
        at: String::new(),
        sha256: sha256(&module.found.text),
        in_place_of_shipped: false,
    }));
    all.extend(site.fragments.iter().filter(|one| one.playbook == playbook.header.name).map(|one| Ran {
        kind: "hook".to_owned(),
        path: one.path.clone(),
        shipped: false,
        version: String::new(),
        at: format!("{} \"{}\"", one.when.word(), one.step),
        sha256: sha256(&one.text),
        in_place_of_shipped: false,
    }));
    all
}
