//! What a device just said, as whoever watches it sees it: one line, masked.
//!
//! Goods are shown as they are; anything that may be a payment means, and whatever is damaged, is masked;
//! of a badge only that one was shown. Watching must never slow a scan down: who is behind misses lines,
//! and is told how many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use shelf_codecs::barcode::{Barcode, PrefixScheme, interpret};
use shelf_codecs::redact::mask_bytes;
use shelf_codecs::scanner::Scan;
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::tag_read::TagRead;
use shelf_stock::time::Timestamp;

use tokio::sync::broadcast;

use super::state_word;
use crate::daemon::status::DeviceStatus;
use crate::platform;

/// Lines that a slow watcher may be behind.
const HAPPENINGS_MAX: usize = 256;
/// Tags that one line names.
const TAGS_NAMED_MAX: usize = 4;
/// Characters of one line.
const TEXT_CHARS_MAX: usize = 256;

/// Where devices' words go: to whoever watches, and the last ones to the page.
#[derive(Clone, Debug)]
pub(crate) struct Happenings {
    sender: broadcast::Sender<Happening>,
    last: Arc<Mutex<BTreeMap<String, Happening>>>,
}

impl Happenings {
    /// Nobody watches yet.
    pub(super) fn new() -> Self {
        Self {
            sender: broadcast::channel(HAPPENINGS_MAX).0,
            last: Arc::default(),
        }
    }

    /// A device said something.
    pub(crate) fn tell(&self, event: &DeviceEvent) {
        // States have a place of their own, and tags come by the thousand.
        let is_kept = !matches!(event.payload, Payload::State(_) | Payload::Tags(_));
        let is_watched = self.sender.receiver_count() > 0;
        if !is_kept && !is_watched {
            return;
        }
        let line = Happening::of(event);
        if is_kept {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            last.insert(line.device.clone(), line.clone());
        }
        // Nobody there any more is no failure.
        let _watched = self.sender.send(line);
    }

    /// What devices say from now on.
    pub(super) fn watch(&self) -> broadcast::Receiver<Happening> {
        self.sender.subscribe()
    }

    /// What a device said last.
    pub(super) fn last(&self, device: &str) -> Option<Happening> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(device).cloned()
    }
}

/// One thing that a device said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Happening {
    /// What people call the device.
    pub(crate) device: String,
    /// When it was read.
    pub(crate) at: Timestamp,
    /// `scan`, `badge`, `weight`, `tags`, `receipt`, `notice`, `fault`, `state`, or `missed` where the
    /// watcher was too slow.
    pub(crate) what: String,
    /// What was said, masked; of a state the words.
    pub(crate) text: String,
    /// The state as a stable word, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
}

impl Happening {
    /// An event of the device layer as one line.
    pub(crate) fn of(event: &DeviceEvent) -> Self {
        let (what, text) = match &event.payload {
            Payload::Scan(scan) => ("scan", shown(scan)),
            // Whoever has its number can copy the badge.
            Payload::Badge(_) => ("badge", "a badge was shown".to_owned()),
            Payload::Weight(weighing) => ("weight", weighing.to_string()),
            Payload::Tags(reads) => ("tags", tags(reads)),
            Payload::Receipt(it) => ("receipt", format!("{} lines printed", it.lines.len())),
            Payload::Notice(words) => ("notice", words.clone()),
            Payload::Fault(fault) => ("fault", format!("{}: {}", fault.cause, fault.masked)),
            Payload::State(state) => ("state", state.to_string()),
        };
        let state = match &event.payload {
            Payload::State(state) => Some(state_word(state).to_owned()),
            _ => None,
        };
        Self {
            device: event.device.to_string(),
            at: Timestamp::from_millis(event.at.wall_ms),
            what: what.to_owned(),
            text: text.chars().take(TEXT_CHARS_MAX).collect(),
            state,
        }
    }

    /// How a device is when the watch begins.
    pub(crate) fn standing(row: DeviceStatus, now: Timestamp) -> Self {
        Self {
            device: row.name,
            at: now,
            what: "state".to_owned(),
            text: row.detail,
            state: Some(row.state),
        }
    }

    /// The watcher was too slow for some lines.
    pub(crate) fn missed(lines: u64) -> Self {
        Self {
            device: String::new(),
            at: platform::wall_now(),
            what: "missed".to_owned(),
            text: format!("{lines} lines were missed"),
            state: None,
        }
    }
}

/// The tags of one event: how many, and the first ones.
fn tags(reads: &[TagRead]) -> String {
    let named: Vec<String> = reads
        .iter()
        .take(TAGS_NAMED_MAX)
        .map(|it| it.epc.to_string())
        .collect();
    let more = if reads.len() > TAGS_NAMED_MAX {
        ", …"
    } else {
        ""
    };
    format!("{} reads: {}{more}", reads.len(), named.join(", "))
}

/// A code as it is if it is goods, else masked: a magnetic card typed by a scanner is digits too.
fn shown(scan: &Scan) -> String {
    match interpret(&scan.text(PrefixScheme::None), &[]) {
        Barcode::Refused(_) | Barcode::Bad { .. } => mask_bytes(&scan.bytes),
        _ => scan.bytes.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use shelf_devices::clock::Stamp;
    use shelf_devices::event::EventSeq;

    use super::*;

    fn line(payload: Payload) -> Happening {
        let (mono_us, wall_ms) = (1, 1_800_000_000_000);
        Happening::of(&DeviceEvent {
            device: Arc::from("front"),
            seq: EventSeq {
                incarnation: 1,
                counter: 1,
            },
            at: Stamp { mono_us, wall_ms },
            payload,
        })
    }

    #[test]
    fn goods_are_shown_and_what_could_be_a_card_or_a_badge_is_not() {
        let scan = |text: &str| line(Payload::Scan(Scan::plain(text.into(), None))).text;
        assert_eq!(scan("4006381333931"), "4006381333931");
        for card in [
            "4111111111111111",
            "%B4111111111111111^A/B^29",
            ";4111111111111111=29",
        ] {
            assert!(!scan(card).contains("4111111111"), "{}", scan(card));
        }
        let badge = line(Payload::Badge(vec![0x04, 0xA1, 0xB2, 0xC3]));
        let json = serde_json::to_string(&badge).unwrap().to_lowercase();
        assert!(!json.contains("a1b2") && !json.contains("161"), "{json}");
    }
}
