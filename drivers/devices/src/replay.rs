//! A frame of a journal, read again: its raw bytes go into a fresh dialogue of the device's kind, with the rules that
//! this program has today, and what comes out is compared with what was made of it then. No device is opened and
//! nothing is written; a dialogue's own words to its device are left out.

use shelf_codecs::scanner::hid_pos::descriptor::parse;

use crate::clock::Stamp;
use crate::config::DeviceKind;
use crate::counter_scanner::CounterScanner;
use crate::decoder::Decoded;
use crate::dialogue::{Dialogue, Step};
use crate::driver::Driver;
use crate::hid_scanner;
use crate::line_scanner::LineScanner;
use crate::scale::Scale;
use crate::ssi_scanner::SsiScanner;

/// Rounds of silence that end what is unfinished.
const SILENCES_MAX: u32 = 4;

/// Reads one frame's pieces with a device's kind; for HID scanners with the unit's report descriptor and vendor id.
/// `None`: bytes of this kind are not journaled.
#[must_use]
pub fn read(
    kind: &DeviceKind,
    descriptor: &[u8],
    vendor_id: u16,
    pieces: &[Vec<u8>],
) -> Option<Vec<Decoded>> {
    let mut dialogue = dialogue(kind, descriptor, vendor_id)?;
    let mut items = Vec::new();
    let mut now = Stamp {
        mono_us: 0,
        wall_ms: 0,
    };
    for piece in pieces {
        dialogue.received(now, piece);
        now.mono_us += 1_000;
        take(&mut *dialogue, &mut items);
    }
    for _ in 0..SILENCES_MAX {
        let Some(due) = dialogue.deadline() else {
            break;
        };
        now.mono_us = now.mono_us.max(due);
        dialogue.due(now);
        take(&mut *dialogue, &mut items);
    }
    Some(items)
}

fn dialogue(kind: &DeviceKind, descriptor: &[u8], vendor_id: u16) -> Option<Box<dyn Dialogue>> {
    Some(match kind {
        DeviceKind::LineScanner(it) => LineScanner::new(it.clone()).dialogue(),
        DeviceKind::SsiScanner(it) => SsiScanner::new(*it).dialogue(),
        DeviceKind::CounterScanner(it) => CounterScanner::new(it.clone()).dialogue(),
        DeviceKind::Scale(it) => Scale::new(*it).dialogue(),
        DeviceKind::HidScanner(_) => hid_scanner::dialogue_of(&parse(descriptor), vendor_id),
        DeviceKind::KeyboardScanner(_)
        | DeviceKind::BadgeReader
        | DeviceKind::LlrpReader(_)
        | DeviceKind::UhfReader(_) => return None,
    })
}

fn take(dialogue: &mut dyn Dialogue, items: &mut Vec<Decoded>) {
    while let Some(step) = dialogue.next() {
        match step {
            Step::Item(Decoded::Notice(_)) => {}
            Step::Item(item) => items.push(item),
            _ => {}
        }
    }
}
