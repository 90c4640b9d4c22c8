//! The accounts of the double entry: where goods are, came from or went to.
//!
//! Supplier, customer and loss are locations too, so that the balances of an item over all
//! locations always add up to zero: a one-line test for corruption that a stock column can't have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

use crate::name::{NameError, StoreId};

/// An account that an item's quantity can stand on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// The shop floor: the default single pool.
    SalesFloor,
    /// The back room, where a store keeps it apart (opt-in).
    Backroom,
    /// Picked for an order and waiting.
    Staging,
    /// Came back and has not been graded; not sellable.
    Inspection,
    /// Damaged; not sellable.
    Damaged,
    /// On the way to a store.
    Transit(StoreId),
    /// Where goods come from.
    Supplier,
    /// Where goods go.
    Customer,
    /// Shrinkage and its opposite: what counts found missing or extra.
    Loss,
}

/// A text names no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// None of the known words.
    #[error(
        "`{text}` is no location: use floor, backroom, staging, inspection, damaged, supplier, \
         customer, loss or transit:STORE"
    )]
    Unknown {
        /// What was given.
        text: String,
    },
    /// The store after `transit:` is no store name.
    #[error("the store of a transit location can't be used")]
    Store(#[source] NameError),
}

impl Location {
    /// The greatest in the order of accounts.
    pub(crate) const LAST: Self = Self::Loss;

    /// Whether goods here are in the book: physically owed to be in the store and sellable
    /// (floor, back room, staging; DESIGN, section 3).
    pub fn is_book(&self) -> bool {
        matches!(self, Self::SalesFloor | Self::Backroom | Self::Staging)
    }

    /// Whether goods can be counted here: places in the store, not the world outside or loss.
    pub fn is_countable(&self) -> bool {
        match self {
            Self::SalesFloor
            | Self::Backroom
            | Self::Staging
            | Self::Inspection
            | Self::Damaged => true,
            Self::Transit(_) | Self::Supplier | Self::Customer | Self::Loss => false,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SalesFloor => f.write_str("floor"),
            Self::Backroom => f.write_str("backroom"),
            Self::Staging => f.write_str("staging"),
            Self::Inspection => f.write_str("inspection"),
            Self::Damaged => f.write_str("damaged"),
            Self::Transit(store) => write!(f, "transit:{store}"),
            Self::Supplier => f.write_str("supplier"),
            Self::Customer => f.write_str("customer"),
            Self::Loss => f.write_str("loss"),
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "floor" => Self::SalesFloor,
            "backroom" => Self::Backroom,
            "staging" => Self::Staging,
            "inspection" => Self::Inspection,
            "damaged" => Self::Damaged,
            "supplier" => Self::Supplier,
            "customer" => Self::Customer,
            "loss" => Self::Loss,
            other => match other.strip_prefix("transit:") {
                Some(store) => Self::Transit(StoreId::new(store).map_err(LocationError::Store)?),
                None => {
                    return Err(LocationError::Unknown {
                        text: other.chars().take(40).collect(),
                    });
                }
            },
        })
    }
}

impl Serialize for Location {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_location_is_its_text() {
        for text in [
            "floor",
            "backroom",
            "staging",
            "inspection",
            "damaged",
            "transit:berlin-1",
            "supplier",
            "customer",
            "loss",
        ] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), text);
        }
        assert!("shelf".parse::<Location>().is_err());
        assert!("transit:".parse::<Location>().is_err());
    }
}
