//! Goods with tags before a simulated RFID reader: a sales floor and a backroom.
//!
//! The reader is the simulator that `shelf-sim llrp` serves, and the first PC knows it as it would
//! know any reader on its network. While the shop is open, pieces are carried from one room to the
//! other; at the end, what lies where is held against what the PC says. This must never ask the PC
//! where a piece is.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use shelf_codecs::epc::EpcBytes;
use shelf_sim::rfid::llrp::{LlrpReaderConfig, LlrpServer};
use shelf_sim::rfid::{Order, sgtin};
use shelf_sim::shop::{Dice, Shop};

use crate::config::{Config, DeviceKind, DeviceSettings, ZoneSettings};

/// The reader's name in the PC's configuration.
const READER: &str = "reader of the rooms";
/// The rooms: name, the book's location, and the antennas that watch them.
const ROOMS: [(&str, &str, [u16; 2]); 2] = [
    ("sales floor", "floor", [1, 2]),
    ("backroom", "backroom", [3, 4]),
];
/// Articles whose pieces have tags, and pieces of each.
const ARTICLES: usize = 12;
const PIECES: u64 = 20;
/// Reads in a second.
const READS_PER_S: u32 = 400;
/// A piece is carried so often.
const CARRY_MS: u64 = 1_500;
/// How long the PC may take to know where the pieces are that were carried last.
pub(super) const KNOWN_MS_MAX: u64 = 30_000;

/// The tags and their reader.
pub(super) struct Tags {
    server: LlrpServer,
    inside: Mutex<Inside>,
}

struct Inside {
    /// The antenna of each piece.
    laid: BTreeMap<EpcBytes, u16>,
    dice: Dice,
    carried: u64,
    next_ms: u64,
}

impl Tags {
    /// Puts tags on pieces of the shop's first articles and lays half of them into each room.
    pub(super) fn lay(shop: &Shop, seed: u64) -> anyhow::Result<Self> {
        let config = LlrpReaderConfig {
            reads_per_s: READS_PER_S,
            ..LlrpReaderConfig::new(seed)
        };
        let server = LlrpServer::start(0, config)?;
        let codes = shop.goods.iter().flat_map(|it| &it.item.codes);
        let articles = codes.filter(|it| sgtin(it.as_str(), 1).is_some());
        let mut laid = BTreeMap::new();
        for code in articles.take(ARTICLES) {
            for serial in 1..=PIECES {
                let antenna = u16::try_from(serial % 4 + 1).unwrap_or(1);
                if let Some(epc) = sgtin(code.as_str(), serial) {
                    server.order(Order::Lay(epc, antenna));
                    laid.insert(epc, antenna);
                }
            }
        }
        Ok(Self {
            server,
            inside: Mutex::new(Inside {
                laid,
                dice: Dice::new(seed, 30),
                carried: 0,
                next_ms: 0,
            }),
        })
    }

    /// The reader and the rooms, as the PC's configuration has them.
    pub(super) fn add_to(&self, config: &mut Config) {
        config.device.push(DeviceSettings {
            name: READER.into(),
            kind: DeviceKind::LlrpReader,
            select: format!("tcp:{}", self.server.addr()),
            role: format!("zone:{}", ROOMS[0].0),
            ..DeviceSettings::default()
        });
        for (name, location, antennas) in ROOMS {
            config.zone.push(ZoneSettings {
                name: name.into(),
                location: location.into(),
                antennas: antennas.map(|it| format!("{READER}:{it}")).to_vec(),
                ..ZoneSettings::default()
            });
        }
    }

    /// Somebody carries a piece to the other room, when it is time again.
    pub(super) fn carry(&self, now_ms: u64) {
        let mut inside = self.locked();
        if now_ms < inside.next_ms || inside.laid.is_empty() {
            return;
        }
        inside.next_ms = now_ms + CARRY_MS;
        let count = u64::try_from(inside.laid.len()).unwrap_or(1);
        let at = usize::try_from(inside.dice.below(count)).unwrap_or(0);
        let Some((epc, antenna)) = inside.laid.iter_mut().nth(at) else {
            return;
        };
        *antenna = (*antenna + 1) % 4 + 1;
        let order = Order::Lay(*epc, *antenna);
        inside.carried += 1;
        drop(inside);
        self.server.order(order);
    }

    /// Whether the PC's counts, by room, are those of what was laid.
    pub(super) fn are_known(&self, present: &BTreeMap<String, u64>) -> bool {
        self.rooms()
            .iter()
            .all(|(name, count)| present.get(*name).copied().unwrap_or(0) == *count)
    }

    /// What lies in each room, and what the PC says of it.
    pub(super) fn json(&self, present: &BTreeMap<String, u64>) -> Value {
        let carried = self.locked().carried;
        let rooms: Vec<Value> = self
            .rooms()
            .into_iter()
            .map(|(name, count)| json!({ "zone": name, "laid": count, "present": present.get(name) }))
            .collect();
        json!({ "zones": rooms, "carried": carried, "reads": self.server.reads() })
    }

    /// Pieces by room.
    fn rooms(&self) -> Vec<(&'static str, u64)> {
        let inside = self.locked();
        let of = |antennas: [u16; 2]| {
            inside
                .laid
                .values()
                .filter(|it| antennas.contains(it))
                .count()
        };
        ROOMS
            .iter()
            .map(|(name, _, antennas)| (*name, u64::try_from(of(*antennas)).unwrap_or(0)))
            .collect()
    }

    fn locked(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
