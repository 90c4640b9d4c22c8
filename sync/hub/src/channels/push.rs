//! What one channel is told next: a machine without clock, network or luck.
//!
//! It keeps the newest level of every (store, item) and never a queue of old ones. Levels that
//! went down leave before levels that went up, near zero before plenty, and what has waited long
//! enough before everything else, so that nothing starves. A batch that fails is unknown, not
//! undone: its rows are pushed again with the newest level after a back-off. To an external
//! marketplace nothing higher may be pushed before the store's machine has exposed it, and what it
//! can sell is let go only after it confirmed less and a grace has passed, in which its own queue
//! runs dry. The machine must never hold two batches in flight.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::name::{ItemId, StoreId};
use shelf_stock::quantity::Quantity;

/// A level that waited so long goes before all others.
pub const AGED_MS: u64 = 60_000;
/// The first wait after a failed batch, and the longest.
pub const RETRY_MS: u64 = 1_000;
/// The longest wait after failed batches.
pub const RETRY_MS_MAX: u64 = 300_000;
const RETRY_DOUBLINGS_MAX: u32 = 9;

/// Where and what.
pub type Key = (StoreId, ItemId);

/// How a channel wants to be told.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The least time between the beginnings of two batches.
    pub interval_ms: u64,
    /// Levels of one batch.
    pub batch_levels_max: usize,
    /// An external marketplace: how long after its answer what it was shown before may be sold
    /// still. `None`: the channel asks before it sells.
    pub grace_ms: Option<u64>,
}

/// One level of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Where and what.
    pub key: Key,
    /// What to show.
    pub level: Quantity,
    /// It may be more than the marketplace shows now: expose it first.
    pub raises: bool,
}

/// What the edge does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Tell the channel these levels, then say [`Pusher::pushed`] or [`Pusher::failed`].
    Batch(Vec<Push>),
    /// The marketplace shows these levels and no more: let the rest go.
    Lowered(Vec<(Key, Quantity)>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    wanted: Quantity,
    /// What the channel confirmed last; `None`: unknown.
    shown: Option<Quantity>,
    /// Since when the wish waits.
    since_ms: Option<u64>,
    /// Counts batches, so that a grace that is out of date is known.
    batch: u64,
}

/// The order in which levels leave.
type Score = (bool, Quantity, u64);

/// The machine of one channel.
#[derive(Debug)]
pub struct Pusher {
    pace: Pace,
    rows: BTreeMap<Key, Row>,
    queue: BTreeSet<(Score, Key)>,
    by_age: BTreeSet<(u64, Key)>,
    in_flight: Vec<(Key, Quantity)>,
    graces: BTreeSet<(u64, Key, u64)>,
    batch: u64,
    next_at_ms: u64,
    failures: u32,
}

