//! The words as Rhai's definition files declare functions, for editors that read such files. Rhai's own generator loses the names of
//! parameters and knows no options; this comes of the words' descriptions.

use std::fmt::Write;

use crate::words::all::words;
use crate::words::word::{Kind, Param, Word};

/// A declaration for every way in which a word may be called.
pub(super) fn definitions() -> String {
    let mut text = String::from(
        "//! The words of lbdiag, for editors; written by `lbdiag words --definitions`. It is no playbook, and nothing runs it.\n\nmodule static;\n\n/// The parameters of the playbook, as its header declares them.\nconst params: Map;\n",
    );
    for word in words() {
        let needed = word.params.iter().filter(|param| param.required).count();
        for given in needed..=word.params.len() {
            // Options stand behind the arguments that are given.
            if !word.options.iter().any(|option| option.required) {
                declaration(&mut text, word, given, false);
            }
            if !word.options.is_empty() {
                declaration(&mut text, word, given, true);
            }
        }
    }
    text
}

fn declaration(text: &mut String, word: &Word, given: usize, with_options: bool) {
    // Writing to a string has no way to fail.
    let _ = writeln!(text);
    let mut documentation: Vec<String> = vec![word.meaning.to_owned(), String::new()];
    let arguments: Vec<&Param> = word.params.iter().take(given).collect();
    documentation.extend(arguments.iter().map(|param| format!("* `{}`: {}. {}", param.name, param.taken(), param.meaning)));
    if with_options {
        documentation
            .extend(word.options.iter().map(|option| format!("* `#{{ {} }}`: {}. {}", option.name, option.taken(), option.meaning)));
    }
    if !word.capability.is_empty() {
        documentation.push(format!("Needs the capability `{}`.", word.capability));
    }
    documentation.extend(word.fails.iter().map(|text| (*text).to_owned()));
    for line in documentation.iter().flat_map(|part| part.split('\n')) {
        let _ = writeln!(text, "/// {line}");
    }
    let mut typed: Vec<String> = arguments.iter().map(|param| format!("{}: {}", param.name, rhais(param.kind))).collect();
    if with_options {
        typed.push("options: Map".to_owned());
    }
    let returns = match word.returns.kind {
        Kind::Nothing => "()".to_owned(),
        kind if word.returns.nothing_when.is_empty() => rhais(kind),
        kind => format!("{} | ()", rhais(kind)),
    };
    let _ = writeln!(text, "fn {}({}) -> {returns};", word.name, typed.join(", "));
}

/// A kind as Rhai's definitions write types.
fn rhais(kind: Kind) -> String {
    match kind {
        Kind::Nothing => "()".to_owned(),
        Kind::Any => "?".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::Whole { .. } | Kind::Number => "int".to_owned(),
        Kind::Text | Kind::Form(_) | Kind::Address | Kind::OneOf(_) | Kind::Interface | Kind::Place => "String".to_owned(),
        Kind::Port | Kind::Mark => "String | int".to_owned(),
        Kind::CaptureInterface => "String | Map".to_owned(),
        Kind::Places => "String | Array".to_owned(),
        Kind::Several(_) => "String | int | Array".to_owned(),
        Kind::Record(record) => record.name.to_owned(),
        Kind::List(_) => "Array".to_owned(),
        Kind::Map(_) => "Map".to_owned(),
        Kind::Closure => "Fn".to_owned(),
        Kind::Either(one, other) => format!("{} | {}", rhais(*one), rhais(*other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_declared_with_the_names_of_its_parameters() {
        let text = definitions();
        for word in words() {
            assert!(text.contains(&format!("\nfn {}(", word.name)), "{}", word.name);
        }
        for wanted in [
            "\nfn service(",
            "\nfn probe(service: Service) -> Array;",
            "\nfn probe(service: Service, options: Map) -> Array;",
            "/// * `#{ tries }`: a whole number from 1 to 1000; 8 when left out.",
            "\nfn step(title: String, ",
        ] {
            assert!(text.contains(wanted), "{wanted}");
        }
        // Besides what is documented there are declarations alone.
        let declares = |line: &str| line.is_empty() || line.starts_with("//") || line.ends_with(';');
        assert!(text.lines().all(declares), "{:?}", text.lines().find(|line| !declares(line)));
    }
}
