//! What importers are told about the shop: its codes, its time zone, its rules for returns.

use shelf_codecs::barcode::{Barcode, ScanText, interpret};
use shelf_codecs::epc::Identity;
use shelf_sessions::presence::Thing;
use shelf_stock::item::Item;
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, StoreId};
use shelf_stock::returns::ReturnRules;
use shelf_stock::time::Timestamp;
use shelf_till::basket::Read;
use shelf_till::source::clock::Zone;
use shelf_till::source::{Context, Named, Resolve, Resolved, masked};

use crate::daemon::lookup::Lookup;
use crate::daemon::resolve::normal_code;
use crate::daemon::shop::Shop;

/// Items of one beginning that are told: more than one of a name is too many anyway.
const NAMES_MAX: usize = 8;
/// Shorter texts of digits and letters are no tag: the shortest EPC of an article has 96 bits.
const EPC_DIGITS_MIN: usize = 24;

/// The shop as importers see it. Reads the ledger: never used inside an async task.
pub(crate) struct ShopView {
    lookup: Lookup,
    store: StoreId,
    zone: SystemZone,
    returns: ReturnRules,
}

impl ShopView {
    /// Of the running shop.
    pub(crate) fn new(shop: &Shop) -> Self {
        let mut returns = ReturnRules::default();
        for (group, location) in &shop.config.policy.returns {
            // A location that is none was refused when the daemon started.
            if let Ok(location) = location.parse::<Location>() {
                returns.by_group.insert(group.clone(), location);
            }
        }
        Self {
            lookup: shop.lookup.clone(),
            store: shop.store.clone(),
            zone: SystemZone,
            returns,
        }
    }

    /// For one import.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            store: &self.store,
            resolve: self,
            zone: &self.zone,
            returns: &self.returns,
        }
    }
}

impl Resolve for ShopView {
    fn code(&self, text: &str) -> Resolved {
        match self.lookup.read(&ScanText::plain(text.trim().as_bytes())) {
            Read::Item(it) => match it.code.or_else(|| normal_code(text)) {
                Some(code) => Resolved::Item {
                    item: Box::new(it.item),
                    code,
                },
                None => Resolved::Bad {
                    reason: "it can't be kept".into(),
                },
            },
            Read::Unknown { code } => Resolved::Unknown(code),
            Read::Bad { reason, .. } => Resolved::Bad { reason },
            Read::Refused { .. } => Resolved::Bad {
                reason: "it is a card or wallet code".into(),
            },
        }
    }

    fn item(&self, number: &str) -> Option<Item> {
        let id = ItemId::new(number.trim()).ok()?;
        let found = self.lookup.readers().with(|ledger| ledger.item(&id));
        found.unwrap_or_else(|error| {
            tracing::error!(%error, "the catalogue can't be read");
            None
        })
    }

    fn names(&self, beginning: &str) -> Vec<Item> {
        let found = |ledger: &shelf_ledger::Read<'_>| ledger.items_named(beginning, NAMES_MAX);
        self.lookup.readers().with(found).unwrap_or_else(|error| {
            tracing::error!(%error, "the catalogue can't be read");
            Vec::new()
        })
    }

    fn thing(&self, text: &str, serial: Option<&str>) -> Option<Named> {
        let named = named(text, serial)?;
        // What could be a card's number is kept nowhere, in whatever field it came.
        let serial = named.thing.split_once('/').map(|it| it.1);
        let is_clean = serial.is_none_or(|it| masked(it) == it);
        is_clean.then_some(named)
    }
}

/// The very thing that a text names: a tag, a code with a serial number in it, or one with it beside.
fn named(text: &str, serial: Option<&str>) -> Option<Named> {
    let text = text.trim();
    let is_uri = text.starts_with("urn:epc:");
    if is_uri || text.len() >= EPC_DIGITS_MIN {
        let epc = crate::daemon::rfid::epc(text);
        let thing = epc.map(|it| Thing::of(&it));
        if let Some(thing) = thing.filter(|it| is_uri || it.gtin().is_some()) {
            return Some(of(&thing));
        }
    }
    let identity = match interpret(&ScanText::plain(text.as_bytes()), &[]) {
        Barcode::Gs1(elements) => Identity::from_element_string(elements.text()).ok(),
        Barcode::Gtin(gtin) => Identity::sgtin(gtin, serial?.trim()).ok(),
        _ => None,
    }?;
    Thing::named(identity).as_ref().map(of)
}

fn of(thing: &Thing) -> Named {
    Named {
        thing: thing.to_string(),
        code: thing.gtin().map(|it| it.to_string()),
    }
}

/// The system's time zones.
#[derive(Clone, Copy, Debug)]
struct SystemZone;

impl Zone for SystemZone {
    fn to_utc(&self, local: Timestamp, name: Option<&str>) -> Option<Timestamp> {
        use jiff::tz::TimeZone;
        let zone = match name {
            Some(name) => TimeZone::get(name).ok()?,
            None => TimeZone::system(),
        };
        let shown = jiff::Timestamp::from_millisecond(local.as_millis()).ok()?;
        let shown = TimeZone::UTC.to_datetime(shown);
        let moment = zone.to_ambiguous_timestamp(shown).compatible().ok()?;
        Some(Timestamp::from_millis(moment.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_named_by_tag_code_or_serial() {
        let thing = |text, serial| named(text, serial).map(|it| it.thing);
        let tea = Some("04006381333931/42".to_owned());
        for (text, serial) in [
            ("3034F487B4209C400000002A", None),
            ("urn:epc:tag:sgtin-96:1.4006381.033393.42", None),
            ("urn:epc:id:sgtin:4006381.033393.42", None),
            ("(01)04006381333931(21)42", None),
            ("]d2010400638133393121", Some("no serial in it")),
            ("https://id.gs1.org/01/04006381333931/21/42", None),
            ("4006381333931", Some(" 42 ")),
        ] {
            let expected = if text.starts_with(']') {
                None
            } else {
                tea.clone()
            };
            assert_eq!(thing(text, serial), expected, "{text}");
        }
        for (text, serial) in [
            ("4006381333931", None),
            ("E28011606000020912345678", None),
            ("123456789012345678901234", None),
            ("shoe", Some("42")),
            ("", Some("42")),
        ] {
            assert_eq!(thing(text, serial), None, "{text}");
        }
    }

    #[test]
    fn local_times_follow_the_zone_and_its_changes() {
        let utc = |local: i64, zone| {
            SystemZone
                .to_utc(Timestamp::from_millis(local), Some(zone))
                .map(Timestamp::as_millis)
        };
        // 2026-07-01 12:00 in Berlin is 10:00 UTC; in January it is one hour.
        assert_eq!(
            utc(1_782_907_200_000, "Europe/Berlin"),
            Some(1_782_900_000_000)
        );
        assert_eq!(
            utc(1_767_268_800_000, "Europe/Berlin"),
            Some(1_767_265_200_000)
        );
        assert_eq!(utc(0, "Mars/Olympus"), None);
    }
}
