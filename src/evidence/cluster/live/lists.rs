//! Lists, page by page, and the bounds that end one that has no end.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::exchange::Failure;
use super::{LiveCluster, request, unnameable};
use crate::evidence::cluster::projection::Projection;
use crate::evidence::cluster::{List, ListQuery, sound};
use crate::evidence::error::{ErrorKind, EvidenceError};

/// Objects of one list that are taken.
const MOST_OBJECTS: usize = 50_000;

/// Pages of one list that are asked for: those that hold as many objects, and as many again for a server that gives smaller ones.
const MOST_PAGES: usize = 200;

/// How long all pages of a list may take together. A page has the bound of one request.
const LIST_LIMIT: Duration = Duration::from_secs(30);

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    kind: Option<String>,
    metadata: PageMetadata,
    #[serde(default, deserialize_with = "there")]
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PageMetadata {
    #[serde(rename = "continue")]
    more: Option<String>,
}

/// Items that are null are none; items that are not there at all make the page something else than a list.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Value>>, D::Error> {
    Ok(Some(Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default()))
}

impl LiveCluster {
    /// All pages. What came before an end that is none is given with the reason; an expired list begins again, once.
    pub(super) fn pages(&self, operation: &str, query: &ListQuery) -> Result<List, EvidenceError> {
        let begun = Instant::now();
        let taken = Projection::of_list(&query.kind)?;
        let mut list = match self.pages_from(operation, query, &taken, begun) {
            // The list changed for so long that its continuation expired; a second time it is cut.
            (_, Some(Failure::Refused(refusal))) if refusal.code == StatusCode::GONE => self.pages_from(operation, query, &taken, begun),
            pages => pages,
        };
        if let Some(failure) = list.1.take() {
            let error = self.told(operation, failure);
            // Without a single page there is nothing to give.
            if list.0.objects.is_empty() && error.kind != ErrorKind::LeftOut || error.kind == ErrorKind::Interrupted {
                return Err(error);
            }
            list.0.lack(error);
        }
        Ok(sound::sift(query, operation, list.0))
    }

    /// The pages from the first one on, and why there are no more when that is not the list's end.
    fn pages_from(&self, operation: &str, query: &ListQuery, taken: &Projection, begun: Instant) -> (List, Option<Failure>) {
        let mut list = List::default();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = match self.page(operation, query, taken, after.as_deref()) {
                Ok(page) => page,
                Err(failure) => return (list, Some(failure)),
            };
            list.objects.extend(page.items.unwrap_or_default());
            let more = page.metadata.more.filter(|mark| !mark.is_empty());
            let Some(more) = more else { return (list, None) };
            if list.objects.len() >= MOST_OBJECTS {
                return (list, Some(cut(operation, &format!("there are more than {MOST_OBJECTS} of them"))));
            }
            if after.as_ref() == Some(&more) {
                return (list, Some(cut(operation, "every page says that the same one follows")));
            }
            if begun.elapsed() >= LIST_LIMIT {
                return (list, Some(cut(operation, &format!("it came to no end within {LIST_LIMIT:?}"))));
            }
            after = Some(more);
        }
        (list, Some(cut(operation, &format!("it came to no end within {MOST_PAGES} pages"))))
    }

    fn page(&self, operation: &str, query: &ListQuery, taken: &Projection, after: Option<&str>) -> Result<Page, Failure> {
        let path = request::page(query, after).map_err(|word| Failure::Error(unnameable(operation, &word)))?;
        let taken = taken.clone();
        let taken =
            move |page: Page| Page { items: page.items.map(|items| items.into_iter().map(|object| taken.take(object)).collect()), ..page };
        let page: Page = self.wait(operation, self.limit, self.fetch(operation, &path, taken))?;
        // Every kind's list is called so; a refusal that comes with the code of success, or a table, is none.
        let told = page.kind.as_deref().map(|kind| kind.strip_suffix("List"));
        let right = told.is_none_or(|kind| kind.is_some_and(|kind| kind.is_empty() || sound::is_kind(kind, &query.kind.plural)));
        if right && page.items.is_some() {
            return Ok(page);
        }
        let what = page.kind.map_or_else(|| "something without items".to_owned(), |kind| format!("`{kind}`"));
        let reason = format!("the answer of {} is no list of {}: {what}", self.server, query.kind.plural);
        Err(Failure::Error(
            EvidenceError::new(ErrorKind::Garbled, operation, reason).hint("something other than a Kubernetes API may answer there"),
        ))
    }
}

/// A bound of our own ended the list.
fn cut(operation: &str, reason: &str) -> Failure {
    let error = EvidenceError::new(ErrorKind::LeftOut, operation, format!("the list was cut: {reason}"));
    Failure::Error(error.hint("ask for fewer, by namespace or by label"))
}
