//! `probe(service, options)`: asks the Service as its users would, from one or several places at the same time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};
use serde_json::{Value, json};

use super::capture_options::whole_number;
use super::fact::{Fact, Fields};
use super::reference::Word;
use super::run::{Answer, Run};
use super::vantage;
use crate::analysis::similar::nearest;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::finding::Gap;
use crate::model::probe::{Attempt, Ending, Probe, Size, Speech, Vantage};
use crate::model::service::{Protocol, Service, ServicePort};

pub const WORD: Word = Word {
    name: "probe",
    capability: "probe",
    signature: "probe(service, #{ port, from, tries, seconds }) -> array of Probe",
    meaning: "Asks the Service from each vantage point, several times, each try from a source port of its own: TLS and one HTTP request where appProtocol, the port's name or 443/80 say so, once small and once with 3 kB; otherwise a TCP connection; for UDP one datagram.",
    register,
};

/// Bytes of the large request: more than one packet on every usual network.
const LARGE: usize = 3_000;

/// What a probe is told.
pub struct Asked {
    pub address: IpAddr,
    pub port: u16,
    pub speech: Speech,
    pub tries: u32,
    pub seconds: u64,
}

impl Fields for Probe {
    const COMPUTED: &'static [&'static str] = &["answered", "tried"];

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "answered" => Some(json!(self.made().filter(|attempt| attempt.answered()).count())),
            "tried" => Some(json!(self.made().count())),
            _ => None,
        }
    }
}

fn register(engine: &mut Engine, run: &Arc<Run>) {
    super::fact::register::<Probe>(engine, "Probe");
    let run = Arc::clone(run);
    engine.register_fn("probe", move |context: NativeCallContext, service: Fact<Service>, options: Map| {
        probe(&run, &context, &service.0, options)
    });
}

fn probe(run: &Run, context: &NativeCallContext, service: &Service, options: Map) -> Answer<Array> {
    run.allow(context, WORD.name, WORD.capability)?;
    let Some(address) = service.addresses.first().copied() else { return Err(Run::refuse(context, "the Service has no address to ask")) };
    let (mut from, mut tries, mut seconds, mut port) = (vec![Vantage::Local], 8_u32, 4_u64, service.ports.first().cloned());
    for (key, value) in options {
        match key.as_str() {
            "from" => from = vantage::named(run, context, &value)?,
            "tries" => tries = u32::try_from(whole_number(context, &key, &value, 1_000)?).unwrap_or(8),
            "seconds" => seconds = whole_number(context, &key, &value, 60)?,
            "port" if value.is_unit() => {}
            "port" => port = service.port(&value.to_string()).cloned(),
            other => {
                let hint = nearest(other, ["from", "tries", "seconds", "port"])
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                return Err(Run::refuse(context, format!("probe has no option `{other}`{hint}")));
            }
        }
    }
    let Some(port) = port else { return Err(Run::refuse(context, "the Service has no such port")) };
    if port.protocol == Protocol::Sctp {
        return Err(Run::refuse(context, "SCTP cannot be asked"));
    }
    let asked = Asked { address, port: port.port, speech: speech(&port), tries, seconds };
    let probes = ask(run, &from, &asked);
    for probe in &probes {
        tell(run, probe);
    }
    Ok(probes.into_iter().map(|probe| Dynamic::from(Fact::new(probe))).collect())
}

/// What the port's users speak, by appProtocol, the port's name and its number, in this order.
#[must_use]
pub fn speech(port: &ServicePort) -> Speech {
    if port.protocol == Protocol::Udp {
        return Speech::Udp;
    }
    let told = port.app_protocol.as_deref().map(|protocol| protocol.rsplit('/').next().unwrap_or_default().to_lowercase());
    match told.as_deref() {
        Some("https") => return Speech::Https,
        Some("http" | "h2c" | "ws") => return Speech::Http,
        Some(_) => return Speech::Tcp,
        None => {}
    }
    let name = port.name.to_lowercase();
    let is = |prefix: &str| name == prefix || name.starts_with(&format!("{prefix}-")) || name.ends_with(&format!("-{prefix}"));
    if is("https") {
        Speech::Https
    } else if is("http") || is("web") {
        Speech::Http
    } else {
        match port.port {
            443 | 8443 => Speech::Https,
            80 | 8080 => Speech::Http,
            _ => Speech::Tcp,
        }
    }
}

