//! What an author may close of its own logs, and the opening that stands for it.
//!
//! Closing changes nothing that anybody can see (see [`shelf_stock::fold::opening`]); it only lets
//! everybody forget. So the rules here are about what might still be asked for: the hub has the
//! documents, they are older than any backup that a hub may be restored from, and nobody waits for
//! what they say about an order. The plan is drafts like any others: whoever writes them in one
//! transaction has closed the documents in the same transaction, on this PC; everybody else does
//! when the last part arrives. Nothing here reads a clock.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::document::Subject;
use shelf_stock::document::{
    Claim, ClosedLog, DOCUMENT_BYTES_MAX, DOCUMENT_LINES_MAX, Document, Draft, GROUP_PARTS_MAX,
    Group, Kind, Line,
};
use shelf_stock::fold::FoldStore;
use shelf_stock::fold::opening::{Gathered, gather};
use shelf_stock::identity::{NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::name::{GroupId, ItemId, OrderId};
use shelf_stock::time::Timestamp;
use shelf_wire::document::encode;
use shelf_wire::sealed::Authored;

use crate::store::{Family, LogId, Peer, ReadLimits, Store};

/// How long documents are kept at least, unless a store says otherwise: 400 days.
pub const KEEP_DAYS_DEFAULT: u32 = 400;
/// Openings for fewer documents aren't worth their own bytes.
pub const DOCUMENTS_MIN: usize = 2_000;
/// Documents that one opening closes at most: everybody does it in one transaction.
pub const DOCUMENTS_MAX: usize = 10_000;

/// Bytes of a part's content, as they are estimated; the rest of a document is for its frame.
const PART_BYTES_MAX: usize = DOCUMENT_BYTES_MAX - 8 * 1024;
/// A document that is longer can't be carried, and ends what may be closed.
const CARRIED_BYTES_MAX: usize = PART_BYTES_MAX - 1024;
/// Claims of older openings that are said again at most.
const CLAIMS_AGAIN_MAX: usize = 200_000;

const READ: ReadLimits = ReadLimits {
    documents_max: 500,
    bytes_max: 1 << 20,
};

/// What may be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The time, by a clock that agrees with the hub's.
    pub now: Timestamp,
    /// Documents stay for so long, in milliseconds.
    pub keep_ms: i64,
    /// Nothing is closed where fewer documents may be.
    pub documents_min: usize,
    /// At most so many at once.
    pub documents_max: usize,
}

impl Retention {
    /// With the usual limits.
    pub fn days(now: Timestamp, days: u32) -> Self {
        Self {
            now,
            keep_ms: i64::from(days) * 24 * 3_600_000,
            documents_min: DOCUMENTS_MIN,
            documents_max: DOCUMENTS_MAX,
        }
    }
}

/// An opening that is ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its parts: to be written one after the other in one transaction, or not at all.
    pub drafts: Vec<Draft>,
    /// How many documents it closes.
    pub documents: usize,
    /// How many of them go on by themselves, inside of it.
    pub carried: usize,
    /// Bytes of the closed documents.
    pub bytes: u64,
}

