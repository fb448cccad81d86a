//! `await_client(service, options)`: waits for the own traffic of a client that nobody can log in at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};

use super::probe_request::fits;
use crate::analysis::client_traffic::{Seen, is_node, tries};
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::packet::Packet;
use crate::model::plan::typed;
use crate::model::probe::{Awaited, Probe, Request, Speech, Vantage};
use crate::model::service::Service;
use crate::model::subject::Subject;
use crate::words::capture::listening::Listening;
use crate::words::fact::Fact;
use crate::words::manual::probe::AWAIT_CLIENT as WORD;
use crate::words::options::Options;
use crate::words::session::{Answer, Progress, Run, Stop};

/// How often the captures are looked at.
const GLANCE: Duration = Duration::from_millis(250);
const GLANCES_A_SECOND: u64 = 4;
/// How long it stays quiet before the tries that were seen are all: a program that is started by hand tries more than once.
const QUIET: u64 = 2 * GLANCES_A_SECOND;
/// Tries that are enough, whatever comes after them.
const ENOUGH: usize = 8;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("await_client", move |context: NativeCallContext, service: Fact<Service>, options: Map| {
        await_client(&run, &context, &service.0, options)
    });
}

fn await_client(run: &Run, context: &NativeCallContext, service: &Service, options: Map) -> Answer<Dynamic> {
    run.allow(context, WORD.name, WORD.capability)?;
    let options = Options::read(run, context, &WORD, options)?;
    let client = options.address("client");
    let seconds: u64 = options.whole("seconds").unwrap_or(60);
    let port = options.text("port").map_or_else(|| service.ports.first(), |port| service.port(&port)).cloned();
    let asked = options.given("asked").cloned().map(probes).unwrap_or_default();
    let request = options.fact::<Request>("request").map(|given| (*given.0).clone()).unwrap_or_default();
    let (Some(client), Some(port), Some(address)) = (client, port, service.addresses.first().copied()) else { return Ok(Dynamic::UNIT) };
    if let Some(vantage) = asked.iter().find_map(|probe| is_at(probe, client)) {
        run.fact(format!("{client} is asked from ({}): its own traffic is not waited for", vantage.text()));
        return Ok(Dynamic::UNIT);
    }
    if seconds == 0 {
        run.fact(format!("the traffic of {client} is not waited for"));
        return Ok(Dynamic::UNIT);
    }
    if client.is_ipv4() != address.is_ipv4() {
        return Err(run.end(context, Stop::Usage(format!("{client} and the Service's address {address} are of different families"))));
    }
    let speech = fits(&request, &port).map_err(|why| run.end(context, Stop::Usage(why)))?;
    let awaited = Awaited { client, address, port: port.port, speech, seconds, took_ms: 0 };
    Ok(wait(run, context, &awaited, &request)?.map_or(Dynamic::UNIT, |probe| Dynamic::from(Fact::new(probe))))
}

/// The probes among whatever a script gives.
fn probes(value: Dynamic) -> Vec<Probe> {
    let parts: Array = if value.is_array() { value.into_array().unwrap_or_default() } else { vec![value] };
    parts.into_iter().filter_map(Dynamic::try_cast::<Fact<Probe>>).map(|fact| (*fact.0).clone()).collect()
}

/// The place of a probe, when it is the client itself: by its name, or by the address that its tries came from.
fn is_at(probe: &Probe, client: IpAddr) -> Option<Vantage> {
    let named = probe.vantage.place().parse() == Ok(client);
    (named || probe.attempts.iter().any(|attempt| attempt.source == Some(client))).then(|| probe.vantage.clone())
}