/// Asks from all vantage points at the same time; a place that cannot ask is a gap.
pub fn ask(run: &Run, from: &[Vantage], asked: &Asked) -> Vec<Probe> {
    side_by_side(from, |from| {
        let mut command = Command {
            script: Script::Probe,
            args: vec![
                asked.address.to_string(),
                asked.port.to_string(),
                asked.speech.word().to_owned(),
                asked.tries.to_string(),
                asked.seconds.to_string(),
                LARGE.to_string(),
            ],
            limit: Duration::from_secs(asked.seconds * 2 + 8),
            most_bytes: 1 << 20,
        };
        let mut probe = Probe {
            vantage: from.clone(),
            address: asked.address,
            port: asked.port,
            speech: asked.speech,
            attempts: Vec::new(),
            tool: String::new(),
            error: None,
            repeated: false,
        };
        let answer = vantage::place(run, from).and_then(|place| {
            if place.pod_name().is_some() {
                command.script = Script::ProbePod;
                let [_, ids, ips] = place.as_arguments();
                command.args.splice(0..0, [ids, ips]);
            }
            run.evidence.hosts.run(place.host(), &command)
        });
        match answer {
            Ok(output) => read(&mut probe, &output.stdout, &output.stderr),
            Err(error) => {
                run.gap(
                    Gap::new(
                        error.gap_name(),
                        from.text(),
                        error.to_string(),
                        format!("whether the Service answers when asked from {}", from.text()),
                    )
                    .decisive(),
                );
                probe.error = Some(error.to_string());
            }
        }
        probe
    })
}

/// Reads the script's lines; see `probe.sh` for their form.
fn read(probe: &mut Probe, stdout: &str, stderr: &str) {
    for line in stdout.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            ["tool", tool] => (*tool).clone_into(&mut probe.tool),
            ["error", why] => probe.error = Some(crate::evidence::error::printable(why)),
            ["try", rest @ ..] => probe.attempts.extend(attempt(rest)),
            _ => {}
        }
    }
    probe.attempts.sort_by_key(|attempt| (attempt.size == Size::Large, attempt.number));
    if probe.attempts.is_empty() && probe.error.is_none() {
        let why = stderr.lines().next().unwrap_or("it printed nothing");
        probe.error = Some(format!("the host could not ask: {}", crate::evidence::error::printable(why)));
    }
}

fn attempt(fields: &[&str]) -> Option<Attempt> {
    let [number, size, source, port, ending, status, connect, total, detail] = fields else { return None };
    Some(Attempt {
        number: number.parse().ok()?,
        size: if *size == "large" { Size::Large } else { Size::Small },
        source: source.parse().ok(),
        source_port: port.parse().ok()?,
        ending: serde_json::from_value::<Ending>(json!(ending)).ok()?,
        status: status.parse().ok(),
        connect_ms: connect.parse().ok(),
        total_ms: total.parse().ok()?,
        detail: crate::evidence::error::printable(detail),
    })
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
    let mut endings: Vec<String> = probe.failed().map(|attempt| ending_text(attempt.ending)).collect();
    endings.sort();
    let mut counted: Vec<(usize, String)> = Vec::new();
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
        line.push_str(&ending);
    }
    run.fact(line);
}

fn ending_text(ending: Ending) -> String {
    serde_json::to_value(ending).ok().and_then(|value| value.as_str().map(|text| text.replace('-', " "))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{read, speech};
    use crate::model::probe::{Ending, Probe, Speech, Vantage};
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
    fn garbage_from_a_host_is_no_answer() {
        let mut probe = Probe {
            vantage: Vantage::Local,
            address: "10.0.0.1".parse().unwrap(),
            port: 443,
            speech: Speech::Https,
            attempts: Vec::new(),
            tool: String::new(),
            error: None,
            repeated: false,
        };
        read(&mut probe, "tool\tpython3\ntry\t1\tsmall\t10.0.0.9\t20000\tanswered\t200\t1\t2\tTLSv1.3\ntry\t2\tsmall\tx\ny\ttry\n", "");
        assert_eq!(probe.attempts.len(), 1);
        assert_eq!(probe.attempts[0].ending, Ending::Answered);
        read(&mut probe, "", "sh: not found\u{1b}[2J");
        assert!(probe.error.is_none());
    }
}
