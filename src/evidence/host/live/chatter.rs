//! What a login shell says before our script begins: kept for an error, and dropped from what the script prints.

/// What a login shell may say before our script begins, bytes.
const MOST_CHATTER: usize = 64 * 1024;

/// Drops what comes before the mark.
pub(super) struct Chatter {
    mark: Option<Vec<u8>>,
    pub(super) held: Vec<u8>,
}

impl Chatter {
    pub(super) fn before(mark: &str) -> Self {
        Self { mark: Some(mark.as_bytes().to_vec()), held: Vec::new() }
    }

    pub(super) fn over(&self) -> bool {
        self.mark.is_none()
    }

    /// What follows the mark, if there is anything yet.
    pub(super) fn pass(&mut self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let Some(mark) = &self.mark else { return Some(bytes) };
        self.held.extend_from_slice(&bytes);
        if let Some(at) = find(&self.held, mark) {
            let rest = self.held.split_off(at + mark.len());
            self.held = Vec::new();
            self.mark = None;
            return (!rest.is_empty()).then_some(rest);
        }
        // The end is kept, the mark may be half there.
        if self.held.len() > MOST_CHATTER {
            self.held.drain(..self.held.len() - mark.len());
        }
        None
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chatter_before_the_mark_is_dropped_however_it_is_cut() {
        let text = b"Welcome!\nlbdiag-12\nlbdiag-123\nreal output";
        for cut in 0..text.len() {
            let mut chatter = Chatter::before("lbdiag-123\n");
            let mut rest = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                rest.extend(chatter.pass(part.to_vec()).unwrap_or_default());
            }
            assert_eq!(rest, b"real output", "cut at {cut}");
            assert!(chatter.over());
        }
    }

    #[test]
    fn endless_chatter_costs_no_memory() {
        let mut chatter = Chatter::before("mark\n");
        for _ in 0..1000 {
            assert_eq!(chatter.pass(vec![b'x'; 1000]), None);
        }
        assert!(chatter.held.len() <= MOST_CHATTER + 1000);
        assert_eq!(chatter.pass(b"mark\nyes".to_vec()), Some(b"yes".to_vec()));
    }

    #[test]
    fn whatever_stands_before_the_mark_is_dropped() {
        let begins = ["Welcome!\nlbdiag-12\nlbdiag-123\nreal output", "lbdiag-lbdiag-123\n"];
        crate::readers::hold("script_framing", crate::readers::all(&begins), |_, is| {
            let mut chatter = Chatter::before("lbdiag-123\n");
            is.chunks(4096).for_each(|piece| drop(chatter.pass(piece.to_vec())));
            assert!(chatter.held.len() <= MOST_CHATTER + 4096);
        });
    }
}
