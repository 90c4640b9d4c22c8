//! What was scanned for the orders that are being picked at this PC.
//!
//! Only memory: goods in a trolley are still on the shelf for everybody else, and what is picked
//! is said by a document once all of it was scanned or somebody says so. Bounded; a restart
//! forgets it and the picker scans again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// Orders that may be under way at one PC.
const ORDERS_MAX: usize = 64;

/// What became of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// It belongs to the order; more is needed.
    Counted,
    /// It belongs to the order, and now all of it is there.
    Complete,
    /// The order doesn't take it, or not so much of it.
    NotNeeded,
    /// The same scan was counted already, by another page.
    Again,
}

#[derive(Debug, Default)]
struct Trolley {
    found: BTreeMap<ItemId, Quantity>,
    last_at: Option<Timestamp>,
}

/// The trolleys.
#[derive(Debug, Default)]
pub(crate) struct Picking {
    trolleys: Mutex<BTreeMap<OrderId, Trolley>>,
}

impl Picking {
    /// An item was scanned for an order that needs these. `at`: when, for a scanner's reads, which
    /// several pages may see.
    pub(crate) fn scan(
        &self,
        order: &OrderId,
        needs: &BTreeMap<ItemId, Quantity>,
        (item, quantity): (&ItemId, Quantity),
        at: Option<Timestamp>,
    ) -> Scanned {
        let mut trolleys = self.trolleys.lock().unwrap_or_else(PoisonError::into_inner);
        if !trolleys.contains_key(order) && trolleys.len() >= ORDERS_MAX {
            trolleys.pop_first();
        }
        let trolley = trolleys.entry(order.clone()).or_default();
        if at.is_some() && trolley.last_at == at {
            return Scanned::Again;
        }
        trolley.last_at = at.or(trolley.last_at);
        let found = trolley.found.get(item).copied().unwrap_or_default();
        let found = found.plus(quantity);
        if needs.get(item).is_none_or(|needed| found > *needed) {
            return Scanned::NotNeeded;
        }
        trolley.found.insert(item.clone(), found);
        let complete = needs.iter().all(|(item, needed)| {
            let found = trolley.found.get(item).copied().unwrap_or_default();
            found >= *needed
        });
        match complete {
            true => Scanned::Complete,
            false => Scanned::Counted,
        }
    }

    /// What was scanned for an order so far.
    pub(crate) fn found(&self, order: &OrderId) -> BTreeMap<ItemId, Quantity> {
        let trolleys = self.trolleys.lock().unwrap_or_else(PoisonError::into_inner);
        trolleys
            .get(order)
            .map(|it| it.found.clone())
            .unwrap_or_default()
    }

    /// The order is picked, or somebody begins again.
    pub(crate) fn clear(&self, order: &OrderId) {
        let mut trolleys = self.trolleys.lock().unwrap_or_else(PoisonError::into_inner);
        trolleys.remove(order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_complete_when_everything_was_scanned_once() {
        let picking = Picking::default();
        let (order, tea, nuts) = (
            OrderId::new("o").unwrap(),
            ItemId::new("tea").unwrap(),
            ItemId::new("nuts").unwrap(),
        );
        let needs = BTreeMap::from([
            (tea.clone(), Quantity::units(2)),
            (nuts.clone(), Quantity::ONE),
        ]);
        let scan = |item: &ItemId, at: Option<i64>| {
            let at = at.map(Timestamp::from_millis);
            picking.scan(&order, &needs, (item, Quantity::ONE), at)
        };
        assert_eq!(scan(&tea, Some(1)), Scanned::Counted);
        assert_eq!(scan(&tea, Some(1)), Scanned::Again);
        assert_eq!(scan(&nuts, None), Scanned::Counted);
        assert_eq!(scan(&nuts, None), Scanned::NotNeeded);
        assert_eq!(
            scan(&ItemId::new("salt").unwrap(), None),
            Scanned::NotNeeded
        );
        assert_eq!(scan(&tea, Some(2)), Scanned::Complete);
        picking.clear(&order);
        assert_eq!(picking.found(&order), BTreeMap::new());
    }
}
