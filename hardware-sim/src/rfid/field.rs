//! The tags that lie, hang and move before the antennas of one reader.

use std::collections::BTreeMap;

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, Identity, Scheme, Tag, filter};

use crate::shop::dice::Dice;

/// Most antennas of a reader.
pub const ANTENNAS_MAX: u16 = 16;
/// Most tags before one reader.
const TAGS_MAX: usize = 100_000;
/// How strong a tag is at its own antenna, in dBm: from, to.
const OWN_DBM: (u64, u64) = (50, 60);
/// How strong it is at the one beside it.
const STRAY_DBM: (u64, u64) = (70, 80);
/// Digits of the company prefix in the tags that are made here.
const PREFIX_DIGITS: u8 = 7;

/// One read of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which tag.
    pub epc: EpcBytes,
    /// At which antenna, from 1.
    pub antenna: u16,
    /// How strong, in dBm.
    pub dbm: i8,
}

/// The tags before a reader.
#[derive(Clone, Debug)]
pub struct TagField {
    /// Where each tag is.
    tags: BTreeMap<EpcBytes, u16>,
    /// The tags in the order in which they are read.
    turns: Vec<EpcBytes>,
    next: usize,
    serial: u64,
    antennas: u16,
    stray_per_mille: u64,
    dice: Dice,
}

/// The EPC of one piece of an article: SGTIN-96, an item as sold over the till. `None`: the serial number is
/// too large for it, or the number no GTIN.
#[must_use]
pub fn sgtin(gtin: &str, serial: u64) -> Option<EpcBytes> {
    let gtin = Gtin::parse(gtin).ok()?;
    let identity = Identity::sgtin(gtin, &serial.to_string()).ok()?;
    let identity = identity.with_company_prefix(PREFIX_DIGITS).ok()?;
    let tag = Tag::new(Scheme::Sgtin96, filter::POINT_OF_SALE, identity);
    tag.encode().ok()
}

impl TagField {
    /// An empty field before so many antennas; so many of a thousand reads are heard at the wrong one.
    #[must_use]
    pub fn new(seed: u64, antennas: u16, stray_per_mille: u64) -> TagField {
        TagField {
            tags: BTreeMap::new(),
            turns: Vec::new(),
            next: 0,
            serial: 1,
            antennas: antennas.clamp(1, ANTENNAS_MAX),
            stray_per_mille,
            dice: Dice::new(seed, 0x7A6),
        }
    }

    /// How many antennas there are.
    #[must_use]
    pub fn antennas(&self) -> u16 {
        self.antennas
    }

    /// Lays a tag before an antenna, or moves it there. Whether there was room for it.
    pub fn lay(&mut self, epc: EpcBytes, antenna: u16) -> bool {
        let antenna = antenna.clamp(1, self.antennas);
        if self.tags.len() >= TAGS_MAX && !self.tags.contains_key(&epc) {
            return false;
        }
        if self.tags.insert(epc, antenna).is_none() {
            self.turns.push(epc);
        }
        true
    }

    /// Takes a tag away; whether it was there.
    pub fn take(&mut self, epc: &EpcBytes) -> bool {
        self.turns.retain(|it| it != epc);
        self.tags.remove(epc).is_some()
    }

    /// Takes all of them away.
    pub fn clear(&mut self) {
        self.tags.clear();
        self.turns.clear();
    }

    /// Lays so many new pieces of an article before an antenna.
    pub fn fill(&mut self, gtin: &str, count: u32, antenna: u16) {
        for _ in 0..count {
            let epc = sgtin(gtin, self.serial);
            self.serial += 1;
            if !epc.is_some_and(|it| self.lay(it, antenna)) {
                return;
            }
        }
    }

    /// Carries one tag, which the dice choose, to another antenna.
    pub fn wander(&mut self) {
        let count = u64::try_from(self.turns.len()).unwrap_or(0);
        let at = usize::try_from(self.dice.below(count)).unwrap_or(0);
        let Some(place) = self.turns.get(at).and_then(|it| self.tags.get_mut(it)) else {
            return;
        };
        let steps = 1 + self
            .dice
            .below(u64::from(self.antennas).saturating_sub(1).max(1));
        let moved = (u64::from(*place) - 1 + steps) % u64::from(self.antennas) + 1;
        *place = u16::try_from(moved).unwrap_or(1);
    }

    /// The next read; `None` while nothing is there. Tags take turns, as in an inventory round.
    pub fn read(&mut self) -> Option<Sighting> {
        if self.next >= self.turns.len() {
            self.next = 0;
        }
        let epc = *self.turns.get(self.next)?;
        self.next += 1;
        let own = *self.tags.get(&epc)?;
        let is_stray = self.antennas > 1 && self.dice.per_mille(self.stray_per_mille);
        let (antenna, (strong, weak)) = if is_stray {
            (own % self.antennas + 1, STRAY_DBM)
        } else {
            (own, OWN_DBM)
        };
        let dbm = i8::try_from(self.dice.between(strong, weak)).unwrap_or(i8::MAX);
        Some(Sighting {
            epc,
            antenna,
            dbm: -dbm,
        })
    }

    /// Where each tag is, for whoever compares.
    #[must_use]
    pub fn tags(&self) -> &BTreeMap<EpcBytes, u16> {
        &self.tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_reads_and_every_tag_has_its_turn() {
        let reads = || {
            let mut field = TagField::new(7, 4, 100);
            field.fill("4006381333931", 5, 1);
            field.wander();
            (0..50).filter_map(|_| field.read()).collect::<Vec<_>>()
        };
        assert_eq!(reads(), reads());
        let mut seen: Vec<_> = reads()[..5].iter().map(|it| it.epc).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5);
        assert!(reads().iter().any(|it| it.dbm < -65), "no stray read");
    }

    #[test]
    fn what_is_made_is_an_item_as_sold_over_the_till() {
        let epc = sgtin("4006381333931", 42).unwrap();
        let tag = Tag::decode(epc.as_slice()).unwrap();
        assert!(tag.is_point_of_sale_item());
        assert_eq!(tag.identity.gtin().unwrap().short(), "4006381333931");
        assert_eq!(sgtin("4006381333931", u64::MAX), None);
        assert_eq!(sgtin("400638133393X", 1), None);
    }

    #[test]
    fn a_tag_that_is_taken_away_is_read_no_more() {
        let mut field = TagField::new(1, 2, 0);
        field.fill("4006381333931", 2, 9);
        let gone = field.read().unwrap().epc;
        assert!(field.take(&gone) && !field.take(&gone));
        assert!(
            (0..10)
                .filter_map(|_| field.read())
                .all(|it| it.epc != gone)
        );
        field.clear();
        assert_eq!(field.read(), None);
    }
}
