//! A shop in virtual time: PCs, a hub and a bad network, all from one seed.
//!
//! Every machine runs in transactions as its documentation asks. A crash drops the machine and
//! keeps the store; a crash before the commit drops the transaction too. The network loses,
//! doubles, delays (and so reorders) and cuts. After every step the harness checks that nobody
//! believes the other side has what it hasn't. [`Mutant`]s are the same shop with one planted
//! error: a harness that doesn't catch them proves nothing.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod business;
mod faults;
pub(crate) mod trade;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use faults::{Faults, Mutant};
use shelf_replica::Now;
use shelf_replica::conformance::Author;
use shelf_replica::hub::{Hub, HubConfig, HubEffect, HubEvent, HubInput};
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeEvent, NodeInput};
use shelf_replica::store::{Peer, Store};
use shelf_stock::identity::{Digest, NodeId, Place};
use shelf_stock::time::Timestamp;
use shelf_wire::frame::unpack;
use shelf_wire::message::Message;

/// More steps in one run are a loop.
const STEPS_MAX: u64 = 30_000;

const EPOCH_MS: i64 = 1_790_000_000_000;

/// splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

pub(crate) struct Pc {
    pub(crate) author: Author,
    pub(crate) store: MemoryStore,
    pub(crate) machine: Node,
    pub(crate) link_up: bool,
    pub(crate) lan_up: bool,
    pub(crate) events: Vec<NodeEvent>,
    wake_at_ms: Option<u64>,
    sent_to: BTreeMap<u64, u64>,
}

pub(crate) enum Packet {
    Up(NodeId, Vec<u8>),
    Down(NodeId, Vec<u8>),
    /// From one PC to another on the store's network.
    Peer(NodeId, NodeId, Vec<u8>),
}

pub(crate) struct World {
    pub(crate) now_ms: u64,
    pub(crate) pcs: Vec<Pc>,
    pub(crate) hub: Hub,
    pub(crate) hub_store: MemoryStore,
    pub(crate) hub_events: Vec<HubEvent>,
    pub(crate) faults: Faults,
    pub(crate) mutant: Mutant,
    pub(crate) random: Random,
    /// Everything that was ever committed by its author.
    pub(crate) written: BTreeSet<(Place, Digest)>,
    /// Off where a test takes storage away on purpose.
    pub(crate) checked: bool,
    /// PCs know each other's keys from their configuration.
    pub(crate) pinned: bool,
    /// How many payloads were said on the store's network.
    pub(crate) broadcasts: u64,
    /// How many batches went to the hub that their sender had not written.
    pub(crate) relayed: u64,
    hub_wake_at_ms: Option<u64>,
    packets: BTreeMap<(u64, u64), Packet>,
    packet_count: u64,
}

impl World {
    pub(crate) fn new(seed: u64, pcs: u8, faults: Faults, mutant: Mutant) -> Self {
        let mut random = Random(seed);
        let hub = Hub::new(HubConfig {
            seed: random.next(),
            trust_first_use: true,
        });
        let pcs = (0..pcs)
            .map(|number| Pc::new(number, &mut random))
            .collect();
        Self {
            now_ms: 1_000,
            pcs,
            hub,
            hub_store: MemoryStore::new(),
            hub_events: Vec::new(),
            faults,
            mutant,
            random,
            written: BTreeSet::new(),
            checked: true,
            pinned: false,
            broadcasts: 0,
            relayed: 0,
            hub_wake_at_ms: None,
            packets: BTreeMap::new(),
            packet_count: 0,
        }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = i64::try_from(self.now_ms).unwrap();
        Now {
            mono_ms: self.now_ms,
            wall: Timestamp::from_millis(EPOCH_MS + wall),
        }
    }

