//! Values of a script as text, whatever they hold: bounded in length, and without following what a function captured.
//!
//! Values share their strings, so that a small one may be gigabytes of text; and a closure may hold the value that holds it.

use std::fmt::Write;

use rhai::{Array, Blob, Dynamic, FnPtr, ImmutableString, Map};

/// Bytes of one value's text.
const MOST: usize = 256 << 10;

/// Levels of values within values that are written.
const DEEPEST: usize = 64;

/// What stands for the rest.
const REST: &str = "…";

/// A value as a report shows it.
#[must_use]
pub fn shown(value: &Dynamic) -> String {
    if holds_others(value) { written(value, &|leaf| format!("{leaf:?}")) } else { value.to_string() }
}

/// An array, a map or a function as the language prints it; `leaf` writes what is none of those.
pub fn written(value: &Dynamic, leaf: &dyn Fn(&Dynamic) -> String) -> String {
    let mut text = String::new();
    write(value, leaf, DEEPEST, &mut text);
    cut(text)
}

/// A text within the bound of one value's.
#[must_use]
pub fn cut(mut text: String) -> String {
    if text.len() > MOST {
        let end = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(REST);
    }
    text
}

fn holds_others(value: &Dynamic) -> bool {
    value.is_array() || value.is_map() || value.is_blob() || value.is_fnptr()
}

fn write(value: &Dynamic, leaf: &dyn Fn(&Dynamic) -> String, levels: usize, text: &mut String) {
    if text.len() > MOST {
        return;
    }
    if levels == 0 && holds_others(value) {
        text.push_str(REST);
    } else if let Some(array) = value.read_lock::<Array>() {
        text.push('[');
        separated(array.iter(), text, |item, text| write(item, leaf, levels - 1, text));
        text.push(']');
    } else if let Some(map) = value.read_lock::<Map>() {
        text.push_str("#{");
        separated(map.iter(), text, |(key, item), text| {
            // Writing to a string has no way to fail.
            let _ = write!(text, "{key:?}: ");
            write(item, leaf, levels - 1, text);
        });
        text.push('}');
    } else if let Some(string) = value.read_lock::<ImmutableString>() {
        let end = (0..=MOST.min(string.len())).rev().find(|at| string.is_char_boundary(*at)).unwrap_or(0);
        let _ = write!(text, "{:?}", &string[..end]);
    } else if let Some(function) = value.read_lock::<FnPtr>() {
        let _ = write!(text, "Fn({:?})", function.fn_name());
    } else if value.read_lock::<Blob>().is_some() {
        let _ = write!(text, "{value:?}");
    } else {
        text.push_str(&leaf(value));
    }
}

fn separated<T>(items: impl Iterator<Item = T>, text: &mut String, each: impl Fn(T, &mut String)) {
    for (index, item) in items.enumerate() {
        if text.len() > MOST {
            return;
        }
        if index > 0 {
            text.push_str(", ");
        }
        each(item, text);
    }
}

/// Levels of a value, counted as far as `most`; a deep one ends the program when it is copied or let go.
#[must_use]
pub fn is_deeper_than(value: &Dynamic, most: usize) -> bool {
    let Some(most) = most.checked_sub(1) else { return holds_others(value) };
    if let Some(array) = value.read_lock::<Array>() {
        array.iter().any(|item| is_deeper_than(item, most))
    } else if let Some(map) = value.read_lock::<Map>() {
        map.values().any(|item| is_deeper_than(item, most))
    } else {
        false
    }
}

/// Whether a value's JSON would be within the bound and end: no function is in it that captured something.
#[must_use]
pub fn is_json(value: &Dynamic) -> bool {
    let mut left = MOST;
    weigh(value, DEEPEST, &mut left)
}

fn weigh(value: &Dynamic, levels: usize, left: &mut usize) -> bool {
    let own = value.read_lock::<ImmutableString>().map_or(8, |string| string.len() + 8);
    let blob = value.read_lock::<Blob>().map_or(0, |blob| 4 * blob.len());
    let Some(rest) = left.checked_sub(own + blob).filter(|_| levels > 0) else { return false };
    *left = rest;
    if let Some(array) = value.read_lock::<Array>() {
        array.iter().all(|item| weigh(item, levels - 1, left))
    } else if let Some(map) = value.read_lock::<Map>() {
        map.iter().all(|(key, item)| {
            *left = left.saturating_sub(key.len());
            weigh(item, levels - 1, left)
        })
    } else {
        value.read_lock::<FnPtr>().is_none_or(|function| !function.is_curried())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(items: &[Dynamic]) -> Dynamic {
        Dynamic::from_array(items.to_vec())
    }

    #[test]
    fn values_read_as_the_language_prints_them() {
        let map: Map = [("a".into(), Dynamic::from(1_i64)), ("b".into(), array(&["x\n".into(), Dynamic::UNIT]))].into_iter().collect();
        assert_eq!(shown(&Dynamic::from_map(map)), "#{\"a\": 1, \"b\": [\"x\\n\", ()]}");
        assert_eq!(shown(&"x".into()), "x");
        assert_eq!(shown(&array(&[])), "[]");
        assert_eq!(shown(&Dynamic::from(FnPtr::new("f").unwrap())), "Fn(\"f\")");
    }

    #[test]
    fn what_shares_its_strings_is_cut_where_it_would_be_endless() {
        let long: Dynamic = "é".repeat(MOST).into();
        let many = array(&vec![long; 10_000]);
        let text = shown(&many);
        assert!(text.len() <= MOST + REST.len() && text.ends_with(REST), "{}", text.len());
        assert!(!is_json(&many));
        assert!(is_json(&array(&["x".into(), Dynamic::from(1_i64)])));
    }

    #[test]
    fn what_is_deep_is_not_followed() {
        let deep = (0..1_000).fold(Dynamic::from(1_i64), |inner, _| array(&[inner]));
        assert_eq!(shown(&deep), format!("{}{REST}{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST)));
        assert!(is_deeper_than(&deep, 999) && !is_deeper_than(&deep, 1_000));
        assert!(!is_json(&deep));
    }

    #[test]
    fn a_function_that_captured_something_has_no_json() {
        let mut curried = FnPtr::new("f").unwrap();
        assert!(is_json(&Dynamic::from(curried.clone())));
        curried.add_curry(Dynamic::from(1_i64));
        assert!(!is_json(&array(&[Dynamic::from(curried)])));
    }
}
