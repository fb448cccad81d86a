//! The scrubber on its two corpora: the lines that it was written with, and those that stood aside.

use super::scrub;

/// Numbers without any order, the same for the same seed (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn text(&mut self, letters: &str, length: usize) -> String {
        let letters: Vec<char> = letters.chars().collect();
        let below = u64::try_from(letters.len()).unwrap();
        (0..length).map(|_| letters[usize::try_from(self.next() % below).unwrap()]).collect()
    }

    /// A text of a kind, such as `alnum24`.
    fn kind(&mut self, kind: &str) -> String {
        const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";
        const LARGE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const DIGITS: &str = "0123456789";
        let name = kind.trim_end_matches(|c: char| c.is_ascii_digit());
        let length = kind[name.len()..].parse().unwrap_or(0);
        let alnum = format!("{SMALL}{LARGE}{DIGITS}");
        match name {
            "alnum" => self.text(&alnum, length),
            "hex" => self.text("0123456789abcdef", length),
            "b64x" => self.text(&format!("{alnum}+/"), length),
            "pw" => self.text(&format!("{alnum}!#%^*_-+.~$"), length),
            "lower" => self.text(SMALL, length),
            "upper" => self.text(&format!("{LARGE}{DIGITS}"), length),
            "digits" => self.text(DIGITS, length),
            "join" => format!("{}.{}", self.kind("base6"), self.kind("base16")),
            "base" => self.text(&format!("{SMALL}{DIGITS}"), length),
            "jwt" => format!("eyJ{}.eyJ{}.{}", self.text(&alnum, 30), self.text(&alnum, 60), self.text(&alnum, 43)),
            "uuid" => [8, 4, 4, 4, 12].map(|part| self.kind(&format!("hex{part}"))).join("-"),
            other => panic!("no such kind: {other}"),
        }
    }
}

/// A line with its made-up parts filled in, and the secrets among them.
fn filled(line: &str, numbers: &mut Numbers) -> (String, Vec<String>) {
    let (mut text, mut secrets, mut rest) = (String::new(), Vec::new(), line);
    while let Some((before, after)) = rest.split_once("{{") {
        let (kind, behind) = after.split_once("}}").unwrap();
        let made = numbers.kind(kind.trim_start_matches('~'));
        text.push_str(before);
        text.push_str(&made);
        if !kind.starts_with('~') {
            secrets.push(made);
        }
        rest = behind;
    }
    text.push_str(rest);
    (text.replace('⏎', "\n"), secrets)
}

/// Whether any six characters in a row of the secret are still there.
fn shows(text: &str, secret: &str) -> bool {
    let letters: Vec<char> = secret.chars().collect();
    letters.windows(letters.len().min(6)).any(|part| text.contains(&part.iter().collect::<String>()))
}

/// The secret lines that still show something, and the harmless ones that were changed, each with what became of it.
fn failures(corpus: &str, seeds: u64) -> (Vec<String>, Vec<String>) {
    let (mut missed, mut changed) = (Vec::new(), Vec::new());
    for (number, line) in corpus.lines().enumerate() {
        let Some((mark, line)) = line.split_once(' ').filter(|(mark, _)| ["!", "="].contains(mark)) else { continue };
        for seed in 0..seeds {
            let (text, secrets) = filled(line, &mut Numbers(seed * 1_000_003 + u64::try_from(number).unwrap()));
            let scrubbed = scrub(&text);
            assert_eq!(scrub(&scrubbed), scrubbed, "scrubbed twice: {text}");
            let (list, wrong) = match mark {
                "!" => (&mut missed, secrets.iter().any(|secret| shows(&scrubbed, secret))),
                _ => (&mut changed, scrubbed != text),
            };
            if wrong {
                list.push(format!("{line}\n    {text}\n    {scrubbed}"));
                break;
            }
        }
    }
    (missed, changed)
}

fn check(corpus: &str, most_changed: usize) {
    let (missed, changed) = failures(corpus, 60);
    assert!(missed.is_empty(), "{} secret lines are missed:\n{}", missed.len(), missed.join("\n"));
    assert!(changed.len() <= most_changed, "{} harmless lines are changed:\n{}", changed.len(), changed.join("\n"));
}

#[test]
fn no_secret_of_the_open_lines_is_missed() {
    check(include_str!("corpus/open.txt"), 0);
}

#[test]
fn no_secret_of_the_lines_that_stood_aside_is_missed() {
    // Measured once before they were mended: 0 of 120 secret lines missed, 2 of 99 harmless ones changed.
    check(include_str!("corpus/held-out.txt"), 1);
}

/// What somebody writes to make a run slow takes no more than its length asks for: four times the text, four times the work. Where work grew with
/// the square of the length it would be sixteen times. The thread's own processor time is taken, so that a busy machine changes nothing.
#[test]
fn long_texts_take_time_by_their_length() {
    let parts = [
        "key=",
        "auth:",
        "key: [",
        "key: |\n ",
        "cookie: no ",
        "password:",
        "token ",
        "https://a:",
        "curl -s ",
        "\"key\": \"",
        "pass: {",
        "{\"auth\":",
    ];
    // Whatever is made once is made before.
    let _ = scrub("auth: password=x https://a:b@c/ {\"auth\": \"x\"}");
    for part in parts {
        let short = scrub_seconds(&part.repeat((64 << 10) / part.len()));
        let long = scrub_seconds(&part.repeat((256 << 10) / part.len()));
        assert!(long < 10.0 * short.max(0.02), "{part}: {short} s for 64 KiB, {long} s for 256 KiB");
    }
}

/// The processor time that one text takes, the lesser of two.
fn scrub_seconds(text: &str) -> f64 {
    let used = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let once = || {
        let began = used();
        let scrubbed = scrub(text);
        let ended = used();
        assert!(!scrubbed.is_empty());
        let nanoseconds = i32::try_from(ended.tv_nsec - began.tv_nsec).unwrap_or_default();
        let seconds = i32::try_from(ended.tv_sec - began.tv_sec).unwrap_or(i32::MAX);
        f64::from(seconds) + f64::from(nanoseconds) * 1e-9
    };
    once().min(once())
}