    /// Records a sale, or something that only a newer version understands.
    pub(crate) fn record(&mut self, index: usize) {
        let (wall, strange) = (self.now().wall, self.random.percent(self.faults.unreadable));
        let pc = &mut self.pcs[index];
        let sealed = if strange {
            let sealed = pc.author.write_unreadable();
            pc.store.insert_unread(&sealed).unwrap();
            sealed
        } else {
            let authored = pc.author.sell("mug", wall);
            pc.store.insert(&authored).unwrap();
            authored.sealed().clone()
        };
        self.written.insert((sealed.place(), sealed.digest()));
        let (log, upto) = (pc.author.log(), pc.author.seq());
        self.tell(index, NodeInput::Appended { log, upto });
    }

    /// One transaction of a PC, its effects, and what may go wrong around them.
    pub(crate) fn tell(&mut self, index: usize, input: NodeInput<'_>) {
        let now = self.now();
        let (lost, crash) = self.fate();
        let pc = &mut self.pcs[index];
        let mut effects = Vec::new();
        // A transaction that is lost is made on a copy; the others needn't pay for one.
        let mut doomed = lost.then(|| pc.store.clone());
        let store = doomed.as_mut().unwrap_or(&mut pc.store);
        pc.machine.handle(now, input, store, &mut effects).unwrap();
        if (!lost && !crash) || (self.mutant == Mutant::AckBeforeCommit) {
            pc.wake_at_ms = None;
            for effect in effects {
                self.carry_out(index, effect);
            }
        }
        if lost || crash {
            self.restart_pc(index);
        }
        self.check();
    }

    fn carry_out(&mut self, index: usize, effect: NodeEffect) {
        match effect {
            NodeEffect::Send { frame, .. } => {
                let pc = &mut self.pcs[index];
                let Some(frame) =
                    self.mutant
                        .on_send(&mut pc.store, &mut pc.sent_to, frame, pc.machine.id())
                else {
                    return;
                };
                if let Ok(Message::LogBatch(batch)) = unpack(&frame) {
                    self.relayed += u64::from(batch.node.is_some());
                }
                let packet = Packet::Up(pc.machine.id(), frame);
                self.publish(index, packet);
            }
            NodeEffect::Broadcast { frame, .. } => {
                self.broadcasts += 1;
                let from = self.pcs[index].machine.id();
                if !self.pcs[index].lan_up {
                    return;
                }
                for other in 0..self.pcs.len() {
                    let to = self.pcs[other].machine.id();
                    if other != index && self.pcs[other].lan_up {
                        self.post(Packet::Peer(from, to, frame.clone()));
                    }
                }
            }
            NodeEffect::WakeAt(at) => self.pcs[index].wake_at_ms = Some(at),
            NodeEffect::Event(event) => self.pcs[index].events.push(event),
        }
    }

    pub(crate) fn restart_pc(&mut self, index: usize) {
        let (boot, seed) = (self.random.next(), self.random.next());
        let pc = &mut self.pcs[index];
        pc.machine = machine(&pc.author, boot, seed);
        pc.author.reopen(seed);
        pc.wake_at_ms = None;
        let (link_up, lan_up) = (pc.link_up, pc.lan_up);
        if link_up {
            self.tell(index, NodeInput::LinkUp);
        }
        if lan_up {
            self.tell_lan_up(index);
        }
    }

    fn tell_lan_up(&mut self, index: usize) {
        let keys: Vec<_> = match self.pinned {
            true => self
                .pcs
                .iter()
                .map(|it| it.author.key().public_key())
                .collect(),
            false => Vec::new(),
        };
        self.tell(
            index,
            NodeInput::LanUp {
                name: "pc",
                keys: &keys,
            },
        );
    }

    pub(crate) fn set_lan(&mut self, index: usize, up: bool) {
        if self.pcs[index].lan_up == up {
            return;
        }
        self.pcs[index].lan_up = up;
        match up {
            true => self.tell_lan_up(index),
            false => self.tell(index, NodeInput::LanDown),
        }
    }

