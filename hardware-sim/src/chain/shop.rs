//! A shop: its PCs, its machine at the hub, and the oracle of its shelves.

use std::collections::{BTreeMap, BTreeSet};

use shelf_replica::hub::{Hub, HubConfig};
use shelf_stock::identity::{Digest, Place};
use shelf_stock::name::{ItemId, StoreId};
use shelf_stock::quantity::Quantity;
use shelf_wire::sealed::Sealed;

use super::customers::Wish;
use super::disk::Disk;
use super::pc::{Cut, Pc, Woken};
use super::physical::{Physical, Units};
use super::random::Random;
use super::swarm::ITEMS_MAX;
use super::violation::Violation;

/// One shop.
pub struct Shop<D> {
    /// Its name.
    pub name: StoreId,
    /// Its PCs; twins of cloned disks come after the real ones.
    pub pcs: Vec<Pc<D>>,
    /// How many PCs it began with.
    pub pcs_real: usize,
    /// Its machine at the hub.
    pub hub: Hub,
    /// Its part of the hub's database.
    pub hub_disk: D,
    /// When the hub's machine wants to be woken.
    pub hub_wake_at_ms: Option<u64>,
    /// How often it was woken at one moment.
    pub hub_woken: Woken,
    /// A backup of the hub's part.
    pub hub_backup: Option<D>,
    /// The line to the hub.
    pub wan: Cut,
    /// The PCs don't hear each other.
    pub lan_cut: bool,
    /// What really lies there.
    pub physical: Physical,
    /// Everything that was ever committed by its author.
    pub written: BTreeMap<Place, Digest>,
    /// The same, with its bytes, in the order of writing.
    pub documents: Vec<Sealed>,
    /// Documents that may be lost: a disk was restored before anybody else had them.
    pub at_risk: BTreeSet<Place>,
    /// Items whose book is not expected to be what lies there until the next count.
    pub doubtful: [bool; ITEMS_MAX],
    /// How many sessions of counting there were.
    pub sessions: u64,
    /// What the channels know of their orders, by number.
    pub wishes: BTreeMap<String, Wish>,
    /// What the marketplace shows.
    pub market_shows: Units,
    /// The most that was ever durably granted.
    pub granted_max: Units,
    /// The most that the hub ever durably returned.
    pub returned_max: Units,
    /// The most that any PC durably saw returned.
    pub returned_seen_max: Units,
    /// Levels that PCs told, by fencing number, number and item.
    pub told_levels: BTreeMap<(u64, u64, ItemId), Quantity>,
    /// The number of the level that the hub follows, for each item.
    pub targets: [(u64, u64); ITEMS_MAX],
    /// The hub's database went back to a backup in this run.
    pub hub_went_back: bool,
    /// Somebody put back a backup, and has to say so to the hub's program when it starts.
    pub hub_to_be_told: bool,
}

impl<D: Disk> Shop<D> {
    /// A shop with empty disks.
    pub fn new(number: usize, pcs: usize, random: &mut Random) -> Result<Self, Violation> {
        let first = number as u64 * 16;
        let built = (0..pcs as u64).map(|it| Pc::new(first + it + 1, random));
        Ok(Self {
            name: StoreId::new(format!("shop-{number}"))
                .map_err(|it| Violation::of("simulator", it.to_string()))?,
            pcs: built.collect::<Result<_, _>>()?,
            pcs_real: pcs,
            hub: hub(random),
            hub_disk: D::empty()?,
            hub_wake_at_ms: None,
            hub_woken: Woken::default(),
            hub_backup: None,
            wan: Cut::None,
            lan_cut: false,
            physical: Physical::default(),
            written: BTreeMap::new(),
            documents: Vec::new(),
            at_risk: BTreeSet::new(),
            doubtful: [false; ITEMS_MAX],
            sessions: 0,
            wishes: BTreeMap::new(),
            market_shows: [0; ITEMS_MAX],
            granted_max: [0; ITEMS_MAX],
            returned_max: [0; ITEMS_MAX],
            returned_seen_max: [0; ITEMS_MAX],
            told_levels: BTreeMap::new(),
            targets: [(0, 0); ITEMS_MAX],
            hub_went_back: false,
            hub_to_be_told: false,
        })
    }

    /// Notes a document that its author committed.
    pub fn note(&mut self, sealed: &Sealed) -> Result<(), Violation> {
        let (place, digest) = (sealed.place(), sealed.digest());
        if let Some(before) = self.written.insert(place, digest)
            && before != digest
        {
            return Err(Violation::of("I7", format!("two documents at {place}")));
        }
        self.documents.push(sealed.clone());
        Ok(())
    }
}

/// A machine at the hub that has heard of nobody yet.
pub fn hub(random: &mut Random) -> Hub {
    Hub::new(HubConfig {
        seed: random.draw(),
        trust_first_use: true,
    })
}
