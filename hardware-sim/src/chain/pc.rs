//! A PC: its disk, its clock, its machine, and the log that it writes.
//!
//! What the ledger's writer does in production (a new incarnation at each opening, a chain of
//! digests, a logical clock) is done here in the same transactions, because a simulated PC that
//! remembered more than its disk would never be restored or cloned.

use std::collections::BTreeMap;

use shelf_replica::node::{Node, NodeConfig};
use shelf_replica::store::{LogId, Store};
use shelf_stock::document::{Document, Draft};
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::key::NodeKey;
use shelf_wire::sealed::{Authored, Sealed};

use super::disk::{Disk, Fate};
use super::random::Random;
use super::violation::{Violation, hold};

/// The simulated world began here: milliseconds since 1970.
pub const EPOCH_MS: i64 = 1_790_000_000_000;

/// More wakes of one machine at one moment are a busy loop.
const WAKES_MAX: u32 = 30;

const OWN_KEY: &str = "sim.own";

/// How a PC is cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// It isn't.
    #[default]
    None,
    /// The connection is gone and both ends notice.
    Noticed,
    /// Nothing passes, and nobody notices.
    Silent,
    /// Nothing passes upwards.
    Up,
    /// Nothing passes downwards.
    Down,
}

/// How often a machine was woken at one moment: one that always wants more is a busy loop.
#[derive(Clone, Copy, Debug, Default)]
pub struct Woken {
    at_ms: u64,
    times: u32,
}

impl Woken {
    /// It is woken.
    pub fn again(&mut self, now_ms: u64) -> Result<(), Violation> {
        self.times = if self.at_ms == now_ms {
            self.times + 1
        } else {
            0
        };
        self.at_ms = now_ms;
        hold(self.times < WAKES_MAX, "I15", || {
            format!("a machine wants to be woken at {now_ms} ms for ever")
        })
    }
}

/// What the writer keeps beside the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Digest of the last own document.
    pub prev: Digest,
    /// The logical clock.
    pub hlc: Hlc,
}

/// One PC.
pub struct Pc<D> {
    /// Its key.
    pub key: NodeKey,
    /// Who it is.
    pub id: NodeId,
    /// Its storage.
    pub disk: D,
    /// Its machine.
    pub machine: Node,
    /// Whether its program runs.
    pub on: bool,
    /// Whether the machine was told that the link is up.
    pub link_up: bool,
    /// Whether the machine was told that the store's network is up.
    pub lan_up: bool,
    /// Another PC took the connection with the same identity; until then.
    pub kicked_until_ms: u64,
    /// Its own line.
    pub cut: Cut,
    /// How far its wall clock is ahead.
    pub clock_ms: i64,
    /// The log that it writes.
    pub log: LogId,
    /// Its last number.
    pub seq: u64,
    /// The logical clock of the last document, for I13.
    pub hlc_last: Hlc,
    /// The latest wall time that it ever showed.
    pub wall_max: Timestamp,
    /// When the machine wants to be woken.
    pub wake_at_ms: Option<u64>,
    /// How often it was woken at one moment.
    pub woken: Woken,
    /// How long a commit takes.
    pub slow_ms: u64,
    /// An old copy of its disk.
    pub image: Option<D>,
    /// The hub was restored and this PC has not been admitted since: its cursors may be ahead.
    pub doubt: bool,
    /// Since when.
    pub doubt_since_ms: u64,
    /// It runs from a copy of another PC's disk.
    pub twin: bool,
    /// A copy that people have switched off for good.
    pub gone: bool,
    /// Under which number it grants, if it does.
    pub rights_epoch: Option<u64>,
    /// What of its logs the hub had when it first admitted this run.
    pub hub_had: Option<Vec<(LogId, u64)>>,
    /// It reads only the oldest format.
    pub old_format: bool,
    /// Up to where each incarnation was sent, for a planted error.
    pub sent: BTreeMap<Incarnation, u64>,
    /// What it told of each item (granted, number, increment), for planted errors.
    pub told: BTreeMap<ItemId, (Quantity, u64, Quantity)>,
}

impl<D: Disk> Pc<D> {
    /// A PC with an empty disk.
    pub fn new(number: u64, random: &mut Random) -> Result<Self, Violation> {
        let mut seed = [7; 32];
        for (to, from) in seed.iter_mut().zip(number.to_le_bytes()) {
            *to = from;
        }
        let key = NodeKey::from_seed(seed);
        Self::open(key, D::empty()?, random)
    }

    /// A PC that opens a disk.
    pub fn open(key: NodeKey, disk: D, random: &mut Random) -> Result<Self, Violation> {
        let id = key.node_id();
        let log = LogId {
            node: id,
            incarnation: Incarnation(random.draw()),
        };
        Ok(Self {
            machine: machine(&key, random),
            id,
            key,
            disk,
            on: true,
            link_up: false,
            lan_up: false,
            kicked_until_ms: 0,
            cut: Cut::None,
            clock_ms: 0,
            log,
            seq: 0,
            hlc_last: Hlc::default(),
            wall_max: Timestamp::from_millis(EPOCH_MS),
            wake_at_ms: None,
            woken: Woken::default(),
            slow_ms: 0,
            image: None,
            doubt: false,
            doubt_since_ms: 0,
            twin: false,
            gone: false,
            rights_epoch: None,
            hub_had: None,
            old_format: false,
            sent: BTreeMap::new(),
            told: BTreeMap::new(),
        })
    }

