//! The verdict on this PC: a colour that is never alone, and why. Green only while the hub has everything that
//! is older than a minute and was heard a moment ago.

use serde::{Deserialize, Serialize};
use shelf_stock::time::Timestamp;

use super::{Need, Status};

/// The oldest document that the hub may lack while the light is green.
pub(crate) const GREEN_UNSYNCED_AGE_MS_MAX: i64 = 60_000;
/// How long the hub may have been silent while the light is green.
pub(crate) const GREEN_HUB_SILENCE_MS_MAX: i64 = 90_000;
/// A clock before this (2024-01-01) is wrong.
pub(crate) const CLOCK_FLOOR_MS: i64 = 1_704_067_200_000;

/// The line on top: a colour that is never alone, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// How bad.
    pub(crate) level: Level,
    /// Why.
    pub(crate) cause: Cause,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Everything works.
    Green,
    /// Selling works; something is behind.
    Amber,
    /// Somebody is needed.
    Red,
}

/// Why the verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub(crate) enum Cause {
    /// Everything works.
    Fine,
    /// No hub is configured.
    Alone,
    /// The hub was not heard of yet or for too long.
    Offline {
        /// Since when, if it ever was.
        since: Option<Timestamp>,
        /// Documents waiting.
        waiting: u64,
    },
    /// The hub is there but lacks something old.
    Behind {
        /// Documents waiting.
        waiting: u64,
        /// The oldest of them.
        oldest: Timestamp,
    },
    /// Somebody is needed.
    Needs {
        /// For how many things.
        count: usize,
    },
    /// The disk is full: the reserve keeps the tills selling.
    DiskFull,
    /// The clock can't be right.
    Clock,
}

/// What the line on top says.
pub(crate) fn verdict(status: &Status) -> Verdict {
    let red = |cause| Verdict {
        level: Level::Red,
        cause,
    };
    let amber = |cause| Verdict {
        level: Level::Amber,
        cause,
    };
    if status.ledger.ballast_released {
        return red(Cause::DiskFull);
    }
    if status.as_of.as_millis() < CLOCK_FLOOR_MS {
        return red(Cause::Clock);
    }
    let urgent = |it: &&Need| !matches!(it, Need::UnknownCodes { .. } | Need::ShutOnline { .. });
    if status.needs_you.iter().any(|it| urgent(&it)) {
        return red(Cause::Needs {
            count: status.needs_you.len(),
        });
    }
    let sync = &status.sync;
    if sync.broker.is_none() {
        return amber(Cause::Alone);
    }
    let silent = sync
        .hub_heard
        .is_none_or(|it| status.as_of.millis_since(it) > GREEN_HUB_SILENCE_MS_MAX);
    if !sync.link_up || silent {
        return amber(Cause::Offline {
            since: sync.hub_heard,
            waiting: sync.unsynced,
        });
    }
    let old = |it: &Timestamp| status.as_of.millis_since(*it) > GREEN_UNSYNCED_AGE_MS_MAX;
    if let Some(oldest) = sync.oldest_unsynced.filter(old) {
        return amber(Cause::Behind {
            waiting: sync.unsynced,
            oldest,
        });
    }
    if !status.needs_you.is_empty() {
        return amber(Cause::Needs {
            count: status.needs_you.len(),
        });
    }
    Verdict {
        level: Level::Green,
        cause: Cause::Fine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::compare::CompareStatus;
    use crate::daemon::status::{AtRisk, LedgerStatus, OrdersStatus, SyncStatus};

    const NOW: i64 = 1_800_000_000_000;

    fn status() -> Status {
        Status {
            verdict: Verdict {
                level: Level::Red,
                cause: Cause::Clock,
            },
            pc_name: "till 1".into(),
            tenant: None,
            store: None,
            node: String::new(),
            version: String::new(),
            currency: "EUR".into(),
            as_of: Timestamp::from_millis(NOW),
            started: Timestamp::from_millis(NOW),
            tills: vec![],
            devices: vec![],
            zones: Vec::new(),
            sync: SyncStatus {
                broker: Some("mqtt://hub".into()),
                link_up: true,
                hub_heard: Some(Timestamp::from_millis(NOW - 1_000)),
                ..SyncStatus::default()
            },
            at_risk: AtRisk::default(),
            orders: OrdersStatus::default(),
            compare: CompareStatus::default(),
            ledger: LedgerStatus::default(),
            needs_you: vec![],
        }
    }

    fn level(change: impl FnOnce(&mut Status)) -> Level {
        let mut status = status();
        change(&mut status);
        verdict(&status).level
    }

    #[test]
    fn green_only_while_the_hub_has_all_and_was_heard() {
        let ago = |ms: i64| Some(Timestamp::from_millis(NOW - ms));
        assert_eq!(level(|_| ()), Level::Green);
        assert_eq!(
            level(|it| it.sync.oldest_unsynced = ago(60_000)),
            Level::Green
        );
        assert_eq!(
            level(|it| it.sync.oldest_unsynced = ago(60_001)),
            Level::Amber
        );
        assert_eq!(level(|it| it.sync.hub_heard = ago(90_000)), Level::Green);
        assert_eq!(level(|it| it.sync.hub_heard = ago(90_001)), Level::Amber);
        assert_eq!(level(|it| it.sync.hub_heard = None), Level::Amber);
        assert_eq!(level(|it| it.sync.link_up = false), Level::Amber);
        assert_eq!(level(|it| it.sync.broker = None), Level::Amber);
        assert_eq!(level(|it| it.ledger.ballast_released = true), Level::Red);
        assert_eq!(
            level(|it| it.as_of = Timestamp::from_millis(946_684_800_000)),
            Level::Red
        );
        assert_eq!(
            level(|it| it.needs_you.push(Need::Inbox { count: 1 })),
            Level::Red
        );
        let unknown = Need::UnknownCodes { codes: 1, lines: 2 };
        assert_eq!(level(|it| it.needs_you.push(unknown)), Level::Amber);
    }
}
