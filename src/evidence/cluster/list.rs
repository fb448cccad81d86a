//! A list of objects, and what it lacks.

use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evidence::error::EvidenceError;

/// The objects that a list gave. They are not always all: a bound may have cut the list, its connection may have broken, and what
/// could not be an object was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Kept")]
pub struct List {
    pub objects: Vec<Value>,
    /// Why there may be objects that are not among these.
    pub lacks: Option<EvidenceError>,
}

impl List {
    /// A list that lacks nothing.
    #[must_use]
    pub fn whole(objects: Vec<Value>) -> Self {
        Self { objects, lacks: None }
    }

    /// All objects, or why these are not all: for whoever takes what is not among them as not there.
    ///
    /// # Errors
    /// When the list lacks anything.
    pub fn all(self) -> Result<Vec<Value>, EvidenceError> {
        self.lacks.map_or(Ok(self.objects), Err)
    }

    /// Adds another reason why objects may be missing; the reasons stand beside each other in one error.
    pub fn lack(&mut self, error: EvidenceError) {
        match &mut self.lacks {
            None => self.lacks = Some(error),
            Some(first) => first.reason = format!("{}; {}", first.reason, error.reason),
        }
    }
}

/// How a recording keeps a list: one that lacks nothing as its objects alone, as recordings always have.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Whole(Vec<Value>),
    Part { objects: Vec<Value>, lacks: EvidenceError },
}

impl From<Kept> for List {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Whole(objects) => Self::whole(objects),
            Kept::Part { objects, lacks } => Self { objects, lacks: Some(lacks) },
        }
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Part<'a> {
            objects: &'a [Value],
            lacks: &'a EvidenceError,
        }
        match &self.lacks {
            None => self.objects.serialize(serializer),
            Some(lacks) => Part { objects: &self.objects, lacks }.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::error::ErrorKind;

    #[test]
    fn a_whole_list_is_kept_as_its_objects_and_a_cut_one_with_its_reason() {
        let whole = List::whole(vec![json!({"metadata": {"name": "a"}})]);
        assert_eq!(serde_json::to_value(&whole).unwrap(), json!([{"metadata": {"name": "a"}}]));
        let mut cut = whole.clone();
        cut.lack(EvidenceError::new(ErrorKind::LeftOut, "list pods", "it has no end"));
        cut.lack(EvidenceError::new(ErrorKind::Garbled, "list pods", "1 of 2 is none"));
        for list in [whole, cut.clone()] {
            assert_eq!(serde_json::from_value::<List>(serde_json::to_value(&list).unwrap()).unwrap(), list);
        }
        let error = cut.all().unwrap_err();
        assert_eq!((error.kind, error.reason.as_str()), (ErrorKind::LeftOut, "it has no end; 1 of 2 is none"));
    }
}
