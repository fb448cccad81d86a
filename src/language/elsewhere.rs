//! What is written otherwise in other languages, and how Rhai writes it: what to try with a script that cannot be read, or with a name
//! that Rhai does not have.

/// Functions and methods of other languages.
const FUNCTIONS: [(&[&str], &str); 25] = [
    (&["length", "size", "count", "Len"], "write `.len()`"),
    (&["includes", "has", "include", "in_array", "has_key", "hasKey"], "write `.contains(…)`, or `value in list`"),
    (&["first", "head"], "write `list[0]`, where the list is not empty"),
    (&["last", "tail"], "write `list[-1]`, where the list is not empty"),
    (&["join"], "`${list}` in a text shows a list, and a cell of a table shows it with commas; otherwise add the parts in a loop"),
    (&["lower", "toLowerCase", "downcase", "tolower"], "write `.to_lower()`"),
    (&["upper", "toUpperCase", "upcase", "toupper"], "write `.to_upper()`"),
    (&["add", "append_to", "push_back"], "write `.push(…)`"),
    (&["each", "forEach", "foreach"], "write `for one in list { … }`"),
    (&["any", "exists"], "write `.some(|one| …)`"),
    (&["every"], "write `.all(|one| …)`"),
    (&["select", "where", "grep"], "write `.filter(|one| …)`"),
    (&["collect", "apply"], "write `.map(|one| …)`"),
    (&["startswith", "startsWith", "has_prefix"], "write `.starts_with(…)`"),
    (&["endswith", "endsWith", "has_suffix"], "write `.ends_with(…)`"),
    (&["substring", "substr", "slice"], "write `.sub_string(start, length)` of a text, and `.extract(start, length)` of a list"),
    (&["indexOf", "find_index"], "write `.index_of(…)`"),
    (&["strip"], "write `.trim()`, which changes the text itself"),
    (&["str", "toString", "string"], "write `.to_string()`, or `${value}` in a text in backticks"),
    (&["parseInt", "atoi"], "write `parse_int(text)`"),
    (&["sorted", "sort_by_key"], "write `.sort_by(|a, b| …)`, which changes the list itself"),
    (&["isEmpty", "empty", "is_nil", "isNull"], "write `.is_empty()`, or compare with ()"),
    (&["items", "entries"], "write `for key in map.keys() { … map[key] … }`"),
    (&["println", "printf", "echo", "puts"], "write `note(text)`"),
    (&["fail", "panic", "raise", "error", "die", "exit_with"], "write `throw \"why\"`"),
];

/// Names of nothing in other languages.
const NOTHING: [&str; 7] = ["null", "nil", "None", "none", "undefined", "NULL", "Nil"];

/// What to try with a function or method of another language.
#[must_use]
pub(super) fn function(name: &str) -> Option<String> {
    FUNCTIONS.iter().find(|(names, _)| names.contains(&name)).map(|(_, hint)| (*hint).to_owned())
}

/// What to try with a variable of another language.
#[must_use]
pub(super) fn variable(name: &str) -> Option<String> {
    match name {
        _ if NOTHING.contains(&name) => Some("nothing is written `()`".to_owned()),
        "True" | "TRUE" => Some("write `true`".to_owned()),
        "False" | "FALSE" => Some("write `false`".to_owned()),
        _ => None,
    }
}

/// What to try where a script cannot be read: by the sign or word at the place, and the one before it.
#[must_use]
pub(super) fn syntax(text: &str, at: usize) -> Option<String> {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let before_here = text.get(line..at)?;
    let here = token(text.get(at..)?);
    let before = before_here.trim_end();
    let last = before.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    let either = |word: &str| here == word || last == word;
    let hint = if either("and") || either("or") || either("not") {
        "write `&&`, `||` and `!` for and, or and not"
    } else if either("elif") || either("elseif") || either("elsif") {
        "write `else if`"
    } else if here == "=>" && !text.get(..line)?.trim_end().ends_with('{') {
        "a closure is written `|one| …`"
    } else if here == "?" {
        "there is no `? :`; write `if a { b } else { c }`, which gives a value"
    } else if here == "=" {
        "write `==` to compare"
    } else if here == ":" {
        "a map is written `#{ name: value }`, with the `#`; options are such a map"
    } else if here.starts_with('\'') {
        "write texts in double quotes, or in backticks"
    } else if either("case") || either("default") {
        "write `switch value { 1 => …, _ => … }`"
    } else if either("function") || either("def") || either("func") {
        "write `fn name(…) { … }`"
    } else if either("var") || either("auto") || either("local") {
        "write `let name = …;`"
    } else if either("foreach") || either("each") {
        "write `for one in list { … }`"
    } else if here == "++" || here == "--" {
        "write `+= 1` or `-= 1`"
    } else if let Some(hint) = variable(here) {
        return Some(hint);
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// The sign, word or begin of a text at the begin of what is left.
fn token(rest: &str) -> &str {
    let word = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    if word > 0 {
        return &rest[..word];
    }
    let sign = ["=>", "==", "++", "--"].into_iter().find(|sign| rest.starts_with(sign));
    sign.map_or_else(|| rest.chars().next().map_or("", |first| &rest[..first.len_utf8()]), |sign| &rest[..sign.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_languages_write_is_known() {
        for (text, mark, expected) in [
            ("if a = 1 {}", "=", "`==`"),
            ("if a and b {}", "and", "`&&`"),
            ("let a = not true;", "true", "`!`"),
            ("if a {} elif b {}", "b {}", "`else if`"),
            ("x.map(n => n.a)", "=>", "`|one| …`"),
            ("let a = true ? 1 : 2;", "?", "`if a"),
            ("f(a, { b: 1 })", ":", "#{"),
            ("let a = 'ab';", "'", "double quotes"),
            ("a == null", "null", "`()`"),
        ] {
            let hint = syntax(text, text.find(mark).unwrap()).unwrap_or_default();
            assert!(hint.contains(expected), "{text}: {hint}");
        }
        assert_eq!(syntax("let x = [1, 2;", 13), None);
        assert_eq!(syntax("", 0), None);
        assert!(function("length").unwrap().contains("len()") && function("len").is_none());
        // What Rhai has itself needs no such word.
        let rhais = crate::language::sandbox::rhais_own();
        for (names, _) in FUNCTIONS {
            assert!(names.iter().all(|name| !rhais.contains(*name)), "{names:?}");
        }
    }
}