/// Waits, and gives the probe that `during` fills from its captures; nothing when no node is captured on.
///
/// # Errors
/// When the run ends meanwhile.
pub fn wait(run: &Run, context: &NativeCallContext, awaited: &Awaited, request: &Request) -> Answer<Option<Probe>> {
    let client = awaited.client;
    let nodes = nodes_listening(run);
    if nodes.is_empty() {
        let reason = "no node is captured on, so that nothing of the client could be seen";
        run.gap(
            Gap::new(names::EVIDENCE_NO_VANTAGE, Subject::client(&client.to_string()), reason, "what becomes of the client's requests")
                .decisive(),
        );
        return Ok(None);
    }
    let text = invitation(awaited, request, &nodes);
    run.fact(text.clone());
    (run.progress)(Progress::Await { client: client.to_string(), text, seconds: awaited.seconds });
    let begun = run.evidence.clock.elapsed_ms(&format!("await {client}: begin"));
    let mut watch = Watch::default();
    for glance in 0..awaited.seconds.saturating_mul(GLANCES_A_SECOND) {
        if run.evidence.interrupt.reason().is_some() {
            return Err(run.end(context, Stop::Interrupted));
        }
        let last = watch.look(run, glance);
        if last || watch.is_over(awaited, glance) {
            break;
        }
        if glance % GLANCES_A_SECOND == 0 {
            let left = awaited.seconds - glance / GLANCES_A_SECOND;
            (run.progress)(Progress::Left { what: format!("waiting for {client}"), seconds: left, of: awaited.seconds });
        }
        run.evidence.clock.wait(GLANCE, &run.evidence.interrupt);
    }
    let ended = run.evidence.clock.elapsed_ms(&format!("await {client}: end"));
    let awaited = Awaited { took_ms: ended.saturating_sub(begun), ..awaited.clone() };
    let probe = Probe::new(Vantage::Client(client.to_string()), awaited.address, awaited.port, awaited.speech);
    Ok(Some(Probe { tool: "its own traffic".to_owned(), awaited: Some(awaited), ..probe }))
}

/// The nodes that are captured on, each once.
fn nodes_listening(run: &Run) -> Vec<String> {
    let listening = run.listening();
    let places: BTreeSet<String> = listening.iter().filter(|one| is_node(&one.place)).map(|one| one.place.to_string()).collect();
    places.into_iter().collect()
}

/// What to ask of the client's user.
fn invitation(awaited: &Awaited, request: &Request, nodes: &[String]) -> String {
    let (client, address, port) = (awaited.client, awaited.address, awaited.port);
    let shown = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let path = request.path.as_deref().unwrap_or("/");
    let host = request.host.as_ref().map(|host| format!(" -H {}", typed(&format!("Host: {host}")))).unwrap_or_default();
    let what = match awaited.speech {
        Speech::Http => {
            format!("ask http://{shown}:{port}{path} now from {client} (curl -v{host} {})", typed(&format!("http://{shown}:{port}{path}")))
        }
        Speech::Https => {
            let (name, resolve) = match &request.sni {
                Some(sni) => (sni.clone(), format!(" --resolve {sni}:{port}:{shown}")),
                None => (shown, String::new()),
            };
            format!(
                "ask https://{name}:{port}{path} now from {client} (curl -vk{host}{resolve} {})",
                typed(&format!("https://{name}:{port}{path}"))
            )
        }
        Speech::Tls | Speech::Tcp => format!("connect to {address} port {port} now from {client} (nc -vz {address} {port})"),
        Speech::Udp => format!("send a request to {address} port {port} over UDP now from {client}"),
    };
    format!("please {what}, two or three times: for {} s its packets are watched on {}", awaited.seconds, nodes.join(", "))
}

/// What was seen while waiting.
#[derive(Default)]
struct Watch {
    /// By place: its packets, and the glance at which the last of them came.
    places: BTreeMap<String, (Vec<Packet>, u64)>,
    seen: usize,
    /// The glance at which another try was seen first.
    grew: u64,
}

impl Watch {
    /// Takes what is new; says whether nothing more can come.
    fn look(&mut self, run: &Run, glance: u64) -> bool {
        let mut last = true;
        for Listening { place, capture } in run.listening().iter_mut().filter(|one| is_node(&one.place)) {
            let news = capture.news();
            last &= news.last;
            let (packets, at) = self.places.entry(place.to_string()).or_default();
            if !news.packets.is_empty() {
                packets.extend(news.packets);
                *at = glance;
            }
        }
        last
    }

