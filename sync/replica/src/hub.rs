//! The machine of the far end, one for each shop: admits PCs, stores their logs, relays them.
//!
//! Call [`Hub::handle`] with one input at a time inside one transaction, commit, then carry out
//! the effects; if the commit fails, drop the effects and call [`Hub::reset`]: the PCs are asked
//! to say hello again, which restores everything. The machine may be dropped and made anew at any
//! time: who belongs to the shop, tokens, epochs and each PC's cursors are in the store. It acks
//! what the transaction stores and nothing else; it relays what authors signed and can't make a
//! document itself.

mod admission;
mod digests;
mod exchange;
mod follow;
mod heads;
mod order_flow;
mod orders;
mod oversold;
mod record;
mod rights;
mod several;
mod shop;
mod surface;
mod units;

pub use follow::{OrderTrouble, troubles};
pub use order_flow::Recovery;
pub use oversold::{COMPENSATE_AFTER_MS, Level, LevelDesk, candidates};
pub use surface::{HubConfig, HubEffect, HubEvent, HubInput};

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::{NodeId, Seq};
use shelf_stock::name::ItemId;
use shelf_wire::frame::{pack, unpack};
use shelf_wire::key::{PublicKey, SignedHead};
use shelf_wire::message::{HELLO_NODES_MAX, Message, Nack, NackReason, Presence, Roster, Will};
use shelf_wire::sealed::Sealed;
use shelf_wire::topic::Down;

use self::order_flow::OrderFlow;
use self::rights::Untold;
use crate::SILENCE_MS_MAX;
use crate::node::{save, saved};
use crate::outflow::{Outflow, Payload, Signer};
use crate::store::{LogId, Store};
use crate::time::{Jitter, Now};

/// Hellos that may come at once.
pub const HELLOS_BURST_MAX: u64 = 64;
/// Milliseconds until one more hello may come.
pub const HELLO_INTERVAL_MS: u64 = 100;

/// A PC that lacks more documents than this is told to fetch them as files.
pub const BOOTSTRAP_DOCUMENTS_MIN: u64 = 10_000;

const ROSTER_KEY: &str = "hub.roster";
const HINT_KEY: &str = "hub.hint";

#[derive(Debug)]
struct Session {
    outflow: Outflow,
    boot_nonce: u64,
    last_frame_ms: u64,
    /// When the cursors of what is on the way were read last.
    looked_ms: u64,
    orders: OrderFlow,
    /// Up to which stamp it had the orders when it said hello.
    orders_upto: u64,
}

/// The machine of one shop.
#[derive(Debug)]
pub struct Hub {
    config: HubConfig,
    jitter: Jitter,
    sessions: BTreeMap<NodeId, Session>,
    hellos: u64,
    hellos_at_ms: u64,
    asked: bool,
    /// Whether other workers serve the same shop.
    several: bool,
    compensate_after_ms: u64,
    untold: BTreeMap<ItemId, Untold>,
    oversold: BTreeMap<ItemId, u64>,
    told_oversold: BTreeSet<ItemId>,
    /// Items whose returned units the store is to be told of.
    changed: BTreeSet<ItemId>,
    comparing: Option<digests::Comparing>,
}

impl Hub {
    /// A machine that has heard of nobody yet.
    pub fn new(config: HubConfig) -> Self {
        Self {
            jitter: Jitter::new(config.seed),
            config,
            sessions: BTreeMap::new(),
            hellos: HELLOS_BURST_MAX,
            hellos_at_ms: 0,
            asked: false,
            comparing: None,
            several: false,
            compensate_after_ms: COMPENSATE_AFTER_MS,
            untold: BTreeMap::new(),
            oversold: BTreeMap::new(),
            told_oversold: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }

    /// The same machine, which lets an oversold unit wait this long, instead of
    /// [`COMPENSATE_AFTER_MS`], before an order loses it.
    #[must_use]
    pub fn compensating_after(self, compensate_after_ms: u64) -> Self {
        Self {
            compensate_after_ms,
            ..self
        }
    }

    /// The PCs that are here now.
    pub fn present(&self) -> impl Iterator<Item = NodeId> {
        self.sessions.keys().copied()
    }

    /// Forgets who is here: after a failed transaction or commit.
    pub fn reset(&mut self) {
        self.sessions.clear();
        // One of several workers goes on from the store.
        self.asked = self.several;
        self.untold.clear();
        self.oversold.clear();
        self.told_oversold.clear();
        self.changed.clear();
        self.comparing = None;
    }

    /// Handles one input inside one transaction. On an error the transaction must be rolled back,
    /// the effects dropped and the machine [reset](Hub::reset).
    pub fn handle<S: Store + ?Sized>(
        &mut self,
        now: Now,
        input: HubInput<'_>,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        self.ask_everybody(store, effects)?;
        match input {
            HubInput::Frame { from, frame } => self.on_frame(now, from, frame, store, effects)?,
            HubInput::Forgive { node } => self.forgive(node, store)?,
            HubInput::Enrol { key } => self.enrol(key, store, effects)?,
            HubInput::Hint { hint } => {
                let message = Message::CfgHint(hint.clone());
                save(store, HINT_KEY, &message)?;
                for node in self.sessions.keys() {
                    send(*node, Down::Cfg, &message, effects);
                }
            }
            HubInput::Tick => {}
        }
        self.on_time(now, store, effects)?;
        self.compare_on_time(now, store, effects)?;
        self.finish(now, store, effects)
    }

    /// Sends what follows from an input or from one of the other calls that change something
    /// ([`Hub::accept`] and its like): call it after them, in the same transaction.
    pub fn finish<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        self.compensate_due(now, store, effects)?;
        let changed: Vec<ItemId> = std::mem::take(&mut self.changed).into_iter().collect();
        if !changed.is_empty() {
            self.tell_rights(now, &changed, store, effects)?;
        }
        self.repeat_rights(now, store, effects)?;
        self.pump_orders(now, store, effects)?;
        self.pump(now, store, effects)?;
        effects.extend(self.wake_at_ms().map(HubEffect::WakeAt));
        Ok(())
    }

