//! Names given from outside: bounded, printable text with a type each.
//!
//! Every name has a limit in bytes, so that a document's size has one; no control characters, so
//! that a name can stand in a log line, a page or a topic of diagnostics without harm. A name
//! never carries personal data: staff and customers are opaque ids.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, de};

/// A text can't be this kind of name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("{what} is empty")]
    Empty {
        /// Which kind of name.
        what: &'static str,
    },
    /// Longer than its limit.
    #[error("{what} has {bytes} bytes; at most {bytes_max} fit")]
    TooLong {
        /// Which kind of name.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A character that a name can't hold.
    #[error("{what} contains the character {character:?}, which a name can't hold")]
    Character {
        /// Which kind of name.
        what: &'static str,
        /// The first such character.
        character: char,
    },
}

fn check(
    what: &'static str,
    text: &str,
    bytes_max: usize,
    allowed: fn(char) -> bool,
) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { what });
    }
    if text.len() > bytes_max {
        return Err(NameError::TooLong {
            what,
            bytes: text.len(),
            bytes_max,
        });
    }
    match text.chars().find(|it| !allowed(*it)) {
        Some(character) => Err(NameError::Character { what, character }),
        None => Ok(()),
    }
}

fn printable(character: char) -> bool {
    !character.is_control()
}

/// What may stand in a topic of the broker and in a path of the local API.
fn topic_safe(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

fn hexadecimal(character: char) -> bool {
    matches!(character, '0'..='9' | 'A'..='F')
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $bytes_max:literal, $allowed:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most bytes it may have.
            pub const BYTES_MAX: usize = $bytes_max;

            /// From a text that fits.
            pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
                check($what, text.as_ref(), Self::BYTES_MAX, $allowed)?;
                Ok(Self(text.as_ref().into()))
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(de::Error::custom)
            }
        }
    )*};
}

names! {
    /// A retailer: everything under one hub account.
    TenantId: "a tenant", 40, topic_safe;
    /// A shop.
    StoreId: "a store", 40, topic_safe;
    /// A checkout lane of a store.
    TillId: "a till", 40, topic_safe;
    /// What is stocked, by the retailer's own number (often the GTIN in 14 digits).
    ItemId: "an item", 40, printable;
    /// What a scanner reads off goods, normalised: a GTIN in 14 digits, or `in-store:` and the
    /// store's own code. Never a magstripe track, card number or wallet code.
    Code: "a code", 80, printable;
    /// The EPC of one thing, as hexadecimal digits in capitals.
    Epc: "an EPC", 124, hexadecimal;
    /// An opaque number of a member of staff; never a name.
    StaffId: "a staff id", 40, printable;
    /// Who reports a sale: one of our tills, a POS, a file.
    SourceId: "a source", 40, printable;
    /// The source's own number of a receipt.
    ReceiptNo: "a receipt number", 64, printable;
    /// A stocktake session.
    SessionId: "a count session", 40, printable;
    /// A part of the shop that is counted as one, such as a shelf.
    AreaId: "an area", 40, printable;
    /// Ties documents of one larger fact together.
    GroupId: "a group", 64, printable;
    /// Why something was adjusted, keyed or returned: a short code of the store's list.
    Reason: "a reason", 60, printable;
    /// An order, by the number that its channel gave it.
    OrderId: "an order", 64, printable;
    /// Where orders come from: the web shop, a marketplace, the counter's telephone.
    ChannelId: "a channel", 40, topic_safe;
    /// The payment side's own reference of a tender (terminal, trace, receipt), without card data.
    TenderRef: "a payment reference", 80, printable;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_printable() {
        assert_eq!(StoreId::new("berlin-1").unwrap().as_str(), "berlin-1");
        assert!(matches!(
            StoreId::new("berlin/1"),
            Err(NameError::Character { .. })
        ));
        assert!(matches!(ItemId::new(""), Err(NameError::Empty { .. })));
        assert!(matches!(
            ItemId::new("a\nb"),
            Err(NameError::Character { .. })
        ));
        assert!(matches!(
            ItemId::new("x".repeat(41)),
            Err(NameError::TooLong { bytes: 41, .. })
        ));
    }
}
