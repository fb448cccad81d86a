//! What a run is made of, gathered before anything is touched: a playbook, its parameters, the site, and the recording that is replayed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::earlier;
use super::given::{self, Asked};
use super::library::Folders;
use super::run::{Apart, RunEnd, RunOptions, run_with};
use super::signed;
use crate::evidence::Evidence;
use crate::evidence::reach::narrowed;
use crate::evidence::recording::manifest::Manifest;
use crate::evidence::recording::recorded;
use crate::evidence::site::Site;
use crate::language::params::{Inputs, resolve, sources};
use crate::language::playbook::{Playbook, read_with};
use crate::model::text::one_line;

/// What a run without hosts and without questions to the Service may do.
const STATIC: [&str; 1] = ["cluster.read"];

/// Why a run cannot begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unprepared {
    /// What was asked for is wrong.
    Usage(String),
    /// The recording cannot be replayed.
    CouldNotWork(String),
}

/// A playbook with everything that it runs with.
pub struct Prepared {
    pub playbook: Playbook,
    /// The recording that is replayed in place of the world.
    pub replayed: Option<Evidence>,
    pub params: BTreeMap<String, Value>,
    /// Where each value comes from.
    pub sources: BTreeMap<String, String>,
    pub site: Site,
    /// The playbook that the replayed recording is of, where it is another one.
    pub recorded_by: Option<String>,
    /// Whether whoever watches is told what each step gives.
    pub trace_steps: bool,
}

impl Prepared {
    /// Gathers what a playbook runs with; `doing` is told what is done, in words that follow on *while*.
    ///
    /// # Errors
    /// When a file cannot be used, or a parameter is none or is missing.
    pub fn new(playbook: Playbook, asked: &Asked, doing: &dyn Fn(String)) -> Result<Self, Unprepared> {
        for (option, file) in [("--replay", &asked.replay), ("--world", &asked.world)] {
            if let Some(file) = file.as_deref().filter(|file| file.extension().is_some_and(|end| end == "rhai")) {
                let shown = one_line(&file.display().to_string());
                let makes = if option == "--world" { "lbdiag record --world FILE" } else { "lbdiag run PLAYBOOK --record FILE" };
                return Err(Unprepared::Usage(format!("{option} takes what `{makes}` wrote, and {shown} is a playbook")));
            }
        }
        let replayed = asked.replay.as_deref().or(asked.world.as_deref()).map(|file| {
            doing(format!("reading the recording {}", file.display()));
            recorded::open(file).map_err(|error| Unprepared::CouldNotWork(error.to_string()))
        });
        let (replayed, manifest) = replayed.transpose()?.unzip();
        let (inputs, site) = settle(asked, manifest.as_ref(), doing).map_err(Unprepared::Usage)?;
        // A world is recorded to be asked anything.
        let by = manifest.map(|manifest| manifest.playbook.name).filter(|by| asked.world.is_none() && *by != playbook.header.name);
        let prepared = Self::of(playbook, &inputs, site, replayed).map_err(Unprepared::Usage)?;
        Ok(Self { recorded_by: by.filter(|by| !by.is_empty()), ..prepared })
    }

    /// A replay with the parameters and at the site that the recording names, but for the parameters that are `set`.
    ///
    /// # Errors
    /// When the playbook does not take those parameters.
    pub fn replay(playbook: Playbook, (evidence, manifest): (Evidence, Manifest), set: &[(&str, &str)]) -> Result<Self, String> {
        let site = manifest.site.site();
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let inputs = Inputs { set, recorded: Some(manifest.params), ..Inputs::default() };
        Self::of(playbook, &inputs, site, Some(evidence))
    }

    /// With everything that was gathered.
    pub(super) fn of(playbook: Playbook, inputs: &Inputs, site: Site, replayed: Option<Evidence>) -> Result<Self, String> {
        let playbook = with_library(playbook, &site)?;
        signed::known(&playbook, &site.signers)?;
        super::hooks::of(&playbook, &site).map_err(|broken| broken.to_string())?;
        let mut params = resolve(&playbook.header, inputs)?;
        earlier::read(&playbook.header, &mut params)?;
        let site = site.for_playbook(&playbook.header.name, &playbook.sha256())?;
        let sources = sources(&playbook.header, inputs);
        Ok(Self { playbook, replayed, params, sources, site, recorded_by: None, trace_steps: false })
    }

