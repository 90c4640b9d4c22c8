//! Who of the store is here: what this PC says of itself, and what the hub says of the others.
//!
//! Opening hours go to the hub, so that a PC that is switched off at night is not taken for one in
//! trouble; they are told again when this PC's zone changes its offset. What comes over the store's
//! own network is newer than the hub's word and stands before it.

use shelf_replica::node::Node;
use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;
use shelf_wire::message::PresenceRow;

use super::lan;
use super::safety::shop_time;
use super::status::PcStatus;
use crate::config::OpeningSettings;
use crate::platform;

/// What this PC says about the store's week.
#[derive(Debug)]
pub(super) struct Hours {
    spans: Option<Vec<(u32, u32)>>,
    told: Option<OpeningHours>,
}

impl Hours {
    /// What the configuration says, which was looked at before.
    pub(super) fn new(settings: &OpeningSettings) -> Self {
        Self {
            spans: settings.spans().ok().flatten(),
            told: None,
        }
    }

    /// What is to be told now, if it is not what was told last.
    pub(super) fn changed(&mut self) -> Option<OpeningHours> {
        let spans = self.spans.as_deref()?;
        let hours = OpeningHours::new(utc_offset_minutes(platform::wall_now()), spans)?;
        if self.told.as_ref() == Some(&hours) {
            return None;
        }
        self.told = Some(hours.clone());
        Some(hours)
    }
}

/// How far this PC's clocks are ahead of UTC.
fn utc_offset_minutes(now: Timestamp) -> i32 {
    let ahead_ms = shop_time(now).as_millis().saturating_sub(now.as_millis());
    i32::try_from(ahead_ms / 60_000).unwrap_or(0)
}

/// The store's other PCs: as they say themselves, and the hub's word about the rest.
pub(super) fn pcs(node: &Node, own: NodeId, rows: &[PresenceRow]) -> Vec<PcStatus> {
    let mut all = lan::pcs(node);
    let heard: Vec<String> = all.iter().map(|it| it.node.clone()).collect();
    let rest = rows.iter().filter(|it| it.node != own);
    let rest = rest.map(|it| PcStatus {
        node: it.node.to_string(),
        over: "hub".into(),
        here: it.here,
        stopped: it.stopped,
        as_of: it.heard,
        unsynced: it.heard.map(|_| it.unsynced),
        oldest_unsynced: it.oldest_unsynced,
        ..PcStatus::default()
    });
    all.extend(rest.filter(|it| !heard.contains(&it.node)));
    all
}
