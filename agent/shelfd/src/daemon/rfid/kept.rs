//! What a restart must not forget of the zones: where each thing is, and what was observed lately.
//!
//! Reads are kept nowhere. What they changed is gathered and written about once a second, a row for each thing
//! whose place is another now, in one transaction with the observations that say so. What a kill loses of the
//! last second is found anew by the readers. Partners are told only what is written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use shelf_codecs::epc::EpcBytes;
use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, Tx, Writer};
use shelf_sessions::presence::TAGS_MAX;
use shelf_stock::time::Timestamp;

use super::floor::{OBSERVED_MAX, Observed};
use super::plan::Plan;

/// Milliseconds between two writes.
pub(super) const KEEP_MS_MIN: u64 = 1_000;
/// Things in one transaction.
const THINGS_MAX: usize = 5_000;
/// Things whose rows may wait while the disk takes nothing; of more, some are shown after a restart until the
/// readers have missed them.
const WAITING_MAX: usize = 2 * TAGS_MAX;
/// Where it is kept where each thing is: `SINCE ZONE`.
const KEY: &str = "rfid.present/";
/// Where observations are kept.
const OBSERVED_KEY: &str = "rfid.observed/";
/// Where it is kept what may pass an exit.
const ALLOWED_KEY: &str = "rfid.allowed/";

/// Where a thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptTag {
    /// The thing.
    pub(super) epc: EpcBytes,
    /// The zone's name.
    pub(super) zone: String,
    /// Since when.
    pub(super) since: Timestamp,
}

/// What the ledger has.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Where each thing is.
    pub(super) tags: Vec<KeptTag>,
    /// The last observations, oldest first.
    pub(super) observed: VecDeque<Observed>,
    /// What may pass each exit, by zone.
    pub(super) allowed: BTreeMap<String, String>,
}

impl Kept {
    /// Reads it. What can't be read is forgotten, and the readers find it anew.
    /// Rows of zones that are none any more are dropped.
    pub(super) fn load(writer: &Writer, plan: &Plan) -> Self {
        let zones: Vec<String> = plan.followed().map(str::to_owned).collect();
        let load = move |tx: &mut Tx<'_>| {
            let mut tags = tx.settings_under(KEY, usize::MAX)?;
            let is_here =
                |it: &(String, String)| tag(it).is_some_and(|it| zones.contains(&it.zone));
            let stale = tags.extract_if(.., |it| !is_here(it));
            let mut drops: Vec<String> = stale.map(|it| it.0).collect();
            drops.extend(tags.drain(tags.len().min(TAGS_MAX)..).map(|it| it.0));
            let mut observed = tx.settings_under(OBSERVED_KEY, usize::MAX)?;
            let excess = observed.len().saturating_sub(OBSERVED_MAX);
            drops.extend(observed.drain(..excess).map(|it| it.0));
            let allowed = tx.settings_under(ALLOWED_KEY, usize::MAX)?;
            drops.iter().try_for_each(|it| tx.setting_drop(it))?;
            Ok::<_, TableError>((tags, observed, allowed))
        };
        let (tags, observed, allowed) = match writer.execute_blocking("zones", load).wait() {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "where things were can't be read: the readers find it anew");
                return Self::default();
            }
        };
        let observed = observed
            .iter()
            .filter_map(|it| serde_json::from_str(&it.1).ok());
        let name =
            |(key, text): (String, String)| Some((key.strip_prefix(ALLOWED_KEY)?.to_owned(), text));
        Self {
            tags: tags.iter().filter_map(tag).collect(),
            observed: observed.collect(),
            allowed: allowed.into_iter().filter_map(name).collect(),
        }
    }
}

fn tag((key, text): &(String, String)) -> Option<KeptTag> {
    let (since, zone) = text.split_once(' ')?;
    Some(KeptTag {
        epc: EpcBytes::from_hex(key.strip_prefix(KEY)?)?,
        zone: zone.to_owned(),
        since: Timestamp::from_millis(since.parse().ok()?),
    })
}

