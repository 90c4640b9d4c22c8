//! The zones where goods lie: presence, and what was observed lately.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use shelf_codecs::epc::EpcBytes;
use shelf_sessions::presence::{
    Change, Event, GateEvent, Passage, Presence, PresentTag, Read, ZoneId,
};
use shelf_stock::time::Timestamp;

use super::kept::{Draft, Keeping, Kept, KeptTag};
use super::plan::Plan;
use super::{mono_of, wall_of};
use crate::platform::MonoClock;

/// Observations that are kept for pages and partners.
pub(super) const OBSERVED_MAX: usize = 1_000;

/// What is observed where a thing goes out unsold.
pub(super) const ALARM: &str = "alarm";
/// What is observed where a thing goes out that may.
const PASSED: &str = "passed";

/// A tag that came, went, or was carried elsewhere. No movement of stock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Observed {
    /// Grows from observation to observation, over restarts, with gaps.
    pub(crate) n: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// Which thing, in hexadecimal digits.
    pub(crate) epc: String,
    /// `arrived`, `moved` or `departed`; at an exit `passed` (it was sold) or `alarm` (it was not).
    pub(crate) what: String,
    /// Where it was before, unless it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// Where it is now, unless it departed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
}

/// What is known of a reader.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// It reads: silence means that there are no tags.
    pub(super) sees: bool,
    /// What it last said of itself.
    pub(super) notice: String,
    /// Sightings so far.
    pub(super) reads: u64,
    /// Reads of antennas that no zone has.
    pub(super) unplaced: u64,
    /// When it last read a tag, in milliseconds since 1970.
    pub(super) last_ms: Option<i64>,
}

/// What was counted of a zone since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) reads: u64,
    pub(super) arrived: u64,
    pub(super) departed: u64,
}

/// The zones.
pub(super) struct Floor {
    presence: Presence,
    readers: BTreeMap<String, Known>,
    tallies: Vec<Tally>,
    names: Vec<String>,
    blind: BTreeSet<ZoneId>,
    observed: VecDeque<Observed>,
    news: u64,
    events: Vec<Event>,
    keeping: Keeping,
}

impl Floor {
    /// Zones that go on with what was kept of them; no reader sees yet.
    pub(super) fn new(plan: &Plan, kept: Kept, clock: MonoClock) -> Self {
        let now_ms = clock.millis();
        let mut presence = Presence::new(plan.presence());
        let mut blind = BTreeSet::new();
        for zone in plan.zones() {
            presence.set_blind(zone.id, true, now_ms);
            blind.insert(zone.id);
        }
        let tags = kept.tags.into_iter().filter_map(|tag| {
            Some(PresentTag {
                epc: tag.epc,
                zone: plan.named(&tag.zone)?.id,
                since_ms: mono_of(clock, tag.since).unwrap_or(0),
                last_ms: now_ms,
            })
        });
        presence.restore(tags, now_ms);
        let news = kept.observed.back().map_or(0, |it| it.n);
        let known = |name: &str| (name.to_owned(), Known::default());
        Self {
            presence,
            readers: plan.readers().map(known).collect(),
            tallies: vec![Tally::default(); plan.zones().len()],
            names: plan
                .zones()
                .iter()
                .map(|it| it.settings.name.clone())
                .collect(),
            blind,
            observed: kept.observed,
            news,
            events: Vec::new(),
            keeping: Keeping::new(news),
        }
    }

    /// Grows with every observation.
    pub(super) fn news(&self) -> u64 {
        self.news
    }

    /// A reader's words of itself.
    pub(super) fn notice(&mut self, device: &str, words: &str) {
        if let Some(known) = self.readers.get_mut(device) {
            words.clone_into(&mut known.notice);
        }
    }

    /// A reader reads, or does no more. A zone is blind while none of its readers reads.
    pub(super) fn sees(&mut self, plan: &Plan, device: &str, sees: bool, now_ms: u64) {
        let Some(known) = self.readers.get_mut(device) else {
            return;
        };
        known.sees = sees;
        for zone in plan.zones() {
            let mut readers = zone.readers.iter();
            let is_blind = !readers.any(|it| self.readers.get(it).is_some_and(|it| it.sees));
            let was_blind = self.blind.contains(&zone.id);
            if is_blind != was_blind {
                self.presence.set_blind(zone.id, is_blind, now_ms);
                self.news += 1;
                match is_blind {
                    true => self.blind.insert(zone.id),
                    false => self.blind.remove(&zone.id),
                };
            }
        }
    }

    /// Counts sightings of a reader in a zone.
    pub(super) fn counted(&mut self, device: &str, zone: ZoneId, count: u16, wall_ms: i64) {
        if let Some(known) = self.readers.get_mut(device) {
            known.reads += u64::from(count);
            known.last_ms = Some(wall_ms);
        }
        if let Some(tally) = self.tallies.get_mut(usize::from(zone.0)) {
            tally.reads += u64::from(count);
        }
    }

    /// Counts what was read by hand.
    pub(super) fn swept(&mut self, zone: ZoneId, reads: u64) {
        if let Some(tally) = self.tallies.get_mut(usize::from(zone.0)) {
            tally.reads += reads;
        }
    }

