//! The exchange between the PCs of a store over its own network, with or without a hub.
//!
//! Everybody says what it holds ([`Heads`]) when the link comes up, when somebody new is heard and
//! every half minute; whoever holds more of a log sends it to all at once, as its author signed
//! it, until the least of those present has said that it is there. The author sends first; others
//! only where it isn't here or doesn't manage. Nobody here is believed anything but the author's
//! signature: a sibling's word moves no cursor of the hub's, and a key counts only if the hub's
//! roster or this PC's own configuration names it.

mod frames;
mod serve;

use std::collections::BTreeMap;

use shelf_stock::identity::{Incarnation, NodeId, Seq};
use shelf_stock::time::Timestamp;
use shelf_wire::frame::pack;
use shelf_wire::key::PublicKey;
use shelf_wire::message::{HEADS_ROWS_MAX, Heads, LogHeld, Message, Stat};
use shelf_wire::sealed::Authored;
use shelf_wire::topic::Up;

use super::{Node, NodeEffect, NodeEvent};
use crate::outflow::{Outflow, Payload};
use crate::store::{LogId, Peer, ReadLimits, Store};
use crate::time::{Jitter, Now};
use crate::{SILENCE_MS_MAX, STAT_INTERVAL_MS};

/// How long others wait for each one that is to send a log before them.
pub const RELAY_PATIENCE_MS: u64 = 10_000;
/// Who hears somebody new says what it holds within this time.
const GREET_BACK_MS_MAX: u64 = 400;
/// A sibling that never acks a log is not waited for, for so long.
const DEAF_MS: u64 = 20_000;
/// After so many timeouts it is taken for one, or after the first if others have gone on.
const DEAF_TIMEOUTS: u32 = 3;
/// The most logs that are looked into for the oldest document that the hub lacks.
const OLDEST_LOGS_MAX: usize = 16;

/// How one sibling is, as far as this PC knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiblingStatus {
    /// Which PC.
    pub node: NodeId,
    /// What people call it; empty if it never said.
    pub name: String,
    /// It was heard within the last 90 s and has not said that it stops.
    pub present: bool,
    /// By this PC's wall clock, when it was last heard on the store's network.
    pub heard: Timestamp,
    /// The hub had admitted it when it last said so.
    pub at_hub: bool,
    /// Its last status row.
    pub stat: Option<Stat>,
    /// How many documents of this PC's own it has not said to hold; `None` before it said.
    pub lacks: Option<u64>,
}

#[derive(Debug)]
struct Sibling {
    /// What it said to hold.
    held: BTreeMap<LogId, u64>,
    /// Of logs up to this name it has said everything.
    covered: Option<LogId>,
    /// Logs that it doesn't ack: until when they are not sent for its sake.
    deaf: BTreeMap<LogId, u64>,
    heard_ms: u64,
    heard: Timestamp,
    boot_nonce: u64,
    present: bool,
    at_hub: bool,
    name: String,
    stat: Option<Stat>,
}

/// A log that somebody present lacks.
#[derive(Clone, Copy, Debug)]
struct Want {
    /// Up to where the one with the least has it.
    least: u64,
    /// Since when nothing has moved.
    since_ms: u64,
    timeouts: u32,
}

/// One PC's part of the exchange with its siblings.
#[derive(Debug)]
pub(super) struct Lan {
    up: bool,
    name: String,
    pinned: Vec<PublicKey>,
    outflow: Outflow,
    siblings: BTreeMap<NodeId, Sibling>,
    wanted: BTreeMap<LogId, Want>,
    heads_at_ms: u64,
    said_at_hub: bool,
    /// When this PC's turn comes to send what others don't.
    serve_at_ms: Option<u64>,
    page_after: Option<LogId>,
}

impl Lan {
    pub(super) fn new(jitter: &mut Jitter) -> Self {
        Self {
            up: false,
            name: String::new(),
            pinned: Vec::new(),
            outflow: Outflow::new(jitter.next()),
            siblings: BTreeMap::new(),
            wanted: BTreeMap::new(),
            heads_at_ms: 0,
            said_at_hub: false,
            serve_at_ms: None,
            page_after: None,
        }
    }

