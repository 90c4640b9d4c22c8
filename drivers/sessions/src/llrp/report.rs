//! Reports, the busy path: from the buffer to the sink, tag by tag, with nothing allocated.

use shelf_codecs::epc::EpcBytes;
use shelf_codecs::llrp::{Field, ReportContent, ReportItem, TagReport, TagReports};

use super::interface::{Effect, Gap, Now, ReadSink, TagRead, Trouble};
use super::session::Session;

impl Session {
    pub(super) fn report(
        &mut self,
        now: Now,
        body: &[u8],
        out: &mut Vec<Effect>,
        sink: &mut impl ReadSink,
    ) {
        let content = self.config.content();
        let mut any = false;
        for item in TagReports::new(body) {
            match item {
                ReportItem::Tag(mut report) => {
                    any = true;
                    complete(&mut report, &mut self.last, content);
                    let Some(epc) = self.epc(&report) else {
                        continue;
                    };
                    if !self.sink_ready {
                        self.reads_before_ready = self.reads_before_ready.saturating_add(1);
                        continue;
                    }
                    let (at_us, time_source) = self.clock.time(now.wall_us, &report);
                    sink.read(&TagRead {
                        epc,
                        report,
                        at_us,
                        time_source,
                    });
                }
                ReportItem::Other(_) => {}
                ReportItem::Fault(bytes) => {
                    out.push(Effect::Gap(Gap::Unreadable { bytes: bytes.len() }));
                }
            }
        }
        if any {
            self.last_read_at = now.mono;
            if std::mem::take(&mut self.quiet_told) {
                out.push(Effect::Trouble(Trouble::ReadsAgain));
            }
        }
    }

    fn epc(&self, report: &TagReport<'_>) -> Option<EpcBytes> {
        let epc = EpcBytes::new(report.epc)?;
        let doubled = self.config.double_encoded_epc;
        Some(doubled.then(|| epc.undoubled()).flatten().unwrap_or(epc))
    }
}

/// A field that was asked for and is absent has the value it had last (LLRP 14.2.3).
fn complete(report: &mut TagReport<'_>, last: &mut TagReport<'static>, asked: ReportContent) {
    const FIELDS: [(u16, Field); 10] = [
        (ReportContent::RO_SPEC_ID, Field::RoSpecId),
        (ReportContent::SPEC_INDEX, Field::SpecIndex),
        (ReportContent::INVENTORY_SPEC_ID, Field::InventorySpecId),
        (ReportContent::ANTENNA_ID, Field::AntennaId),
        (ReportContent::CHANNEL_INDEX, Field::ChannelIndex),
        (ReportContent::PEAK_RSSI, Field::PeakRssi),
        (ReportContent::FIRST_SEEN, Field::FirstSeenUtc),
        (ReportContent::LAST_SEEN, Field::LastSeenUtc),
        (ReportContent::LAST_SEEN, Field::LastSeenUptime),
        (ReportContent::SEEN_COUNT, Field::SeenCount),
    ];
    for (bit, field) in FIELDS {
        if asked.0 & bit == 0 {
            continue;
        }
        if report.has(field) {
            *last = last.with(field, report.get(field));
        } else if last.has(field) {
            *report = report.with(field, last.get(field));
        }
    }
}