    /// A read of an antenna that no zone has.
    pub(super) fn unplaced(&mut self, device: &str) {
        if let Some(known) = self.readers.get_mut(device) {
            known.unplaced += 1;
        }
    }

    /// Folds one read.
    pub(super) fn read(&mut self, read: &Read, clock: MonoClock) {
        let mut events = std::mem::take(&mut self.events);
        self.presence.read(read, &mut events);
        self.observe(&mut events, clock);
        self.events = events;
    }

    /// Time goes on.
    pub(super) fn advance(&mut self, now_ms: u64, clock: MonoClock) {
        let mut events = std::mem::take(&mut self.events);
        self.presence.advance(now_ms, &mut events);
        self.observe(&mut events, clock);
        self.events = events;
    }

    fn observe(&mut self, events: &mut Vec<Event>, clock: MonoClock) {
        for event in events.drain(..) {
            self.keeping.changed(event.epc);
            let (what, from, to) = match event.change {
                Change::Arrived { zone } => ("arrived", None, Some(zone)),
                Change::Moved { from, to } => ("moved", Some(from), Some(to)),
                Change::Departed { zone } => ("departed", Some(zone), None),
            };
            let place = |zone: Option<ZoneId>| usize::from(zone.map_or(u16::MAX, |it| it.0));
            if let Some(tally) = self.tallies.get_mut(place(to)) {
                tally.arrived += 1;
            }
            if let Some(tally) = self.tallies.get_mut(place(from)) {
                tally.departed += 1;
            }
            let name = |zone| self.names.get(place(zone)).cloned();
            let (from, to) = (name(from), name(to));
            let at = wall_of(clock, event.at_ms);
            self.told(at, event.epc, what, (from, to));
        }
    }

    /// A thing went out through an exit.
    pub(super) fn passed(&mut self, plan: &Plan, gone: &GateEvent, clock: MonoClock) {
        let what = match gone.passage {
            Passage::Alarm => ALARM,
            Passage::Sold | Passage::Allowance => PASSED,
        };
        let exit = plan.zones().iter().find(|it| it.id == gone.exit);
        let from = exit.and_then(|it| it.settings.inside.clone());
        let to = exit.map(|it| it.settings.name.clone());
        let at = wall_of(clock, gone.at_ms);
        self.told(at, gone.epc, what, (from, to));
    }

    fn told(
        &mut self,
        at: Timestamp,
        epc: EpcBytes,
        what: &str,
        (from, to): (Option<String>, Option<String>),
    ) {
        self.news += 1;
        if self.observed.len() == OBSERVED_MAX
            && let Some(oldest) = self.observed.pop_front()
        {
            self.keeping.left(oldest.n);
        }
        self.observed.push_back(Observed {
            n: self.news,
            at,
            epc: epc.to_string(),
            what: what.to_owned(),
            from,
            to,
        });
    }

    /// What the ledger doesn't have yet.
    pub(super) fn take_unkept(&mut self, clock: MonoClock) -> Draft {
        let names = &self.names;
        let presence = &self.presence;
        self.keeping.draft(&self.observed, |epc| {
            let tag = presence.whereabouts(epc)?;
            Some(KeptTag {
                epc: *epc,
                zone: names.get(usize::from(tag.zone.0))?.clone(),
                since: wall_of(clock, tag.since_ms),
            })
        })
    }

    /// What became of a draft.
    pub(super) fn kept(&mut self, draft: Draft, done: bool) {
        self.keeping.done(draft, done);
    }

    /// Observations that a restart does not forget, oldest first.
    pub(super) fn durable(&self) -> impl Iterator<Item = &Observed> + '_ {
        let until = self.keeping.durable();
        self.observed.iter().take_while(move |it| it.n <= until)
    }

    /// Whether nothing reads in a zone.
    pub(super) fn is_blind(&self, zone: ZoneId) -> bool {
        self.blind.contains(&zone)
    }

    /// The tags that are there, with their zones.
    pub(super) fn present(&self) -> Vec<(EpcBytes, ZoneId)> {
        self.presence
            .present()
            .map(|it| (it.epc, it.zone))
            .collect()
    }

    /// How many tags are in each zone.
    pub(super) fn numbers(&self) -> Vec<u64> {
        let mut numbers = vec![0; self.tallies.len()];
        for tag in self.presence.present() {
            if let Some(number) = numbers.get_mut(usize::from(tag.zone.0)) {
                *number += 1;
            }
        }
        numbers
    }

    /// What a reader is known by.
    pub(super) fn reader(&self, device: &str) -> Known {
        self.readers.get(device).cloned().unwrap_or_default()
    }

    /// What was counted of a zone.
    pub(super) fn tally(&self, zone: ZoneId) -> Tally {
        let tally = self.tallies.get(usize::from(zone.0));
        tally.copied().unwrap_or_default()
    }

    /// The last observations, oldest first.
    pub(super) fn observed(&self) -> &VecDeque<Observed> {
        &self.observed
    }

    /// Reads of tags that were left out because too many are followed already.
    pub(super) fn left_out(&self) -> u64 {
        self.presence.left_out()
    }
}
