//! Openings: what stands for documents that are too old to be kept.
//!
//! An opening is a document of the author whose older documents it closes. It is a fact like any
//! other: whoever has it takes the closed documents back and counts the opening's lines, whether
//! they were here before it, come after it, or never come. That is why storages that closed a log
//! and storages that never had it agree, and why nothing travels but documents.
//!
//! The rules, all functions of the set of documents:
//! - A document that a counted opening of its author closes and doesn't carry counts nothing.
//! - What an opening carries counts as if it had come by itself.
//! - A group is whole by its parts that count by themselves. Names of groups come back (a report
//!   that is made again names its group as before), so a part of a closed group never makes a
//!   later one whole.
//! - A source key that an opening claims is taken: no lesser place displaces it. The opening that
//!   closes that opening claims it again only if somebody has reported the same meanwhile.
//! - An opening that another one closes is taken back like any other document; that other one has
//!   to say all of it again.
//!
//! [`gather`] makes an opening's content so that the balances, counts and variances of everything
//! known when it is made come out the same to the last unit: movements are summed up only between
//! the moments that a known count asks about, and what stands near one is carried. A count that
//! comes later and was made before the opening's documents ended sees a sum at the time of its
//! last movement; every storage sees the same.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::{self, Changes};
use super::count;
use super::settle::Sign;
use super::store::{DuplicateRow, FoldStore, GroupKey, GroupRow};
use crate::document::{Claim, ClosedLog, Document, Kind, Line, SourceKey, Subject};
use crate::identity::Place;
use crate::location::Location;
use crate::movement;
use crate::name::{ItemId, OrderId};
use crate::quantity::{LINE_QUANTITY_UNITS_MAX, Quantity};
use crate::time::Timestamp;

/// Whether an opening closed a place and the document there doesn't count by itself.
pub fn covers<S: FoldStore>(store: &S, place: Place) -> Result<bool, S::Error> {
    let closed = store.closed(place.node, place.incarnation)?;
    Ok(place.seq <= closed && !store.is_known(place)?)
}

/// The parts of an opening are here: takes back what they stand for and brings what they carry.
/// Does nothing where no document is an opening.
pub(super) fn close<S: FoldStore>(
    store: &mut S,
    parts: &[Document],
    changes: &mut Changes,
) -> Result<(), S::Error> {
    let mut logs = BTreeSet::<ClosedLog>::new();
    let mut carried = BTreeMap::<Place, &Document>::new();
    let Some(node) = parts.first().map(|it| it.place.node) else {
        return Ok(());
    };
    for part in parts {
        if let Kind::Opening {
            closed,
            carried: it,
            ..
        } = &part.draft.kind
        {
            logs.extend(closed);
            carried.extend(it.iter().map(|it| (it.place, it)));
        }
    }
    let itself = |log: &ClosedLog, it: &Document| {
        it.place.incarnation == log.incarnation && it.place.seq <= log.upto
    };
    logs.retain(|log| !parts.iter().any(|it| itself(log, it)));
    if logs.is_empty() {
        return Ok(());
    }
    let within = |place: &Place| {
        let covers = |it: &ClosedLog| {
            it.incarnation == place.incarnation && it.after < place.seq && place.seq <= it.upto
        };
        place.node == node && logs.iter().any(covers)
    };
    carried.retain(|place, _| within(place));
    let mut gone = Vec::new();
    let mut groups = Vec::new();
    for log in &logs {
        for place in store.remembered(node, log)? {
            if !carried.contains_key(&place) {
                groups.extend(withdraw(store, place, changes)?);
                gone.push(place);
            }
        }
    }
    leave(store, groups, changes)?;
    store.forget(&gone)?;
    for log in &logs {
        store.close_log(node, log)?;
    }
    for document in carried.into_values() {
        apply::fold(store, document, changes)?;
    }
    Ok(())
}

/// A closed document's part of a group, and whether the group counted with it.
struct Left {
    row: GroupRow,
    was_whole: bool,
}

