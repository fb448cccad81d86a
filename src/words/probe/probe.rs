//! `probe(service, options)`: asks the Service as its users would, from one or several places at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};
use serde_json::{Value, json};

pub use super::asked::Asked;
use super::asked::{LARGE, USUAL_WAIT, arguments, tries_of};
use super::probe_request;
use super::speech::speech;
use super::vantage;
use crate::analysis::read::certificate;
use crate::analysis::timestamps;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::probe::{Attempt, Certificate, Ending, Probe, Request, Size, SourcePorts, Vantage};
use crate::model::service::{Protocol, Service};
use crate::model::text::one_line;
use crate::words::cluster::resolve_target_port::wanted_port;
use crate::words::fact::{Fact, Fields};
use crate::words::manual::probe::PROBE as WORD;
use crate::words::manual::records;
use crate::words::options::Options;
use crate::words::session::{Answer, Run, Stop};
use crate::words::word::Record;

impl Fields for Probe {
    const RECORD: &'static Record = &records::flow::PROBE;

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "answered" => Some(json!(self.made().filter(|attempt| attempt.answered()).count())),
            "tried" => Some(json!(self.made().count())),
            _ => None,
        }
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Probe>(engine);
    let run = Arc::clone(run);
    engine.register_fn("probe", move |context: NativeCallContext, service: Fact<Service>, options: Map| {
        probe(&run, &context, &service.0, options)
    });
}

fn probe(run: &Run, context: &NativeCallContext, service: &Service, options: Map) -> Answer<Array> {
    run.allow(context, WORD.name, WORD.capability)?;
    let Some(address) = service.addresses.first().copied() else { return Err(Run::refuse(context, "the Service has no address to ask")) };
    let options = Options::read(run, context, &WORD, options)?;
    let mut request = options.fact::<Request>("request").map(|given| (*given.0).clone()).unwrap_or_default();
    probe_request::told(run, context, &mut request, &options)?;
    let from = match options.given("from") {
        Some(from) => vantage::named(run, context, from)?,
        None => vec![Vantage::Local],
    };
    let port = wanted_port(run, context, service, options.text("port").as_deref(), false)?;
    if port.protocol == Protocol::Sctp {
        return Err(Run::refuse(context, "SCTP cannot be asked"));
    }
    let speech = probe_request::fits(&request, &port).map_err(|why| run.end(context, Stop::Usage(why)))?;
    // What the port says itself is not told.
    request.speech = request.speech.filter(|told| *told != self::speech(&port));
    let (tries, seconds) = (options.whole("tries").unwrap_or(8), options.whole("seconds").unwrap_or(USUAL_WAIT));
    let asked = Asked { address, port: port.port, speech, tries, seconds, request, quiet: Vec::new() };
    let probes = ask(run, &from, &asked);
    run.fact(format!("each try sends {}", probe_request::sentence(&asked.request, speech, address, port.port, LARGE)));
    for probe in &probes {
        tell(run, probe);
    }
    Ok(probes.into_iter().map(|probe| Dynamic::from(Fact::new(probe))).collect())
}

/// Asks from all vantage points at the same time; a place that cannot ask is a gap.
pub fn ask(run: &Run, from: &[Vantage], asked: &Asked) -> Vec<Probe> {
    let asked_at = timestamps::second(&run.evidence.clock.started()).and_then(|second| u64::try_from(second).ok());
    let ports = |from: &Vantage| (from.clone(), run.state().source_ports.take(tries_of(asked), asked_at.unwrap_or_default()));
    let from: Vec<(Vantage, (u16, u16))> = from.iter().map(ports).collect();
    side_by_side(&from, |(from, ports)| {
        let mut command = Command {
            script: Script::Probe,
            args: arguments(asked, *ports, asked.quiet.contains(from)),
            limit: Duration::from_secs(asked.seconds * 2 + 8),
            most_bytes: 1 << 20,
        };
        let mut probe =
            Probe { request: asked.request.clone(), asked_at, ..Probe::new(from.clone(), asked.address, asked.port, asked.speech) };
        let answer = vantage::place(run, from).and_then(|place| {
            if place.pod_name().is_some() {
                command.script = Script::ProbePod;
                let [_, ids, ips] = place.as_arguments();
                command.args.splice(0..0, [ids, ips]);
            }
            run.evidence.hosts.run(place.host(), &command)
        });
        match answer {
            Ok(output) => {
                if let Some(why) = read(&mut probe, &output.stdout, &output.stderr) {
                    run.gap(Gap::new(names::EVIDENCE_TOOL_MISSING, from, why, "which certificate the Service shows there"));
                }
            }
            Err(error) => {
                run.gap(error.gap(from, format!("whether the Service answers when asked from {}", from.text())).decisive());
                probe.error = Some(error.to_string());
            }
        }
        probe
    })
}

