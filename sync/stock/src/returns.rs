//! Where goods go that a customer brings back.
//!
//! The item may say, else its group, else they are inspected first: goods that come back are not
//! sellable until somebody looked at them, or stock would appear that can't be sold (conflict
//! type 13).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::location::Location;

/// A store's table of item groups: where their returned goods go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnRules {
    /// Location by [`Item::group`].
    pub by_group: BTreeMap<String, Location>,
}

impl ReturnRules {
    /// Where a returned unit of an item goes; `None`: goods whose item nobody knows. An entry
    /// that points back at the customer is no place to put goods and is passed over.
    pub fn disposition(&self, item: Option<&Item>) -> Location {
        let usable = |it: &&Location| **it != Location::Customer;
        let of_item = item.and_then(|it| it.returns_to.as_ref()).filter(usable);
        let of_group = || item.and_then(|it| self.by_group.get(&it.group));
        of_item
            .or_else(|| of_group().filter(usable))
            .cloned()
            .unwrap_or(Location::Inspection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::ItemKind;
    use crate::name::ItemId;
    use crate::quantity::Unit;

    #[test]
    fn item_then_group_then_inspection() {
        let rules = ReturnRules {
            by_group: [
                ("food".to_owned(), Location::Damaged),
                ("odd".to_owned(), Location::Customer),
            ]
            .into(),
        };
        let item = |group: &str, returns_to| Item {
            id: ItemId::new("x").unwrap(),
            name: "X".into(),
            unit: Unit::Piece,
            kind: ItemKind::Standard,
            price: None,
            codes: vec![],
            group: group.into(),
            returns_to,
            quick_key: None,
        };
        for (item, expected) in [
            (
                Some(item("food", Some(Location::SalesFloor))),
                Location::SalesFloor,
            ),
            (Some(item("food", None)), Location::Damaged),
            (
                Some(item("food", Some(Location::Customer))),
                Location::Damaged,
            ),
            (Some(item("odd", None)), Location::Inspection),
            (Some(item("", None)), Location::Inspection),
            (None, Location::Inspection),
        ] {
            assert_eq!(rules.disposition(item.as_ref()), expected);
        }
    }
}
