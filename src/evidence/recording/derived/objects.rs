//! Objects from lists, and lists from larger ones.

use serde_json::Value;

use super::super::question::Channel;
use super::selectors::{Fields, labels};
use super::{Derived, Known, answered, text_at};
use crate::evidence::cluster::{Kind, List, ListQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};

type Listed = Result<List, EvidenceError>;
type Got = Result<Option<Value>, EvidenceError>;

/// The object of a list that holds it, or `None` where a list of all objects holds it not.
pub(in crate::evidence::recording) fn get<'a>(known: &Known<'a>, query: &ObjectQuery) -> Option<Derived<'a, Got>> {
    let mut absent = None;
    for (asked, entry) in known.asked::<ListQuery>(Channel::List) {
        if !reads_as_much(&asked.kind, &query.kind) || (asked.namespace.is_some() && asked.namespace != query.namespace) {
            continue;
        }
        let list = match answered::<Listed>(entry) {
            Some(Ok(list)) => list,
            // A kind that the cluster does not know has no objects anywhere.
            Some(Err(error)) if error.kind == ErrorKind::NotFound && asked.namespace.is_none() => {
                return Some(Derived { entry, answer: Err(error) });
            }
            _ => continue,
        };
        let found = list.objects.iter().find(|object| {
            text_at(object, "metadata.name") == Some(&query.name) && text_at(object, "metadata.namespace") == query.namespace.as_deref()
        });
        if let Some(object) = found {
            return Some(Derived { entry, answer: Ok(Some(object.clone())) });
        }
        if asked.labels.is_none() && asked.fields.is_none() && list.lacks.is_none() {
            absent.get_or_insert(Derived { entry, answer: Ok(None) });
        }
    }
    absent.or_else(|| of_another_get(known, query))
}

/// The same object, asked for with more of its fields.
fn of_another_get<'a>(known: &Known<'a>, query: &ObjectQuery) -> Option<Derived<'a, Got>> {
    let same = |asked: &ObjectQuery| (&asked.namespace, &asked.name) == (&query.namespace, &query.name);
    let mut all = known.asked::<ObjectQuery>(Channel::Get);
    let (_, entry) = all.find(|(asked, _)| same(asked) && reads_as_much(&asked.kind, &query.kind))?;
    Some(Derived { entry, answer: answered(entry)? })
}

/// The objects of a larger list that the query selects. A list that is not whole gives one that is not whole.
pub(in crate::evidence::recording) fn list<'a>(known: &Known<'a>, query: &ListQuery) -> Option<Derived<'a, Listed>> {
    let wanted = query.labels.as_deref().map(labels);
    let fields = query.fields.as_deref().map(|text| Fields::read(&query.kind, text));
    let mut in_part = None;
    for (asked, entry) in known.asked::<ListQuery>(Channel::List) {
        let same = (asked.labels == query.labels, asked.fields == query.fields);
        let holds = reads_as_much(&asked.kind, &query.kind)
            && (asked.namespace.is_none() || asked.namespace == query.namespace)
            && (same.0 || (asked.labels.is_none() && wanted.as_ref().is_some_and(Option::is_some)))
            && (same.1 || (asked.fields.is_none() && fields.as_ref().is_some_and(Option::is_some)));
        if !holds {
            continue;
        }
        let mut list = match answered::<Listed>(entry) {
            Some(Ok(list)) => list,
            Some(Err(error)) if error.kind == ErrorKind::NotFound && asked.namespace.is_none() => {
                return Some(Derived { entry, answer: Err(error) });
            }
            _ => continue,
        };
        list.objects.retain(|object| {
            query.namespace.as_deref().is_none_or(|namespace| text_at(object, "metadata.namespace") == Some(namespace))
                && wanted.iter().flatten().all(|selector| selector.selects(&labels_of(object)))
                && fields.iter().flatten().all(|fields| fields.select(object))
        });
        if list.lacks.is_none() {
            return Some(Derived { entry, answer: Ok(list) });
        }
        in_part.get_or_insert(Derived { entry, answer: Ok(list) });
    }
    in_part
}

/// Whether what is known of a kind has all the fields that are asked for.
fn reads_as_much(known: &Kind, asked: &Kind) -> bool {
    (&known.group, &known.version, &known.plural) == (&asked.group, &asked.version, &asked.plural)
        && asked.reads.iter().all(|field| known.reads.contains(field))
}

fn labels_of(object: &Value) -> std::collections::BTreeMap<String, String> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    labels.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