/// Takes back what a closed document does. Its row in its group stays for now, so that the
/// group's other parts are seen to count.
fn withdraw<S: FoldStore>(
    store: &mut S,
    place: Place,
    changes: &mut Changes,
) -> Result<Option<Left>, S::Error> {
    let document = store.document(place)?;
    let left = match group_row(&document) {
        Some(row) => {
            let was_whole = is_complete(&store.group_parts(&row.key)?, row.key.of);
            Some(Left { row, was_whole })
        }
        None => None,
    };
    if left.as_ref().is_none_or(|it| it.was_whole) {
        take_back(store, &document, changes)?;
    }
    Ok(left)
}

/// Closed documents leave their groups: the parts that stay wait again where they aren't whole
/// by themselves, as they do where the closed ones never were.
fn leave<S: FoldStore>(
    store: &mut S,
    left: Vec<Left>,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    let mut counted = BTreeSet::new();
    for Left { row, was_whole } in left {
        store.group_delete(&row)?;
        if was_whole {
            counted.insert(row.key);
        }
    }
    for key in counted {
        let staying = store.group_parts(&key)?;
        if is_complete(&staying, key.of) {
            continue;
        }
        for part in staying {
            let document = store.document(part.place)?;
            take_back(store, &document, changes)?;
        }
    }
    Ok(())
}

/// Takes back what a document that was admitted does.
fn take_back<S: FoldStore>(
    store: &mut S,
    document: &Document,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    let place = document.place;
    if matches!(document.draft.kind, Kind::Evidence { .. }) {
        return Ok(());
    }
    match &document.draft.source {
        Some(source) if store.source_counted(source)? != Some(place) => {
            let source = source.clone();
            store.duplicate_delete(&DuplicateRow { source, place })
        }
        Some(source) => {
            apply::count(store, document, Sign::Minus, changes)?;
            release(store, source, changes)
        }
        None => apply::count(store, document, Sign::Minus, changes),
    }
}

/// The keys that an opening claims come or go.
pub(super) fn claims<S: FoldStore>(
    store: &mut S,
    opening: &Document,
    claims: &[Claim],
    sign: Sign,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    for claim in claims {
        let place = Place {
            node: opening.place.node,
            incarnation: claim.incarnation,
            seq: claim.seq,
        };
        let counted = store.source_counted(&claim.source)?;
        match (sign, counted) {
            (Sign::Minus, Some(it)) if it == place => release(store, &claim.source, changes)?,
            (Sign::Minus, _) => {}
            (Sign::Plus, None) => store.source_set(&claim.source, place)?,
            (Sign::Plus, Some(it)) if it == place => {}
            (Sign::Plus, Some(it)) if store.is_known(it)? => {
                apply::displace(store, &claim.source, (it, place), changes)?;
            }
            // Two authors claim it: both closed it before they heard of each other.
            (Sign::Plus, Some(it)) => store.source_set(&claim.source, place.min(it))?,
        }
    }
    Ok(())
}

/// A source key is free again: of the documents that waited for it the least counts.
fn release<S: FoldStore>(
    store: &mut S,
    source: &SourceKey,
    changes: &mut Changes,
) -> Result<(), S::Error> {
    store.source_delete(source)?;
    let Some(place) = store.duplicates_of(source)?.into_iter().min() else {
        return Ok(());
    };
    store.duplicate_delete(&DuplicateRow {
        source: source.clone(),
        place,
    })?;
    store.source_set(source, place)?;
    let document = store.document(place)?;
    apply::count(store, &document, Sign::Plus, changes)
}

fn group_row(document: &Document) -> Option<GroupRow> {
    let group = document.draft.group.as_ref()?;
    Some(GroupRow {
        key: GroupKey {
            node: document.place.node,
            id: group.id.clone(),
            of: group.of,
        },
        index: group.index,
        place: document.place,
    })
}

