//! Makes one line of text out of arguments, such that whatever shell reads it gives exactly these arguments back.
//!
//! sshd hands a command to the login shell of the user, and that may be any: fish reads backslashes within single quotes,
//! csh reads `!` and refuses line ends there. So the line that meets it holds nothing that any of them reads in a way of
//! its own; a POSIX shell behind it, which every host has at /bin/sh, undoes the disguise.

/// What the login shell is to run: the plain words of it mean the same to every shell.
const UNDO: &[u8] = b"exec /bin/sh -c 'eval \"$(printf \"$0\")\"' '";

/// The arguments as a line for any login shell, the program first. `None` when one of them holds a zero byte, which no
/// argument can.
pub(super) fn line_for_any_shell(argv: &[&[u8]]) -> Option<Vec<u8>> {
    let mut line = UNDO.to_vec();
    line.extend(line_to_read(argv)?);
    line.push(b'\'');
    Some(line)
}

/// The arguments as a line that a POSIX shell has read into a variable, for it to `eval` what `printf` makes of it.
pub(super) fn line_to_read(argv: &[&[u8]]) -> Option<Vec<u8>> {
    let words: Option<Vec<Vec<u8>>> = argv.iter().map(|word| quote(word)).collect();
    let mut line = Vec::new();
    disguise(b"exec ", &mut line);
    disguise(&words?.join(&b' '), &mut line);
    Some(line)
}

/// One word for a POSIX shell, whatever its bytes. `None` for a zero byte.
fn quote(word: &[u8]) -> Option<Vec<u8>> {
    if word.contains(&0) {
        return None;
    }
    let mut quoted = vec![b'\''];
    for byte in word {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    Some(quoted)
}

/// Writes text as a format of `printf` without a byte that any shell reads specially within single quotes.
fn disguise(text: &[u8], line: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'\'' | b'\\' | b'!' | b'%' | 0..=31 | 127.. => {
                line.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
            }
            plain => line.push(*plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::process::Command;

    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// What a shell makes of the words, when sshd gives it the line.
    fn through(shell: &[&str], words: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut argv: Vec<&[u8]> = vec![b"printf", b"%s\\0"];
        argv.extend(words.iter().map(Vec::as_slice));
        let line = OsString::from_vec(line_for_any_shell(&argv).unwrap());
        let output = Command::new(shell[0]).args(&shell[1..]).arg("-c").arg(line).env("HOME", "/nowhere").output().unwrap();
        assert!(output.status.success(), "{shell:?}: {output:?}");
        let mut back: Vec<Vec<u8>> = output.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        back.pop();
        back
    }

    /// The shells of this machine; Debian's packages of the same names have the others.
    fn shells() -> Vec<Vec<&'static str>> {
        let all = [&["sh"][..], &["dash"], &["bash"], &["zsh"], &["ksh"], &["fish"], &["csh"], &["tcsh"], &["busybox", "sh"]];
        let there = |shell: &&[&str]| Command::new(shell[0]).args(&shell[1..]).args(["-c", "exit 0"]).output().is_ok();
        all.into_iter().filter(there).map(<[&str]>::to_vec).collect()
    }

    /// `LBDIAG_LONG=1` makes it 10,000 strings for every shell instead of 10,000 for `sh` and some for each other.
    fn cases(shell: &[&str]) -> u32 {
        if shell == ["sh"] || std::env::var_os("LBDIAG_LONG").is_some() { 100 } else { 4 }
    }

    #[test]
    fn ten_thousand_random_byte_strings_survive_the_real_shells() {
        let hostile = prop_oneof![
            proptest::collection::vec(1_u8..=255, 0..60),
            proptest::collection::vec(proptest::sample::select(b"'\"\\$`!~*?[]{}()<>|&;# \t\n\r-=%^01".to_vec()), 0..40),
        ];
        for shell in shells() {
            let mut runner = TestRunner::new(ProptestConfig { cases: cases(&shell), ..ProptestConfig::default() });
            runner
                .run(&proptest::collection::vec(hostile.clone(), 100), |words| {
                    prop_assert_eq!(&through(&shell, &words), &words);
                    Ok(())
                })
                .unwrap_or_else(|error| panic!("{shell:?}: {error}"));
        }
    }

    #[test]
    fn what_shells_read_in_ways_of_their_own_survives_each_of_them() {
        let words: Vec<Vec<u8>> = [
            &b"it's"[..],
            b"",
            b"!!",
            b"\\\\ \\' \\",
            b"line\nend\n",
            b"$(touch /tmp/x) `id` ${HOME} $0",
            b"%s%n %",
            b"-n",
            b"~root/* {a,b} [x]",
            b"\xff\xfe \xc3\xa9 \x1b[31m",
            b"\x010 \\0101",
        ]
        .map(<[u8]>::to_vec)
        .to_vec();
        for shell in shells() {
            assert_eq!(through(&shell, &words), words, "{shell:?}");
        }
    }

    #[test]
    fn a_long_line_survives_each_shell() {
        let words = vec![vec![b'x'; 60_000], vec![b'\''; 3_000]];
        for shell in shells() {
            assert_eq!(through(&shell, &words), words, "{shell:?}");
        }
    }

    #[test]
    fn a_zero_byte_is_refused_rather_than_cut() {
        assert_eq!(quote(b"a\0b"), None);
        assert_eq!(line_for_any_shell(&[b"a", b"a\0b"]), None);
    }
}
