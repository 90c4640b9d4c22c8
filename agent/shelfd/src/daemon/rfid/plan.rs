//! Which antenna watches which zone: the configuration in the numbers that the machines use.

use std::collections::BTreeMap;

use shelf_codecs::epc::{Identity, Key};
use shelf_devices::config::Role;
use shelf_sessions::presence::{PresenceConfig, ReaderId, Zone, ZoneId};

use crate::config::{Config, RfidSettings, ZoneKind, ZoneSettings};

/// The highest antenna that a zone without a list of its own has.
const ANTENNA_MAX: u16 = 255;

/// The reader of all that is read by hand; its antennas are the zones' numbers.
pub(super) const HANDHELD: ReaderId = ReaderId(u16::MAX);

/// A zone.
pub(super) struct ZonePlan {
    /// Its number.
    pub(super) id: ZoneId,
    /// What it is.
    pub(super) kind: ZoneKind,
    /// What the configuration says of it.
    pub(super) settings: ZoneSettings,
    /// Its readers, by their names.
    pub(super) readers: Vec<String>,
    /// Its number as a place.
    pub(super) place: Option<Identity>,
}

struct ReaderPlan {
    id: ReaderId,
    antennas: BTreeMap<u16, usize>,
    /// Where antennas belong that no zone claims.
    rest: Option<usize>,
}

/// All zones and readers.
pub(super) struct Plan {
    zones: Vec<ZonePlan>,
    readers: BTreeMap<String, ReaderPlan>,
    settings: RfidSettings,
}

impl Plan {
    /// From a configuration that fits together.
    pub(super) fn new(config: &Config) -> Self {
        let number = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        let named = |name: &str| config.zone.iter().position(|it| it.name == name);
        let mut readers = BTreeMap::new();
        for (at, device) in config.device.iter().enumerate() {
            let Ok(Role::Zone(zone)) = device.role.parse::<Role>() else {
                continue;
            };
            let reader = ReaderPlan {
                id: ReaderId(number(at)),
                antennas: claims(config, &device.name),
                rest: named(&zone),
            };
            readers.insert(device.name.clone(), reader);
        }
        let watches = |reader: &ReaderPlan, zone: usize| {
            reader.rest == Some(zone) || reader.antennas.values().any(|it| *it == zone)
        };
        let zone = |(at, settings): (usize, &ZoneSettings)| ZonePlan {
            id: ZoneId(number(at)),
            kind: settings.kind,
            settings: settings.clone(),
            readers: readers
                .iter()
                .filter(|(_, reader)| watches(reader, at))
                .map(|(name, _)| name.clone())
                .collect(),
            place: settings.sgln.as_deref().and_then(place),
        };
        Self {
            zones: config.zone.iter().enumerate().map(zone).collect(),
            readers,
            settings: config.rfid.clone(),
        }
    }

    /// The zones, by their numbers.
    pub(super) fn zones(&self) -> &[ZonePlan] {
        &self.zones
    }

    /// The names of all readers.
    pub(super) fn readers(&self) -> impl Iterator<Item = &str> {
        self.readers.keys().map(String::as_str)
    }

    /// The names of the zones where presence is followed: all but pads.
    pub(super) fn followed(&self) -> impl Iterator<Item = &str> {
        let followed = |it: &&ZonePlan| it.kind != ZoneKind::TillPad;
        let zones = self.zones.iter().filter(followed);
        zones.map(|it| it.settings.name.as_str())
    }

    /// What is common to all zones.
    pub(super) fn settings(&self) -> &RfidSettings {
        &self.settings
    }

    /// The zone of that name.
    pub(super) fn named(&self, name: &str) -> Option<&ZonePlan> {
        self.zones.iter().find(|it| it.settings.name == name)
    }

    /// The zone that an antenna watches.
    pub(super) fn zone_of(&self, device: &str, antenna: u16) -> Option<(ReaderId, &ZonePlan)> {
        let reader = self.readers.get(device)?;
        let own = reader.antennas.get(&antenna).copied();
        let zone = self.zones.get(own.or(reader.rest)?)?;
        Some((reader.id, zone))
    }

    /// The zones of the presence engine: all but pads.
    pub(super) fn presence(&self) -> PresenceConfig {
        let followed = |it: &&ZonePlan| it.kind != ZoneKind::TillPad;
        let mut antennas = BTreeMap::new();
        for (name, reader) in &self.readers {
            for antenna in 0..=ANTENNA_MAX {
                let zone = self.zone_of(name, antenna).map(|it| it.1);
                if let Some(zone) = zone.filter(followed) {
                    antennas.insert((reader.id, antenna), zone.id);
                }
            }
        }
        for zone in self.zones.iter().filter(followed) {
            antennas.insert((HANDHELD, zone.id.0), zone.id);
        }
        let zone = |it: &ZonePlan| Zone {
            id: it.id,
            reads_min: it.settings.reads_min.max(1),
            rssi_centi_dbm_min: it.rssi_centi_dbm_min(),
        };
        PresenceConfig {
            zones: self.zones.iter().filter(followed).map(zone).collect(),
            antennas,
            epoch_ms: self.settings.epoch_ms.max(1),
            depart_ms_min: u64::from(self.settings.depart_s_min) * 1_000,
        }
    }
}

impl ZonePlan {
    /// Weaker reads are not heard.
    pub(super) fn rssi_centi_dbm_min(&self) -> Option<i16> {
        self.settings.rssi_dbm_min.map(|it| it.saturating_mul(100))
    }
}

/// The antennas of a reader that zones claim, with the places of the zones.
fn claims(config: &Config, reader: &str) -> BTreeMap<u16, usize> {
    let mut claimed = BTreeMap::new();
    for (at, zone) in config.zone.iter().enumerate() {
        for antenna in &zone.antennas {
            let Some((name, number)) = antenna.rsplit_once(':') else {
                continue;
            };
            if name == reader
                && let Ok(number) = number.parse()
            {
                claimed.insert(number, at);
            }
        }
    }
    claimed
}

/// A place's identity from its URI; `None` for what is no place.
fn place(uri: &str) -> Option<Identity> {
    let identity = Identity::from_pure_uri(uri).ok()?;
    (identity.key() == Key::Sgln).then_some(identity)
}
