//! What the kernel's traffic control drops and holds back, as `tc -s qdisc show` and `tc -s class show` count it.

use super::counting::{self, count};

/// A queueing discipline, or a class of one, as it was read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    pub interface: String,
    /// `clsact`, `ingress`, `netem`, `fq_codel`, …; `htb class` for a class.
    pub kind: String,
    /// Its handle and where it hangs: of several below one root the handle alone may be the same.
    place: (String, String),
    /// What it was told, as tc prints it: `rate 1Kbit burst 100b lat 23.2s`.
    pub options: String,
    pub sent: u64,
    pub dropped: u64,
    pub overlimits: u64,
    pub requeues: u64,
    pub backlog: Backlog,
    /// Bits a second that it lets pass at most, where it is told so.
    rate: Option<u64>,
    /// How long it holds every packet, where it is told to: milliseconds.
    delay: Option<u64>,
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub bytes: u64,
    pub packets: u64,
}

/// All of a place.
pub type Queues = Vec<Queue>;

impl Queue {
    /// How long what comes to it now waits there, by its rate and backlog or by the delay that it was told: milliseconds. `None` where neither
    /// tells.
    #[must_use]
    pub fn wait(&self) -> Option<u64> {
        let by_rate = self.rate.filter(|rate| *rate > 0 && self.backlog.packets > 0);
        let by_rate = by_rate.map(|rate| self.backlog.bytes.saturating_mul(8_000) / rate);
        by_rate.max(self.delay)
    }

    fn named(interface: &str, kind: &str, place: (&str, &str), options: &[&str]) -> Self {
        let told = |key: &str| options.iter().position(|word| *word == key).and_then(|at| options.get(at + 1));
        let rate = ["ceil", "rate", "bandwidth"].iter().find_map(|key| told(key).and_then(|value| quantity(value, &RATES)));
        Self {
            interface: interface.to_owned(),
            kind: kind.to_owned(),
            place: (place.0.to_owned(), place.1.to_owned()),
            options: options.join(" "),
            rate,
            delay: told("delay").and_then(|value| quantity(value, &TIMES)).map(|microseconds| microseconds / 1_000),
            ..Self::default()
        }
    }

    /// What a line of its numbers says.
    fn read(&mut self, words: &[&str]) {
        let after = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1));
        let number = |key: &str| after(key).and_then(|value| count(value.trim_end_matches([',', ')'])));
        match words.first() {
            Some(&"Sent") => {
                self.sent = words.get(3).and_then(|packets| count(packets)).unwrap_or_default();
                self.dropped = number("(dropped").unwrap_or_default();
                self.overlimits = number("overlimits").unwrap_or_default();
                self.requeues = number("requeues").unwrap_or_default();
            }
            Some(&"backlog") => {
                let bytes = words.get(1).and_then(|bytes| quantity(bytes, &SIZES)).unwrap_or_default();
                let packets = words.get(2).and_then(|packets| count(packets.trim_end_matches('p'))).unwrap_or_default();
                self.backlog = Backlog { bytes, packets };
            }
            _ => {}
        }
    }
}

