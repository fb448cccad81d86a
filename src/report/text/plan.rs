//! A plan as a person reads it: what a run would do, step by step, before anything is touched.

use serde_json::Value;

use super::layout::{columns, padded};
use super::outcome;
use super::page::{Page, Style};
use crate::model::plan::{Argument, Intent, Plan, PlannedHost, WAIT};
use crate::model::text::one_line;

/// The whole plan, with a line end; with `scripts`, the text of every script that it names as well.
#[must_use]
pub(super) fn plan(plan: &Plan, style: Style, scripts: bool) -> String {
    let mut page = Page::new(style);
    page.paragraph(
        0,
        &format!(
            "Plan of {} {}: what a run would do. No host was touched; the API requests below were made, as a run makes them.",
            plan.playbook, plan.playbook_version
        ),
    );
    given(&mut page, plan);
    page.heading("Playbook, modules and hooks");
    for one in &plan.ran {
        page.paragraph(2, &one_line(&outcome::ran_whole(one)));
    }
    page.heading("API requests");
    for request in &plan.api {
        page.paragraph(2, request);
    }
    hosts(&mut page, &plan.hosts);
    steps(&mut page, &plan.intents);
    if !plan.open.is_empty() {
        page.heading("Not known now, so that a run may do something else");
        for reason in &plan.open {
            page.paragraph(2, reason);
        }
    }
    script_texts(&mut page, plan, scripts);
    page.text
}

fn given(page: &mut Page, plan: &Plan) {
    page.heading("Given");
    let width = plan.params.keys().map(|name| columns(name)).max().unwrap_or(0);
    for (name, param) in &plan.params {
        let name = one_line(name);
        let value = match &param.value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        let from = if param.from.is_empty() { String::new() } else { format!("  ({})", one_line(&param.from)) };
        page.line(2, &format!("{}  {}{from}", padded(&name, width), one_line(&value)));
    }
    page.paragraph(2, &format!("allowed: {}", plan.uses.join(" ")));
    page.paragraph(2, &format!("the whole run: at most {} s", plan.seconds));
}

fn hosts(page: &mut Page, hosts: &[PlannedHost]) {
    page.heading("Hosts, one connection each");
    if hosts.is_empty() {
        page.line(2, "none");
    }
    let width = hosts.iter().map(|host| columns(&host.name)).max().unwrap_or(0);
    for host in hosts {
        let way = host.no_way.as_ref().map_or_else(|| host.way.join(" → "), |why| format!("no way is known: {why}"));
        page.item(&format!("{} ", padded(&one_line(&host.name), width)), width + 2, 2, &way);
    }
}

/// Those of one step that differ by their host alone stand together.
fn steps(page: &mut Page, intents: &[Intent]) {
    let mut step = None;
    let mut told: Vec<&Intent> = Vec::new();
    for intent in intents {
        if step != Some(intent.order) {
            step = Some(intent.order);
            let when = if intent.only_when_needed { " (only when tries go unanswered or answers are odd; at most this)" } else { "" };
            page.heading(&format!("{}{when}", one_line(if intent.step.is_empty() { "Outside of any step" } else { &intent.step })));
        }
        if told.iter().any(|other| is_like(other, intent)) {
            continue;
        }
        told.push(intent);
        if intent.kind == WAIT {
            let text = intent.argv.iter().map(|argument| match argument {
                Argument::Text(text) | Argument::Script(text) => one_line(text),
            });
            let line = format!("wait for the traffic of {}, nothing is sent: at most {} s", one_line(&intent.host), intent.seconds);
            page.paragraph(2, &line);
            page.paragraph(6, &text.collect::<Vec<_>>().join(" "));
            continue;
        }
        let hosts: Vec<String> = intents.iter().filter(|other| is_like(other, intent)).map(|other| one_line(&other.host)).collect();
        let pod = intent.pod.as_ref().map(|pod| format!(" in the network of pod {}", one_line(pod))).unwrap_or_default();
        let root = if intent.root { ", as root" } else { "" };
        let packets = intent.packets.map(|packets| format!(", {packets} packets")).unwrap_or_default();
        let times = if intent.times > 1 { format!(", {} times", intent.times) } else { String::new() };
        page.paragraph(
            2,
            &format!(
                "{} on {}{pod}{root}{times}: at most {} s, {}{packets}",
                intent.kind,
                hosts.join(" "),
                intent.seconds,
                bytes(intent.bytes)
            ),
        );
        let argv: Vec<String> = intent.argv.iter().map(ToString::to_string).collect();
        page.paragraph(6, &argv.join(" "));
    }
}