fn is_complete(parts: &[GroupRow], of: u32) -> bool {
    let indexes: BTreeSet<u32> = parts.iter().map(|it| it.index).collect();
    let have = indexes.range(..of).count();
    have == usize::try_from(of).unwrap_or(usize::MAX)
}

/// What an opening has to say, in order; to be cut into documents by whoever knows their size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Sums of movements.
    pub lines: Vec<Line>,
    /// Source keys that stay taken.
    pub claims: Vec<Claim>,
    /// Places of documents to carry.
    pub carried: Vec<Place>,
}

/// Sums up documents of one author, given in any order: everything of the parts of logs that the
/// opening will close and this storage has folded. `settled` says that nobody will ask any more
/// what was done about an order.
pub fn gather<S: FoldStore>(
    store: &S,
    documents: &[&Document],
    settled: impl Fn(&OrderId) -> bool,
) -> Result<Gathered, S::Error> {
    let inside: BTreeSet<Place> = documents.iter().map(|it| it.place).collect();
    let mut gathering = Gathering {
        store,
        moments: BTreeMap::new(),
        sums: BTreeMap::new(),
    };
    let mut gathered = Gathered::default();
    let mut alone = BTreeSet::new();
    // The parts of a group go or stay together: one alone would wait for the others for ever.
    let mut groups = BTreeSet::new();
    for document in documents {
        if gathering.must_be_carried(document, &inside, &settled)? {
            alone.insert(document.place);
            groups.extend(group_row(document).map(|it| it.key));
        }
    }
    for document in documents {
        let of_group = group_row(document).is_some_and(|it| groups.contains(&it.key));
        if of_group || alone.contains(&document.place) {
            gathered.carried.push(document.place);
        } else if let Some(claims) = gathering.add(document)? {
            gathered.claims.extend(claims);
        }
    }
    gathered.claims.sort_by_key(|it| (it.incarnation, it.seq));
    gathered.carried.sort();
    gathered.lines = gathering.lines();
    Ok(gathered)
}

/// Item, from, to, after how many moments of either location; and the line itself where it stands
/// inside of a moment, which happens to a line of an older opening when a count came late.
type SumKey = (
    ItemId,
    Location,
    Location,
    (usize, usize),
    Option<(Place, u16)>,
);

/// Times (both included) that counts of an item at a location ask about; sorted by their begin.
type Moments = Vec<(Timestamp, Timestamp)>;

struct Gathering<'s, S> {
    store: &'s S,
    moments: BTreeMap<(ItemId, Location), Moments>,
    sums: BTreeMap<SumKey, (Quantity, Timestamp)>,
}

