//! The presence engine: zones, and for each tag where it is and whether it still is.

use std::collections::BTreeMap;

use shelf_codecs::epc::EpcBytes;

use super::place::{Place, Sighting};
use super::window::Window;
use super::{Read, ReaderId, ZoneId};

/// Most tags that are followed; more are counted and left out.
pub const TAGS_MAX: usize = 200_000;

/// A tag that was there before a restart survives at least so many epochs without a read: how well it used to
/// be read is not known any more, so the longest window is taken.
const RESTORED_EPOCHS_MIN: u64 = 64;
/// A tag that was there before a restart stays in its zone for so long, in milliseconds, even if another zone
/// hears it first: the readers do not come back in the same moment.
const RESTORED_HOLD_MS: u64 = 5_000;
/// The same while no reader watches its zone: longer, and not for ever, for a zone may have none.
const RESTORED_HOLD_BLIND_MS: u64 = 60_000;

/// A zone's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its number.
    pub id: ZoneId,
    /// A tag arrives after so many reads: one alone may be a stray.
    pub reads_min: u16,
    /// Weaker reads are not heard, in hundredths of a dBm.
    pub rssi_centi_dbm_min: Option<i16>,
}

impl Zone {
    /// A zone where the second read makes an arrival.
    #[must_use]
    pub fn new(id: ZoneId) -> Zone {
        Zone {
            id,
            reads_min: 2,
            rssi_centi_dbm_min: None,
        }
    }
}

/// Settings of the engine.
#[derive(Clone, Debug, Default)]
pub struct PresenceConfig {
    /// The zones.
    pub zones: Vec<Zone>,
    /// Which antenna reads which zone. Two antennas of one zone never make a move.
    pub antennas: BTreeMap<(ReaderId, u16), ZoneId>,
    /// The grain of time, in milliseconds: at least a reader's round over its antennas. A tag survives 3 to 64
    /// of them without a read.
    pub epoch_ms: u64,
    /// No tag departs earlier, in milliseconds: for readers that keep silent about tags they know.
    pub depart_ms_min: u64,
}

/// What changed for a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there.
    Arrived {
        /// Where.
        zone: ZoneId,
    },
    /// It went from one zone to another.
    Moved {
        /// Where it was.
        from: ZoneId,
        /// Where it is.
        to: ZoneId,
    },
    /// It has not been read for longer than chance explains. That is no loss.
    Departed {
        /// Where it was.
        zone: ZoneId,
    },
}

/// A change with its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The tag.
    pub epc: EpcBytes,
    /// What changed.
    pub change: Change,
    /// When: the read that proved it; for a departure, the last read.
    pub at_ms: u64,
    /// Reads in this zone (arrival) or since the arrival.
    pub reads: u32,
    /// How long it was there, in milliseconds; 0 at an arrival.
    pub dwell_ms: u64,
}

/// A tag that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentTag {
    /// The tag.
    pub epc: EpcBytes,
    /// Where.
    pub zone: ZoneId,
    /// Since when, in milliseconds.
    pub since_ms: u64,
    /// Last read, in milliseconds.
    pub last_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Followed {
    zone: ZoneId,
    place: Place,
    window: Window,
    reads: u32,
    present: bool,
    since_ms: u64,
    last_ms: u64,
}

impl Followed {
    /// For how long it survives without a read at least, whatever its window says.
    fn patience_ms(&self, config: &PresenceConfig) -> u64 {
        let is_restored = self.present && self.reads == 0;
        match is_restored {
            true => config
                .depart_ms_min
                .max(RESTORED_EPOCHS_MIN * config.epoch_ms),
            false => config.depart_ms_min,
        }
    }

    fn as_present(&self, epc: EpcBytes) -> PresentTag {
        PresentTag {
            epc,
            zone: self.zone,
            since_ms: self.since_ms,
            last_ms: self.last_ms,
        }
    }
}

/// The engine. Feed it reads, and call [`Presence::advance`] about once in an epoch.
#[derive(Clone, Debug)]
pub struct Presence {
    config: PresenceConfig,
    tags: BTreeMap<EpcBytes, Followed>,
    /// Zones without a working reader, since when.
    blind: BTreeMap<ZoneId, u64>,
    left_out: u64,
}