/// What is not kept yet.
#[derive(Debug)]
pub(super) struct Keeping {
    changed: BTreeSet<EpcBytes>,
    durable: u64,
    left: Vec<u64>,
}

/// Rows for one transaction.
#[derive(Debug, Default)]
pub(super) struct Draft {
    things: Vec<(EpcBytes, Option<KeptTag>)>,
    observed: Vec<Observed>,
    left: Vec<u64>,
}

impl Keeping {
    /// All is kept up to this observation.
    pub(super) fn new(durable: u64) -> Self {
        Self {
            changed: BTreeSet::new(),
            durable,
            left: Vec::new(),
        }
    }

    /// A thing is elsewhere now.
    pub(super) fn changed(&mut self, epc: EpcBytes) {
        if self.changed.len() < WAITING_MAX {
            self.changed.insert(epc);
        }
    }

    /// An observation is too old to be told.
    pub(super) fn left(&mut self, n: u64) {
        if n <= self.durable && self.left.len() < OBSERVED_MAX {
            self.left.push(n);
        }
    }

    /// The last observation that is kept.
    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    /// What is to be written next: where each changed thing is now.
    pub(super) fn draft(
        &mut self,
        observed: &VecDeque<Observed>,
        place: impl Fn(&EpcBytes) -> Option<KeptTag>,
    ) -> Draft {
        let mut things = Vec::new();
        while things.len() < THINGS_MAX
            && let Some(epc) = self.changed.pop_first()
        {
            things.push((epc, place(&epc)));
        }
        // Only once all of its things are with it, so that nothing is told twice after a kill.
        let observed = match self.changed.is_empty() {
            true => observed
                .iter()
                .filter(|it| it.n > self.durable)
                .cloned()
                .collect(),
            false => Vec::new(),
        };
        Draft {
            things,
            observed,
            left: std::mem::take(&mut self.left),
        }
    }

    /// A draft is durable, or must be written again.
    pub(super) fn done(&mut self, draft: Draft, done: bool) {
        if done {
            let last = draft.observed.last().map_or(0, |it| it.n);
            self.durable = self.durable.max(last);
            return;
        }
        draft.things.into_iter().for_each(|it| self.changed(it.0));
        self.left.extend(draft.left);
    }
}

impl Draft {
    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty() && self.observed.is_empty() && self.left.is_empty()
    }

    /// Whether more things than one transaction takes may be waiting.
    pub(super) fn is_full(&self) -> bool {
        self.things.len() == THINGS_MAX
    }

    /// Writes it, with what may pass the exits.
    pub(super) fn write(
        &self,
        writer: &Writer,
        allowed: &[(String, String)],
    ) -> Result<(), ExecuteError<TableError>> {
        let mut puts = Vec::new();
        let mut drops = Vec::new();
        for (epc, tag) in &self.things {
            let key = format!("{KEY}{epc}");
            match tag {
                Some(tag) => puts.push((key, format!("{} {}", tag.since.as_millis(), tag.zone))),
                None => drops.push(key),
            }
        }
        for it in &self.observed {
            if let Ok(text) = serde_json::to_string(it) {
                puts.push((observed_key(it.n), text));
            }
        }
        drops.extend(self.left.iter().map(|n| observed_key(*n)));
        let allowed = allowed.iter();
        puts.extend(allowed.map(|(zone, text)| (format!("{ALLOWED_KEY}{zone}"), text.clone())));
        let put = move |tx: &mut Tx<'_>| {
            puts.iter()
                .try_for_each(|(key, text)| tx.setting_put(key, text))?;
            drops.iter().try_for_each(|key| tx.setting_drop(key))
        };
        writer.execute_blocking("zones", put).wait()
    }
}

/// In the order of the numbers.
fn observed_key(n: u64) -> String {
    format!("{OBSERVED_KEY}{n:020}")
}
