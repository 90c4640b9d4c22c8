//! Which PCs of a store are here, for their siblings and for people.
//!
//! Judged by when each was last heard and by the store's opening hours: one that said that it stops,
//! or that is silent while the store is closed, is not missed. Nothing is decided by it: the haircut
//! of a silent store is the machine's.

use std::collections::BTreeMap;

use shelf_link::Frame;
use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::NodeId;
use shelf_stock::name::{StoreId, TenantId};
use shelf_stock::time::Timestamp;
use shelf_wire::frame::pack;
use shelf_wire::message::{HELLO_NODES_MAX, Message, Presence, PresenceRow};
use shelf_wire::topic::{Down, Lane, Topic};

use crate::seen::Seen;
use crate::storage::StoreKey;

/// How often a PC is told of its siblings, in milliseconds.
const TOLD_EVERY_MS: u64 = 60_000;
/// PCs whose last telling is remembered; the rest are told more often.
const REMEMBERED_MAX: usize = 100_000;

/// A PC is silent from so long on, unless the hub is told otherwise: three reports are missing.
pub const SILENT_AFTER_SECONDS_DEFAULT: u64 = shelf_replica::SILENCE_MS_MAX / 1_000;

/// A look at the PCs of a store.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// When.
    pub now: Timestamp,
    /// From when on a PC that wasn't heard is silent, in milliseconds.
    pub silent_after_ms: u64,
}

/// When each PC was told last.
#[derive(Debug, Default)]
pub struct Told(BTreeMap<(StoreKey, NodeId), u64>);

impl Told {
    /// Whether a PC is to be told now; then it counts as told.
    pub fn is_due(&mut self, store: StoreKey, node: NodeId, now_ms: u64) -> bool {
        if self.0.len() >= REMEMBERED_MAX {
            self.0.clear();
        }
        let last = self.0.get(&(store, node));
        let is_due = last.is_none_or(|at| now_ms.saturating_sub(*at) >= TOLD_EVERY_MS);
        if is_due {
            self.0.insert((store, node), now_ms);
        }
        is_due
    }

    /// Something about a store's PCs changed that shouldn't wait for a minute to pass: all of them
    /// are told when they report next.
    pub fn changed(&mut self, store: StoreKey) {
        self.0.retain(|(of, _), _| *of != store);
    }
}

/// How a PC is, as far as the hub can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was heard just now.
    Here,
    /// It said that it stops.
    Stopped,
    /// It is silent, and the store has been closed since.
    Closed,
    /// It is silent, and the store was open for so many milliseconds of that.
    Silent(u64),
    /// It was never heard.
    Never,
}

impl State {
    /// From when it was last heard.
    #[must_use]
    pub fn of(seen: &Seen, hours: Option<&OpeningHours>, look: Look) -> Self {
        let Some(heard) = seen.last_seen else {
            return Self::Never;
        };
        let silent_ms = u64::try_from(look.now.millis_since(heard)).unwrap_or(0);
        let open_ms = hours.map_or(silent_ms, |it| it.open_ms(heard, look.now));
        match seen.stopping {
            true => Self::Stopped,
            false if silent_ms < look.silent_after_ms => Self::Here,
            false if open_ms < look.silent_after_ms => Self::Closed,
            false => Self::Silent(open_ms),
        }
    }

    /// As a stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Stopped => "stopped",
            Self::Closed => "closed",
            Self::Silent(_) => "silent",
            Self::Never => "never",
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Here => "it is here".into(),
            Self::Stopped => "it was stopped on purpose".into(),
            Self::Closed => "it is silent, and the store is closed: nobody misses it".into(),
            Self::Silent(open_ms) => format!(
                "PC silent for {} minutes of opening time: is it switched on, is the network up?",
                open_ms / 60_000
            ),
            Self::Never => "it was never heard".into(),
        }
    }
}

/// A store's PCs as the wire says them.
#[must_use]
pub fn rows(seen: &[(NodeId, Seen)], look: Look) -> Vec<PresenceRow> {
    let row = |(node, it): &(NodeId, Seen)| PresenceRow {
        node: *node,
        heard: it.last_seen,
        here: State::of(it, None, look) == State::Here,
        stopped: it.stopping,
        unsynced: it.unsynced.unwrap_or(0),
        oldest_unsynced: it.oldest_unsynced_wall,
    };
    seen.iter().take(HELLO_NODES_MAX).map(row).collect()
}

/// The frame that tells a PC; none where it is alone in its store.
#[must_use]
pub fn frame(
    tenant: &TenantId,
    store: &StoreId,
    to: NodeId,
    rows: Vec<PresenceRow>,
) -> Option<Frame> {
    if rows.len() < 2 {
        return None;
    }
    let presence = Presence { rows, hours: None };
    let topic = Topic {
        tenant: tenant.clone(),
        store: store.clone(),
        lane: Lane::Down(to, Down::Cfg),
    };
    let payload = pack(&Message::Presence(presence)).ok()?;
    Some(Frame { topic, payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_one_only_while_the_store_is_open() {
        // Monday 2026-11-23 00:00 UTC; open from 9 to 20.
        let at = |hours: i64| Timestamp::from_millis(1_795_392_000_000 + hours * 3_600_000);
        let hours = OpeningHours::new(0, &[(540, 1_200)]);
        let seen = |hour, stopping| Seen {
            last_seen: Some(at(hour)),
            stopping,
            ..Seen::default()
        };
        let look = |hour| Look {
            now: at(hour),
            silent_after_ms: 90_000,
        };
        for (heard, stopping, now, state) in [
            (10, false, 10, State::Here),
            (20, false, 23, State::Closed),
            (19, false, 23, State::Silent(3_600_000)),
            (12, true, 15, State::Stopped),
            (12, false, 15, State::Silent(3 * 3_600_000)),
        ] {
            let found = State::of(&seen(heard, stopping), hours.as_ref(), look(now));
            assert_eq!(found, state, "heard at {heard}, looked at {now}");
        }
        let unknown = State::of(&seen(20, false), None, look(23));
        assert_eq!(
            unknown,
            State::Silent(3 * 3_600_000),
            "nobody said when it is open"
        );
        assert_eq!(State::of(&Seen::default(), None, look(1)), State::Never);
        let patient = Look {
            silent_after_ms: 5 * 3_600_000,
            ..look(15)
        };
        assert_eq!(State::of(&seen(12, false), None, patient), State::Here);
        assert!(
            State::Silent(120_000)
                .words()
                .starts_with("PC silent for 2 minutes")
        );
    }

    #[test]
    fn a_pc_is_told_once_a_minute() {
        let mut told = Told::default();
        let (one, two) = (NodeId::from_bytes([1; 16]), NodeId::from_bytes([2; 16]));
        let due = [
            (one, 0),
            (two, 5),
            (one, 59_999),
            (one, 60_000),
            (two, 60_000),
        ];
        let due = due.map(|(node, at)| told.is_due(StoreKey(1), node, at));
        assert_eq!(due, [true, true, false, true, false]);
        told.changed(StoreKey(2));
        assert!(!told.is_due(StoreKey(1), one, 70_000));
        told.changed(StoreKey(1));
        assert!(told.is_due(StoreKey(1), one, 70_000));
        assert!(!told.is_due(StoreKey(1), one, 70_001));
    }
}