    fn on_frame<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        frame: &[u8],
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let message = match unpack(frame) {
            Ok(message) => message,
            Err(error) => {
                let reason = error.to_string();
                effects.push(HubEffect::Event(HubEvent::BadFrame { from, reason }));
                return Ok(());
            }
        };
        match message {
            Message::Hello(hello) => return self.on_hello(now, from, &hello, store, effects),
            Message::Will(will) => {
                self.on_will(from, will, effects);
                return Ok(());
            }
            _ => {}
        }
        if !self.sessions.contains_key(&from) {
            self.resume(now, from, store)?;
        }
        let Some(session) = self.sessions.get_mut(&from) else {
            ask_for_hello(from, effects);
            return Ok(());
        };
        session.last_frame_ms = now.mono_ms;
        match message {
            Message::LogBatch(batch) => self.on_batch(now, from, &batch, store, effects),
            Message::Heads(heads) => self.on_heads(from, &heads, store, effects),
            Message::Digests(digests) => self.on_digests(now, from, *digests, store, effects),
            Message::Ack(ack) => self.on_ack(from, &ack, store),
            Message::Nack(nack) => {
                self.on_nack(from, &nack, effects);
                Ok(())
            }
            Message::Stat(stat) => {
                self.hear(now, from, &stat, store, effects)?;
                self.look_after(from, &stat, store, effects)?;
                self.on_stat(now, from, stat, effects);
                Ok(())
            }
            Message::StoreRights(rights) => {
                self.on_store_rights(now, from, &rights, store, effects)
            }
            Message::RightsPull(pull) => self.on_rights_pull(now, from, &pull, store, effects),
            Message::OrderAck(ack) => {
                session.orders.on_ack(ack.upto);
                self.note_orders(from, ack.upto, store)
            }
            Message::OrdersPage(page) => self.on_orders_page(now, from, &page, store, effects),
            Message::Presence(Presence {
                hours: Some(hours), ..
            }) => shop::set_hours(&hours, store),
            _ => Ok(()),
        }
    }

    /// A machine that knows of nobody asks the shop's PCs to say hello, so that they needn't find
    /// out by themselves.
    fn ask_everybody<S: Store + ?Sized>(
        &mut self,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if !self.asked {
            self.asked = true;
            for key in roster(store)?.keys {
                ask_for_hello(key.node_id(), effects);
            }
        }
        Ok(())
    }

    /// The last words of an older run say nothing about the one that is here.
    fn on_will(&mut self, from: NodeId, will: Will, effects: &mut Vec<HubEffect>) {
        let here = self.sessions.get(&from);
        if here.is_some_and(|it| it.boot_nonce == will.boot_nonce) {
            self.sessions.remove(&from);
            effects.push(HubEffect::Event(HubEvent::Gone { node: from }));
        }
    }

    fn enrol<S: Store + ?Sized>(
        &mut self,
        key: PublicKey,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let mut roster = roster(store)?;
        if roster.keys.contains(&key) || roster.keys.len() >= HELLO_NODES_MAX {
            return Ok(());
        }
        roster.keys.push(key);
        roster.keys.sort();
        let message = Message::Roster(roster);
        save(store, ROSTER_KEY, &message)?;
        for node in self.sessions.keys() {
            send(*node, Down::Cfg, &message, effects);
        }
        let node = key.node_id();
        effects.push(HubEffect::Event(HubEvent::Enrolled { node }));
        Ok(())
    }

    fn on_time<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let silent = |it: &Session| it.last_frame_ms + SILENCE_MS_MAX <= now.mono_ms;
        let gone: Vec<NodeId> = self
            .sessions
            .iter()
            .filter(|(_, it)| silent(it))
            .map(|(node, _)| *node)
            .collect();
        for node in gone {
            self.sessions.remove(&node);
            effects.push(HubEffect::Event(HubEvent::Gone { node }));
        }
        self.look_again(now, store)?;
        let mut message = None;
        for (node, session) in &mut self.sessions {
            if session.outflow.expire(now.mono_ms) {
                // It may be that the PC doesn't know the author.
                let message = match &message {
                    Some(message) => message,
                    None => message.insert(Message::Roster(roster(store)?)),
                };
                send(*node, Down::Cfg, message, effects);
            }
        }
        Ok(())
    }

    fn wake_at_ms(&self) -> Option<u64> {
        let sessions = self.sessions.values().flat_map(|it| {
            let silent_at_ms = it.last_frame_ms + SILENCE_MS_MAX;
            let look_at_ms = it.look_at_ms().filter(|_| self.several);
            let silent_at_ms = look_at_ms.map_or(silent_at_ms, |at| at.min(silent_at_ms));
            let flows = [it.outflow.wake_at_ms(), it.orders.wake_at_ms()];
            flows.into_iter().flatten().chain([silent_at_ms])
        });
        let rest = [
            self.rights_wake_at_ms(),
            self.oversold_wake_at_ms(),
            self.comparing.as_ref().map(digests::Comparing::wake_at_ms),
        ];
        sessions.chain(rest.into_iter().flatten()).min()
    }

    fn pump<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        for (node, session) in &mut self.sessions {
            let outflow = &mut session.outflow;
            while let Some(payload) = outflow.next_payload(now.mono_ms, store, &AuthorsWord)? {
                send_payload(*node, Down::Log, payload, effects);
            }
        }
        Ok(())
    }
}

