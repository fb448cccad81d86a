//! What the style makes of scripts, that it comes to rest, and that it changes nothing but what is blank.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn formatted(text: &str) -> String {
    format(&Source { file: "a.rhai", text }).unwrap_or_else(|wrong| panic!("{wrong}: {text}"))
}

fn check(before: &str, after: &str) {
    assert_eq!(formatted(before), after);
    assert_eq!(formatted(after), after, "it does not come to rest");
}

#[test]
fn spaces_stand_where_they_belong() {
    for (before, after) in [
        ("let x=1+2*-3 ;", "let x = 1 + 2 * -3;\n"),
        ("let m=#{a:1,b:[ 1,2 ],c:#{ }};", "let m = #{ a: 1, b: [1, 2], c: #{} };\n"),
        ("f( a , b ).g ( 1 ) [ 0 ] ;", "f(a, b).g(1)[0];\n"),
        ("let f=| a ,b |a|b;let g=||{1};", "let f = |a, b| a | b; let g = || { 1 };\n"),
        ("if(!x&&y){z}else{w}", "if (!x && y) { z } else { w }\n"),
        ("let y=switch x{1=>\"a\",2..=5=>{ b },_=>()};", "let y = switch x { 1 => \"a\", 2..=5 => { b }, _ => () };\n"),
        ("for i in[1]{ i+=1 }", "for i in [1] { i += 1 }\n"),
        ("a = x??y; a?.b; a!=b; foo!(1);", "a = x ?? y; a?.b; a != b; foo!(1);\n"),
        ("fn  own ( a,b ){ return-a }", "fn own(a, b) { return -a }\n"),
        ("note(`a  ${ b+1 }  c`)  ;", "note(`a  ${ b+1 }  c`);\n"),
    ] {
        // What is not there is no matter: only the style is looked at.
        let text = format!("let x = 1; let y = 1; let z = 1; let w = 1; let a = 1; let b = 1;\n{before}");
        let expected = format!("let x = 1; let y = 1; let z = 1; let w = 1; let a = 1; let b = 1;\n{after}");
        check(&text, &expected);
    }
}

/// Every operator that Rhai has stands between spaces, and none of them is cut in two.
#[test]
fn every_operator_is_one_piece() {
    let binary = "+ - * / % ** << >> & | ^ && || ?? == != < > <= >= in !in";
    for sign in binary.split(' ') {
        check(&format!("let a = 1;\nlet b = [1];\nlet c = a   {sign}   b;\n"), &format!("let a = 1;\nlet b = [1];\nlet c = a {sign} b;\n"));
    }
    for sign in "= += -= *= /= %= **= <<= >>= &= |= ^=".split(' ') {
        check(&format!("let a = 1;\na{sign}2;"), &format!("let a = 1;\na {sign} 2;\n"));
    }
    for tight in ["a.b", "a?.b", "a[0]", "a?[0]", "0..2", "0..=2", "-a", "!a"] {
        check(&format!("let a = 1;\nlet c = {tight};\n"), &format!("let a = 1;\nlet c = {tight};\n"));
    }
    check("if 1 !in [1] { 2 }", "if 1 !in [1] { 2 }\n");
}

#[test]
fn lines_are_indented_by_their_brackets() {
    check(
        "let a=[1,\n2,\n  #{ b:1,\n c:2 }\n];\n\n\n\nstep(\"x\",||{\n\n// why\nlet b=a\n.filter(|x|x!=1)\n.map(|y|{\ny\n});\n\n})\n;",
        "let a = [1,\n    2,\n    #{ b: 1,\n        c: 2 }\n];\n\nstep(\"x\", || {\n    // why\n    let b = a\n        .filter(|x| x != 1)\n        .map(|y| {\n            y\n        });\n})\n    ;\n",
    );
    check("if true\n{\n1\n}\n// between\nelse\n{\n2\n}", "if true {\n    1\n}\n// between\nelse {\n    2\n}\n");
    check("if true {\n1\n}\nelse if false\n{\n2\n}", "if true {\n    1\n} else if false {\n    2\n}\n");
}

#[test]
fn what_is_aligned_stays_aligned() {
    check("let svc   = 1;\nlet other = 2;\nlet x   = 3;\n\nlet y    = 4;\n", "let svc   = 1;\nlet other = 2;\nlet x = 3;\n\nlet y = 4;\n");
    check("for a in [1]      { 1 }\nfor abcd in [123] { 2 }\n", "for a in [1]      { 1 }\nfor abcd in [123] { 2 }\n");
    check("let a = 1;    // one\nlet bcd = 22; // two\n", "let a = 1;    // one\nlet bcd = 22; // two\n");
}

#[test]
fn comments_and_texts_are_copied() {
    let text = "//! ---\n//!  name:   a\n//! ---\n\n/* a\n   b */ let x = 1; /* c */ let y = /* d */ 2; // e\n/// What it does.\nfn f() {\n    // only this\n}\nlet s = \"a  b\n\";\n";
    let text = text.replace("\"a  b\n\"", "`a  b\n   c`");
    check(&text, &text);
}

#[test]
fn what_cannot_be_read_is_told_and_not_touched() {
    for (text, message) in [("let x = ;", "cannot be read"), ("let x = \"a", "cannot be read"), ("f(1", "cannot be read")] {
        let wrong = format(&Source { file: "a.rhai", text }).unwrap_err();
        assert!(wrong.to_string().contains(message), "{wrong}");
    }
}

/// Every playbook that ships, and every example, is in the style.
#[test]
fn our_own_playbooks_are_in_the_style() {
    let mut seen = 0;
    for folder in ["playbooks", "examples"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "rhai") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(formatted(&text) == text, "{} is not in the style: `lbdiag fmt {}`", path.display(), path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Blank text is put between the pieces of a real playbook, or taken away: it means the same, and comes to rest at once.
    #[test]
    fn whatever_is_blank_changes_nothing(gaps in proptest::collection::vec(0_u8..6, 64), from in 0_usize..2000) {
        let source = include_str!("../../../examples/who-announces.rhai");
        let all = pieces::pieces(source).unwrap();
        let mut text = String::new();
        for (at, piece) in all.iter().enumerate() {
            let lines = piece.newlines > 0;
            let within = at >= from % all.len();
            let gap = match gaps[at % gaps.len()] {
                _ if at > 0 && all[at - 1].kind == pieces::Kind::LineComment => if within { "\n\n  " } else { "\n" },
                0 if within && lines => "\n\n\n",
                1 if within && piece.apart => "   ",
                2 if within && lines => "\t\n",
                3 if within && piece.apart => "\n",
                _ if lines => "\n",
                _ if piece.apart => " ",
                _ => "",
            };
            text.push_str(if at == 0 { "" } else { gap });
            text.push_str(piece.text);
        }
        let once = formatted(&text);
        prop_assert_eq!(&formatted(&once), &once);
    }
}
