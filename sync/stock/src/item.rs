//! Items: what is stocked, and what one sellable unit is made of.
//!
//! An item is a register owned by the hub: a store receives revisions of it. Documents don't
//! refer to revisions: they snapshot what they need (price, parts), so that the fold of documents
//! never depends on which catalogue a PC had.

use serde::{Deserialize, Serialize};

use crate::location::Location;
use crate::money::Money;
use crate::name::{Code, ItemId};
use crate::quantity::{Quantity, Unit};

/// The most parts that one composition may have.
pub const COMPOSITION_PARTS_MAX: usize = 32;
/// The most codes that one item may be sold under.
pub const ITEM_CODES_MAX: usize = 64;
/// The most bytes of an item's name.
pub const ITEM_NAME_BYTES_MAX: usize = 200;

/// One entry of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The retailer's number.
    pub id: ItemId,
    /// What the cashier and the page show.
    pub name: String,
    /// What one unit is.
    #[serde(default)]
    pub unit: Unit,
    /// How it is sold.
    #[serde(default)]
    pub kind: ItemKind,
    /// Price per unit in the store's currency; `None` asks the cashier for a price.
    #[serde(default)]
    pub price: Option<Money>,
    /// Every code it is sold under.
    #[serde(default)]
    pub codes: Vec<Code>,
    /// Item group, such as a department; selects the disposition of returns.
    #[serde(default)]
    pub group: String,
    /// Where a returned unit goes, if the item says so; otherwise its group decides, and
    /// without either it is inspected first.
    #[serde(default)]
    pub returns_to: Option<Location>,
    /// Label of its quick key at the till, for goods without barcode.
    #[serde(default)]
    pub quick_key: Option<String>,
}

/// How an item is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// One unit is one unit of itself.
    #[default]
    Standard,
    /// By weight or measure: quantities come from a scale or a code.
    Weighed,
    /// Several units of one other item in one package; sells that item's stock.
    Pack(Part),
    /// A set of other items sold as one; has no stock of its own.
    Bundle(Vec<Part>),
}

/// So much of an item in one unit of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What is inside.
    pub item: ItemId,
    /// How much of it per unit of the whole.
    pub quantity: Quantity,
}

impl Item {
    /// What selling `quantity` of this item takes from stock: itself, or its parts. Parts of the
    /// same item are added up, so that a bundle with an item twice is checked once.
    pub fn explode(&self, quantity: Quantity) -> Vec<Part> {
        let parts = match &self.kind {
            ItemKind::Standard | ItemKind::Weighed => {
                return vec![Part {
                    item: self.id.clone(),
                    quantity,
                }];
            }
            ItemKind::Pack(part) => std::slice::from_ref(part),
            ItemKind::Bundle(parts) => parts,
        };
        let mut sums = std::collections::BTreeMap::<&ItemId, Quantity>::new();
        for part in parts.iter().take(COMPOSITION_PARTS_MAX) {
            let sum = sums.entry(&part.item).or_default();
            *sum = sum.plus(part.quantity.times(quantity));
        }
        let part = |(item, quantity): (&ItemId, Quantity)| Part {
            item: item.clone(),
            quantity,
        };
        sums.into_iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: ItemKind) -> Item {
        Item {
            id: ItemId::new("box").unwrap(),
            name: "Gift box".into(),
            unit: Unit::Piece,
            kind,
            price: None,
            codes: vec![],
            group: String::new(),
            returns_to: None,
            quick_key: None,
        }
    }

    fn part(id: &str, units: i64) -> Part {
        Part {
            item: ItemId::new(id).unwrap(),
            quantity: Quantity::units(units),
        }
    }

    #[test]
    fn a_pack_sells_its_content_and_a_bundle_its_parts() {
        let two = Quantity::units(2);
        assert_eq!(item(ItemKind::Standard).explode(two), [part("box", 2)]);
        assert_eq!(
            item(ItemKind::Pack(part("can", 6))).explode(two),
            [part("can", 12)]
        );
        let bundle = ItemKind::Bundle(vec![part("mug", 1), part("tea", 3), part("mug", 1)]);
        assert_eq!(item(bundle).explode(two), [part("mug", 4), part("tea", 6)]);
    }
}