    /// The keys that this PC's configuration names.
    pub(super) fn pinned(&self) -> &[PublicKey] {
        &self.pinned
    }

    /// Whether a sibling is here and says that the hub has admitted it.
    pub(super) fn is_at_hub(&self, node: NodeId) -> bool {
        let sibling = self.siblings.get(&node);
        self.up && sibling.is_some_and(|it| it.present && it.at_hub)
    }

    /// How many siblings with the hub are to relay a log before this PC.
    pub(super) fn relays_before(&self, own: NodeId) -> u64 {
        let before = self.siblings.keys().filter(|it| **it < own);
        let count = before.filter(|it| self.is_at_hub(**it)).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        if !self.up {
            return None;
        }
        let silent = self.siblings.values().filter(|it| it.present);
        let silent = silent.map(|it| it.heard_ms + SILENCE_MS_MAX);
        let timers = [
            self.outflow.wake_at_ms(),
            Some(self.heads_at_ms),
            self.serve_at_ms,
        ];
        silent.chain(timers.into_iter().flatten()).min()
    }
}

impl Node {
    /// How the siblings are that were heard on the store's network since the start.
    pub fn siblings(&self) -> Vec<SiblingStatus> {
        let row = |(node, it): (&NodeId, &Sibling)| SiblingStatus {
            node: *node,
            name: it.name.clone(),
            present: self.lan.up && it.present,
            heard: it.heard,
            at_hub: it.at_hub,
            stat: it.stat.clone(),
            lacks: it.covered.map(|_| self.lacked_by(it)),
        };
        self.lan.siblings.iter().map(row).collect()
    }

    fn lacked_by(&self, sibling: &Sibling) -> u64 {
        let own = self.held.iter().filter(|(log, _)| log.node == self.id);
        own.fold(0_u64, |sum, (log, upto)| {
            let held = sibling.held.get(&log).copied().unwrap_or(0);
            sum.saturating_add(upto.saturating_sub(held))
        })
    }

    pub(super) fn lan_up(&mut self, now: Now, name: &str, keys: &[PublicKey]) {
        self.lan.up = true;
        self.lan.name = name.to_owned();
        self.lan.pinned = keys.to_vec();
        self.lan.heads_at_ms = now.mono_ms;
        self.lan.page_after = None;
    }

    /// What siblings said stays to be shown; what they hold is asked anew.
    pub(super) fn lan_down(&mut self) {
        self.lan.up = false;
        self.lan.wanted.clear();
        self.lan.outflow = Outflow::new(self.jitter.next());
        for sibling in self.lan.siblings.values_mut() {
            sibling.present = false;
            sibling.covered = None;
            sibling.held.clear();
            sibling.deaf.clear();
        }
    }

    /// A log is held up to here now.
    pub(super) fn grew(&mut self, now: Now, log: LogId, upto: Seq) {
        self.held.grew(log, upto);
        self.weigh(now, log);
    }

