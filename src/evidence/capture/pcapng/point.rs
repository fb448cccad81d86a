//! The file of one capture point, written while it captures.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use pcap_file::PcapError;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;

use super::{PcapDirectory, Point, blocks};
use crate::model::capture::{Capture, CaptureRequest};

/// A capture point's file. It is begun when the stream says of what link type its frames are; a point that never came so
/// far has none. What goes wrong ends the file, not the capture, and the directory's `finish` tells it.
pub(in crate::evidence::capture) struct PointFile {
    directory: Arc<PcapDirectory>,
    request: CaptureRequest,
    writing: Option<(PcapNgWriter<BufWriter<File>>, Point)>,
}

impl PointFile {
    /// A file for a capture, not begun yet.
    pub(in crate::evidence::capture) fn new(directory: Arc<PcapDirectory>, request: CaptureRequest) -> Self {
        Self { directory, request, writing: None }
    }

    /// The stream begins.
    pub(in crate::evidence::capture) fn begin(&mut self, interface: &str, link_type: u32) {
        let Some((file, point)) = self.directory.point(&self.request, interface, link_type) else { return };
        let comment = format!("packets of {}, times by the clock of {}", point.name, point.host);
        let section = blocks::section(&self.directory.run, &comment);
        let interface = blocks::interface(&point, &format!("lbdiag {}; {}", env!("CARGO_PKG_VERSION"), self.request.bounds()));
        let begun = PcapNgWriter::with_section_header(BufWriter::new(file), section)
            .and_then(|mut writer| writer.write_pcapng_block(interface).map(|_| writer));
        match begun {
            Ok(writer) => self.writing = Some((writer, point)),
            Err(error) => self.directory.failed(&point.file, &plain(error)),
        }
    }

    /// A packet as it came: its time in nanoseconds, its bytes, and its length on the wire.
    pub(in crate::evidence::capture) fn packet(&mut self, at: i64, data: &[u8], original_len: u32) {
        let Some((writer, _)) = &mut self.writing else { return };
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: Duration::from_nanos(u64::try_from(at).unwrap_or(0)),
            original_len,
            data: Cow::Borrowed(data),
            options: Vec::new(),
        };
        let written = writer.write_pcapng_block(block);
        self.settle(written.map(|_| ()));
    }

    /// The capture is over: its counters end the file.
    pub(in crate::evidence::capture) fn end(mut self, capture: &Capture) {
        let Some((writer, _)) = &mut self.writing else { return };
        let comment = format!(
            "{}; captured {}, received by filter {}, dropped by kernel {}, arrived {}{}",
            capture.end,
            shown(capture.counters.captured),
            shown(capture.counters.received_by_filter),
            shown(capture.counters.dropped_by_kernel),
            capture.counters.arrived,
            if capture.trustworthy() { "" } else { ": not every packet is here" }
        );
        let statistics = blocks::statistics(&capture.counters, capture.listening_at, capture.stopped_at, &comment);
        let written = writer.write_pcapng_block(statistics).and_then(|_| writer.get_mut().flush().map_err(PcapError::IoError));
        self.settle(written);
    }

    fn settle(&mut self, written: Result<(), PcapError>) {
        if let (Err(error), Some((_, point))) = (written, &self.writing) {
            self.directory.failed(&point.file, &plain(error));
            self.writing = None;
        }
    }
}

/// The system's own error, where there is one.
fn plain(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
}
