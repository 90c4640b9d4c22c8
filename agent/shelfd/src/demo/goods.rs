//! The shop's goods by code, for whoever needs to know what a code is outside the daemon.

use std::collections::BTreeMap;

use shelf_sim::shop::Shop;
use shelf_stock::item::Item;
use shelf_stock::name::{Code, ItemId};

/// Goods by number and by code.
#[derive(Debug)]
pub(super) struct GoodsByCode {
    items: BTreeMap<ItemId, Item>,
    codes: BTreeMap<Code, ItemId>,
    has_weights: bool,
}

impl GoodsByCode {
    /// Of a shop.
    pub(super) fn new(shop: &Shop) -> Self {
        let items = shop
            .goods
            .iter()
            .map(|it| (it.item.id.clone(), it.item.clone()))
            .collect();
        let codes = shop.goods.iter().flat_map(|it| {
            it.item
                .codes
                .iter()
                .map(|code| (code.clone(), it.item.id.clone()))
        });
        let has_weights = !shop.measure_templates.is_empty();
        Self {
            items,
            codes: codes.collect(),
            has_weights,
        }
    }

    /// By number.
    pub(super) fn by_id(&self, id: &ItemId) -> Option<&Item> {
        self.items.get(id)
    }

    /// By code.
    pub(super) fn by_code(&self, code: &Code) -> Option<&Item> {
        self.items.get(self.codes.get(code)?)
    }

    /// The item and the grams of a weight label `21IIIIIWWWWWC`.
    pub(super) fn weighed(&self, label: &str) -> Option<(&Item, i64)> {
        let digits = label
            .strip_prefix("21")
            .filter(|_| self.has_weights && label.len() == 13)?;
        let code = Code::new(format!("in-store:{}", digits.get(..5)?)).ok()?;
        Some((self.by_code(&code)?, digits.get(5..10)?.parse().ok()?))
    }
}