impl Pusher {
    /// A machine that knows nothing of what the channel shows.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            rows: BTreeMap::new(),
            queue: BTreeSet::new(),
            by_age: BTreeSet::new(),
            in_flight: Vec::new(),
            graces: BTreeSet::new(),
            batch: 0,
            next_at_ms: 0,
            failures: 0,
        }
    }

    /// A level as it is now; what the channel shows already waits for nothing.
    pub fn set(&mut self, now_ms: u64, key: Key, level: Quantity) {
        let mut row = self.rows.get(&key).copied().unwrap_or_default();
        self.unqueue(&key, row);
        row.wanted = level;
        let flies = self.in_flight.iter().any(|(it, _)| *it == key);
        let differs = row.shown != Some(level);
        row.since_ms = differs.then(|| row.since_ms.unwrap_or(now_ms));
        if !flies {
            self.enqueue(&key, row);
        }
        self.rows.insert(key, row);
    }

    /// What to do now, if anything.
    pub fn poll(&mut self, now_ms: u64) -> Option<Work> {
        let lowered = self.due_graces(now_ms);
        if !lowered.is_empty() {
            return Some(Work::Lowered(lowered));
        }
        if !self.in_flight.is_empty() || now_ms < self.next_at_ms || self.queue.is_empty() {
            return None;
        }
        self.batch += 1;
        self.next_at_ms = now_ms.saturating_add(self.pace.interval_ms);
        let mut batch = Vec::new();
        while batch.len() < self.pace.batch_levels_max.max(1) {
            let aged = self
                .by_age
                .first()
                .filter(|(since, _)| since + AGED_MS <= now_ms);
            let first = aged
                .map(|(_, key)| key)
                .or(self.queue.first().map(|(_, key)| key));
            let Some(key) = first.cloned() else {
                break;
            };
            let Some(mut row) = self.rows.get(&key).copied() else {
                break;
            };
            self.unqueue(&key, row);
            row.batch = self.batch;
            row.since_ms = None;
            self.rows.insert(key.clone(), row);
            self.in_flight.push((key.clone(), row.wanted));
            batch.push(Push {
                key,
                level: row.wanted,
                raises: row.shown.is_none_or(|it| it < row.wanted),
            });
        }
        Some(Work::Batch(batch))
    }

    /// The channel has the batch; `shown`: what it was told of each key where that was less than
    /// the machine wanted.
    pub fn pushed(&mut self, now_ms: u64, shown: &BTreeMap<Key, Quantity>) {
        self.failures = 0;
        for (key, wanted) in std::mem::take(&mut self.in_flight) {
            let Some(mut row) = self.rows.get(&key).copied() else {
                continue;
            };
            let told = shown.get(&key).copied().unwrap_or(wanted);
            row.shown = Some(told);
            // A level that could not be exposed is not tried again before it changes.
            let settled = row.wanted == wanted || row.wanted == told;
            row.since_ms = (!settled).then(|| row.since_ms.unwrap_or(now_ms));
            if let Some(grace) = self.pace.grace_ms {
                let due = now_ms.saturating_add(grace);
                self.graces.insert((due, key.clone(), row.batch));
            }
            self.enqueue(&key, row);
            self.rows.insert(key, row);
        }
    }

    /// Nobody knows whether the channel has the batch; it may say when to come again. `jitter`
    /// spreads the waits of many hubs.
    pub fn failed(&mut self, now_ms: u64, retry_after_ms: Option<u64>, jitter: u64) {
        let doubled = RETRY_MS << self.failures.min(RETRY_DOUBLINGS_MAX);
        let wait = doubled.min(RETRY_MS_MAX);
        let wait = retry_after_ms.unwrap_or(0).max(wait + jitter % (wait / 2));
        self.failures = self.failures.saturating_add(1);
        self.next_at_ms = self.next_at_ms.max(now_ms.saturating_add(wait));
        for (key, _) in std::mem::take(&mut self.in_flight) {
            let Some(mut row) = self.rows.get(&key).copied() else {
                continue;
            };
            row.shown = None;
            row.since_ms.get_or_insert(now_ms);
            self.enqueue(&key, row);
            self.rows.insert(key, row);
        }
    }

    /// When [`Pusher::poll`] may have something, unless a level is set or a batch ends before.
    #[must_use]
    pub fn wake_at_ms(&self) -> Option<u64> {
        let grace = self.graces.first().map(|it| it.0);
        let idle = self.in_flight.is_empty() && !self.queue.is_empty();
        let batch = idle.then_some(self.next_at_ms);
        grace.into_iter().chain(batch).min()
    }

    /// How many levels wait, and since when the oldest does.
    #[must_use]
    pub fn waiting(&self) -> (usize, Option<u64>) {
        (self.queue.len(), self.by_age.first().map(|it| it.0))
    }

    /// Levels whose grace is over and that were not pushed again since.
    fn due_graces(&mut self, now_ms: u64) -> Vec<(Key, Quantity)> {
        let mut due = Vec::new();
        while let Some((at, key, batch)) = self.graces.first().cloned() {
            if at > now_ms {
                break;
            }
            self.graces.pop_first();
            let row = self.rows.get(&key);
            let current = row.filter(|it| it.batch == batch).and_then(|it| it.shown);
            due.extend(current.map(|shown| (key, shown)));
        }
        due
    }

    fn enqueue(&mut self, key: &Key, row: Row) {
        if let Some(since) = row.since_ms {
            self.queue.insert((score(row, since), key.clone()));
            self.by_age.insert((since, key.clone()));
        }
    }

    fn unqueue(&mut self, key: &Key, row: Row) {
        if let Some(since) = row.since_ms {
            self.queue.remove(&(score(row, since), key.clone()));
            self.by_age.remove(&(since, key.clone()));
        }
    }
}

