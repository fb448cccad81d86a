//! `node_capture(node, options)`: a bounded capture on a node. A handle is returned at once.

use std::sync::{Arc, Mutex};

use rhai::{Engine, ImmutableString, Map, NativeCallContext};

use super::capture_options::{Options, needs_filter, node_filter};
use crate::evidence::capture::OpenCapture;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::capture::CaptureRequest;
use crate::model::place::Place;
use crate::words::manual::capture::NODE_CAPTURE as WORD;
use crate::words::room::{MOST_CAPTURES, Part};
use crate::words::session::{Answer, Run};

/// A capture that `during` takes once: open, or why it could not be opened.
pub type Opened = Mutex<Option<Result<Box<dyn OpenCapture>, EvidenceError>>>;

/// A capture in a script's hands.
#[derive(Clone)]
pub struct Point {
    pub request: CaptureRequest,
    /// Taken by `during`, once.
    pub open: Arc<Opened>,
    /// What else is known of the place that explains why it cannot be looked into; empty for most.
    pub about: String,
}

impl Point {
    /// Whether it could not be begun, for a reason of that kind.
    #[must_use]
    pub fn is_of(&self, kind: ErrorKind) -> bool {
        let open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        open.as_ref().is_some_and(|open| open.as_ref().is_err_and(|error| error.kind == kind))
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    engine.register_type_with_name::<Point>("Capture");
    let run = Arc::clone(run);
    engine.register_fn("node_capture", move |context: NativeCallContext, node: ImmutableString, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&run, &context, &WORD, options)?;
        let filter = match (options.own_filter(), &options.service, &options.target) {
            (Some(filter), _, _) => filter,
            (None, Some(service), Some(target)) => node_filter(&context, &service.0, &target.0, options.client)?,
            _ => return Err(needs_filter(&context, WORD.name)),
        };
        Ok(begin(&run, Place::Host(run.node_host(&node)), filter, &options))
    });
}

/// Why a capture is left out that a playbook begins after many others.
fn too_many(request: &CaptureRequest) -> EvidenceError {
    let operation = format!("capture {} at {}", request.interface, request.place);
    EvidenceError::new(ErrorKind::LeftOut, operation, format!("left out: a run begins {MOST_CAPTURES} captures at most"))
        .hint("capture at fewer places, or fewer times")
}

/// Begins a capture; what goes wrong is told by `during`.
pub fn begin(run: &Run, place: Place, filter: String, options: &Options) -> Point {
    let request = options.request(place, filter);
    let fits = run.state().room.take(Part::Capture, 0);
    let open = if fits { run.evidence.captures.open(&request) } else { Err(too_many(&request)) };
    Point { request, open: Arc::new(Mutex::new(Some(open))), about: String::new() }
}
