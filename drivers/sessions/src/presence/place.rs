//! Where a tag is, among the zones that hear it: by mean strength, with a threshold that melts with the age
//! of the old zone's last read, so that a tag at the border doesn't jump and one that was carried is followed.

use super::ZoneId;

/// Zones that are remembered of a tag.
const ZONES_KEPT_MAX: usize = 3;
/// Strengths that are remembered of a zone.
const SAMPLES_KEPT_MAX: u8 = 8;
/// A new zone must have been heard so often.
const SAMPLES_MIN: u8 = 2;
/// By so much a new zone must be stronger at most, in hundredths of a dB.
const THRESHOLD_CENTI_DB: i64 = 600;
/// The line by which the threshold melts: from this, by 0.8 hundredths a millisecond.
const MELTING_CENTI_DB: i64 = 1_000;

/// What one zone heard of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heard {
    zone: ZoneId,
    last_ms: u64,
    samples: [i16; SAMPLES_KEPT_MAX as usize],
    kept: u8,
    at: u8,
}

impl Heard {
    fn new(zone: ZoneId) -> Heard {
        Heard {
            zone,
            last_ms: 0,
            samples: [0; SAMPLES_KEPT_MAX as usize],
            kept: 0,
            at: 0,
        }
    }

    fn add(&mut self, rssi: Option<i16>, at_ms: u64) {
        self.last_ms = self.last_ms.max(at_ms);
        if let Some(place) = self.samples.get_mut(usize::from(self.at)) {
            // A reader without strengths hears all tags equally.
            *place = rssi.unwrap_or(0);
        }
        self.at = (self.at + 1) % SAMPLES_KEPT_MAX;
        self.kept = (self.kept + 1).min(SAMPLES_KEPT_MAX);
    }

    fn mean(&self) -> i64 {
        let own = self.samples.iter().take(usize::from(self.kept));
        own.map(|it| i64::from(*it)).sum::<i64>() / i64::from(self.kept.max(1))
    }
}

/// What a read says of a tag's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// Where the tag was read.
    pub(super) zone: ZoneId,
    /// How strong, in hundredths of a dBm.
    pub(super) rssi: Option<i16>,
    /// For how many reads it stands.
    pub(super) count: u16,
    /// When, in milliseconds.
    pub(super) at_ms: u64,
}

/// The zones of one tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    heard: [Option<Heard>; ZONES_KEPT_MAX],
}

impl Place {
    /// Where a tag was before a restart. How strong it was there is not known any more, so only time speaks
    /// for another zone, from `at_ms` on.
    pub(super) fn restored(zone: ZoneId, at_ms: u64) -> Place {
        let mut place = Place::default();
        if let Some(slot) = place.heard.first_mut() {
            *slot = Some(Heard {
                last_ms: at_ms,
                ..Heard::new(zone)
            });
        }
        place
    }

    /// The zone's reader was away until now: it had no chance to say that the tag is still there.
    pub(super) fn sees_again(&mut self, zone: ZoneId, now_ms: u64) {
        let silent = |it: &&mut Heard| it.zone == zone && it.kept == 0;
        if let Some(heard) = self.heard.iter_mut().flatten().find(silent) {
            heard.last_ms = heard.last_ms.max(now_ms);
        }
    }

    /// A read; says whether the tag is in this zone now rather than in `current`. A zone where it was before
    /// a restart holds it for `hold_ms`.
    pub(super) fn read(&mut self, current: ZoneId, read: Sighting, hold_ms: u64) -> bool {
        let Sighting { zone, at_ms, .. } = read;
        let slot = self.slot(current, zone);
        let heard = slot.get_or_insert_with(|| Heard::new(zone));
        for _ in 0..read.count.clamp(1, u16::from(SAMPLES_MIN)) {
            heard.add(read.rssi, at_ms);
        }
        let new = *heard;
        if zone == current {
            return false;
        }
        let old = self.heard.iter().flatten().find(|it| it.zone == current);
        let Some(old) = old else { return true };
        if old.kept == 0 {
            let held = old.last_ms.saturating_add(hold_ms) > at_ms;
            return new.kept >= SAMPLES_MIN && !held;
        }
        let age = i64::try_from(at_ms.saturating_sub(old.last_ms)).unwrap_or(i64::MAX / 8);
        let offset = THRESHOLD_CENTI_DB.min(MELTING_CENTI_DB - age.saturating_mul(8) / 10);
        new.kept >= SAMPLES_MIN && new.mean() > old.mean() + offset
    }

    /// The slot of a zone: its own, a free one, or that of the zone not heard for longest.
    fn slot(&mut self, current: ZoneId, zone: ZoneId) -> &mut Option<Heard> {
        let rank = |slot: &Option<Heard>| match slot {
            Some(heard) if heard.zone == zone => (0, 0),
            None => (1, 0),
            Some(heard) if heard.zone != current => (2, heard.last_ms),
            Some(heard) => (3, heard.last_ms),
        };
        let at = (0..ZONES_KEPT_MAX)
            .min_by_key(|at| self.heard.get(*at).map(rank))
            .unwrap_or(0);
        let slot = &mut self.heard[at];
        if slot.is_some_and(|heard| heard.zone != zone) {
            *slot = None;
        }
        slot
    }
}