impl<S: FoldStore> Gathering<'_, S> {
    /// Whether a document must go on counting by itself.
    fn must_be_carried(
        &mut self,
        document: &Document,
        inside: &BTreeSet<Place>,
        settled: &impl Fn(&OrderId) -> bool,
    ) -> Result<bool, S::Error> {
        match &document.draft.kind {
            Kind::Opening { .. } => return Ok(false),
            Kind::Count { .. } | Kind::CountClose { .. } | Kind::Bind { .. } => return Ok(true),
            Kind::Order { order, .. } if !settled(order) => return Ok(true),
            _ => {}
        }
        if let Some(row) = group_row(document) {
            let parts = self.store.group_parts(&row.key)?;
            let whole = is_complete(&parts, row.key.of);
            if !whole || !parts.iter().all(|it| inside.contains(&it.place)) {
                return Ok(true);
            }
        }
        for (number, line) in movement::lines(document) {
            if matches!(line.subject, Subject::Unbound(_)) {
                return Ok(true);
            }
            for movement in movement::of_line(line, number, &[]) {
                for location in [&movement.from, &movement.to] {
                    let moments = self.moments(&movement.item, location)?;
                    if place_among(moments, movement.effective).1 {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Adds up what a document does; its claims. `None`: it doesn't count.
    fn add(&mut self, document: &Document) -> Result<Option<Vec<Claim>>, S::Error> {
        let mut claims = Vec::new();
        if matches!(document.draft.kind, Kind::Evidence { .. }) {
            return Ok(None);
        }
        if let Kind::Opening { claims: held, .. } = &document.draft.kind {
            for claim in held {
                if !self.store.duplicates_of(&claim.source)?.is_empty() {
                    claims.push(claim.clone());
                }
            }
        }
        if let Some(source) = &document.draft.source {
            if self.store.source_counted(source)? != Some(document.place) {
                return Ok(None);
            }
            claims.push(Claim {
                source: source.clone(),
                incarnation: document.place.incarnation,
                seq: document.place.seq,
            });
        }
        for (number, line) in movement::lines(document) {
            for it in movement::of_line(line, number, &[]) {
                let at = it.effective;
                let (before_from, inside_from) = place_among(self.moments(&it.item, &it.from)?, at);
                let (before_to, inside_to) = place_among(self.moments(&it.item, &it.to)?, at);
                let alone = inside_from || inside_to;
                let alone = alone.then_some((document.place, number));
                let run = (before_from, before_to);
                let key = (it.item, it.from, it.to, run, alone);
                let sum = self
                    .sums
                    .entry(key)
                    .or_insert((Quantity::ZERO, it.effective));
                *sum = (sum.0.plus(it.quantity), sum.1.max(it.effective));
            }
        }
        Ok(Some(claims))
    }

    /// When a movement of an item at a location may matter to a count by itself.
    fn moments(&mut self, item: &ItemId, location: &Location) -> Result<&Moments, S::Error> {
        let at = (item.clone(), location.clone());
        if !self.moments.contains_key(&at) {
            let found = moments(self.store, item, location)?;
            self.moments.insert(at.clone(), found);
        }
        Ok(self.moments.entry(at).or_default())
    }

    fn lines(self) -> Vec<Line> {
        let most = Quantity::units(LINE_QUANTITY_UNITS_MAX);
        let mut lines = Vec::with_capacity(self.sums.len());
        for ((item, from, to, ..), (mut quantity, effective)) in self.sums {
            while quantity > Quantity::ZERO {
                let part = quantity.min(most);
                quantity = quantity.minus(part);
                lines.push(Line {
                    subject: Subject::Item(item.clone()),
                    quantity: part,
                    from: from.clone(),
                    to: to.clone(),
                    effective,
                    unit_price: None,
                    amount: None,
                    parts: Vec::new(),
                    code: None,
                    reason: None,
                });
            }
        }
        lines
    }
}

/// How many moments begin by a time, and whether it is inside of one.
fn place_among(moments: &Moments, at: Timestamp) -> (usize, bool) {
    let begun = moments.partition_point(|it| it.0 <= at);
    let inside = moments.iter().take(begun).any(|it| at <= it.1);
    (begun, inside)
}

fn moments<S: FoldStore>(
    store: &S,
    item: &ItemId,
    location: &Location,
) -> Result<Moments, S::Error> {
    if !location.is_countable() {
        return Ok(Vec::new());
    }
    let steps = store.steps(item, location)?;
    let mut moments: Moments = steps
        .iter()
        .map(|it| (it.window_from, it.window_to))
        .collect();
    let rows = store.count_rows(item, location)?;
    let mut keys: Vec<_> = rows.iter().map(|it| it.key).collect();
    let mut closes = store.closes_listing(item, location)?;
    for session in count::sessions(&rows) {
        closes.extend(store.closes_of(&session, location)?);
    }
    keys.extend(closes.iter().map(|it| it.key));
    let around_ms = store.rules().trolley_time_ms;
    moments.extend(keys.iter().map(|it| {
        let at = it.effective;
        (at.plus_millis(-around_ms), at.plus_millis(around_ms))
    }));
    moments.sort_unstable();
    moments.dedup();
    Ok(moments)
}
