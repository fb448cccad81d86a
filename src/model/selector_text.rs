//! Label selectors as a person writes them: `role=edge,zone in (a, b),!old`.

use super::label_selector::{LabelSelector, SelectorExpression};

/// Reads a selector.
///
/// # Errors
/// With the part that is none.
pub fn parse(text: &str) -> Result<LabelSelector, String> {
    let mut selector = LabelSelector::default();
    for part in parts(text) {
        selector.expressions.push(expression(part.trim()).ok_or_else(|| {
            format!("`{}` is no label selector: write key=value, key!=value, key, !key, key in (a, b) or key notin (a, b)", part.trim())
        })?);
    }
    Ok(selector)
}

/// The parts between commas that stand in no parentheses; nothing selects everything.
fn parts(text: &str) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut depth = 0_usize;
    text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn expression(part: &str) -> Option<SelectorExpression> {
    let said = |key: &str, operator: &str, values: Vec<String>| {
        let key = key.trim();
        plain(key).then(|| SelectorExpression { key: key.to_owned(), operator: operator.to_owned(), values })
    };
    if let Some(key) = part.strip_prefix('!') {
        return said(key, "DoesNotExist", Vec::new());
    }
    if let Some((head, rest)) = part.split_once('(') {
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        let values: Vec<String> = rest.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
        let operator = match operator {
            "in" => "In",
            "notin" => "NotIn",
            _ => return None,
        };
        return values.iter().all(|value| value.is_empty() || plain(value)).then(|| said(key, operator, values))?;
    }
    for (sign, operator) in [("!=", "NotIn"), ("==", "In"), ("=", "In")] {
        if let Some((key, value)) = part.split_once(sign) {
            let value = value.trim();
            // The empty value is written `key=`; behind two signs it is rather forgotten.
            if sign == "==" && value.is_empty() {
                return None;
            }
            return (value.is_empty() || plain(value)).then(|| said(key, operator, vec![value.to_owned()]))?;
        }
    }
    said(part, "Exists", Vec::new())
}

/// What a label's key or value may be made of.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::parse;

    fn selects(text: &str, labels: &[(&str, &str)]) -> bool {
        let labels: BTreeMap<String, String> = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        parse(text).unwrap().selects(&labels)
    }

    #[test]
    fn selectors_select_as_kubectl_does() {
        let edge = [("role", "edge"), ("zone", "a")];
        for yes in [
            "",
            "role=edge",
            "role==edge",
            "role!=core",
            "zone in (a, b)",
            "role",
            "!old",
            "zone notin (b),role=edge",
            "x!=y",
            "role = edge",
        ] {
            assert!(selects(yes, &edge), "{yes}");
        }
        for no in ["role=core", "old", "!role", "zone in (b)", "zone notin (a,b)", "role!=edge", "x in (y)"] {
            assert!(!selects(no, &edge), "{no}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_its_part() {
        for wrong in ["role=edge,", "a b", "zone in a", "zone within (a)", "=x", "!", "zone in (a", "a=b=c", "a='b'", "role=="] {
            assert!(parse(wrong).unwrap_err().contains("is no label selector"), "{wrong}");
        }
    }
}