    /// Runs what is replayed, telling nobody how far it is; `None` when it is no replay.
    #[must_use]
    pub fn replayed(&self, time_limit: Duration) -> Option<RunEnd> {
        let options = RunOptions { time_limit, progress: Arc::new(|_| {}) };
        self.replayed.as_ref().map(|evidence| self.run(evidence, &options))
    }

    /// Runs it in a world.
    #[must_use]
    pub fn run(&self, evidence: &Evidence, options: &RunOptions) -> RunEnd {
        self.run_apart(Apart { traces: self.trace_steps, ..Apart::default() }, evidence, options)
    }

    /// Runs it with nothing side by side, so that whoever watches sees everything in its order.
    pub(super) fn rehearsed(&self, evidence: &Evidence, options: &RunOptions) -> RunEnd {
        self.run_apart(Apart { traces: self.trace_steps, one_by_one: true, ..Apart::default() }, evidence, options)
    }

    fn run_apart(&self, apart: Apart, evidence: &Evidence, options: &RunOptions) -> RunEnd {
        match &self.site.reach {
            Some(reach) => run_with(apart, &self.playbook, self.params.clone(), &narrowed(evidence, reach), &self.site, options),
            None => run_with(apart, &self.playbook, self.params.clone(), evidence, &self.site, options),
        }
    }
}

/// The playbook with what it imports from the site's library.
fn with_library(playbook: Playbook, site: &Site) -> Result<Playbook, String> {
    if playbook.lacking.is_empty() {
        return Ok(playbook);
    }
    let folders = Folders::beside(Path::new(&playbook.path)).and(&site.library);
    let read = read_with(&playbook.path, playbook.source, &folders).map_err(|broken| broken.to_string())?;
    match read.lacking.first() {
        None => Ok(Playbook { origin: playbook.origin, ..read }),
        Some(lacking) => Err(lacking.to_string()),
    }
}

/// Where the parameters' values may come from, and the site: the file's, or in a replay the recording's own, since what was asked depended on it.
fn settle(asked: &Asked, replayed: Option<&Manifest>, doing: &dyn Fn(String)) -> Result<(Inputs, Site), String> {
    let of_a_world = asked.world.is_some();
    let mut site = match (replayed, &asked.site) {
        (Some(manifest), Some(file)) if of_a_world => manifest.site.under(site_file(file, doing)?),
        (Some(manifest), _) => manifest.site.site(),
        (None, Some(file)) => site_file(file, doing)?,
        (None, None) => Site::default(),
    };
    if let (Some(_), Some(file)) = (replayed, &asked.site) {
        // What asked is recorded; where modules are found and who signs is not.
        let file = site_file(file, doing)?;
        (site.library, site.signers) = (file.library, file.signers);
    }
    if asked.via_pods && site.via.pod.is_none() && replayed.is_none() {
        return Err("--via pod needs via.pod in the site file: the namespace and labels of privileged pods, one on each node".to_owned());
    }
    if asked.static_only {
        site.static_only = true;
        // As if the site allowed nothing else: what a site forbids is forbidden to every playbook.
        let allowed = site.uses.take();
        site.uses =
            Some(STATIC.into_iter().map(str::to_owned).filter(|one| allowed.as_ref().is_none_or(|uses| uses.contains(one))).collect());
    }
    if let Some(file) = &asked.params {
        doing(format!("reading the parameters {}", file.display()));
    }
    // A world was recorded to be asked anything: what its own run was given says nothing.
    let recorded = replayed.map(|manifest| &manifest.params).filter(|_| !of_a_world);
    let inputs = given::gather(asked, &site.defaults, recorded)?;
    Ok((inputs, site))
}

fn site_file(file: &Path, doing: &dyn Fn(String)) -> Result<Site, String> {
    doing(format!("reading the site file {}", file.display()));
    Site::read(file).map_err(|error| error.to_string())
}