    pub(super) fn lan_on_time<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if !self.lan.up {
            return Ok(());
        }
        let silent = |it: &Sibling| it.present && it.heard_ms + SILENCE_MS_MAX <= now.mono_ms;
        let mut gone = false;
        for sibling in self.lan.siblings.values_mut().filter(|it| silent(it)) {
            sibling.present = false;
            gone = true;
        }
        if gone {
            self.weigh_all(now);
        }
        let news = self.lan.said_at_hub != self.is_admitted();
        if news || self.lan.heads_at_ms <= now.mono_ms {
            self.say_heads(now, effects);
            let stat = self.stat(now, store)?;
            broadcast(Up::Stat, &Message::Stat(stat), effects);
        }
        self.expire_lan(now);
        self.serve(now, store, effects)
    }

    /// The next page of what is held; a small store has only one.
    fn say_heads(&mut self, now: Now, effects: &mut Vec<NodeEffect>) {
        self.lan.said_at_hub = self.is_admitted();
        let quarter = self.jitter.next() % (STAT_INTERVAL_MS / 4);
        self.lan.heads_at_ms = now.mono_ms + STAT_INTERVAL_MS - quarter;
        let first = self.lan.page_after.map_or(LOG_FIRST, after);
        let page = self.held.from(first..).take(HEADS_ROWS_MAX);
        let row = |(log, upto): (LogId, u64)| LogHeld {
            log: (log.node, log.incarnation),
            upto: Seq(upto),
        };
        let rows: Vec<LogHeld> = page.map(row).collect();
        let full = rows.len() == HEADS_ROWS_MAX;
        let last = rows.last().map(|it| LogId {
            node: it.log.0,
            incarnation: it.log.1,
        });
        let last = last.filter(|_| full).unwrap_or(LOG_LAST);
        self.lan.page_after = full.then_some(last);
        if full {
            self.lan.heads_at_ms = now.mono_ms + PAGE_INTERVAL_MS;
        }
        let heads = Heads {
            rows,
            range: Some((
                (first.node, first.incarnation),
                (last.node, last.incarnation),
            )),
            boot_nonce: self.config.boot_nonce,
            at_hub: self.lan.said_at_hub,
            keys: vec![self.config.key.public_key()],
            name: self.lan.name.clone(),
        };
        broadcast(Up::Log, &Message::Heads(Box::new(heads)), effects);
    }

    /// This PC's status row, whether or not the hub is there.
    pub(super) fn stat<S: Store + ?Sized>(&self, now: Now, store: &S) -> Result<Stat, S::Error> {
        let (mut unsynced, mut oldest, mut looked) = (0_u64, None::<Timestamp>, 0);
        for (log, upto) in self.held.iter().filter(|(log, _)| log.node == self.id) {
            let cursor = store.cursor(Peer::Hub, log)?;
            if cursor.0 >= upto {
                continue;
            }
            unsynced = unsynced.saturating_add(upto - cursor.0);
            if looked < OLDEST_LOGS_MAX {
                looked += 1;
                let one = ReadLimits {
                    documents_max: 1,
                    bytes_max: 1,
                };
                let read = store.read(log, cursor, one)?;
                let wall = read.first().and_then(|it| Authored::open(it.clone()).ok());
                let wall = wall.map(|it| it.document().wall);
                oldest = [oldest, wall].into_iter().flatten().min();
            }
        }
        Ok(Stat {
            unsynced,
            oldest_unsynced: oldest,
            version: self.config.version.clone(),
            wall: now.wall,
            boot_nonce: self.config.boot_nonce,
            stopping: self.stopping,
            catalogue_revision: self.catalogue_revision,
        })
    }

    /// A stop on purpose is said to the siblings too.
    pub(super) fn lan_soon(&mut self, now: Now) {
        self.lan.heads_at_ms = self.lan.heads_at_ms.min(now.mono_ms);
    }
}

/// Pages of a large store follow each other so fast.
const PAGE_INTERVAL_MS: u64 = 2_000;

const LOG_FIRST: LogId = LogId {
    node: NodeId::from_bytes([0; 16]),
    incarnation: Incarnation(0),
};
const LOG_LAST: LogId = LogId {
    node: NodeId::from_bytes([0xFF; 16]),
    incarnation: Incarnation(u64::MAX),
};

/// The next name.
fn after(log: LogId) -> LogId {
    match log.incarnation.0.checked_add(1) {
        Some(incarnation) => LogId {
            incarnation: Incarnation(incarnation),
            ..log
        },
        None => LogId {
            node: NodeId::from_bytes(
                u128::from_be_bytes(*log.node.as_bytes())
                    .saturating_add(1)
                    .to_be_bytes(),
            ),
            incarnation: Incarnation(0),
        },
    }
}

fn broadcast(channel: Up, message: &Message, effects: &mut Vec<NodeEffect>) {
    broadcast_payload(channel, pack(message), effects);
}

fn broadcast_payload(channel: Up, payload: Payload, effects: &mut Vec<NodeEffect>) {
    match payload {
        Ok(frame) => effects.push(NodeEffect::Broadcast { channel, frame }),
        Err(error) => effects.push(NodeEffect::Event(NodeEvent::BadFrame {
            reason: error.to_string(),
        })),
    }
}