    pub(crate) fn set_link(&mut self, index: usize, up: bool) {
        if self.pcs[index].link_up == up {
            return;
        }
        self.pcs[index].link_up = up;
        if !up {
            let id = self.pcs[index].machine.id();
            self.mutant.on_link_down(&mut self.pcs[index].store, id);
        }
        self.tell(
            index,
            if up {
                NodeInput::LinkUp
            } else {
                NodeInput::LinkDown
            },
        );
    }

    /// One transaction of the hub.
    pub(crate) fn tell_hub(&mut self, input: HubInput<'_>) {
        let now = self.now();
        let (lost, crash) = self.fate();
        let mut effects = Vec::new();
        let mut doomed = lost.then(|| self.hub_store.clone());
        let store = doomed.as_mut().unwrap_or(&mut self.hub_store);
        self.hub.handle(now, input, store, &mut effects).unwrap();
        if (!lost && !crash) || self.mutant == Mutant::AckBeforeCommit {
            self.hub_wake_at_ms = None;
            for effect in effects {
                match effect {
                    HubEffect::Send { to, frame, .. } => {
                        let frame = self.mutant.on_hub_send(frame);
                        if let Some(index) = self.index(to) {
                            self.publish(index, Packet::Down(to, frame));
                        }
                    }
                    HubEffect::WakeAt(at) => self.hub_wake_at_ms = Some(at),
                    HubEffect::Event(event) => self.hub_events.push(event),
                }
            }
        }
        if lost || crash {
            self.hub_wake_at_ms = None;
            self.hub = Hub::new(HubConfig {
                seed: self.random.next(),
                trust_first_use: true,
            });
        }
        self.check();
    }

    /// Whether a transaction is lost, and whether the machine dies after its commit.
    fn fate(&mut self) -> (bool, bool) {
        let crash = self.faults.crash;
        let lost = self.random.below(1000) < crash;
        (lost, self.random.below(1000) < crash)
    }

    fn index(&self, node: NodeId) -> Option<usize> {
        self.pcs.iter().position(|it| it.machine.id() == node)
    }

    fn publish(&mut self, index: usize, packet: Packet) {
        if self.pcs[index].link_up {
            self.post(packet);
        }
    }

    fn post(&mut self, packet: Packet) {
        if self.random.percent(self.faults.loss) {
            return;
        }
        let copies = 1 + u64::from(self.random.percent(self.faults.double));
        for _ in 0..copies {
            let delay = 1 + self.random.below(self.faults.delay_ms);
            self.packet_count += 1;
            let copy = match &packet {
                Packet::Up(node, frame) => Packet::Up(*node, frame.clone()),
                Packet::Down(node, frame) => Packet::Down(*node, frame.clone()),
                Packet::Peer(from, to, frame) => Packet::Peer(*from, *to, frame.clone()),
            };
            self.packets
                .insert((self.now_ms + delay, self.packet_count), copy);
        }
    }

    /// Lets the next thing happen that waits for its time; `false` if nothing does before `until`.
    pub(crate) fn step(&mut self, until_ms: u64) -> bool {
        let packet = self.packets.keys().next().map(|it| it.0);
        let wakes = self.pcs.iter().filter_map(|it| it.wake_at_ms);
        let wake = wakes.chain(self.hub_wake_at_ms).min();
        let Some(next) = [packet, wake]
            .into_iter()
            .flatten()
            .min()
            .filter(|it| *it <= until_ms)
        else {
            self.now_ms = self.now_ms.max(until_ms);
            return false;
        };
        self.now_ms = self.now_ms.max(next);
        if packet == Some(next) {
            self.deliver();
        } else if let Some(index) = self
            .pcs
            .iter()
            .position(|it| it.wake_at_ms.is_some_and(|at| at <= next))
        {
            self.pcs[index].wake_at_ms = None;
            self.tell(index, NodeInput::Tick);
        } else {
            self.hub_wake_at_ms = None;
            self.tell_hub(HubInput::Tick);
        }
        true
    }

