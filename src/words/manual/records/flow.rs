//! Probes, captures and what was followed through them, as scripts see it.

use crate::words::word::{Field, Kind, Record};

const TEXTS: Kind = Kind::List(&Kind::Text);
const SPEECH: Kind = Kind::OneOf(&["https", "http", "tls", "tcp", "udp"]);
const PASSAGE: Kind = Kind::OneOf(&["in", "out", "other"]);

pub const CAPTURE: Record = Record {
    name: "Capture",
    meaning: "A capture that runs until `during` ends it. It has no fields: what it saw stands in the Flow.",
    fields: &[],
    hidden: &[],
    open: false,
};

pub const REQUEST: Record = Record {
    name: "Request",
    meaning: "What a probe is to send and to expect.",
    fields: &[
        Field::new("speech", SPEECH, "What is spoken.").or_nothing("the port decides"),
        Field::new("sni", Kind::Text, "The name that TLS asks for.").or_nothing("none is sent"),
        Field::new("host", Kind::Text, "HTTP's Host.").or_nothing("it is the address"),
        Field::new("path", Kind::Text, "HTTP's path.").or_nothing("it is /"),
        Field::new("statuses", Kind::List(&Kind::Number), "HTTP statuses that are expected; empty when any is."),
        Field::new("payload", Kind::Text, "A datagram's payload, in hexadecimal.").or_nothing("it is the usual one"),
        Field::new("sizes", Kind::List(&Kind::Number), "Sizes of the request, the smallest first; empty for the usual two.").unit("bytes"),
    ],
    hidden: &[],
    open: false,
};

pub const ATTEMPT: Record = Record {
    name: "Attempt",
    meaning: "One try of a probe.",
    fields: &[
        Field::new("number", Kind::Number, "Its number, from 1."),
        Field::new("size", Kind::OneOf(&["small", "large"]), "Whether the request is one packet, or 3 kB."),
        Field::new("bytes", Kind::Number, "Bytes of the request.").unit("bytes").or_nothing("no sizes were asked for"),
        Field::new("source", Kind::Address, "The address that it was asked from.").or_nothing("no socket came to be"),
        Field::new("source_port", Kind::Number, "The port that it was asked from."),
        Field::new(
            "ending",
            Kind::OneOf(&[
                "answered",
                "no-route",
                "host-unreachable",
                "refused",
                "connect-timeout",
                "tls-timeout",
                "tls-mismatch",
                "tls-alert",
                "answer-timeout",
                "answer-stalls",
                "answer-cut",
                "reset",
                "closed",
                "http-mismatch",
                "could-not-ask",
            ]),
            "How it ended.",
        ),
        Field::new("status", Kind::Number, "The HTTP status.").or_nothing("there was none"),
        Field::new("connect_ms", Kind::Number, "Until the connection was made.").unit("milliseconds").or_nothing("it was not made"),
        Field::new("total_ms", Kind::Number, "Until its end.").unit("milliseconds"),
        Field::new("detail", Kind::Text, "What else is known of its end."),
        Field::new("certificate", Kind::Number, "The certificate that it was shown, as its place among the probe's, from 0.")
            .or_nothing("none was, or the tool does not tell"),
        Field::new("received", Kind::Number, "What was read of the answer, at most a little more than 16 KiB.")
            .unit("bytes")
            .or_nothing("the tool does not tell"),
    ],
    hidden: &[],
    open: false,
};

pub const CERTIFICATE: Record = Record {
    name: "Certificate",
    meaning: "A certificate that was shown.",
    fields: &[
        Field::new("subject", Kind::Text, "Whose it is, as RFC 4514 writes it."),
        Field::new("issuer", Kind::Text, "Who made it."),
        Field::new("names", TEXTS, "The DNS names and addresses that it is for."),
        Field::new("valid_from", Kind::Number, "From when it is valid.").unit("seconds since 1970"),
        Field::new("valid_until", Kind::Number, "Until when it is valid.").unit("seconds since 1970"),
    ],
    hidden: &[],
    open: false,
};

