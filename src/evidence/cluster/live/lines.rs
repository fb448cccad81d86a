//! Cuts a stream of bytes into lines with constant memory.

use crate::model::scrub::scrub;
use crate::model::text::harmless;

/// Bytes of one line that are given; what is beyond is dropped.
const LONGEST_LINE: usize = 64 << 10;

/// What of the current line has come so far.
#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes and gives every line that they end.
    pub(super) fn push(&mut self, mut bytes: &[u8], give: &mut dyn FnMut(&str)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (head, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.line.is_empty() && head.len() <= LONGEST_LINE {
                // The whole line is here, as nearly all are: it need not be copied first.
                pass(head, give);
            } else {
                self.extend(head);
                pass(&self.line, give);
                self.line.clear();
            }
            bytes = rest;
        }
        self.extend(bytes);
    }

    /// Gives the last line, when the stream ended without a line feed.
    pub(super) fn finish(self, give: &mut dyn FnMut(&str)) {
        if !self.line.is_empty() {
            pass(&self.line, give);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Gives one line. Logs hold what strangers sent: nothing in them may steer a terminal later.
fn pass(line: &[u8], give: &mut dyn FnMut(&str)) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let plain = line.iter().all(|byte| (0x20..0x7f).contains(byte) || *byte == b'\t');
    match std::str::from_utf8(line) {
        Ok(text) if plain => give(&scrub(text)),
        _ => give(&scrub(&harmless(&String::from_utf8_lossy(line)))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(chunks: &[&[u8]]) -> Vec<String> {
        let mut given = Vec::new();
        let mut lines = Lines::default();
        for chunk in chunks {
            lines.push(chunk, &mut |line| given.push(line.to_owned()));
        }
        lines.finish(&mut |line| given.push(line.to_owned()));
        given
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        assert_eq!(cut(&[b"on", b"e\ntwo", b"\r\n", b"\nlast"]), ["one", "two", "", "last"]);
        // A character split in two is whole again.
        assert_eq!(cut(&[b"\xc3", b"\xa9\n"]), ["é"]);
        assert_eq!(cut(&[b"a\xff\x1b[2Jb\n"]), ["a\u{fffd}\u{fffd}[2Jb"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let given = cut(&[&b"x".repeat(60_000), &b"x".repeat(60_000), b"yyy\nnext\n"]);
        assert_eq!(given.len(), 2);
        assert_eq!(given[0].len(), LONGEST_LINE);
        assert_eq!(given[1], "next");
    }

    /// Bytes with line feeds, escapes and invalid UTF-8 among them, now and then very many.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let letter = prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(0x1b_u8), Just(0xc3_u8), Just(b'{')];
        prop_oneof![
            8 => proptest::collection::vec(letter, 0..60),
            1 => (any::<u8>(), 1_usize..3).prop_map(|(byte, times)| vec![byte; times * 40_000]),
        ]
    }

    proptest! {
        // Megabytes each.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_bytes_are_as_many_lines_as_they_say_and_none_is_longer_than_the_longest(pieces in proptest::collection::vec(piece(), 0..12)) {
            let given = cut(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let bytes = pieces.concat();
            let ended = memchr::memchr_iter(b'\n', &bytes).count();
            let unended = usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
            prop_assert_eq!(given.len(), ended + unended);
            for (line, raw) in given.iter().zip(bytes.split(|byte| *byte == b'\n')) {
                // An invalid byte becomes a character of three.
                prop_assert!(line.len() <= 3 * LONGEST_LINE && line.chars().count() <= LONGEST_LINE);
                prop_assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "{line:?}");
                if raw.len() <= LONGEST_LINE && raw.iter().all(|byte| (0x20..0x7f).contains(byte)) {
                    prop_assert_eq!(line.as_bytes(), raw, "a plain line is given as it came");
                }
            }
        }

        #[test]
        fn no_more_than_one_line_is_held(pieces in proptest::collection::vec(piece(), 0..12)) {
            let mut lines = Lines::default();
            for piece in &pieces {
                lines.push(piece, &mut |_| {});
                prop_assert!(lines.line.len() <= LONGEST_LINE);
            }
        }

    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_changes_nothing(text in "[a-c\n]{0,60}", at in 0_usize..60) {
            let (one, two) = text.as_bytes().split_at(at.min(text.len()));
            prop_assert_eq!(cut(&[one, two]), cut(&[text.as_bytes()]));
        }
    }

    #[test]
    fn whatever_a_log_streams_is_cut_into_lines() {
        crate::readers::hold("log_streams", crate::readers::of("cluster.log"), |_, is| {
            let mut lines = Lines::default();
            let mut given = |line: &str| assert!(!line.contains('\u{1b}') && line.len() <= 3 * LONGEST_LINE);
            is.chunks(997).for_each(|piece| lines.push(piece, &mut given));
            lines.finish(&mut given);
        });
    }
}