/// Units as tc prints them, each with how much it is: of rates bits a second, of sizes bytes, of times microseconds. The longer ones first.
type Units = [(&'static str, u32); 5];
const RATES: Units = [("Kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000), ("bit", 1), ("bps", 8)];
const SIZES: Units = [("Kb", 1_024), ("Mb", 1_048_576), ("Gb", 1_073_741_824), ("b", 1), ("", 1)];
const TIMES: Units = [("us", 1), ("ms", 1_000), ("ns", 0), ("s", 1_000_000), ("", 1)];

/// `12Kbit`, `57Kb`, `1.5s`; `None` for what is no such number.
fn quantity(text: &str, units: &Units) -> Option<u64> {
    let (number, factor) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole = count(whole)?.saturating_mul(factor.into());
    let part: String = part.chars().take(3).collect();
    let thousandths = if part.is_empty() { 0 } else { count(&format!("{part:0<3}"))? };
    Some(whole.saturating_add(thousandths.saturating_mul(factor.into()) / 1_000))
}

/// Every queueing discipline that `tc -s qdisc show` prints.
pub(super) fn queues(text: &str) -> Queues {
    read(text, |words, _| {
        let ["qdisc", kind, handle, "dev", interface, rest @ ..] = words else { return None };
        Some(Queue::named(interface, kind, (handle, parent(rest)), behind(rest)))
    })
}

/// Every class that `tc -s class show dev INTERFACE` prints behind a line `at INTERFACE`.
pub(super) fn classes(text: &str) -> Queues {
    read(text, |words, at| {
        let ["class", kind, id, rest @ ..] = words else { return None };
        Some(Queue::named(at, &format!("{kind} class"), (id, parent(rest)), behind(rest)))
    })
}

fn read(text: &str, named: impl Fn(&[&str], &str) -> Option<Queue>) -> Queues {
    let (mut all, mut at) = (Queues::new(), String::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["at", interface] = words.as_slice() {
            (*interface).clone_into(&mut at);
        } else if let Some(queue) = named(&words, &at) {
            all.push(queue);
        } else if let Some(queue) = all.last_mut() {
            queue.read(&words);
        }
    }
    all
}

/// Where it hangs: `root`, or its parent.
fn parent<'a>(words: &[&'a str]) -> &'a str {
    words.iter().position(|word| *word == "parent").and_then(|at| words.get(at + 1)).or(words.first()).copied().unwrap_or_default()
}

/// What it was told, behind where it hangs and how many use it.
fn behind<'a>(words: &'a [&'a str]) -> &'a [&'a str] {
    let mut rest = words;
    loop {
        rest = match rest {
            ["root", rest @ ..] | ["parent" | "refcnt" | "leaf" | "prio", _, rest @ ..] => rest,
            [dashes, rest @ ..] if dashes.chars().all(|c| c == '-') => rest,
            _ => return rest,
        };
    }
}

/// A queueing discipline between two reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    pub now: Queue,
    /// By how much its counts grew.
    pub dropped: u64,
    pub overlimits: u64,
    pub requeues: u64,
    /// What waited in it before.
    pub before: Backlog,
}

/// Every discipline with what it did between two reads, those that dropped most first.
pub(super) fn worked(before: &Queues, after: Queues) -> Vec<Worked> {
    let was =
        |queue: &Queue| before.iter().find(|old| (&old.interface, &old.kind, &old.place) == (&queue.interface, &queue.kind, &queue.place));
    let work = |now: Queue| {
        let old = was(&now);
        let grown = |of: fn(&Queue) -> u64| counting::grown(old.map(of), of(&now));
        Worked {
            dropped: grown(|queue| queue.dropped),
            overlimits: grown(|queue| queue.overlimits),
            requeues: grown(|queue| queue.requeues),
            before: old.map(|queue| queue.backlog).unwrap_or_default(),
            now,
        }
    };
    let mut all: Vec<Worked> = after.into_iter().map(work).collect();
    all.sort_by_key(|worked| std::cmp::Reverse(worked.dropped));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TBF: &str = "qdisc noqueue 0: dev cni0 root refcnt 2 \n Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0) \n \
        backlog 0b 0p requeues 0\n\
        qdisc tbf 8002: dev vethf4d4254f root refcnt 3 rate 1Kbit burst 100b lat 23.2s \n \
        Sent 3060 bytes 50 pkt (dropped 28, overlimits 216 requeues 1) \n backlog 2874b 41p requeues 1\n";

    #[test]
    fn a_shaper_is_read_with_its_rate_and_backlog() {
        let all = queues(TBF);
        assert_eq!(all.len(), 2);
        let tbf = &all[1];
        assert_eq!(
            (tbf.interface.as_str(), tbf.kind.as_str(), tbf.options.as_str()),
            ("vethf4d4254f", "tbf", "rate 1Kbit burst 100b lat 23.2s")
        );
        assert_eq!((tbf.sent, tbf.dropped, tbf.overlimits, tbf.requeues), (50, 28, 216, 1));
        assert_eq!((tbf.backlog, tbf.wait()), (Backlog { bytes: 2_874, packets: 41 }, Some(22_992)));
        assert_eq!((all[0].wait(), all[0].options.as_str()), (None, ""));
    }

    #[test]
    fn what_grew_is_told() {
        let before = queues(TBF);
        let after = queues(&TBF.replace("dropped 28, overlimits 216", "dropped 59, overlimits 265").replace("2874b 41p", "58Kb 410p"));
        let first = worked(&before, after).swap_remove(0);
        assert_eq!((first.dropped, first.overlimits, first.requeues, first.before.packets), (31, 49, 0, 41));
        assert_eq!(first.now.backlog, Backlog { bytes: 59_392, packets: 410 });
        let clsact = |dropped: u64| {
            queues(&format!(
                "qdisc clsact ffff: dev mlb parent ffff:fff1 \n Sent 900 bytes 9 pkt (dropped {dropped}, overlimits 0 requeues 0) \n"
            ))
        };
        assert_eq!(worked(&clsact(3), clsact(11))[0].dropped, 8);
    }

    /// The queues of a device with several have one handle, and each hangs elsewhere.
    #[test]
    fn queues_of_one_handle_are_told_apart() {
        let read = |first: u64, second: u64| {
            queues(&format!(
                "qdisc mq 0: dev eth0 root \n Sent 9 bytes 9 pkt (dropped 5, overlimits 0 requeues 0) \n backlog 0b 0p requeues 0\n\
                 qdisc fq_codel 0: dev eth0 parent :2 limit 10240p flows 1024 target 5ms\n Sent 1 bytes 1 pkt (dropped {second}, overlimits 0 requeues 0) \n\
                 qdisc fq_codel 0: dev eth0 parent :1 limit 10240p flows 1024 target 5ms\n Sent 1 bytes 1 pkt (dropped {first}, overlimits 0 requeues 0) \n"
            ))
        };
        let all = worked(&read(1, 90), read(5, 90));
        assert_eq!(all.iter().map(|worked| worked.dropped).collect::<Vec<_>>(), [4, 0, 0]);
        assert_eq!(all[0].now.options, "limit 10240p flows 1024 target 5ms");
    }

    #[test]
    fn a_class_of_a_shaper_has_the_rate_that_its_root_has_not() {
        let text = "at mlb\nclass htb 1:10 root leaf 8003: prio 0 rate 8Kbit ceil 16Kbit burst 1600b cburst 1600b \n \
            Sent 41251 bytes 208 pkt (dropped 0, overlimits 764 requeues 0) \n backlog 6000b 40p requeues 0\n lended: 9 borrowed: 0 giants: 0\n \
            tokens: -1 ctokens: -1\n";
        let all = classes(text);
        let told = (all.len(), all[0].interface.as_str(), all[0].kind.as_str(), all[0].options.as_str(), all[0].wait());
        assert_eq!(told, (1, "mlb", "htb class", "rate 8Kbit ceil 16Kbit burst 1600b cburst 1600b", Some(3_000)));
    }

    #[test]
    fn a_delay_is_waited_whatever_waits_already() {
        let of =
            |options: &str| queues(&format!("qdisc netem 8003: dev eth0 root refcnt 2 {options}\n backlog 0b 0p requeues 0\n"))[0].wait();
        assert_eq!(of("limit 1000 delay 5s  20ms"), Some(5_000));
        assert_eq!(of("limit 1000 delay 1.25s"), Some(1_250));
        assert_eq!((of("limit 1000 delay 800us"), of("limit 1000 loss 5%"), of("limit 1000 delay x")), (Some(0), None, None));
    }

    #[test]
    fn units_are_those_of_tc() {
        assert_eq!(
            ["12Kbit", "1.5Mbit", "800bit", "1Gbit", "fast"].map(|text| quantity(text, &RATES)),
            [Some(12_000), Some(1_500_000), Some(800), Some(1_000_000_000), None]
        );
        assert_eq!(
            ["2874b", "57Kb", "3Mb", "12"].map(|text| quantity(text, &SIZES)),
            [Some(2_874), Some(58_368), Some(3_145_728), Some(12)]
        );
    }
}