pub const AWAITED: Record = Record {
    name: "Awaited",
    meaning: "How a client's own traffic was waited for.",
    fields: &[
        Field::new("client", Kind::Address, "The client."),
        Field::new("address", Kind::Address, "The address that it was to ask."),
        Field::new("port", Kind::Number, "The port."),
        Field::new("speech", SPEECH, "What it was to speak."),
        Field::new("seconds", Kind::Number, "The longest wait.").unit("seconds"),
        Field::new("took_ms", Kind::Number, "How long it was.").unit("milliseconds"),
    ],
    hidden: &[],
    open: false,
};

pub const PROBE: Record = Record {
    name: "Probe",
    meaning: "What came of asking the Service from one place.",
    fields: &[
        Field::new("from", Kind::Place, "The place that asked, as it was written."),
        Field::new("vantage", Kind::Place, "The same."),
        Field::new("answered", Kind::Number, "Tries that were answered."),
        Field::new("tried", Kind::Number, "Tries that were made."),
        Field::new("address", Kind::Address, "The address that was asked."),
        Field::new("port", Kind::Number, "The port that was asked."),
        Field::new("speech", SPEECH, "What was spoken."),
        Field::new("attempts", Kind::List(&Kind::Record(&ATTEMPT)), "Every try."),
        Field::new("tool", Kind::Text, "What the host asked with: python3, curl or bash."),
        Field::new("error", Kind::Text, "Why nothing could be asked from there.").or_nothing("it could"),
        Field::new("repeated", Kind::Bool, "Whether it was asked again by `look_closer`."),
        Field::new("request", Kind::Record(&REQUEST), "What was to be sent.").or_nothing("it was the usual"),
        Field::new("certificates", Kind::List(&Kind::Record(&CERTIFICATE)), "Certificates that were shown, each once."),
        Field::new("awaited", Kind::Record(&AWAITED), "For a client's own traffic: how it was waited for.")
            .or_nothing("it was asked by lbdiag"),
    ],
    hidden: &["asked_at"],
    open: false,
};

pub const ARP_ASK: Record = Record {
    name: "ArpAsk",
    meaning: "What one host was answered by ARP or NDP.",
    fields: &[
        Field::new("from", Kind::Place, "The host that asked, as a place is written."),
        Field::new("host", Kind::Place, "The same."),
        Field::new("macs", TEXTS, "The MACs that answered."),
        Field::new(
            "asked",
            Kind::List(&Kind::List(&Kind::Text)),
            "The host's interfaces on the address's network, each with its own MAC; empty when it is not on that network.",
        ),
        Field::new("replies", Kind::List(&Kind::List(&Kind::Text)), "Interface and MAC of every answer."),
        Field::new("error", Kind::Text, "Why it could not be asked.").or_nothing("it could"),
    ],
    hidden: &[],
    open: false,
};

pub const COUNTERS: Record = Record {
    name: "CaptureCounters",
    meaning: "What a capture counted.",
    fields: &[
        Field::new("captured", Kind::Number, "Packets that tcpdump says it captured.").or_nothing("it did not come to say"),
        Field::new("received_by_filter", Kind::Number, "Packets that passed its filter.").or_nothing("it did not come to say"),
        Field::new("dropped_by_kernel", Kind::Number, "Packets that the kernel lost.").or_nothing("it did not come to say"),
        Field::new("arrived", Kind::Number, "Packets that arrived here."),
    ],
    hidden: &[],
    open: false,
};

