//! The machine of a PC: says hello, sends its own logs, takes its siblings'.
//!
//! Call [`Node::handle`] with one input at a time inside one transaction, commit, then carry out
//! the effects in order; if the commit fails, drop the effects and call [`Node::reset`], then give
//! [`NodeInput::LinkUp`] again if the link is up. The machine keeps nothing that may not be lost:
//! token, epoch, roster and cursors are in the store. It never deletes anything, never moves the
//! hub's cursor but by the hub's ack (or the hub's answer to a hello), and never counts what the
//! transport says as progress.

mod digests;
mod grants;
mod greeting;
mod inbox;
mod lan;
mod orders;
mod relay;
mod restored;
mod surface;
mod telling;

use digests::Rounds;
use lan::Lan;
use relay::Relay;

pub use grants::Permission;
pub(crate) use greeting::{end_of, save, saved};
pub use lan::{RELAY_PATIENCE_MS, SiblingStatus};
pub use restored::{RESTORED_ITEMS_MAX, Restored, restored};
pub use surface::{NodeConfig, NodeEffect, NodeEvent, NodeInput};

use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::{NodeId, Seq};
use shelf_stock::time::Timestamp;
use shelf_wire::frame::pack;
use shelf_wire::key::{NodeKey, SignedHead};
use shelf_wire::message::{Message, Presence, Stat};
use shelf_wire::sealed::{Authored, Sealed};
use shelf_wire::topic::Up;

use self::grants::Grants;
use crate::held::Held;
use crate::hub::AuthorsWord;
use crate::outflow::{Outflow, Payload, Signer};
use crate::store::{LogId, Peer, ReadLimits, Store};
use crate::time::{Jitter, Now};
use crate::{SILENCE_MS_MAX, STAT_INTERVAL_MS};

/// An un-acked document older than this keeps a page from being green.
pub const UNSYNCED_AGE_MS_MAX: i64 = 60_000;

#[derive(Debug)]
enum Phase {
    Down,
    Greeting {
        nonce: u64,
        retry_at_ms: u64,
        attempts: u32,
    },
    Admitted {
        stat_at_ms: u64,
    },
    Waiting {
        until_ms: u64,
    },
}

/// The machine of a PC.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    id: NodeId,
    jitter: Jitter,
    phase: Phase,
    outflow: Outflow,
    last_frame_ms: Option<u64>,
    hub_offset_ms: Option<i64>,
    catalogue_revision: u64,
    stopping: bool,
    grants: Grants,
    held: Held,
    lan: Lan,
    relay: Relay,
    digests: Rounds,
    hours: Option<OpeningHours>,
}

/// Where the exchange stands, for pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// The transport is connected.
    pub link_up: bool,
    /// The hub has answered this connection's hello with yes.
    pub admitted: bool,
    /// Monotonic time of the last frame from the hub.
    pub last_frame_ms: Option<u64>,
    /// How far the hub's wall clock was ahead of ours at its last beat.
    pub hub_offset_ms: Option<i64>,
}

impl NodeStatus {
    /// Whether a page may say that everything is well: the hub was heard of lately and has every
    /// document but the newest.
    pub fn is_green(&self, now: Now, oldest_unsynced: Option<Timestamp>) -> bool {
        let heard = self.last_frame_ms.is_some_and(|it| {
            let silent_ms = now.mono_ms.saturating_sub(it);
            silent_ms < SILENCE_MS_MAX
        });
        let fresh =
            oldest_unsynced.is_none_or(|it| now.wall.millis_since(it) < UNSYNCED_AGE_MS_MAX);
        self.admitted && heard && fresh
    }
}

impl Node {
    /// A machine whose link is down.
    pub fn new(config: NodeConfig) -> Self {
        let mut jitter = Jitter::new(config.seed ^ config.boot_nonce);
        Self {
            id: config.key.node_id(),
            held: Held::default(),
            lan: Lan::new(&mut jitter),
            relay: Relay::new(&mut jitter),
            digests: Rounds::new(&mut jitter),
            outflow: Outflow::new(jitter.next()),
            jitter,
            config,
            phase: Phase::Down,
            last_frame_ms: None,
            hub_offset_ms: None,
            catalogue_revision: 0,
            stopping: false,
            grants: Grants::default(),
            hours: None,
        }
    }

    /// Who this is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Where the exchange stands.
    pub fn status(&self) -> NodeStatus {
        NodeStatus {
            link_up: !matches!(self.phase, Phase::Down),
            admitted: matches!(self.phase, Phase::Admitted { .. }),
            last_frame_ms: self.last_frame_ms,
            hub_offset_ms: self.hub_offset_ms,
        }
    }