/// The storage failed while an opening was planned.
#[derive(Debug, thiserror::Error)]
#[error("the documents to be closed can't be read")]
pub struct PlanError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl PlanError {
    fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// Plans the opening of an author's oldest documents; `None` where too few may be closed. `store`
/// and `fold` are two views of the same transaction.
pub fn plan<S, F>(
    store: &S,
    fold: &F,
    author: NodeId,
    retention: &Retention,
) -> Result<Option<Plan>, PlanError>
where
    S: Store + ?Sized,
    F: FoldStore,
    F::Error: std::error::Error + Send + Sync + 'static,
{
    let mut chosen = Chosen::default();
    for log in oldest_first(store, fold, author)? {
        chosen.choose(store, fold, log, retention)?;
    }
    if chosen.documents.len() < retention.documents_min.max(1) {
        return Ok(None);
    }
    let count = chosen.documents.len();
    chosen.add_carried(fold, author)?;
    let settled = settled(store, &chosen.documents)?;
    let documents: Vec<&Document> = chosen.documents.values().collect();
    let gathered = gather(fold, &documents, |order| settled.contains(order));
    let gathered = gathered.map_err(PlanError::of)?;
    let carried = gathered.carried.len();
    let bytes = chosen.bytes;
    let drafts = drafts(chosen, gathered, retention.now);
    Ok(drafts.map(|drafts| Plan {
        drafts,
        documents: count,
        carried,
        bytes,
    }))
}

/// An author's logs that are not closed to their end, with where they are open and acked.
fn oldest_first<S, F>(
    store: &S,
    fold: &F,
    author: NodeId,
) -> Result<Vec<(LogId, Seq, Seq)>, PlanError>
where
    S: Store + ?Sized,
    F: FoldStore,
    F::Error: std::error::Error + Send + Sync + 'static,
{
    let mut logs = Vec::new();
    let states = store.logs().map_err(PlanError::of)?;
    for state in states.iter().filter(|it| it.log.node == author) {
        let log = state.log;
        let closed = fold.closed(log.node, log.incarnation);
        let closed = closed.map_err(PlanError::of)?;
        let acked = store.cursor(Peer::Hub, log).map_err(PlanError::of)?;
        let upto = acked.min(state.upto);
        if upto <= closed {
            continue;
        }
        let one = ReadLimits {
            documents_max: 1,
            bytes_max: 0,
        };
        let first = store.read(log, closed, one).map_err(PlanError::of)?;
        let first = first.into_iter().next().map(Authored::open);
        if let Some(Ok(first)) = first {
            logs.push((first.document().hlc, (log, closed, upto)));
        }
    }
    logs.sort_by_key(|it| (it.0, it.1.0));
    Ok(logs.into_iter().map(|(_, log)| log).collect())
}

/// What an opening will stand for.
#[derive(Debug, Default)]
struct Chosen {
    documents: BTreeMap<Place, Document>,
    closed: Vec<ClosedLog>,
    bytes: u64,
    claims: usize,
}

impl Chosen {
    /// Takes the beginning of a log, as far as it may be closed.
    fn choose<S, F>(
        &mut self,
        store: &S,
        fold: &F,
        (log, closed, upto): (LogId, Seq, Seq),
        retention: &Retention,
    ) -> Result<(), PlanError>
    where
        S: Store + ?Sized,
        F: FoldStore,
        F::Error: std::error::Error + Send + Sync + 'static,
    {
        let mut read: Vec<Authored> = Vec::new();
        let mut after = closed;
        'log: loop {
            let documents = store.read(log, after, READ).map_err(PlanError::of)?;
            if documents.is_empty() {
                break;
            }
            for sealed in documents {
                let place = sealed.place();
                after = place.seq;
                let full = self.documents.len() + read.len() >= retention.documents_max;
                let Ok(authored) = Authored::open(sealed) else {
                    break 'log;
                };
                let known = fold.is_known(place).map_err(PlanError::of)?;
                let may = self.may_close(&authored, retention);
                if place.seq > upto || full || !known || !may {
                    break 'log;
                }
                read.push(authored);
            }
        }
        whole_openings(&mut read);
        let Some(last) = read.last() else {
            return Ok(());
        };
        self.closed.push(ClosedLog {
            incarnation: log.incarnation,
            after: closed,
            upto: last.place().seq,
            digest: last.digest(),
        });
        for authored in read {
            self.bytes += u64::try_from(authored.bytes().len()).unwrap_or(0);
            if let Kind::Opening { closed, claims, .. } = &authored.document().draft.kind {
                self.closed.extend(closed);
                self.claims += claims.len();
            }
            self.documents
                .insert(authored.place(), authored.into_document());
        }
        Ok(())
    }

    fn may_close(&self, authored: &Authored, retention: &Retention) -> bool {
        let document = authored.document();
        let written = i64::try_from(document.hlc.millis()).unwrap_or(i64::MAX);
        let written = Timestamp::from_millis(written).max(document.wall);
        let old = retention.now.millis_since(written) > retention.keep_ms;
        match &document.draft.kind {
            Kind::Opening { claims, .. } => old && self.claims + claims.len() <= CLAIMS_AGAIN_MAX,
            _ => old && authored.bytes().len() <= CARRIED_BYTES_MAX,
        }
    }

    /// What older openings carried, which is said again or summed up now.
    fn add_carried<F>(&mut self, fold: &F, author: NodeId) -> Result<(), PlanError>
    where
        F: FoldStore,
        F::Error: std::error::Error + Send + Sync + 'static,
    {
        for log in &self.closed {
            for place in fold.remembered(author, log).map_err(PlanError::of)? {
                if let Entry::Vacant(free) = self.documents.entry(place) {
                    free.insert(fold.document(place).map_err(PlanError::of)?);
                }
            }
        }
        Ok(())
    }
}

