//! Receiving a batch: restore it, check its author's signature, store it, say what is here.
//!
//! Both machines receive with it. Nothing of a batch is stored unless its author signed all of
//! it; everything of it is stored if so. A document that can't be read or contradicts another
//! never stops the ones after it: it is parked, and the caller is told.

use shelf_stock::document::Kind;
use shelf_stock::identity::{Digest, NodeId, Place, Seq};
use shelf_wire::document::DecodeError;
use shelf_wire::key::{PublicKey, SignedHead};
use shelf_wire::message::{ACK_RANGES_MAX, Ack, LogBatch, NackReason};
use shelf_wire::sealed::{Authored, Sealed};

use crate::facts::Facts;
use crate::store::{Inserted, LogId, LogState, ParkReason, Store};

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing was stored.
    Refused(NackReason),
    /// Everything is in the store.
    Stored(Box<Stored>),
}

/// A batch that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The log after it.
    pub(crate) state: LogState,
    /// How many documents were new.
    pub(crate) new: u64,
    /// Documents that were parked, and why.
    pub(crate) parked: Vec<(Place, ParkReason)>,
    /// What the new ones are about.
    pub(crate) facts: Facts,
    /// Other logs of the author that reach further now: an opening stands for what they lack.
    pub(crate) jumped: Vec<LogState>,
}

/// Takes a batch of an author whose key this is.
pub(crate) fn take<S: Store + ?Sized>(
    store: &mut S,
    author: NodeId,
    key: &PublicKey,
    batch: &LogBatch,
) -> Result<Taken, S::Error> {
    let log = LogId {
        node: author,
        incarnation: batch.incarnation,
    };
    let stored_prev = predecessor(store, log, batch.first)?;
    let Some(prev) = batch.prev.or(stored_prev) else {
        return Ok(Taken::Refused(NackReason::Predecessor));
    };
    let Ok((documents, head)) = batch.restore(author, prev) else {
        return Ok(Taken::Refused(NackReason::Oversized));
    };
    if !head.verify(key) {
        let guessed = batch.prev.is_none();
        let reason = if guessed {
            NackReason::Predecessor
        } else {
            NackReason::Forged
        };
        return Ok(Taken::Refused(reason));
    }
    let chain_broken = stored_prev.is_some_and(|it| it != prev);
    let known = store.digest_at(head.head.place)? == Some(head.head.digest);
    let state = store.log(log)?;
    if let (true, Some(state)) = (known && !chain_broken, state)
        && batch.last() <= state.upto
    {
        // The last digest covers all before it: nothing here is new.
        return Ok(Taken::Stored(Box::new(Stored {
            state,
            new: 0,
            parked: Vec::new(),
            facts: Facts::default(),
            jumped: Vec::new(),
        })));
    }
    store_new(store, &head, documents, chain_broken).map(|stored| Taken::Stored(Box::new(stored)))
}

/// Stores what a verified batch brings; its head too, unless the batch forks from what is here.
fn store_new<S: Store + ?Sized>(
    store: &mut S,
    head: &SignedHead,
    documents: Vec<Sealed>,
    chain_broken: bool,
) -> Result<Stored, S::Error> {
    let place = head.head.place;
    let log = LogId {
        node: place.node,
        incarnation: place.incarnation,
    };
    let mut parked = Vec::new();
    let mut facts = Facts::default();
    let read = documents.into_iter();
    let read: Vec<Read> = read.map(|it| (Authored::open(it.clone()), it)).collect();
    let opens = read.iter().any(|it| is_opening(&it.0));
    let before = match opens {
        true => store.logs()?,
        false => Vec::new(),
    };
    let new = insert_all(store, read, chain_broken, &mut parked, &mut facts)?;
    let jumped = match opens && new > 0 {
        true => jumped(store, log, &before)?,
        false => Vec::new(),
    };
    if parked.iter().all(|(_, reason)| *reason != ParkReason::Fork) {
        store.put_signed_head(head)?;
    }
    let state = store.log(log)?.unwrap_or(LogState {
        log,
        upto: Seq(0),
        digest: Digest::ZERO,
        last: Seq(0),
    });
    parked.truncate(SHOWN_MAX);
    Ok(Stored {
        state,
        new,
        parked,
        facts,
        jumped,
    })
}

/// The most parked documents of one batch that are told one by one.
const SHOWN_MAX: usize = 16;

/// A document, read if this version can read it.
type Read = (Result<Authored, DecodeError>, Sealed);

fn is_opening(read: &Result<Authored, DecodeError>) -> bool {
    let kind = read.as_ref().map(|it| &it.document().draft.kind);
    matches!(kind, Ok(Kind::Opening { .. }))
}

/// An author's other logs that reach further than before.
fn jumped<S: Store + ?Sized>(
    store: &S,
    besides: LogId,
    before: &[LogState],
) -> Result<Vec<LogState>, S::Error> {
    let mut logs = store.logs()?;
    logs.retain(|it| it.log.node == besides.node && it.log != besides);
    logs.retain(|it| {
        !before
            .iter()
            .any(|old| old.log == it.log && old.upto >= it.upto)
    });
    Ok(logs)
}

fn insert_all<S: Store + ?Sized>(
    store: &mut S,
    read: Vec<Read>,
    chain_broken: bool,
    parked: &mut Vec<(Place, ParkReason)>,
    facts: &mut Facts,
) -> Result<u64, S::Error> {
    let mut new = 0;
    store.expect(&mut read.iter().filter_map(|(it, _)| it.as_ref().ok()))?;
    for (index, (read, sealed)) in read.into_iter().enumerate() {
        let place = sealed.place();
        let broken = chain_broken && index == 0;
        let inserted = match &read {
            Ok(authored) => store.insert(authored)?,
            Err(_) => store.insert_unread(&sealed)?,
        };
        match inserted {
            Inserted::New => {
                new += 1;
                match &read {
                    Ok(authored) => facts.note(authored.document()),
                    Err(_) => parked.push((place, ParkReason::Unreadable)),
                }
                if broken {
                    store.park(&sealed, ParkReason::Chain)?;
                    parked.push((place, ParkReason::Chain));
                }
            }
            Inserted::Duplicate => {}
            Inserted::Fork { .. } => {
                store.park(&sealed, ParkReason::Fork)?;
                parked.push((place, ParkReason::Fork));
            }
        }
    }
    Ok(new)
}

/// The digest before a number of a log, if it is known.
fn predecessor<S: Store + ?Sized>(
    store: &S,
    log: LogId,
    first: Seq,
) -> Result<Option<Digest>, S::Error> {
    match first.0.checked_sub(1) {
        // Number 1 leads to another incarnation, or to nothing: the batch says it.
        None | Some(0) => Ok(None),
        Some(seq) => store.digest_at(Place {
            node: log.node,
            incarnation: log.incarnation,
            seq: Seq(seq),
        }),
    }
}

/// What may be said about a log once the transaction is committed.
pub(crate) fn ack<S: Store + ?Sized>(
    store: &S,
    state: &LogState,
    node: Option<NodeId>,
) -> Result<Ack, S::Error> {
    let beyond = if state.last > state.upto {
        store.beyond(state.log, state.upto, ACK_RANGES_MAX)?
    } else {
        Vec::new()
    };
    Ok(Ack {
        node,
        incarnation: state.log.incarnation,
        upto: state.upto,
        beyond: beyond.iter().map(|it| (it.first, it.last)).collect(),
    })
}