/// Signs nothing: finds what authors signed.
pub(crate) struct AuthorsWord;

impl<S: Store + ?Sized> Signer<S> for AuthorsWord {
    const RELAYS: bool = true;

    fn sign(
        &self,
        store: &S,
        documents: &[Sealed],
    ) -> Result<Option<(usize, SignedHead)>, S::Error> {
        let (Some(first), Some(last)) = (documents.first(), documents.last()) else {
            return Ok(None);
        };
        let place = first.place();
        let log = LogId {
            node: place.node,
            incarnation: place.incarnation,
        };
        let before = Seq(place.seq.0.saturating_sub(1));
        let heads = store.signed_heads(log, before, documents.len())?;
        let fits = |it: &SignedHead| it.head.place.seq <= last.place().seq;
        let Some(head) = heads.into_iter().rev().find(fits) else {
            return Ok(None);
        };
        let count = head.head.place.seq.0.saturating_sub(before.0);
        Ok(usize::try_from(count).ok().map(|count| (count, head)))
    }
}

/// The PCs of the shop, as the hub would tell them.
pub fn roster<S: Store + ?Sized>(store: &S) -> Result<Roster, S::Error> {
    match saved(store, ROSTER_KEY)? {
        Some(Message::Roster(roster)) => Ok(roster),
        _ => Ok(Roster::default()),
    }
}

/// When the store is open, as its PCs say; `None`: none of them did.
pub fn opening_hours<S: Store + ?Sized>(store: &S) -> Result<Option<OpeningHours>, S::Error> {
    shop::hours(store)
}

fn ask_for_hello(to: NodeId, effects: &mut Vec<HubEffect>) {
    let nack = Nack {
        node: None,
        incarnation: shelf_stock::identity::Incarnation(0),
        first: Seq(0),
        last: Seq(0),
        reason: NackReason::Hello,
    };
    send(to, Down::Ack, &Message::Nack(nack), effects);
}

fn send(to: NodeId, channel: Down, message: &Message, effects: &mut Vec<HubEffect>) {
    send_payload(to, channel, pack(message), effects);
}

fn send_payload(to: NodeId, channel: Down, payload: Payload, effects: &mut Vec<HubEffect>) {
    match payload {
        Ok(frame) => effects.push(HubEffect::Send { to, channel, frame }),
        Err(error) => effects.push(HubEffect::Event(HubEvent::BadFrame {
            from: to,
            reason: error.to_string(),
        })),
    }
}
