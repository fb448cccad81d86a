//! The codes of diagnostics: what each means, and the smallest text that has it. `lbdiag explain CODE` prints an entry.
//!
//! A code never changes its meaning, and a code that is no longer given is never used for something else.

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `E` for an error or `W` for a warning, and four digits: 01 headers, 02 scripts, 03 values and runs, 04 other files, 05 names.
    pub code: &'static str,
    /// A fragment, as in a table of contents.
    pub title: &'static str,
    /// When it is given, and what to do; whole sentences.
    pub meaning: &'static str,
    /// The smallest text that has the mistake, and no other.
    pub example: Example,
}

/// A text that has the mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    /// A whole playbook that is refused when it is read.
    Playbook(&'static str),
    /// The lines of a playbook below a right header, that is refused when it is read.
    Script(&'static str),
    /// The lines of a playbook below a right header, that ends with the mistake when it is run.
    Run(&'static str),
    /// A site file.
    Site(&'static str),
    /// What a person sees; nothing that could be written shows it.
    Described(&'static str),
}

impl Example {
    /// Its text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Playbook(text) | Self::Script(text) | Self::Run(text) | Self::Site(text) | Self::Described(text) => text,
        }
    }
}

/// The entry of a code, in any case of its letter.
#[must_use]
pub fn code(wanted: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.code.eq_ignore_ascii_case(wanted))
}

/// Whether a text has the form of a code, so that a mistyped one is not taken for a finding.
#[must_use]
pub fn looks_like_one(text: &str) -> bool {
    text.len() == 5 && text.starts_with(['E', 'W', 'e', 'w']) && text[1..].chars().all(|c| c.is_ascii_digit())
}

pub const NO_HEADER: &str = "E0101";
pub const HEADER_NOT_YAML: &str = "E0102";
pub const HEADER_KEY: &str = "E0103";
pub const HEADER_LACKS: &str = "E0104";
pub const HEADER_VALUE: &str = "E0105";
pub const HEADER_CAPABILITY: &str = "E0106";
pub const HEADER_REQUIRES: &str = "E0107";
pub const TOO_OLD: &str = "E0108";
pub const PARAMETER_TYPE: &str = "E0109";
pub const PARAMETER_CONTRADICTS: &str = "E0110";
pub const SYNTAX: &str = "E0201";
pub const UNKNOWN_WORD: &str = "E0202";
pub const CAPABILITY: &str = "E0203";
pub const ARGUMENTS: &str = "E0204";
pub const OPTION: &str = "E0205";
pub const OPTION_VALUE: &str = "E0206";
pub const VARIABLE: &str = "E0207";
pub const PARAMETER: &str = "E0208";
pub const SHADOWS_WORD: &str = "E0209";
pub const FINDING: &str = "E0210";
pub const RAISED: &str = "E0301";
pub const FIELD: &str = "E0302";
pub const NO_FUNCTION: &str = "E0303";
pub const OPERATION: &str = "E0304";
pub const LIMIT: &str = "E0305";
pub const BUG: &str = "E0306";
pub const UNREADABLE: &str = "E0401";
pub const FILE_NOT_YAML: &str = "E0402";
pub const FILE_KEY: &str = "E0403";
pub const FILE_VALUE: &str = "E0404";
pub const UNUSED_VARIABLE: &str = "W0201";
pub const UNUSED_PARAMETER: &str = "W0202";
pub const UNUSED_CAPABILITY: &str = "W0203";
pub const UNREACHABLE: &str = "W0204";
pub const UNREAD_CAPTURE: &str = "W0205";
pub const SHADOWED: &str = "W0206";
pub const NEVER_TRUE: &str = "W0207";
pub const SWAPPED: &str = "W0208";
pub const PLAIN_QUOTES: &str = "W0209";
pub const OTHER_SEVERITY: &str = "W0210";
pub const LOST_IN_A_COPY: &str = "W0211";
pub const UNKNOWN_DEFAULT: &str = "W0401";
pub const UNKNOWN_HOOKED: &str = "W0402";
pub const OLD_NAME: &str = "W0501";

/// Every code, in order.
pub const CODES: &[Code] = &[
    Code {
        code: NO_HEADER,
        title: "the playbook has no header",
        meaning: "A playbook begins with a header: lines that begin with `//!`, with YAML between two lines `//! ---`. Without it nobody knows what the playbook is called, what it may touch, and what it can be given.",
        example: Example::Playbook("note(\"x\");\n"),
    },
    Code {
        code: HEADER_NOT_YAML,
        title: "the header is not YAML",
        meaning: "The lines between the two lines `//! ---` have to be YAML: one space after `//!`, then `key: value`. Texts with `: ` or `#` in them are quoted.",
        example: Example::Playbook("//! ---\n//! name: a\n//! version: 1\n//! about: [b\n//! ---\n"),
    },
    Code {
        code: HEADER_KEY,
        title: "the header has an unknown key",
        meaning: "A header may hold name, version, about, kind, requires, uses, params and findings, a finding severity, meaning and next, a parameter type, help, required, default, values, least and most. A mistyped key would otherwise be passed over in silence.",
        example: Example::Playbook("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! usess: [cluster.read]\n//! ---\n"),
    },
    Code {
        code: HEADER_LACKS,
        title: "the header lacks a key",
        meaning: "Every header has name, version and about, every parameter a type.",
        example: Example::Playbook("//! ---\n//! name: a\n//! about: b\n//! ---\n"),
    },
    Code {
        code: HEADER_VALUE,
        title: "a value of the header is of the wrong kind",
        meaning: "`uses` and `values` take lists, `params` a map, `required` true or false, `least` and `most` whole numbers, the others a text.",
        example: Example::Playbook("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: cluster.read\n//! ---\n"),
    },
    Code {
        code: HEADER_CAPABILITY,
        title: "the header uses an unknown capability",
        meaning: "`uses` lists what the playbook's words may touch. `lbdiag words WORD` says which capability a word needs.",
        example: Example::Playbook("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [cluster.reed]\n//! ---\n"),
    },
    Code {
        code: HEADER_REQUIRES,
        title: "`requires` is not understood",
        meaning: "`requires` is written as `lbdiag >=0.1`.",
        example: Example::Playbook("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! requires: lbdiag 0.1\n//! ---\n"),
    },
    Code {
        code: TOO_OLD,
        title: "the playbook needs a newer lbdiag",
        meaning: "`requires` names a version that this lbdiag has not reached. Words that it needs may be missing here: install a newer lbdiag.",
        example: Example::Playbook("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! requires: lbdiag >=99.0\n//! ---\n"),
    },
    Code {
        code: PARAMETER_TYPE,
        title: "a parameter has an unknown type",
        meaning: "The types are string, int, bool, ip, cidr, duration, port, enum, list, vantages, name, host, path, statuses, payload and sizes.",
        example: Example::Playbook(
            "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   tries: { type: number }\n//! ---\n",
        ),
    },
    Code {
        code: PARAMETER_CONTRADICTS,
        title: "a parameter contradicts itself",
        meaning: "Its default is not one that it takes, `least` is above `most`, an enum has no values, or bounds or values are given to a type that has none.",
        example: Example::Playbook(
            "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   tries: { type: int, default: many }\n//! ---\n",
        ),
    },
    Code {
        code: SYNTAX,
        title: "the script cannot be read",
        meaning: "Rhai, the language of playbooks (https://rhai.rs/book), does not understand the script at this place. Whatever stands before it was understood: often a bracket, a comma or a semicolon is missing just before.",
        example: Example::Script("let x = [1, 2;\n"),
    },
    Code {
        code: UNKNOWN_WORD,
        title: "there is no such word",
        meaning: "What is called is neither a word of lbdiag (`lbdiag words`), nor a function of Rhai or of the playbook.",
        example: Example::Script("note(find_anouncer(1));\n"),
    },
    Code {
        code: CAPABILITY,
        title: "a word needs a capability that the header does not list",
        meaning: "A playbook may touch only what its header's `uses` lists, so that a reader of the header knows how far it reaches. Add the capability there, or do without the word. The same is said in a run when the site or `--static` takes the capability away: ask `allowed(\"…\")` first.",
        example: Example::Script("note(`${probe(service(\"a\", \"b\"), #{})}`);\n"),
    },
    Code {
        code: ARGUMENTS,
        title: "a word or function does not take these arguments",
        meaning: "There are too few or too many of them, or one is of another type than the word takes. `lbdiag words WORD` tells how a word is written; a `fn` or closure of the playbook takes as many as it declares.",
        example: Example::Script("note(service().path);\n"),
    },
    Code {
        code: OPTION,
        title: "a word has no such option",
        meaning: "Options are given by name, as in `#{ tries: 8 }`. `lbdiag words WORD` lists those of a word.",
        example: Example::Script("let svc = service(\"a\", \"b\");\nnote(find_announcer(svc, #{ mertics: true }).node);\n"),
    },
    Code {
        code: OPTION_VALUE,
        title: "an option does not take this value",
        meaning: "The value is of another type, or outside of the option's bounds. `lbdiag words WORD` tells what the option takes.",
        example: Example::Script(
            "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nnote(find_announcer(svc, #{ metrics: \"often\" }).node);\n",
        ),
    },
    Code {
        code: VARIABLE,
        title: "there is no such variable",
        meaning: "The name was not declared by `let`, `const`, a loop or a parameter before this place, or only inside of a block that has ended. A `fn` sees its own parameters alone: neither `params` nor the variables around it. Hand them to it as arguments, or write a closure (`let f = |x| …;`, called as `f.call(x)`), which sees what is around it.",
        example: Example::Script("let svc = service(\"a\", \"b\");\nnote(svd.path);\n"),
    },
    Code {
        code: PARAMETER,
        title: "the header has no such parameter",
        meaning: "`params.NAME` reads a parameter that the header's `params` declares. What is not declared there cannot be given, and would end the run.",
        example: Example::Script("note(params.sevice);\n"),
    },
    Code {
        code: SHADOWS_WORD,
        title: "a function of the playbook is called like a word",
        meaning: "Rhai calls a playbook's own function in place of a word of the same name: a `fn finding(…) {}` would discard every finding without a word. Give the function another name.",
        example: Example::Script("fn note(text) { text }\n"),
    },
    Code {
        code: FINDING,
        title: "there is no such finding",
        meaning: "A finding has a name of the catalogue (`lbdiag explain`), or one of the site's own, which begins with `site/`.",
        example: Example::Script("finding(\"announce/split-brian\", \"fail\", \"node/n1\", \"two nodes announce\");\n"),
    },
    Code {
        code: RAISED,
        title: "the playbook ended by an error",
        meaning: "The script raised an error itself with `throw`, or a word could not do its work and no `step` was around it: in a `step` the same is a gap, and the run goes on.",
        example: Example::Run("throw \"nothing to do\";\n"),
    },
    Code {
        code: FIELD,
        title: "a value has no such field",
        meaning: "`lbdiag words WORD` lists the fields of what a word gives. A field that is not known at the moment is there, and ().",
        example: Example::Script("let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nnote(svc.pth);\n"),
    },
    Code {
        code: NO_FUNCTION,
        title: "a function does not take these values",
        meaning: "Rhai chooses a function by the types of what it is given, and there is none of that name for these. Often one of the values is (), because the step that should have given it failed.",
        example: Example::Script("note(\"abc\".sub_string(\"b\"));\n"),
    },
    Code {
        code: OPERATION,
        title: "something cannot be done with these values",
        meaning: "Rhai cannot do the operation: a number divided by zero, an index behind the end, a loop over something that is no list, a condition that is neither true nor false.",
        example: Example::Run("let list = [1];\nlet second = list[1];\nprint(second);\n"),
    },
    Code {
        code: LIMIT,
        title: "the script reached a limit",
        meaning: "A script is bounded in operations, in calls within calls, and in the sizes of texts, arrays and maps, so that a mistake cannot hang a run. A loop that never ends is the usual cause.",
        example: Example::Run("fn again(x) { again(x + 1) }\nagain(1);\n"),
    },
    Code {
        code: BUG,
        title: "a word failed in a way that it should not",
        meaning: "This is a mistake of lbdiag, not of the playbook. Whatever was found until then is in the report. Please report it, with the recording of the run when there is one.",
        example: Example::Described("a word failed in a way that it should not"),
    },
    Code {
        code: UNREADABLE,
        title: "a file cannot be read",
        meaning: "It is not there, it may not be read, or it is no text.",
        example: Example::Described("read playbook a.rhai: No such file or directory"),
    },
    Code {
        code: FILE_NOT_YAML,
        title: "a site or parameter file is not YAML",
        meaning: "The file has to be YAML or JSON, a map at its top.",
        example: Example::Site("ssh: { user: ops\n"),
    },
    Code {
        code: FILE_KEY,
        title: "a site file has an unknown key",
        meaning: "A mistyped key would otherwise be passed over in silence, and the site be another than its author believes.",
        example: Example::Site("ssh: { usr: ops }\n"),
    },
    Code {
        code: FILE_VALUE,
        title: "a value of a site file is of the wrong kind",
        meaning: "The value is of another type than the key takes, or not among what it takes.",
        example: Example::Site("ssh: { port: many }\n"),
    },
    Code {
        code: UNUSED_VARIABLE,
        title: "nothing reads a variable",
        meaning: "It is declared, and perhaps filled, and never read. Often its name is mistyped where it should be read, or a step's answer was forgotten. A name that begins with `_` is left alone.",
        example: Example::Script("let svc = service(\"a\", \"b\");\n"),
    },
    Code {
        code: UNUSED_PARAMETER,
        title: "nothing reads a parameter",
        meaning: "The header declares it, and nothing in the script reads it: whoever sets it believes that it does something.",
        example: Example::Playbook(
            "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   tries: { type: int, default: 8 }\n//! ---\nnote(\"x\");\n",
        ),
    },
    Code {
        code: UNUSED_CAPABILITY,
        title: "the header lists a capability that nothing needs",
        meaning: "A review of the header is a review of how far a playbook reaches: it should list what its words need, and no more.",
        example: Example::Playbook("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [probe]\n//! ---\nnote(\"x\");\n"),
    },
    Code {
        code: UNREACHABLE,
        title: "this never runs",
        meaning: "It stands behind a `return`, `throw`, `break` or `continue` that always ends what it stands in.",
        example: Example::Script("throw \"nothing to do\";\nnote(\"x\");\n"),
    },
    Code {
        code: UNREAD_CAPTURE,
        title: "nothing reads a capture",
        meaning: "A capture begins where it is called, and ends with the `during` that it is given to. Without one its packets are in no flow.",
        example: Example::Playbook(
            "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [node.capture]\n//! ---\nnode_capture(\"n1\", #{ address: \"192.0.2.1\" });\nnote(\"x\");\n",
        ),
    },
    Code {
        code: SHADOWED,
        title: "a variable hides the playbook's parameters",
        meaning: "Behind it nobody can read a parameter any more. A variable that is called like a word is none of this: Rhai tells variables and functions apart.",
        example: Example::Script("let params = 1;\nnote(`${params}`);\n"),
    },
    Code {
        code: NEVER_TRUE,
        title: "a comparison says always the same",
        meaning: "Values of different types are never equal in Rhai, and that is no error: `svc.name == 3` is false for every Service, and a field that is never () is never equal to (). `lbdiag words WORD` tells the types of fields, what they can be, and when they are ().",
        example: Example::Script("let svc = service(\"a\", \"b\");\nif svc.ports == () { note(\"x\"); }\n"),
    },
    Code {
        code: SWAPPED,
        title: "an argument is called like another one of its word",
        meaning: "Both take values of the same kind, so that nothing else tells when two of them changed places.",
        example: Example::Script("let namespace = \"a\";\nlet web = \"b\";\nnote(service(web, namespace).path);\n"),
    },
    Code {
        code: PLAIN_QUOTES,
        title: "a text in quotes looks as if it held a value",
        meaning: "Only a text in backticks takes values in: `` `${name} is up` ``. In quotes `${name}` stands in the report as it is written.",
        example: Example::Script("let name = \"n1\";\nnote(\"${name} is up\");\nnote(name);\n"),
    },
    Code {
        code: OTHER_SEVERITY,
        title: "a finding is given another severity than it has",
        meaning: "What the header declares and what the catalogue says of a name comes before what the script gives, so that a name always means the same. Give () in its place, or take a name of the playbook's own.",
        example: Example::Script("finding(\"node/firewall-drop\", \"info\", \"node/n1\", \"it drops\");\n"),
    },
    Code {
        code: LOST_IN_A_COPY,
        title: "a closure of `parallel` changes a copy",
        meaning: "Closures that run side by side work on copies of the variables around them, so that nothing depends on which is faster. What one of them should tell it gives: `parallel` gives a list of what its closures give, in their order.",
        example: Example::Script("let found = 0;\nparallel([|| { found += 1; }, || note(\"x\")]);\nnote(`${found}`);\n"),
    },
    Code {
        code: UNKNOWN_DEFAULT,
        title: "a site gives a default to an unknown parameter",
        meaning: "None of the playbooks that are shipped, or checked together with the site file, has a parameter of that name. A mistyped name would be passed over in silence. When it is for another playbook, name that beside the site: `lbdiag check site.yaml PLAYBOOKS`.",
        example: Example::Described("defaults: { fron: \"ssh:c1\" }"),
    },
    Code {
        code: UNKNOWN_HOOKED,
        title: "a site has a hook for an unknown playbook",
        meaning: "None of the playbooks that are shipped, or checked together with the site file, has that name, so that its fragment was not read. When it is for another playbook, name that beside the site: `lbdiag check site.yaml PLAYBOOKS`.",
        example: Example::Described("hooks: [{ playbook: metalb-flow, after: \"Follow a request\", run: hooks/rack.hook }]"),
    },
    Code {
        code: OLD_NAME,
        title: "a word or option has another name now",
        meaning: "The old name works as before until lbdiag 0.3, and then no more. Write the new one.",
        example: Example::Script("note(`${road((), ())}`);\n"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_order_once_and_explain_themselves() {
        assert!(CODES.windows(2).all(|pair| pair[0].code < pair[1].code || pair[0].code.starts_with('E') && pair[1].code.starts_with('W')));
        for entry in CODES {
            assert!(looks_like_one(entry.code) && entry.meaning.ends_with('.') && !entry.title.ends_with('.'), "{}", entry.code);
        }
        assert_eq!(code("e0202").map(|entry| entry.code), Some(UNKNOWN_WORD));
        assert!(looks_like_one("E9999") && !looks_like_one("route/missing") && code("E9999").is_none());
    }
}