fn script_texts(page: &mut Page, plan: &Plan, wanted: bool) {
    let used = |name: &String| plan.intents.iter().any(|intent| intent.argv.contains(&Argument::Script(name.clone())));
    if plan.intents.is_empty() {
        return;
    }
    page.heading("Scripts");
    page.paragraph(
        2,
        "<NAME> stands for the fixed text of a script of lbdiag's own, XXXX… for the run's tag of 32 random digits, and \
         INTERFACE-OF-THE-ADDRESS for an interface whose name only the host knows. \
         Questions to a host's routing (inspect) also name addresses that only captures show.",
    );
    for (name, text) in plan.scripts.iter().filter(|(name, _)| used(name)) {
        if wanted {
            page.line(2, &format!("<{name}>"));
            for line in text.lines() {
                page.line(6, &one_line(line));
            }
        }
    }
    if !wanted {
        page.line(2, "`--scripts` prints their text.");
    }
}

/// Whether two differ by their host alone.
fn is_like(one: &Intent, other: &Intent) -> bool {
    *one == Intent { host: one.host.clone(), ..other.clone() }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        most if most >= 1 << 20 && most.is_multiple_of(1 << 20) => format!("{} MiB", most >> 20),
        most if most >= 1 << 10 && most.is_multiple_of(1 << 10) => format!("{} KiB", most >> 10),
        most => format!("{most} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::outcome::Ran;

    fn intent(host: &str, order: usize) -> Intent {
        Intent {
            order,
            step: format!("Step {order}"),
            host: host.to_owned(),
            kind: "capture",
            pod: None,
            only_when_needed: order > 1,
            root: true,
            argv: vec![Argument::Text("sh".to_owned()), Argument::Script("guard".to_owned()), Argument::Text("it's \u{1b}[31m".to_owned())],
            seconds: 90,
            bytes: 8 << 20,
            packets: Some(20_000),
            times: 1,
        }
    }

    fn sample() -> Plan {
        Plan {
            format: "lbdiag-plan/1".to_owned(),
            lbdiag: "0".to_owned(),
            playbook: "flow".to_owned(),
            playbook_version: "1".to_owned(),
            ran: vec![Ran {
                kind: "hook".to_owned(),
                path: "hooks/a.hook".to_owned(),
                at: "around \"Follow a request\"".to_owned(),
                shipped: false,
                version: String::new(),
                sha256: "0".repeat(64),
                in_place_of_shipped: false,
            }],
            params: BTreeMap::new(),
            uses: vec!["cluster.read".to_owned()],
            seconds: 120,
            api: vec!["list nodes".to_owned()],
            hosts: Vec::new(),
            intents: vec![intent("n1", 1), intent("n2", 1), intent("n1", 2)],
            scripts: BTreeMap::from([("guard".to_owned(), "echo hello".to_owned()), ("probe".to_owned(), "echo other".to_owned())]),
            open: Vec::new(),
        }
    }

    #[test]
    fn hosts_with_the_same_arguments_stand_together_within_a_step() {
        let text = plan(&sample(), Style::PLAIN, false);
        assert!(text.contains("  capture on n1 n2, as root: at most 90 s, 8 MiB, 20000 packets\n"), "{text}");
        assert!(text.contains("Step 2 (only when"), "{text}");
        let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(whole.contains(&format!("hook hooks/a.hook, around \"Follow a request\", sha256 {}", "0".repeat(64))), "{text}");
        assert_eq!(text.matches("sh <guard> ").count(), 2, "{text}");
        assert!(!text.contains("echo hello") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn scripts_are_printed_when_wanted_and_used() {
        let text = plan(&sample(), Style::PLAIN, true);
        assert!(text.contains("      echo hello\n") && !text.contains("echo other"), "{text}");
    }
}