/// Reads the script's lines; see `probe.sh` for their form. Gives why a certificate could not be shown.
fn read(probe: &mut Probe, stdout: &str, stderr: &str) -> Option<String> {
    let mut not_shown = None;
    let mut in_order: Vec<Option<usize>> = Vec::new();
    for line in stdout.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["tool", tool] => (*tool).clone_into(&mut probe.tool),
            ["error", why] => probe.error = Some(one_line(why)),
            ["nocert", why] => not_shown = Some(one_line(why)),
            ["cert", der] => {
                let shown = certificate(der);
                if shown.is_none() {
                    not_shown = Some("it was shown, and cannot be read".to_owned());
                }
                in_order.push(shown.map(|shown| place_of(shown, &mut probe.certificates)));
            }
            ["ports", first, last, reserved, used] => probe.source_ports = source_ports([first, last, reserved, used]),
            ["try", rest @ ..] => probe.attempts.extend(attempt(rest, &in_order)),
            _ => {}
        }
    }
    let smallest = probe.attempts.iter().filter_map(|attempt| attempt.bytes).min();
    for attempt in probe.attempts.iter_mut().filter(|attempt| attempt.bytes.is_some()) {
        attempt.size = if attempt.bytes == smallest { Size::Small } else { Size::Large };
    }
    probe.attempts.sort_by_key(|attempt| (attempt.size == Size::Large, attempt.bytes, attempt.number));
    if probe.attempts.is_empty() && probe.error.is_none() {
        let why = stderr.lines().next().unwrap_or("it printed nothing");
        probe.error = Some(format!("the host could not ask: {}", one_line(why)));
    }
    not_shown
}

fn source_ports([first, last, reserved, used]: [&str; 4]) -> Option<SourcePorts> {
    Some(SourcePorts { first: first.parse().ok()?, last: last.parse().ok()?, reserved: one_line(reserved), used: used.parse().ok()? })
}

/// Where a certificate stands among those that were shown, which it joins when it is new.
fn place_of(shown: Certificate, known: &mut Vec<Certificate>) -> usize {
    known.iter().position(|one| *one == shown).unwrap_or_else(|| {
        known.push(shown);
        known.len() - 1
    })
}

fn certificate(der: &str) -> Option<Certificate> {
    let shown = certificate::read(&base64::engine::general_purpose::STANDARD.decode(der).ok()?)?;
    // Whoever made it may have written anything into it.
    Some(Certificate {
        subject: one_line(&shown.subject),
        issuer: one_line(&shown.issuer),
        names: shown.names.iter().map(|name| one_line(name)).collect(),
        ..shown
    })
}

fn attempt(fields: &[&str], certificates: &[Option<usize>]) -> Option<Attempt> {
    let [number, size, source, port, ending, status, connect, total, detail, more @ ..] = fields else { return None };
    let shown = more.first().and_then(|number| certificates.get(number.parse::<usize>().ok()?.checked_sub(1)?).copied().flatten());
    let connect_ms = connect.parse().ok();
    Some(Attempt {
        number: number.parse().ok()?,
        size: if *size == "large" { Size::Large } else { Size::Small },
        bytes: size.parse().ok(),
        source: source.parse().ok(),
        source_port: port.parse().ok()?,
        ending: asked(serde_json::from_value::<Ending>(json!(ending)).ok()?, connect_ms, detail),
        status: status.parse().ok(),
        connect_ms,
        total_ms: total.parse().ok()?,
        detail: one_line(detail),
        certificate: shown,
        received: more.get(1).and_then(|bytes| bytes.parse().ok()),
    })
}

