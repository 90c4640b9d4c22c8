//! What importers are told about the shop: its codes, its time zone, its rules for returns.

use shelf_codecs::barcode::ScanText;
use shelf_stock::item::Item;
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, StoreId};
use shelf_stock::returns::ReturnRules;
use shelf_stock::time::Timestamp;
use shelf_till::basket::Read;
use shelf_till::source::clock::Zone;
use shelf_till::source::{Context, Resolve, Resolved};

use crate::daemon::lookup::Lookup;
use crate::daemon::resolve::normal_code;
use crate::daemon::shop::Shop;

/// Items of one beginning that are told: more than one of a name is too many anyway.
const NAMES_MAX: usize = 8;

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
            store: shop.store_id(),
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