impl Presence {
    /// An engine that follows no tag.
    #[must_use]
    pub fn new(config: PresenceConfig) -> Presence {
        Presence {
            config: PresenceConfig {
                epoch_ms: config.epoch_ms.max(1),
                ..config
            },
            tags: BTreeMap::new(),
            blind: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// Goes on from what was known before a restart: nothing arrives again, and the time between was blind,
    /// so the clock of departures starts anew at `now_ms`. Tags of zones that are none any more are left out.
    pub fn restore(&mut self, tags: impl IntoIterator<Item = PresentTag>, now_ms: u64) {
        let zones: Vec<ZoneId> = self.config.zones.iter().map(|it| it.id).collect();
        let known = tags.into_iter().filter(|it| zones.contains(&it.zone));
        for tag in known.take(TAGS_MAX) {
            let mut window = Window::new(now_ms / self.config.epoch_ms);
            window.read(now_ms / self.config.epoch_ms);
            let followed = Followed {
                zone: tag.zone,
                place: Place::restored(tag.zone, now_ms),
                window,
                reads: 0,
                present: true,
                since_ms: tag.since_ms.min(now_ms),
                last_ms: now_ms,
            };
            self.tags.insert(tag.epc, followed);
        }
    }

    /// The zone of an antenna.
    #[must_use]
    pub fn zone_of(&self, reader: ReaderId, antenna: u16) -> Option<ZoneId> {
        self.config.antennas.get(&(reader, antenna)).copied()
    }

    /// Takes a read. Reads of antennas without a zone and too weak ones are no reads.
    pub fn read(&mut self, read: &Read, out: &mut Vec<Event>) {
        let Some(zone_id) = self.zone_of(read.reader, read.antenna) else {
            return;
        };
        let settings = self.config.zones.iter().find(|it| it.id == zone_id);
        let settings = settings.copied().unwrap_or(Zone::new(zone_id));
        let is_weak = |least| read.rssi_centi_dbm.is_some_and(|rssi| rssi < least);
        if settings.rssi_centi_dbm_min.is_some_and(is_weak) {
            return;
        }
        if self.tags.len() >= TAGS_MAX && !self.tags.contains_key(&read.epc) {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let epoch = read.at_ms / self.config.epoch_ms;
        let tag = self.tags.entry(read.epc).or_insert_with(|| Followed {
            zone: zone_id,
            place: Place::default(),
            window: Window::new(epoch),
            reads: 0,
            present: false,
            since_ms: read.at_ms,
            last_ms: read.at_ms,
        });
        tag.window.read(epoch);
        let hold_ms = match self.blind.contains_key(&tag.zone) {
            true => RESTORED_HOLD_BLIND_MS,
            false => RESTORED_HOLD_MS,
        };
        tag.reads = tag.reads.saturating_add(u32::from(read.count.max(1)));
        tag.last_ms = tag.last_ms.max(read.at_ms);
        let sighting = Sighting {
            zone: zone_id,
            rssi: read.rssi_centi_dbm,
            count: read.count,
            at_ms: read.at_ms,
        };
        if tag.place.read(tag.zone, sighting, hold_ms) {
            let from = std::mem::replace(&mut tag.zone, zone_id);
            if tag.present {
                out.push(event(read.epc, tag, Change::Moved { from, to: zone_id }));
                tag.since_ms = read.at_ms;
            }
        }
        if !tag.present && tag.reads >= u32::from(settings.reads_min) {
            tag.present = true;
            tag.since_ms = read.at_ms;
            let change = Change::Arrived { zone: tag.zone };
            out.push(event(read.epc, tag, change));
        }
    }

    /// Time goes on: tags whose window is over depart.
    pub fn advance(&mut self, now_ms: u64, out: &mut Vec<Event>) {
        let config = &self.config;
        let blind = &self.blind;
        let epoch = now_ms / config.epoch_ms;
        self.tags.retain(|epc, tag| {
            if blind.contains_key(&tag.zone) {
                return true;
            }
            tag.window.advance(epoch);
            let long_ago = tag.last_ms.saturating_add(tag.patience_ms(config)) <= now_ms;
            if !tag.window.is_over() || !long_ago {
                return true;
            }
            if tag.present {
                out.push(event(*epc, tag, Change::Departed { zone: tag.zone }));
            }
            false
        });
    }

    /// A zone's last reader is gone, or one is back. What is not read meanwhile has not departed.
    pub fn set_blind(&mut self, zone: ZoneId, is_blind: bool, now_ms: u64) {
        if is_blind {
            self.blind.entry(zone).or_insert(now_ms);
            return;
        }
        let Some(since) = self.blind.remove(&zone) else {
            return;
        };
        let missed_ms = now_ms.saturating_sub(since);
        let epochs = missed_ms / self.config.epoch_ms;
        for tag in self.tags.values_mut().filter(|tag| tag.zone == zone) {
            tag.window.skip(epochs);
            tag.last_ms = tag.last_ms.saturating_add(missed_ms).min(now_ms);
            tag.place.sees_again(zone, now_ms);
        }
    }

    /// The tags that are there, by EPC.
    pub fn present(&self) -> impl Iterator<Item = PresentTag> + '_ {
        let present = self.tags.iter().filter(|(_, tag)| tag.present);
        present.map(|(epc, tag)| tag.as_present(*epc))
    }

    /// For how many milliseconds a tag survives without a read at present; `None`: it isn't followed.
    #[must_use]
    pub fn patience_ms(&self, epc: &EpcBytes) -> Option<u64> {
        let tag = self.tags.get(epc)?;
        let adapted = u64::from(tag.window.epochs()) * self.config.epoch_ms;
        Some(adapted.max(tag.patience_ms(&self.config)))
    }

    /// Where a tag is and since when; `None`: it is nowhere.
    #[must_use]
    pub fn whereabouts(&self, epc: &EpcBytes) -> Option<PresentTag> {
        let tag = self.tags.get(epc).filter(|tag| tag.present)?;
        Some(tag.as_present(*epc))
    }

    /// Reads of tags that were not followed because there were [`TAGS_MAX`] already.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn event(epc: EpcBytes, tag: &Followed, change: Change) -> Event {
    Event {
        epc,
        change,
        at_ms: tag.last_ms,
        reads: tag.reads,
        dwell_ms: tag.last_ms.saturating_sub(tag.since_ms),
    }
}
