//! A capture while it listens, as the words of a run hold it.

use crate::evidence::capture::OpenCapture;
use crate::model::place::Place;

/// A capture that listens, and where.
pub struct Listening {
    pub place: Place,
    pub capture: Box<dyn OpenCapture>,
}
