//! What can be said of a playbook before anything is touched: names that are none, words outside of its `uses`, arguments, options and
//! fields that do not exist, types that do not fit, and what is declared for nothing.
//!
//! Where a value's type is not surely known nothing is said of it: a mistake that is told is one.

mod calls;
mod chains;
mod changed;
mod closures;
mod described;
mod expressions;
mod literals;
mod natives;
mod operators;
mod reader;
mod script;
mod statements;
mod types;
mod unused;
mod words;

use rhai::{AST, Engine};

use self::reader::Reader;
use self::script::Script;
use super::at_a_step::AtAStep;
use super::header::Header;
use crate::model::capability::CAPABILITIES;
use crate::model::diagnostic::{Diagnostic, Source};

/// The mistakes of a script, and what will be one, in the order of the text. What the script imports uses some of its header's capabilities, too.
#[must_use]
pub fn mistakes(engine: &Engine, source: &Source, ast: &AST, header: &Header, by_modules: &[&str]) -> Vec<Diagnostic> {
    let script = Script::of(ast);
    let mut reader = Reader::new(engine, source, header, &script);
    reader.used.capabilities.extend(CAPABILITIES.into_iter().filter(|known| by_modules.contains(known)));
    reader.readings(Reader::script);
    reader.shadowing();
    reader.unused();
    reader.told()
}

/// Those of a fragment that a site runs at a step of a playbook: it finds more there, and uses what it needs of the playbook's header.
#[must_use]
pub fn mistakes_of_fragment(engine: &Engine, source: &Source, ast: &AST, header: &Header, finds: AtAStep) -> Vec<Diagnostic> {
    let script = Script::of(ast);
    let mut reader = Reader::new(engine, source, header, &script);
    reader.constants.extend(finds.names());
    reader.readings(Reader::script);
    reader.shadowing();
    reader.told()
}

#[cfg(test)]
mod tests {
    use crate::language::playbook;

    /// What was put into a list or a map is known where it comes out again.
    #[test]
    fn what_is_put_in_comes_out_as_it_was() {
        for (script, wanted) in [
            ("let size = #{}; size[\"x\"] = 3; resolve_target_port(size[\"x\"]);", "this is a number"),
            ("let size = #{}; size.x = \"a\"; note(`${size.x.port}`);", "text has no field `port`"),
            (
                "let of = #{}; for port in svc.ports { of[port.name] = port.port; } for name in of.keys() { resolve_target_port(of[name]); }",
                "and this is a number",
            ),
            ("let rows = []; rows.push(svc.name); note(`${rows[0].frobnicate}`);", "text has no field `frobnicate`"),
            ("let rows = []; push(rows, 7); find_announcer(rows[0]);", "and this is a number"),
            ("let rows = []; rows += 7; find_announcer(rows[0]);", "and this is a number"),
            ("let of = #{}; of.a = []; of.a.push(7); find_announcer(of.a[0]);", "and this is a number"),
            ("let of = #{}; of[svc.name] = #{ who: [] }; of[svc.name].whoo.push(1);", "no key `whoo`"),
            ("find_announcer([1, \"x\"][0]);", "and this is a number or text"),
            ("let names = [\"a\", \"b\"]; find_announcer(names[1]);", "and this is text"),
            ("for one in [1, \"x\"] { find_announcer(one); }", "and this is a number or text"),
            ("let of = #{ a: 1, b: 2 }; find_announcer(of[svc.name]);", "and this is a number"),
            ("let rows = [svc.name]; table(\"t\", rows, [[\"a\"]]); table(\"t\", [\"a\"], rows);", "and this is a list"),
            ("let parts = \"a,b\".split(\",\"); find_announcer(parts[0]);", "and this is text"),
        ] {
            let said = said(script);
            assert!(said.iter().any(|one| one.to_string().contains(wanted)), "{script}: {said:?}");
        }
    }

    fn said(script: &str) -> Vec<crate::model::diagnostic::Diagnostic> {
        match playbook::read("a.rhai", format!("{HEADER}{script}\n")) {
            Ok(playbook) => playbook.warnings,
            Err(broken) => broken.diagnostics,
        }
    }

