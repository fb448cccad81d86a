//! The one style: where spaces stand, and how far a line is indented. Where lines end is the author's own.

use super::pieces::{Kind, Piece};

/// Spaces of one level.
const LEVEL: usize = 4;

/// Words after which an expression begins, so that a bracket or a sign behind them belongs to it.
const KEYWORDS: [&str; 22] = [
    "if", "else", "switch", "in", "while", "until", "loop", "do", "for", "return", "throw", "let", "const", "try", "catch", "import",
    "export", "as", "fn", "private", "break", "continue",
];

/// What a piece is where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A sign before the one value that it takes.
    Unary,
    /// The bars around a closure's parameters; both in one where it has none.
    ClosureBegin,
    ClosureEnd,
    Closure,
    /// The `!` of a call that sees the variables around it.
    Bang,
    Other,
}

/// The pieces as one text.
pub(super) fn laid_out(pieces: &[Piece]) -> String {
    let roles = roles(pieces);
    let mut out = Lines::default();
    for (at, piece) in pieces.iter().enumerate() {
        let newlines = if at == 0 { 0 } else { breaks(pieces, at) };
        if newlines > 0 || at == 0 {
            out.new_line(newlines, pieces, at);
        } else {
            let width = if gap(pieces, &roles, at) { spaces(pieces, at) } else { 0 };
            out.text.push_str(&" ".repeat(width));
        }
        out.put(piece);
    }
    if !out.text.is_empty() {
        out.text.push('\n');
    }
    out.text
}

#[derive(Default)]
struct Lines {
    text: String,
    /// For each open bracket the indent of the line that opened it.
    open: Vec<usize>,
    /// The indent of the present line.
    indent: usize,
}

impl Lines {
    fn new_line(&mut self, newlines: usize, pieces: &[Piece], at: usize) {
        self.text.push_str(&"\n".repeat(newlines));
        let piece = &pieces[at];
        self.indent = if is_closing(piece) {
            self.open.last().copied().unwrap_or(0)
        } else {
            let inside = self.open.last().map_or(0, |indent| indent + 1);
            inside + usize::from(!piece.is_comment() && goes_on(pieces, at))
        };
        self.text.push_str(&" ".repeat(self.indent * LEVEL));
    }

    fn put(&mut self, piece: &Piece) {
        self.text.push_str(piece.text);
        if is_opening(piece) {
            self.open.push(self.indent);
        } else if is_closing(piece) {
            self.open.pop();
        }
    }
}

fn is_opening(piece: &Piece) -> bool {
    piece.kind == Kind::Sign && ["(", "[", "{", "#{", "?["].contains(&piece.text)
}

fn is_closing(piece: &Piece) -> bool {
    piece.kind == Kind::Sign && [")", "]", "}"].contains(&piece.text)
}

fn is_sign(piece: &Piece, texts: &[&str]) -> bool {
    piece.kind == Kind::Sign && texts.contains(&piece.text)
}

/// Whether the line goes on with what the line before it began.
fn goes_on(pieces: &[Piece], at: usize) -> bool {
    let Some(before) = pieces[..at].iter().rev().find(|piece| !piece.is_comment()) else { return false };
    let begins_with_a_sign =
        pieces[at].kind == Kind::Sign && !is_opening(&pieces[at]) && !is_sign(&pieces[at], &["|", "||", "-", "!", "+"]);
    let ended = is_sign(before, &[";", ","]) || is_opening(before) || (is_sign(before, &["}"]) && !begins_with_a_sign);
    !ended
}

/// Line ends before a piece: the author's, with at most one blank line, and none where a bracket opens or closes.
fn breaks(pieces: &[Piece], at: usize) -> usize {
    let (before, piece) = (&pieces[at - 1], &pieces[at]);
    if before.kind == Kind::LineComment {
        return if is_closing(piece) { 1 } else { piece.newlines.clamp(1, 2) };
    }
    if piece.newlines == 0 || piece.is_comment() {
        let inside = is_opening(before);
        return piece.newlines.min(if inside { 1 } else { 2 });
    }
    let joined = is_sign(before, &["}"]) && piece.kind == Kind::Word && ["else", "catch"].contains(&piece.text)
        || is_sign(piece, &["{"]) && !before.is_comment() && !is_opening(before) && !is_sign(before, &[";", "}", ",", "=>"]);
    if joined {
        0
    } else if is_opening(before) || is_closing(piece) {
        1
    } else {
        piece.newlines.min(2)
    }
}

/// Spaces where there is a gap: one, or as many as bring the piece beneath or above its like of the next line.
fn spaces(pieces: &[Piece], at: usize) -> usize {
    let (before, piece) = (&pieces[at - 1], &pieces[at]);
    let width = piece.column.saturating_sub(before.column + before.text.chars().count());
    if width < 2 || before.text.contains('\n') {
        1
    } else if is_aligned(pieces, at) {
        width
    } else {
        1
    }
}