/// Lowered first (what is unknown may have to be lowered), then near zero, then the oldest.
fn score(row: Row, since_ms: u64) -> Score {
    let raised = row.shown.is_some_and(|it| it < row.wanted);
    (raised, row.wanted, since_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        interval_ms: 100,
        batch_levels_max: 2,
        grace_ms: None,
    };

    fn key(item: &str) -> Key {
        ("berlin".parse().unwrap(), item.parse().unwrap())
    }

    fn units(of: i64) -> Quantity {
        Quantity::units(of)
    }

    fn batch(of: Option<Work>) -> Vec<(String, i64)> {
        match of {
            Some(Work::Batch(rows)) => rows
                .iter()
                .map(|it| (it.key.1.to_string(), it.level.as_thousandths() / 1000))
                .collect(),
            Some(other) => panic!("{other:?}"),
            None => Vec::new(),
        }
    }

    fn shown(pusher: &mut Pusher, now: u64, levels: &[(&str, i64)]) {
        for (item, level) in levels {
            pusher.set(now, key(item), units(*level));
        }
        while pusher.poll(now.max(pusher.next_at_ms)).is_some() {
            pusher.pushed(now, &BTreeMap::new());
        }
        pusher.next_at_ms = now;
    }

    #[test]
    fn lowered_levels_leave_first_then_near_zero_then_the_oldest() {
        let mut pusher = Pusher::new(PACE);
        shown(&mut pusher, 0, &[("a", 5), ("b", 9), ("c", 5), ("d", 1)]);
        for (at, item, level) in [(1, "a", 9), (2, "b", 7), (3, "c", 0), (4, "d", 2)] {
            pusher.set(at, key(item), units(level));
        }
        let first = batch(pusher.poll(1_000));
        assert_eq!(first, [("c".to_owned(), 0), ("b".to_owned(), 7)]);
        assert_eq!(batch(pusher.poll(1_000)), [], "one batch at a time");
        pusher.pushed(1_010, &BTreeMap::new());
        assert_eq!(batch(pusher.poll(1_050)), [], "too soon");
        let second = batch(pusher.poll(1_100));
        assert_eq!(second, [("d".to_owned(), 2), ("a".to_owned(), 9)]);
    }

    #[test]
    fn only_the_newest_level_is_told_and_what_is_shown_already_is_not() {
        let mut pusher = Pusher::new(PACE);
        for level in [5, 4, 3] {
            pusher.set(0, key("a"), units(level));
        }
        assert_eq!(batch(pusher.poll(0)), [("a".to_owned(), 3)]);
        // It changes while it flies: told once more afterwards.
        pusher.set(1, key("a"), units(2));
        pusher.pushed(2, &BTreeMap::new());
        assert_eq!(batch(pusher.poll(200)), [("a".to_owned(), 2)]);
        pusher.pushed(201, &BTreeMap::new());
        pusher.set(202, key("a"), units(2));
        assert_eq!(
            (batch(pusher.poll(999)), pusher.wake_at_ms()),
            (vec![], None)
        );
        // There and back before it left: nothing to tell.
        pusher.set(300, key("a"), units(1));
        pusher.set(301, key("a"), units(2));
        assert_eq!(batch(pusher.poll(999)), []);
    }

    #[test]
    fn a_failed_batch_is_told_again_later_with_the_newest_level() {
        let mut pusher = Pusher::new(PACE);
        shown(&mut pusher, 0, &[("a", 5)]);
        pusher.set(1, key("a"), units(3));
        assert_eq!(batch(pusher.poll(1)), [("a".to_owned(), 3)]);
        pusher.failed(10, None, 0);
        // Back to what was shown before: but nobody knows what is shown now.
        pusher.set(11, key("a"), units(5));
        assert_eq!(batch(pusher.poll(1_009)), []);
        assert_eq!(batch(pusher.poll(1_010)), [("a".to_owned(), 5)]);
        pusher.failed(1_020, Some(60_000), 0);
        assert_eq!(pusher.wake_at_ms(), Some(61_020));
        for (failures, expected) in [(2, 4_000), (3, 8_000), (30, RETRY_MS_MAX)] {
            pusher.failures = failures;
            pusher.next_at_ms = 0;
            pusher.failed(0, None, 0);
            assert_eq!(pusher.next_at_ms, expected, "{failures}");
        }
    }

    #[test]
    fn what_waits_too_long_is_not_starved_by_urgent_levels() {
        let mut pusher = Pusher::new(PACE);
        shown(&mut pusher, 0, &[("a", 1), ("b", 9), ("c", 9)]);
        pusher.set(1, key("a"), units(100));
        let later = AGED_MS + 1;
        pusher.set(later, key("b"), units(0));
        pusher.set(later, key("c"), units(1));
        let first = batch(pusher.poll(later));
        assert_eq!(first, [("a".to_owned(), 100), ("b".to_owned(), 0)]);
    }

    #[test]
    fn a_marketplace_lets_go_only_after_its_answer_and_a_grace() {
        let mut pusher = Pusher::new(Pace {
            grace_ms: Some(1_000),
            ..PACE
        });
        let raises = |work: Option<Work>| -> Vec<bool> {
            match work {
                Some(Work::Batch(rows)) => rows.iter().map(|it| it.raises).collect(),
                other => panic!("{other:?}"),
            }
        };
        pusher.set(0, key("a"), units(5));
        assert_eq!(raises(pusher.poll(0)), [true], "nobody knows what it shows");
        // It could not be exposed whole.
        let less = BTreeMap::from([(key("a"), units(4))]);
        pusher.pushed(10, &less);
        assert_eq!(pusher.poll(500), None, "not tried again before it changes");
        pusher.set(600, key("a"), units(2));
        assert_eq!(raises(pusher.poll(600)), [false]);
        pusher.pushed(610, &BTreeMap::new());
        // The first answer's grace is over, but it was told something else since.
        assert_eq!(pusher.poll(1_010), None);
        assert_eq!(pusher.wake_at_ms(), Some(1_610));
        let lowered = Work::Lowered(vec![(key("a"), units(2))]);
        assert_eq!(pusher.poll(1_610), Some(lowered));
        assert_eq!(pusher.wake_at_ms(), None);
    }

    proptest! {
        /// Whatever fails: once nothing changes any more the channel shows what is wanted.
        #[test]
        fn the_channel_ends_with_the_newest_levels(
            steps in prop::collection::vec((0_u8..6, 0_i64..9, any::<bool>()), 1..60),
        ) {
            let mut pusher = Pusher::new(PACE);
            let (mut wanted, mut there) = (BTreeMap::new(), BTreeMap::new());
            let mut now = 0;
            for (item, level, fails) in steps {
                let key = key(&format!("i{item}"));
                pusher.set(now, key.clone(), units(level));
                wanted.insert(key, units(level));
                now += 500;
                if let Some(Work::Batch(rows)) = pusher.poll(now) {
                    // A failed batch may have arrived all the same.
                    there.extend(rows.into_iter().map(|it| (it.key, it.level)));
                    if fails {
                        pusher.failed(now, None, 7);
                    } else {
                        pusher.pushed(now, &BTreeMap::new());
                    }
                }
            }
            while let Some(at) = pusher.wake_at_ms() {
                now = now.max(at);
                if let Some(Work::Batch(rows)) = pusher.poll(now) {
                    there.extend(rows.into_iter().map(|it| (it.key, it.level)));
                    pusher.pushed(now, &BTreeMap::new());
                }
            }
            prop_assert_eq!(there, wanted);
        }
    }
}