    const HEADER: &str = "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [cluster.read]\n//! params:\n//!   from: { type: vantages }\n//! ---\nlet svc = service(\"a\", \"b\");\nnote(`${svc.path} ${params.from}`);\n";

    /// What Rhai can do is no mistake, and of what is not surely known nothing is said.
    #[test]
    fn what_is_right_or_unknown_is_left_alone() {
        for script in [
            "for number in 0..3 { note(`${number}`); }\nfor number in 0..=3 { note(`${number} ${\"abc\"[0..2]}`); }",
            "let text = \"abc\"; if \"b\" in text && text[0] == \"a\" && 1 !in [2] { note(text.to_upper()); }",
            "const LIMIT = 3; fn below(number) { number < global::LIMIT } note(`${below(2)}`);",
            "let add = |one, other| one + other; let two = add.curry(1); note(`${two.call(1)} ${Fn(\"len\").call(svc.name)}`);",
            "let map = #{}; map.shout = |text| text.to_upper(); note(map.shout(\"x\"));",
            "let map = #{ shout: |text| text.to_upper() }; note(map.shout(\"x\"));",
            "let value = (); value = svc.name; if value == () { note(\"none\"); } else { note(value); }",
            "let value = 1; value = \"x\"; note(value); note(value.nothing);",
            "let seen = #{}; for port in svc.ports { seen[port.name] = port; } for name in seen.keys() { note(`${seen[name].port}`); }",
            "let rows = [1]; rows.push(\"x\"); for row in rows { note(row); }",
            "let all = svc.ports.map(|port| #{ name: port.name, number: port.port }); for one in all { note(`${one.name}: ${one.number}`); }",
            "let size = #{}; size[\"a\"] = 3; size.b = 4; for name in size.keys() { note(name.to_upper() + size[name]); } note(`${size.a < size.b}`);",
            "let all = [1, \"x\"]; for one in all { if type_of(one) == \"string\" { note(one); } } all.push([2]); note(`${all[0]}`);",
            "let of = #{}; for port in svc.ports { if port.name !in of { of[port.name] = []; } of[port.name].push(port.port); } for name in of.keys() { note(`${of[name][0] + 1}`); }",
            "let last = (); for port in svc.ports { last = port; } if last != () { note(last.name); }",
            "let seen = []; let add = |what| { seen.push(what); }; add.call(svc.name); note(seen[0].to_upper());",
            "let count = #{}; for port in svc.ports { if port.name !in count { count[port.name] = 0; } count[port.name] += 1; } note(`${count.values()[0] + 1}`);",
            "fn longer() { this.push(1); } let list = [\"a\"]; list.longer(); note(`${list[1] + 1}`);",
            "let rows = []; for port in svc.ports { rows += [[port.name, port.port]]; } table(\"ports\", [\"name\", \"port\"], rows);",
            "let sum = [1, 2].reduce(|sum, one| sum + one, 0); note(`${sum}`);",
            "fn depth(list) { if list.is_empty() { 0 } else { 1 + depth(list.extract(1)) } } note(`${depth([1, 2])}`);",
            "let found = try_it(svc); fn try_it(service) { try { find_announcer(service) } catch (error) { note(`${error}`); () } } note(`${found}`);",
            "svc.find_announcer().node.note();",
            "let one = parse_json(`{\"a\": 1}`); note(`${one.a.b}`);",
            "let x = switch svc.kind { \"ClusterIP\" => 1, \"NodePort\" if svc.headless => \"two\", _ => () }; if x != () { note(`${x}`); }",
            "let half = 1 / 2.0; if half > 0 && half == 1 { note(`${half}`); } let c = 'a'; if c == \"a\" { note(c.to_string() + 1); }",
            "do { break; } while true; loop { if svc.headless { break; } throw \"x\"; }",
            "[\"a\"].for_each(|| note(this)); let text = `${svc.ports.find(|port| port.name == \"https\")?.port}`; note(text);",
            "let step_back = step(\"x\", || { if svc.headless { return (); } resolve_target_port(svc) }); if step_back != () { note(`${step_back.port.port}`); }",
            "let all = resolve_target_port(svc, \"*\"); for one in all { note(`${one.port.name}`); }",
        ] {
            assert_eq!(said(script), [], "{script}");
        }
    }
}