    fn deliver(&mut self) {
        let Some((_, packet)) = self.packets.pop_first() else {
            return;
        };
        match packet {
            Packet::Up(from, frame) => self.tell_hub(HubInput::Frame {
                from,
                frame: &frame,
            }),
            Packet::Peer(from, to, frame) => {
                let index = self.index(to).unwrap();
                if self.pcs[index].lan_up {
                    let frame = &frame;
                    self.tell(index, NodeInput::PeerFrame { from, frame });
                }
            }
            Packet::Down(to, frame) => {
                let index = self.index(to).unwrap();
                if self.pcs[index].link_up {
                    self.tell(index, NodeInput::Frame(&frame));
                }
            }
        }
    }

    pub(crate) fn run_for(&mut self, ms: u64) {
        let until_ms = self.now_ms + ms;
        let mut steps = 0_u64;
        while self.step(until_ms) {
            steps += 1;
            assert!(
                steps < STEPS_MAX,
                "no end at {} ms: {:?} and hub {:?}, {} packets",
                self.now_ms,
                self.pcs.iter().map(|it| it.wake_at_ms).collect::<Vec<_>>(),
                self.hub_wake_at_ms,
                self.packets.len(),
            );
        }
    }

    /// No more faults, every link up, until everybody has everything or the time is over.
    pub(crate) fn settle(&mut self) {
        self.faults = Faults::NONE;
        for index in 0..self.pcs.len() {
            self.set_link(index, true);
        }
        for _ in 0..60 {
            self.run_for(30_000);
            if self.differences().is_none() {
                return;
            }
        }
    }

    /// What still differs between the stores; `None` when all are equal and know it.
    pub(crate) fn differences(&self) -> Option<String> {
        if self.hub_store.documents() != self.written {
            let (has, all) = (self.hub_store.documents().len(), self.written.len());
            return Some(format!("the hub has {has} of {all} documents"));
        }
        for pc in &self.pcs {
            let (id, has) = (pc.machine.id().short(), pc.store.documents());
            if has != self.written {
                return Some(format!(
                    "{id} has {} of {} documents",
                    has.len(),
                    self.written.len()
                ));
            }
            if !pc.store.folded().eq(self.hub_store.folded()) {
                return Some(format!("{id} counts other documents than the hub"));
            }
            for state in pc.store.logs().unwrap() {
                let cursor = pc.store.cursor(Peer::Hub, state.log).unwrap();
                if state.log.node == pc.machine.id() && cursor != state.upto {
                    return Some(format!(
                        "{id} doesn't know that the hub has {:?}",
                        state.log
                    ));
                }
            }
        }
        None
    }

    /// I12: a cursor never says more than the other side has committed.
    fn check(&self) {
        for pc in self.pcs.iter().filter(|_| self.checked) {
            let id = pc.machine.id();
            for cursor in pc.store.cursors(Peer::Hub).unwrap() {
                let held = self
                    .hub_store
                    .log(cursor.log)
                    .unwrap()
                    .map_or(0, |it| it.upto.0);
                assert!(
                    cursor.upto.0 <= held,
                    "{} believes the hub has {cursor:?}",
                    id.short()
                );
            }
        }
    }
}

impl Pc {
    fn new(number: u8, random: &mut Random) -> Self {
        let author = Author::new(number + 1, random.next());
        Self {
            machine: machine(&author, random.next(), random.next()),
            author,
            store: MemoryStore::new(),
            link_up: false,
            lan_up: false,
            events: Vec::new(),
            wake_at_ms: None,
            sent_to: BTreeMap::new(),
        }
    }
}

pub(crate) fn machine(author: &Author, boot_nonce: u64, seed: u64) -> Node {
    Node::new(NodeConfig {
        key: author.key().clone(),
        boot_nonce,
        seed,
        version: "0.1.0".to_owned(),
    })
}