pub const CAPTURE_SEEN: Record = Record {
    name: "CaptureSeen",
    meaning: "A capture that has ended, without its packets.",
    fields: &[
        Field::new("place", Kind::Text, "Where it was: a host's name, or NAMESPACE/NAME of a pod."),
        Field::new("interface", Kind::Text, "The interface, or any."),
        Field::new("filter", Kind::Text, "Its filter, in pcap's language."),
        Field::new("bounds", Kind::Text, "Its bounds, in one line."),
        Field::new("counters", Kind::Record(&COUNTERS), "What it counted."),
        Field::new("for_other_hosts", Kind::Number, "Packets that were addressed to another host's MAC."),
        Field::new("complete", Kind::Bool, "Whether it holds everything that passed its filter."),
        Field::new("end", Kind::Text, "How it ended."),
        Field::new("stop_ms", Kind::Number, "From its stop until the last packet was here.")
            .unit("milliseconds")
            .or_nothing("it was not stopped"),
    ],
    hidden: &[],
    open: false,
};

pub const CLOCK: Record = Record {
    name: "ClockOffset",
    meaning: "How a host's clock compares with ours.",
    fields: &[
        Field::new("host", Kind::Text, "The host."),
        Field::new("ahead_us", Kind::Number, "How far it is ahead; below zero when it is behind.").unit("microseconds"),
        Field::new("error_us", Kind::Number, "How far the true value may lie from it.").unit("microseconds"),
        Field::new("took_ms", Kind::Number, "How long the comparison took.").unit("milliseconds"),
    ],
    hidden: &[],
    open: false,
};

pub const SIGHTING: Record = Record {
    name: "Sighting",
    meaning: "One packet of a connection, where it was seen.",
    fields: &[
        Field::new("place", Kind::Text, "The capture's place."),
        Field::new("interface", Kind::Text, "The interface."),
        Field::new("passage", PASSAGE, "Whether it came in, went out, or was for another host."),
        Field::new("request", Kind::Bool, "Whether it travels from the client to the pod."),
        Field::new("what", Kind::Text, "What it is: syn, syn-ack, reset, data, fin, ack or icmp-error."),
        Field::new("source", Kind::List(&Kind::Any), "Address and port, as they are written there."),
        Field::new("destination", Kind::List(&Kind::Any), "Address and port, as they are written there."),
        Field::new("tunnel", Kind::Text, "The tunnel that carried it.").or_nothing("none did"),
        Field::new("outer", Kind::List(&Kind::Address), "The tunnel's source and destination.").or_nothing("no tunnel carried it"),
        Field::new("source_mac", Kind::Text, "Whose frame it was.").or_nothing("the link has no MACs"),
        Field::new("sequence", Kind::Number, "TCP's sequence number, 0 for others."),
        Field::new("length", Kind::Number, "Payload.").unit("bytes"),
        Field::new("at", Kind::Number, "When, by the host's clock.").unit("nanoseconds since 1970"),
    ],
    hidden: &[],
    open: false,
};

pub const CONNECTION: Record = Record {
    name: "Connection",
    meaning: "A try, followed through the captures.",
    fields: &[
        Field::new("from", Kind::Place, "The place that asked."),
        Field::new("vantage", Kind::Place, "The same."),
        Field::new("attempt", Kind::Record(&ATTEMPT), "The try."),
        Field::new(
            "hops",
            Kind::List(&Kind::Record(&SIGHTING)),
            "Its packets, in order of time within each place, places in the order of the path.",
        ),
        Field::new("pod", Kind::Text, "The pod that it was translated to.").or_nothing("that was not seen"),
        Field::new("not_joined", Kind::Text, "Why it could not be followed.").or_nothing("it could"),
    ],
    hidden: &[],
    open: false,
};