    /// The program starts again: a new machine, a new incarnation.
    pub fn reopen(&mut self, random: &mut Random, keep_incarnation: bool) {
        self.machine = machine(&self.key, random);
        self.wake_at_ms = None;
        (self.rights_epoch, self.hub_had) = (None, None);
        self.link_up = false;
        self.lan_up = false;
        let incarnation = random.draw();
        if keep_incarnation {
            // The planted error: numbers go on from what the disk says.
            self.seq = self
                .disk
                .read(|store| store.log(self.log))
                .map_or(self.seq, |it| it.map_or(0, |it| it.last.0));
        } else {
            self.log.incarnation = Incarnation(incarnation);
            self.seq = 0;
        }
    }

    /// What its clock says.
    pub fn wall(&self, now_ms: u64) -> Timestamp {
        let ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
        Timestamp::from_millis(EPOCH_MS + ms).plus_millis(self.clock_ms)
    }

    /// Writes a document; nothing if the transaction is lost.
    pub fn write(
        &mut self,
        now_ms: u64,
        draft: &Draft,
        fate: Fate,
    ) -> Result<Option<Authored>, Violation> {
        let wall = self.wall(now_ms);
        let place = self.next_place();
        let authored = self.disk.transact(fate, |store| {
            let own = own(store)?;
            let hlc = own.hlc.tick(wall);
            let document = Document {
                place,
                prev: own.prev,
                hlc,
                wall,
                draft: draft.clone(),
            };
            let Ok(authored) = Authored::write(document) else {
                return Ok(None);
            };
            store.insert(&authored)?;
            let prev = authored.digest();
            set_own(store, Own { prev, hlc })?;
            Ok(Some(authored))
        })?;
        let authored = authored.ok_or_else(|| {
            Violation::of("simulator", format!("a draft can't be written: {draft:?}"))
        })?;
        if fate == Fate::Lost {
            return Ok(None);
        }
        self.seq += 1;
        self.wall_max = self.wall_max.max(wall);
        let hlc = authored.document().hlc;
        hold(hlc > self.hlc_last, "I13", || {
            format!("{} wrote {hlc} after {}", self.id.short(), self.hlc_last)
        })?;
        let limit = Hlc::at(self.wall_max.plus_millis(120_000));
        hold(hlc <= limit, "I13", || {
            format!("{} was dragged to {hlc} by others", self.id.short())
        })?;
        self.hlc_last = hlc;
        Ok(Some(authored))
    }

    /// Writes a document of a kind that only a newer version knows.
    pub fn write_unreadable(&mut self) -> Result<Sealed, Violation> {
        let kind_of_the_future = [0x40, 0x63];
        let place = self.next_place();
        let sealed = self.disk.transact(Fate::Committed, |store| {
            let own = own(store)?;
            let Some(sealed) = Sealed::restore(place, own.prev, &kind_of_the_future) else {
                return Ok(None);
            };
            store.insert_unread(&sealed)?;
            let prev = sealed.digest();
            set_own(store, Own { prev, ..own })?;
            Ok(Some(sealed))
        })?;
        self.seq += 1;
        sealed.ok_or_else(|| Violation::of("simulator", "no document of the future"))
    }

    fn next_place(&self) -> Place {
        Place {
            node: self.id,
            incarnation: self.log.incarnation,
            seq: Seq(self.seq + 1),
        }
    }
}

/// Documents of others are in the store: the logical clock follows them within its limit.
pub fn observe<S: Store + ?Sized>(
    store: &mut S,
    author: NodeId,
    wall: Timestamp,
) -> Result<(), S::Error> {
    let mut own = own(store)?;
    let limits = shelf_replica::store::ReadLimits {
        documents_max: 1,
        bytes_max: 1,
    };
    for state in store.logs()? {
        if state.log.node != author || state.last.0 == 0 {
            continue;
        }
        let read = store.read(state.log, Seq(state.last.0 - 1), limits)?;
        let newest = read.first().and_then(|it| Authored::open(it.clone()).ok());
        if let Some(newest) = newest {
            own.hlc = own.hlc.observe(newest.document().hlc, wall);
        }
    }
    set_own(store, own)
}

fn machine(key: &NodeKey, random: &mut Random) -> Node {
    Node::new(NodeConfig {
        key: key.clone(),
        boot_nonce: random.draw(),
        seed: random.draw(),
        version: "sim".to_owned(),
    })
}

fn own<S: Store + ?Sized>(store: &S) -> Result<Own, S::Error> {
    let bytes = store.state(OWN_KEY)?.unwrap_or_default();
    let Some((prev, hlc)) = bytes.split_first_chunk::<32>() else {
        return Ok(Own::default());
    };
    let hlc = hlc.first_chunk::<8>().copied().unwrap_or_default();
    Ok(Own {
        prev: Digest::from_bytes(*prev),
        hlc: Hlc::from_bits(u64::from_le_bytes(hlc)),
    })
}

fn set_own<S: Store + ?Sized>(store: &mut S, own: Own) -> Result<(), S::Error> {
    let mut bytes = own.prev.as_bytes().to_vec();
    bytes.extend(own.hlc.to_bits().to_le_bytes());
    store.set_state(OWN_KEY, &bytes)
}