/// Cuts off an opening that would be closed in part: its parts go together.
fn whole_openings(read: &mut Vec<Authored>) {
    while let Some(last) = read.last() {
        let draft = &last.document().draft;
        let opening = matches!(draft.kind, Kind::Opening { .. });
        let group = draft.group.as_ref();
        if !opening || group.is_none_or(|it| it.index + 1 == it.of) {
            return;
        }
        read.pop();
    }
}

/// Orders of some documents that nobody asks about any more.
fn settled<S: Store + ?Sized>(
    store: &S,
    documents: &BTreeMap<Place, Document>,
) -> Result<BTreeSet<OrderId>, PlanError> {
    let mut settled = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for document in documents.values() {
        let Kind::Order { order, .. } = &document.draft.kind else {
            continue;
        };
        if !asked.insert(order.clone()) {
            continue;
        }
        let key = order.as_str().as_bytes();
        let row = store.row(Family::Order, key).map_err(PlanError::of)?;
        if row.is_none() {
            settled.insert(order.clone());
        }
    }
    Ok(settled)
}

/// One part while it is filled.
#[derive(Default)]
struct Part {
    closed: Vec<ClosedLog>,
    claims: Vec<Claim>,
    carried: Vec<Document>,
    lines: Vec<Line>,
    bytes: usize,
}

/// Fills part after part.
#[derive(Default)]
struct Parts {
    done: Vec<Part>,
    part: Part,
    entries: usize,
}

impl Parts {
    /// The part that has room for one more entry of so many bytes.
    fn room(&mut self, bytes: usize) -> &mut Part {
        let full = self.entries >= DOCUMENT_LINES_MAX || self.part.bytes + bytes > PART_BYTES_MAX;
        if full && self.entries > 0 {
            self.done.push(std::mem::take(&mut self.part));
            self.entries = 0;
        }
        self.entries += 1;
        self.part.bytes += bytes;
        &mut self.part
    }
}

/// The parts of an opening; `None` where they would be too many.
fn drafts(chosen: Chosen, gathered: Gathered, now: Timestamp) -> Option<Vec<Draft>> {
    let mut parts = Parts::default();
    for closed in joined(chosen.closed) {
        parts.room(64).closed.push(closed);
    }
    for claim in gathered.claims {
        let bytes = 40 + claim.source.source.as_str().len() + claim.source.receipt.as_str().len();
        parts.room(bytes).claims.push(claim);
    }
    for line in gathered.lines {
        parts.room(line_bytes(&line)).lines.push(line);
    }
    let mut documents = chosen.documents;
    for place in gathered.carried {
        let document = documents.remove(&place)?;
        parts
            .room(8 + encode(&document).len())
            .carried
            .push(document);
    }
    let Parts { mut done, part, .. } = parts;
    done.push(part);
    let of = u32::try_from(done.len()).ok();
    let of = of.filter(|it| *it <= GROUP_PARTS_MAX)?;
    let id = GroupId::new(format!("opening-{}", now.as_millis())).ok()?;
    let draft = |(index, part): (u32, Part)| {
        let mut draft = Draft::new(Kind::Opening {
            closed: part.closed,
            claims: part.claims,
            carried: part.carried,
        });
        draft.lines = part.lines;
        draft.group = Some(Group {
            id: id.clone(),
            index,
            of,
        });
        draft
    };
    Some((0..of).zip(done).map(draft).collect())
}

fn line_bytes(line: &Line) -> usize {
    let item = match &line.subject {
        Subject::Item(item) => ItemId::as_str(item).len(),
        Subject::Unbound(_) | Subject::Open => 0,
    };
    let location = |it: &Location| match it {
        Location::Transit(store) => store.as_str().len() + 4,
        _ => 2,
    };
    48 + item + location(&line.from) + location(&line.to)
}

/// Parts of one log that touch are one.
fn joined(mut closed: Vec<ClosedLog>) -> Vec<ClosedLog> {
    closed.sort();
    let mut joined: Vec<ClosedLog> = Vec::new();
    for next in closed {
        match joined.last_mut() {
            Some(last) if last.incarnation == next.incarnation && last.upto == next.after => {
                (last.upto, last.digest) = (next.upto, next.digest);
            }
            _ => joined.push(next),
        }
    }
    joined
}