/// Whether the line before or after has its like at the same column.
fn is_aligned(pieces: &[Piece], at: usize) -> bool {
    let piece = &pieces[at];
    // Names and texts are in columns only where a comma or colon parts them.
    let in_columns = is_sign(&pieces[at - 1], &[",", ":"]);
    let alike = |other: &Piece| {
        let same = match piece.kind {
            Kind::Sign => other.text == piece.text || (is_opening(other) && is_opening(piece)),
            Kind::Word | Kind::Text => in_columns && matches!(other.kind, Kind::Word | Kind::Text),
            Kind::LineComment | Kind::BlockComment => other.is_comment(),
        };
        same && other.column == piece.column
    };
    let begin = |at: usize| (0..=at).rev().find(|index| *index == 0 || pieces[*index].newlines > 0).unwrap_or(0);
    let end = |at: usize| (at + 1..pieces.len()).find(|index| pieces[*index].newlines > 0).unwrap_or(pieces.len());
    // A blank line parts, a comment of its own line does not.
    let (mut above, mut first) = (None, begin(at));
    while first > 0 && pieces[first].newlines == 1 {
        let line = begin(first - 1)..first;
        first = line.start;
        if !pieces[line.clone()].iter().all(Piece::is_comment) {
            above = Some(&pieces[line]);
            break;
        }
    }
    let (mut below, mut behind) = (None, end(at));
    while pieces.get(behind).is_some_and(|next| next.newlines == 1) {
        let line = behind..end(behind);
        behind = line.end;
        if !pieces[line.clone()].iter().all(Piece::is_comment) {
            below = Some(&pieces[line]);
            break;
        }
    }
    // Not the first of a line: that stands where its indent brings it.
    let has = |line: Option<&[Piece]>| line.is_some_and(|line| line.iter().skip(1).any(alike));
    has(above) || has(below)
}

/// Whether a value ends with the piece, so that what follows is an operator, a call or an index.
fn ends_a_value(piece: &Piece) -> bool {
    match piece.kind {
        Kind::Word => !KEYWORDS.contains(&piece.text),
        Kind::Text => true,
        Kind::Sign => is_closing(piece),
        Kind::LineComment | Kind::BlockComment => false,
    }
}

/// The role of every piece.
fn roles(pieces: &[Piece]) -> Vec<Role> {
    let mut in_bars = false;
    let mut all = Vec::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        let before = pieces[..at].iter().rev().find(|piece| !piece.is_comment());
        let value_before = before.is_some_and(ends_a_value);
        let role = match piece.text {
            _ if piece.kind != Kind::Sign => Role::Other,
            "|" if in_bars => {
                in_bars = false;
                Role::ClosureEnd
            }
            "|" if !value_before => {
                in_bars = true;
                Role::ClosureBegin
            }
            "||" if !value_before => Role::Closure,
            "!" if value_before && !piece.apart && pieces.get(at + 1).is_some_and(|next| next.text == "(" && !next.apart) => Role::Bang,
            "-" | "+" | "!" if !value_before => Role::Unary,
            _ => Role::Other,
        };
        all.push(role);
    }
    all
}

/// Whether a piece stands apart from the one before it in its line.
fn gap(pieces: &[Piece], roles: &[Role], at: usize) -> bool {
    let (before, piece) = (&pieces[at - 1], &pieces[at]);
    let (role_before, role) = (roles[at - 1], roles[at]);
    if piece.is_comment() || before.is_comment() {
        return true;
    }
    if is_sign(piece, &[",", ";", ":", ")", "]"]) || is_sign(before, &["(", "[", "?["]) {
        return false;
    }
    let tight = [".", "?.", "::", "..", "..="];
    if is_sign(piece, &tight) || is_sign(before, &tight) || is_sign(piece, &["?["]) {
        return false;
    }
    if matches!(role_before, Role::Unary | Role::ClosureBegin | Role::Bang) || matches!(role, Role::ClosureEnd | Role::Bang) {
        return false;
    }
    if is_sign(before, &["{", "#{"]) && is_sign(piece, &["}"]) {
        return false;
    }
    if is_sign(piece, &["(", "["]) && role_before == Role::Other {
        return !ends_a_value(before) || is_sign(before, &["}"]);
    }
    let known = ["{", "#{", "}", ",", ";", ":", "!in"];
    let operator = |piece: &Piece| piece.text.chars().all(|letter| "=<>!+-*/%&|^?".contains(letter)) || known.contains(&piece.text);
    let strange = |piece: &Piece| piece.kind == Kind::Sign && !operator(piece) && !is_opening(piece) && !is_closing(piece);
    // What is not known here stays as it is.
    if strange(before) || strange(piece) { piece.apart } else { true }
}