    /// Forgets everything but who it is: after a failed transaction or commit.
    pub fn reset(&mut self) {
        self.hang_up();
        self.grants.forget();
        self.lan_down();
        self.held = Held::default();
    }

    /// The exchange is over; what is known of orders and rights still holds.
    fn hang_up(&mut self) {
        self.phase = Phase::Down;
        self.outflow = Outflow::new(self.jitter.next());
        self.relay = Relay::new(&mut self.jitter);
    }

    fn is_admitted(&self) -> bool {
        matches!(self.phase, Phase::Admitted { .. })
    }

    /// Handles one input inside one transaction. On an error the transaction must be rolled back,
    /// the effects dropped and the machine [reset](Node::reset).
    pub fn handle<S: Store + ?Sized>(
        &mut self,
        now: Now,
        input: NodeInput<'_>,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        self.load(store, effects)?;
        self.held.load(store)?;
        match input {
            NodeInput::LanUp { name, keys } => self.lan_up(now, name, keys),
            NodeInput::LanDown => self.lan_down(),
            NodeInput::PeerFrame { from, frame } => {
                self.on_peer_frame(now, from, frame, store, effects)?;
            }
            NodeInput::LinkUp => self.greet(now, store, effects)?,
            NodeInput::LinkDown => self.hang_up(),
            NodeInput::Frame(frame) => self.on_frame(now, frame, store, effects)?,
            NodeInput::Snapshot(frame) => self.on_snapshot(now, frame, store, effects)?,
            NodeInput::Appended { log, upto } => {
                self.grew(now, log, upto);
                self.on_appended(log, upto, store)?;
                self.examine(log, upto, store, effects)?;
            }
            NodeInput::StockChanged { items } => self.grants.look_at(items.iter().cloned()),
            NodeInput::NobodyListens => self.on_nobody(now),
            NodeInput::CatalogueHeld { revision } => {
                self.catalogue_revision = revision;
                self.stat_soon(now);
            }
            NodeInput::CompareBalances => self.digests.ask(now),
            NodeInput::RestoreSettled => restored::settle(store)?,
            NodeInput::Hours(hours) => self.keep_hours(hours, effects),
            NodeInput::Stopping => {
                self.stopping = true;
                self.lan_soon(now);
                self.stat_soon(now);
            }
            NodeInput::Tick => {}
        }
        self.on_time(now, store, effects)?;
        self.lan_on_time(now, store, effects)?;
        self.relay_on_time(now, store, effects)?;
        self.digests_on_time(now, store, effects)?;
        self.grant(now, store, effects)?;
        self.pump(now, store, effects)?;
        let wakes = [
            self.wake_at_ms(),
            self.grants.wake_at_ms(now, self.is_admitted()),
            self.lan.wake_at_ms(),
            self.relay.wake_at_ms(),
            self.digests.wake_at_ms(self.is_admitted()),
        ];
        effects.extend(wakes.into_iter().flatten().min().map(NodeEffect::WakeAt));
        Ok(())
    }

    fn on_appended<S: Store + ?Sized>(
        &mut self,
        log: LogId,
        upto: Seq,
        store: &S,
    ) -> Result<(), S::Error> {
        // Before the hub's answer nothing is sent; the answer reads all logs anew.
        if matches!(self.phase, Phase::Admitted { .. }) && log.node == self.id {
            let acked = match self.outflow.knows(log) {
                true => Seq(0),
                false => store.cursor(Peer::Hub, log)?,
            };
            self.outflow.offer(log, acked, upto);
        }
        Ok(())
    }

    fn keep_hours(&mut self, hours: &OpeningHours, effects: &mut Vec<NodeEffect>) {
        if self.hours.as_ref() != Some(hours) {
            self.hours = Some(hours.clone());
            if self.is_admitted() {
                self.say_hours(effects);
            }
        }
    }

    /// Tells the hub when the store is open, so that it knows which silence is one.
    fn say_hours(&self, effects: &mut Vec<NodeEffect>) {
        if let Some(hours) = &self.hours {
            let presence = Presence {
                rows: Vec::new(),
                hours: Some(hours.clone()),
            };
            send(Up::Stat, &Message::Presence(presence), effects);
        }
    }

    fn stat_soon(&mut self, now: Now) {
        if let Phase::Admitted { stat_at_ms } = &mut self.phase {
            *stat_at_ms = now.mono_ms;
        }
    }

    /// Nobody will ack: begin again with a hello, after a while.
    fn on_nobody(&mut self, now: Now) {
        if matches!(self.phase, Phase::Admitted { .. }) {
            self.hang_up();
            let until_ms = now.mono_ms + self.jitter.backoff_ms(2_000, 2_000, 0);
            self.phase = Phase::Waiting { until_ms };
        }
    }