pub const FLOW: Record = Record {
    name: "Flow",
    meaning: "What was asked and seen while captures listened.",
    fields: &[
        Field::new("answered", Kind::Bool, "Whether every try was answered."),
        Field::new("probes", Kind::List(&Kind::Record(&PROBE)), "What came of asking, place by place."),
        Field::new("arp", Kind::List(&Kind::Record(&ARP_ASK)), "Who answers by ARP or NDP."),
        Field::new("captures", Kind::List(&Kind::Record(&CAPTURE_SEEN)), "The captures."),
        Field::new("connections", Kind::List(&Kind::Record(&CONNECTION)), "Each try, followed through the captures."),
        Field::new(
            "resent",
            Kind::List(&Kind::Record(&CONNECTION)),
            "What was seen of answered tries until their first packet was sent again.",
        ),
        Field::new("clocks", Kind::Map(&Kind::Record(&CLOCK)), "How the hosts' clocks compare with ours, by host."),
    ],
    hidden: &[],
    open: false,
};

pub const CLOSER: Record = Record {
    name: "Closer",
    meaning: "The state of the places on the path before and after the probe was repeated.",
    fields: &[
        Field::new("states", Kind::List(&Kind::Any), "The state of each place, before and after, as its tools printed it."),
        Field::new("again", Kind::Record(&FLOW), "What was seen of the repeated probe."),
        Field::new("policies", Kind::List(&Kind::Any), "The NetworkPolicies of the Service's namespace, as far as they could be read."),
    ],
    hidden: &[],
    open: false,
};

pub const HOP: Record = Record {
    name: "Hop",
    meaning: "A place that a connection passed in one direction.",
    fields: &[
        Field::new("at", Kind::Text, "Where, for a person, such as `n2/mlb in`."),
        Field::new("place", Kind::Text, "The capture's place."),
        Field::new("interface", Kind::Text, "The interface."),
        Field::new("passage", PASSAGE, "Whether it came in, went out, or was for another host."),
        Field::new("tunnel", Kind::Text, "The tunnel that carried it.").or_nothing("none did"),
        Field::new("what", Kind::Text, "What the packet is: syn, syn-ack, reset, data, fin, ack or icmp-error."),
        Field::new("source", Kind::Text, "ADDRESS:PORT, as it is written there: before translation or after it."),
        Field::new("destination", Kind::Text, "ADDRESS:PORT, likewise."),
        Field::new("length", Kind::Number, "Payload.").unit("bytes"),
        Field::new("packets", Kind::Number, "How many packets of the connection passed there in this direction."),
        Field::new("after_us", Kind::Number, "How long after the first sighting of the first packet.")
            .unit("microseconds")
            .or_nothing("nothing tells how the hosts' clocks compare"),
        Field::new("error_us", Kind::Number, "How far the true value may lie from it.")
            .unit("microseconds")
            .or_nothing("nothing tells how the hosts' clocks compare"),
    ],
    hidden: &[],
    open: false,
};

pub const PATH: Record = Record {
    name: "Path",
    meaning: "A connection, hop by hop.",
    fields: &[
        Field::new("from", Kind::Place, "The place that asked."),
        Field::new("number", Kind::Number, "The try's number there, from 1."),
        Field::new("pod", Kind::Text, "The pod that it came to.").or_nothing("that was not seen"),
        Field::new("answered", Kind::Bool, "Whether it was answered."),
        Field::new("ending", Kind::Text, "How it ended, as in Attempt."),
        Field::new("request", Kind::List(&Kind::Record(&HOP)), "The hops of the first packet from the client on."),
        Field::new("answer", Kind::List(&Kind::Record(&HOP)), "The hops of the answer to it."),
        Field::new(
            "last_seen",
            Kind::Record(&HOP),
            "Where it was seen last; of one that was not answered the furthest place of the packet that it waits behind.",
        )
        .or_nothing("it was seen nowhere"),
        Field::new("not_joined", Kind::Text, "Why it could not be followed.").or_nothing("it could"),
    ],
    hidden: &[],
    open: false,
};

pub const WATCH_POINTS: Record = Record {
    name: "WatchPoints",
    meaning: "The nodes and pods that a request passes.",
    fields: &[Field::new("nodes", TEXTS, "Names of nodes."), Field::new("pods", TEXTS, "Names of pods, in the Service's namespace.")],
    hidden: &[],
    open: false,
};