    /// Whether every try that was seen has ended, and no other one began for a while.
    fn is_over(&mut self, awaited: &Awaited, glance: u64) -> bool {
        let seen: Vec<Seen> = self
            .places
            .iter()
            .map(|(place, (packets, came))| {
                // By the host's clock it is as late as its last packet, and as much later as went by here since that came.
                let latest = packets.iter().map(|packet| packet.at).max().unwrap_or_default();
                let since = i64::try_from((glance - came) * 1_000 / GLANCES_A_SECOND).unwrap_or_default().saturating_mul(1_000_000);
                Seen { place: place.clone(), packets: packets.iter().collect(), until: latest.saturating_add(since), complete: true }
            })
            .collect();
        let tries = tries(&seen, awaited);
        if tries.len() > self.seen {
            (self.seen, self.grew) = (tries.len(), glance);
        }
        let over = tries.iter().filter(|one| one.over).count();
        over >= ENOUGH || (over > 0 && over == tries.len() && glance >= self.grew + QUIET)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn awaited(speech: Speech, address: &str) -> Awaited {
        let client = "10.88.192.50".parse().unwrap();
        Awaited { client, address: address.parse().unwrap(), port: 443, speech, seconds: 60, took_ms: 0 }
    }

    #[test]
    fn the_user_is_told_what_to_send() {
        let nodes = ["n2".to_owned(), "n3".to_owned()];
        let usual = Request::default();
        let text = invitation(&awaited(Speech::Https, "10.88.64.100"), &usual, &nodes);
        assert_eq!(
            text,
            "please ask https://10.88.64.100:443/ now from 10.88.192.50 (curl -vk https://10.88.64.100:443/), two or three times: for 60 s its packets are watched on n2, n3"
        );
        let own = Request { sni: Some("web.example".into()), host: Some("a b".into()), path: Some("/a?b='c'".into()), ..usual.clone() };
        let text = invitation(&awaited(Speech::Https, "fd10::1"), &own, &nodes);
        assert!(
            text.contains(r"curl -vk -H 'Host: a b' --resolve web.example:443:[fd10::1] 'https://web.example:443/a?b='\''c'\'''"),
            "{text}"
        );
        assert!(invitation(&awaited(Speech::Tcp, "10.88.64.100"), &usual, &nodes).contains("nc -vz 10.88.64.100 443"));
    }

    fn packet(at_ms: i64, source_port: u16, inward: bool, flags: u8, acknowledgement: u32, length: u32) -> Packet {
        let (s, sp, d, dp) =
            if inward { ("10.88.192.50", source_port, "10.88.64.100", 443) } else { ("10.88.64.100", 443, "10.88.192.50", source_port) };
        let body = json!({"tcp": {"s": s, "d": d, "sp": sp, "dp": dp, "q": 9, "a": acknowledgement, "f": flags, "l": length}});
        let packet = json!({"t": at_ms * 1_000_000, "i": "mlb", "p": if inward { "in" } else { "out" }, "b": body});
        serde_json::from_value(packet).unwrap()
    }

    /// The glance at which the wait is over, when these packets are there from the first one on.
    fn over_at(packets: Vec<Packet>) -> Option<u64> {
        let mut watch = Watch { places: [("n2".to_owned(), (packets, 0))].into(), ..Watch::default() };
        (0..240).find(|glance| watch.is_over(&awaited(Speech::Https, "10.88.64.100"), *glance))
    }

    #[test]
    fn a_wait_ends_soon_after_an_answer_and_later_after_silence() {
        let answered = vec![
            packet(0, 1, true, 2, 0, 0),
            packet(1, 1, false, 18, 0, 0),
            packet(2, 1, true, 24, 10, 9),
            packet(3, 1, false, 24, 0, 9),
            packet(4, 1, true, 16, 18, 0),
        ];
        assert_eq!(over_at(answered), Some(QUIET));
        assert_eq!(over_at(vec![packet(0, 1, true, 2, 0, 0)]), Some(3 * GLANCES_A_SECOND));
        assert_eq!(over_at(Vec::new()), None);
    }

    #[test]
    fn a_place_that_has_the_client_s_address_is_the_client() {
        let client = "10.88.192.50".parse().unwrap();
        let mut probe = Probe::new(Vantage::Ssh("c2".into()), "10.88.64.100".parse().unwrap(), 443, Speech::Https);
        assert_eq!(is_at(&probe, client), None);
        let attempt = json!({"number": 1, "size": "small", "source": "10.88.192.50", "source_port": 1, "ending": "answered", "status": null,
            "connect_ms": 1, "total_ms": 1, "detail": ""});
        probe.attempts.push(serde_json::from_value(attempt).unwrap());
        assert_eq!(is_at(&probe, client), Some(Vantage::Ssh("c2".into())));
        let named = Probe::new(Vantage::Ssh("10.88.192.50".into()), probe.address, 443, Speech::Https);
        assert!(is_at(&named, client).is_some());
    }
}