    fn on_time<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        match self.phase {
            Phase::Down => {}
            Phase::Waiting { until_ms } if until_ms <= now.mono_ms => {
                self.greet(now, store, effects)?;
            }
            Phase::Waiting { .. } => {}
            Phase::Greeting { retry_at_ms, .. } if retry_at_ms <= now.mono_ms => {
                self.greet_again(now, store, effects)?;
            }
            Phase::Greeting { .. } => {}
            Phase::Admitted { .. } if self.silent_at_ms() <= now.mono_ms => {
                effects.push(NodeEffect::Event(NodeEvent::HubSilent));
                self.greet(now, store, effects)?;
            }
            Phase::Admitted { stat_at_ms } => {
                self.outflow.expire(now.mono_ms);
                if stat_at_ms <= now.mono_ms {
                    self.send_stat(now, store, effects)?;
                    let stat_at_ms = now.mono_ms + STAT_INTERVAL_MS;
                    self.phase = Phase::Admitted { stat_at_ms };
                }
            }
        }
        Ok(())
    }

    fn silent_at_ms(&self) -> u64 {
        self.last_frame_ms
            .unwrap_or(0)
            .saturating_add(SILENCE_MS_MAX)
    }

    fn wake_at_ms(&self) -> Option<u64> {
        match self.phase {
            Phase::Down => None,
            Phase::Waiting { until_ms } => Some(until_ms),
            Phase::Greeting { retry_at_ms, .. } => Some(retry_at_ms),
            Phase::Admitted { stat_at_ms } => {
                let timers = [
                    Some(stat_at_ms),
                    Some(self.silent_at_ms()),
                    self.outflow.wake_at_ms(),
                ];
                timers.into_iter().flatten().min()
            }
        }
    }

    fn send_stat<S: Store + ?Sized>(
        &self,
        now: Now,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let (mut unsynced, mut oldest) = (0, None::<Timestamp>);
        for (log, first, count) in self.outflow.waiting() {
            unsynced += count;
            let one = ReadLimits {
                documents_max: 1,
                bytes_max: 1,
            };
            let read = store.read(log, Seq(first.0 - 1), one)?;
            let wall = read.first().and_then(|it| Authored::open(it.clone()).ok());
            let wall = wall.map(|it| it.document().wall);
            oldest = [oldest, wall].into_iter().flatten().min();
        }
        let stat = Stat {
            unsynced,
            oldest_unsynced: oldest,
            version: self.config.version.clone(),
            wall: now.wall,
            boot_nonce: self.config.boot_nonce,
            stopping: self.stopping,
            catalogue_revision: self.catalogue_revision,
        };
        send(Up::Stat, &Message::Stat(stat), effects);
        self.say_settled(effects);
        Ok(())
    }

    fn pump<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if !matches!(self.phase, Phase::Admitted { .. }) {
            return Ok(());
        }
        let signer = OwnKey(&self.config.key);
        while let Some(payload) = self.outflow.next_payload(now.mono_ms, store, &signer)? {
            send_payload(Up::Log, payload, effects);
        }
        Ok(())
    }
}

struct OwnKey<'a>(&'a NodeKey);

impl<S: Store + ?Sized> Signer<S> for OwnKey<'_> {
    const RELAYS: bool = false;

    fn sign(&self, _: &S, documents: &[Sealed]) -> Result<Option<(usize, SignedHead)>, S::Error> {
        let last = documents.last();
        Ok(last.map(|it| (documents.len(), self.0.sign_head(&it.head()))))
    }
}

/// Own documents under an own signature, others' in their authors' words; batches name both.
struct Words<'a>(&'a NodeKey, NodeId);

impl<S: Store + ?Sized> Signer<S> for Words<'_> {
    const RELAYS: bool = true;

    fn sign(
        &self,
        store: &S,
        documents: &[Sealed],
    ) -> Result<Option<(usize, SignedHead)>, S::Error> {
        match documents.first() {
            Some(first) if first.place().node == self.1 => OwnKey(self.0).sign(store, documents),
            _ => AuthorsWord.sign(store, documents),
        }
    }
}

fn send(channel: Up, message: &Message, effects: &mut Vec<NodeEffect>) {
    send_payload(channel, pack(message), effects);
}

fn send_payload(channel: Up, payload: Payload, effects: &mut Vec<NodeEffect>) {
    match payload {
        Ok(frame) => effects.push(NodeEffect::Send { channel, frame }),
        Err(error) => effects.push(NodeEffect::Event(NodeEvent::BadFrame {
            reason: error.to_string(),
        })),
    }
}
