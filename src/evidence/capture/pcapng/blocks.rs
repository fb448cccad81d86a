//! The blocks around the packets: what made a file, what each interface in it is, and what was counted there.
//!
//! Everything is written in big-endian: times in these blocks are two halves, the upper one first, which only there is the
//! order in which the crate writes a whole number.

use std::borrow::Cow;

use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption as Described};
use pcap_file::pcapng::blocks::interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption as Counted};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness};

use super::Point;
use crate::model::capture::Counters;
use crate::model::clock::ClockOffset;

/// Times are counted in nanoseconds: ten to the minus ninth.
const NANOSECONDS: u8 = 9;
/// An option's length is told in 16 bits.
const LONGEST_OPTION: usize = 65_000;

/// The head of a file.
pub(super) fn section(run: &str, comment: &str) -> SectionHeaderBlock<'static> {
    let program = format!("lbdiag {}", env!("CARGO_PKG_VERSION"));
    SectionHeaderBlock {
        endianness: Endianness::Big,
        options: vec![
            SectionHeaderOption::UserApplication(Cow::Owned(program)),
            SectionHeaderOption::Comment(Cow::Owned(format!("run: {run}"))),
            SectionHeaderOption::Comment(Cow::Owned(comment.to_owned())),
        ],
        ..SectionHeaderBlock::default()
    }
}

/// One capture point.
pub(super) fn interface(point: &Point, comment: &str) -> InterfaceDescriptionBlock<'static> {
    // The first byte says that the filter is text in pcap's language.
    let filter: Vec<u8> = std::iter::once(0).chain(point.filter.bytes().take(LONGEST_OPTION)).collect();
    InterfaceDescriptionBlock {
        linktype: DataLink::from(point.link_type),
        snaplen: point.snaplen,
        options: vec![
            Described::IfName(Cow::Owned(point.name.clone())),
            Described::IfFilter(Cow::Owned(filter)),
            Described::IfTsResol(NANOSECONDS),
            Described::Comment(Cow::Owned(comment.to_owned())),
        ],
    }
}

/// What tcpdump counted, with the times of the capture in nanoseconds since the epoch.
pub(super) fn statistics(counters: &Counters, listening_at: i64, stopped_at: i64, comment: &str) -> InterfaceStatisticsBlock<'static> {
    let time = |at: i64| u64::try_from(at).unwrap_or(0);
    let mut options = vec![
        Counted::Comment(Cow::Owned(comment.to_owned())),
        Counted::IsbStartTime(time(listening_at)),
        Counted::IsbEndTime(time(stopped_at)),
    ];
    options.extend(counters.received_by_filter.map(Counted::IsbFilterAccept));
    options.extend(counters.dropped_by_kernel.map(Counted::IsbOsDrop));
    options.push(Counted::IsbUsrDeliv(counters.arrived));
    InterfaceStatisticsBlock { interface_id: 0, timestamp: time(stopped_at), options }
}

/// What the times of a host's packets are worth in the file of all points.
pub(super) fn clock_comment(host: &str, clocks: &[ClockOffset]) -> String {
    match clocks.iter().find(|clock| clock.host == host) {
        Some(clock) if clock.ahead_us == 0 && clock.error_us == 0 => format!("times by the clock of {host}, where lbdiag ran"),
        Some(clock) => format!(
            "clock against the machine of lbdiag: {clock}; the times here are corrected by it, those in the point's own file are the host's"
        ),
        None => format!("times by the clock of {host}, which was not compared with that of lbdiag's machine"),
    }
}