/// A try whose connection was made has been asked, whatever came of it: what its TLS says then is the other side's word, or its end.
fn asked(ending: Ending, connect_ms: Option<u64>, detail: &str) -> Ending {
    match (ending, connect_ms) {
        (Ending::CouldNotAsk, Some(_)) if detail.contains("ALERT") => Ending::TlsAlert,
        (Ending::CouldNotAsk, Some(_)) => Ending::Closed,
        (ending, _) => ending,
    }
}

fn tell(run: &Run, probe: &Probe) {
    let from = probe.vantage.text();
    if let Some(error) = &probe.error {
        run.fact(format!("{from}: could not ask: {error}"));
        return;
    }
    let made = probe.made().count();
    let answered = probe.made().filter(|attempt| attempt.answered()).count();
    let mut line = format!("{from}: {answered} of {made} tries answered ({})", probe.speech.word());
    let mut endings: Vec<&str> = probe.failed().map(|attempt| attempt.ending.text()).collect();
    endings.sort_unstable();
    let mut counted: Vec<(usize, &str)> = Vec::new();
    for ending in endings {
        match counted.last_mut() {
            Some((count, text)) if *text == ending => *count += 1,
            _ => counted.push((1, ending)),
        }
    }
    for (count, ending) in counted {
        line.push_str(", ");
        line.push_str(&count.to_string());
        line.push(' ');
        line.push_str(ending);
    }
    run.fact(line);
    told_answers(run, probe);
}

