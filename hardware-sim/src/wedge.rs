//! Key presses as the reports of a boot keyboard: what a scanner that types puts on the bus. The codes
//! come from the codec's own table, read backwards, so that both sides can't drift apart. It
//! carries no meaning: what to press for a text is the codec's encoder's affair.

use std::collections::BTreeMap;

use shelf_codecs::scanner::wedge::KeyEvent;
use shelf_codecs::scanner::wedge::boot::BootReports;

/// Bytes of one report: modifiers, a reserved one, six keys.
pub const REPORT_BYTES: usize = 8;

/// One report for each press or release. `None` if a key is on no boot keyboard, or more than six are
/// down at once.
#[must_use]
pub fn boot_reports(events: &[KeyEvent]) -> Option<Vec<[u8; REPORT_BYTES]>> {
    let (modifiers, usages) = tables();
    let mut down: Vec<u8> = Vec::new();
    let mut held = 0;
    let mut reports = Vec::with_capacity(events.len());
    for event in events {
        if let Some(bit) = modifiers.get(&event.code) {
            held = if event.pressed {
                held | bit
            } else {
                held & !bit
            };
        } else {
            let usage = *usages.get(&event.code)?;
            down.retain(|&it| it != usage);
            if event.pressed {
                down.push(usage);
            }
        }
        let mut report = [held, 0, 0, 0, 0, 0, 0, 0];
        report.get_mut(2..2 + down.len())?.copy_from_slice(&down);
        reports.push(report);
    }
    Some(reports)
}

/// Codes of modifiers with their bits, and of keys with their usages.
fn tables() -> (BTreeMap<u16, u8>, BTreeMap<u16, u8>) {
    let code = |report: [u8; REPORT_BYTES]| {
        let events = BootReports::default().events(&report)?;
        events.first().map(|it| it.code)
    };
    let modifiers =
        (0..8).filter_map(|bit| Some((code([1 << bit, 0, 0, 0, 0, 0, 0, 0])?, 1 << bit)));
    // The first usage of a code wins: two keys of the table are one on most keyboards.
    let usages = (4..=101).rev();
    let usages = usages.filter_map(|usage| Some((code([0, 0, usage, 0, 0, 0, 0, 0])?, usage)));
    (modifiers.collect(), usages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shelf_codecs::scanner::Terminator;
    use shelf_codecs::scanner::wedge::{WedgeConfig, WedgeDecoder, WedgeItem, encode};

    #[test]
    fn what_is_typed_through_reports_reads_back() {
        let config = WedgeConfig::default();
        let code = "]C1 Shelf-42/x%\u{1d}9";
        let keys = encode(code, &config, Some(Terminator::Cr)).unwrap();
        let mut decoder = WedgeDecoder::new(config);
        let mut host = BootReports::default();
        for report in boot_reports(&keys).unwrap() {
            for event in host.events(&report).unwrap() {
                decoder.push(event);
            }
        }
        assert!(
            matches!(decoder.next(), Some(WedgeItem::Scan(scan)) if scan.bytes == code.as_bytes())
        );
    }
}
