//! A connection's road as one line a direction, for people.

use std::collections::BTreeSet;

use crate::model::connection::{Path, PathHop, Sighting};

/// Of each vantage point one connection that was answered and one that was not, at most: where the request's first packet was seen, and
/// the answer's, with what it was translated to and how long after the first sighting.
#[must_use]
pub fn roads(paths: &[Path]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for path in paths {
        let nothing = path.request.is_empty() && path.answer.is_empty();
        if nothing || !seen.insert((&path.from, path.answered)) {
            continue;
        }
        let how = if path.answered { "" } else { " (not answered)" };
        let forth = if path.request.is_empty() { "no packet left".to_owned() } else { leg(&path.request) };
        let back = if path.answer.is_empty() { "nothing was seen".to_owned() } else { leg(&path.answer) };
        lines.push(format!("{}{how}: {forth}", path.from));
        lines.push(format!("  back: {back}"));
        // Of the first packet and its answer the two lines show it themselves.
        if let Some(last) = path.last_seen.as_ref().filter(|last| !path.answered && last.what == Sighting::Data && !path.answer.is_empty())
        {
            lines.push(format!("  last seen: data of {} bytes at {}{}", last.length, last.at, offset(last)));
        }
    }
    lines
}

/// `SYN c1/eth0 out → n2/mlb in +0.05 ms → n2/cni0 out as 10.0.0.1:2000 > 10.1.0.7:4180 → …`
fn leg(hops: &[PathHop]) -> String {
    let mut parts = Vec::new();
    let mut before: Option<&PathHop> = None;
    for hop in hops {
        let what = match hop.what {
            Sighting::Syn => "SYN ",
            Sighting::SynAck => "SYN-ACK ",
            Sighting::Reset => "RST ",
            _ => "",
        };
        let lead = if before.is_none() { what } else { "" };
        let moved = before.is_some_and(|before| before.place != hop.place);
        let translated = before.is_some_and(|before| (&before.source, &before.destination) != (&hop.source, &hop.destination));
        let ends = if translated { format!(" as {} > {}", hop.source, hop.destination) } else { String::new() };
        let after = if moved { offset(hop) } else { String::new() };
        parts.push(format!("{lead}{}{ends}{after}", hop.at));
        before = Some(hop);
    }
    parts.join(" → ")
}

/// ` +0.05 ms`, or nothing where the clocks compare no better than that.
fn offset(hop: &PathHop) -> String {
    hop.after_us.filter(|after| after.saturating_abs() >= hop.error_us.unwrap_or_default()).map_or_else(String::new, |us| {
        let sign = if us < 0 { '-' } else { '+' };
        let us = us.unsigned_abs();
        if us < 1_000_000 {
            format!(" {sign}{}.{:02} ms", us / 1000, us % 1000 / 10)
        } else {
            format!(" {sign}{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::roads;
    use crate::model::connection::{Path, PathHop, Sighting};
    use crate::model::packet::Passage;
    use crate::model::probe::Ending;

    fn hop(at: &str, what: Sighting, destination: &str, after_us: Option<i64>) -> PathHop {
        PathHop {
            at: at.to_owned(),
            place: at.split('/').next().unwrap_or_default().to_owned(),
            interface: String::new(),
            passage: Passage::In,
            tunnel: None,
            what,
            source: "10.9.9.9:20001".to_owned(),
            destination: destination.to_owned(),
            length: 517,
            packets: 1,
            after_us,
            error_us: after_us.map(|after| if after < 0 { 2_000 } else { 20 }),
        }
    }

    fn path(answered: bool, pod: &str) -> Path {
        let (vip, own) = ("10.0.0.1:443", "10.1.0.7:4180");
        Path {
            from: "ssh:c1".to_owned(),
            number: 1,
            pod: Some(pod.to_owned()),
            answered,
            ending: if answered { Ending::Answered } else { Ending::TlsTimeout },
            request: vec![
                hop("c1/eth0 out", Sighting::Syn, vip, Some(0)),
                hop("n2/mlb in", Sighting::Syn, vip, Some(50)),
                hop("n2/cni0 out", Sighting::Syn, own, Some(60)),
                hop("n3/cni0 in", Sighting::Syn, own, None),
            ],
            answer: vec![hop("n2/mlb out", Sighting::SynAck, vip, Some(-1_234)), hop("c1/eth0 in", Sighting::SynAck, vip, Some(-1_234))],
            last_seen: Some(hop("n2/cni0 out", Sighting::Data, own, Some(3_020_000))),
            not_joined: None,
        }
    }

    #[test]
    fn one_that_works_and_one_that_does_not() {
        let lines = roads(&[path(true, "a"), path(true, "b"), path(false, "b"), path(false, "a")]);
        let road = "SYN c1/eth0 out → n2/mlb in +0.05 ms → n2/cni0 out as 10.9.9.9:20001 > 10.1.0.7:4180 → n3/cni0 in";
        let expected = [
            format!("ssh:c1: {road}"),
            "  back: SYN-ACK n2/mlb out → c1/eth0 in".to_owned(),
            format!("ssh:c1 (not answered): {road}"),
            "  back: SYN-ACK n2/mlb out → c1/eth0 in".to_owned(),
            "  last seen: data of 517 bytes at n2/cni0 out +3.02 s".to_owned(),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_was_not_seen_is_said() {
        let mut silent = path(false, "a");
        silent.answer.clear();
        assert_eq!(roads(&[silent.clone()])[1], "  back: nothing was seen");
        silent.request.clear();
        assert_eq!(roads(&[silent]), Vec::<String>::new());
    }
}