/// What came back beyond that something did: statuses where they are expected or differ, sizes, certificates.
fn told_answers(run: &Run, probe: &Probe) {
    let from = probe.vantage.text();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    let mut sizes: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for attempt in probe.made() {
        if let Some(status) = attempt.status {
            *statuses.entry(status).or_default() += 1;
        }
        if let Some(bytes) = attempt.bytes {
            let (answered, made) = sizes.entry(bytes).or_default();
            *answered += usize::from(attempt.answered());
            *made += 1;
        }
    }
    if statuses.len() > 1 || !probe.request.statuses.is_empty() {
        let listed: Vec<String> = statuses.iter().map(|(status, count)| format!("{status} ({count})")).collect();
        run.fact(format!("{from}: HTTP statuses {}", if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }));
    }
    if !sizes.is_empty() {
        let listed: Vec<String> = sizes.iter().map(|(bytes, (answered, made))| format!("{bytes} bytes {answered} of {made}")).collect();
        run.fact(format!("{from}: answered by size: {}", listed.join(", ")));
    }
    let now = run.evidence.clock.started();
    // Pods that make their own show as many that read alike.
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    for one in &probe.certificates {
        *shown.entry(certificate::sentence(one, &now)).or_default() += 1;
    }
    for (sentence, count) in shown {
        run.fact(match count {
            1 => format!("{from}: certificate {sentence}"),
            _ => format!("{from}: {count} certificates, each {sentence}"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::speech::speech;
    use super::{Asked, arguments, read};
    use crate::model::probe::{Ending, Probe, Request, Size, Speech, Vantage};
    use crate::model::service::{Protocol, ServicePort};

    fn port(name: &str, number: u16, app: Option<&str>) -> ServicePort {
        ServicePort {
            name: name.into(),
            port: number,
            protocol: Protocol::Tcp,
            target_port: "x".into(),
            node_port: None,
            app_protocol: app.map(str::to_owned),
        }
    }

    #[test]
    fn the_port_tells_what_is_spoken() {
        assert_eq!(speech(&port("https", 9443, None)), Speech::Https);
        assert_eq!(speech(&port("", 443, None)), Speech::Https);
        assert_eq!(speech(&port("metrics", 80, None)), Speech::Http);
        assert_eq!(speech(&port("postgres", 5432, None)), Speech::Tcp);
        assert_eq!(speech(&port("https", 443, Some("kubernetes.io/h2c"))), Speech::Http);
        assert_eq!(speech(&port("https", 443, Some("postgres"))), Speech::Tcp);
    }

    #[test]
    fn whose_connection_was_made_has_been_asked() {
        let mut probe = Probe::new(Vantage::Local, "10.0.0.1".parse().unwrap(), 443, Speech::Https);
        let lines = [
            "try\t1\tsmall\t10.0.0.9\t20000\tcould-not-ask\t\t3\t9\t[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required",
            "try\t2\tsmall\t10.0.0.9\t20001\tcould-not-ask\t\t3\t9\tEOF occurred in violation of protocol (_ssl.c:2393)",
            "try\t3\tsmall\t10.0.0.9\t20002\tcould-not-ask\t\t\t9\t[Errno 1] Operation not permitted",
        ];
        read(&mut probe, &lines.join("\n"), "");
        let endings: Vec<Ending> = probe.attempts.iter().map(|attempt| attempt.ending).collect();
        assert_eq!(endings, [Ending::TlsAlert, Ending::Closed, Ending::CouldNotAsk]);
        assert_eq!(probe.made().count(), 2);
    }

    #[test]
    fn garbage_from_a_host_is_no_answer() {
        let mut probe = Probe::new(Vantage::Local, "10.0.0.1".parse().unwrap(), 443, Speech::Https);
        read(&mut probe, "tool\tpython3\ntry\t1\tsmall\t10.0.0.9\t20000\tanswered\t200\t1\t2\tTLSv1.3\ntry\t2\tsmall\tx\ny\ttry\n", "");
        assert_eq!(probe.attempts.len(), 1);
        assert_eq!(probe.attempts[0].ending, Ending::Answered);
        read(&mut probe, "", "sh: not found\u{1b}[2J");
        assert!(probe.error.is_none());
    }

    #[test]
    fn a_recorded_usual_question_stays_the_same() {
        let asked = |request: Request| {
            let address = "10.0.0.1".parse().unwrap();
            arguments(
                &Asked { address, port: 443, speech: Speech::Https, tries: 8, seconds: 4, request, quiet: Vec::new() },
                (20_000, 20_023),
                false,
            )
        };
        assert_eq!(asked(Request::default()), ["10.0.0.1", "443", "https", "8", "4", "3000", "ports=20000-20023", "quiet=2.2"]);
        let own = Request { sni: Some("web.example".into()), path: Some("/'$(id)'".into()), statuses: vec![200], ..Request::default() };
        assert_eq!(asked(own)[6..], ["sni=web.example", "path=/'$(id)'", "ports=20000-20023", "quiet=2.2"]);
    }

    #[test]
    fn sizes_are_read_and_a_certificate_that_cannot_be_is_said() {
        let mut probe = Probe::new(Vantage::Local, "10.0.0.1".parse().unwrap(), 80, Speech::Http);
        let lines =
            "cert\tAAAA\ntry\t1\t3000\t10.0.0.9\t20001\tanswer-timeout\t\t1\t4000\t\ntry\t1\t200\t10.0.0.9\t20000\tanswered\t200\t1\t2\t\n";
        assert!(read(&mut probe, lines, "").is_some_and(|why| why.contains("cannot be read")));
        let read: Vec<_> = probe.attempts.iter().map(|attempt| (attempt.bytes, attempt.size)).collect();
        assert_eq!(read, [(Some(200), Size::Small), (Some(3000), Size::Large)]);
    }

    #[test]
    fn whatever_a_probe_prints_is_read() {
        crate::readers::hold("probe_answers", crate::readers::of("probe"), |was, is| {
            let mut probe = Probe::new(Vantage::Local, "10.0.0.1".parse().unwrap(), 443, Speech::Https);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            read(&mut probe, &text(is), &text(was));
        });
    }
}
