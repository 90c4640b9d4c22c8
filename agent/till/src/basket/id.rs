//! Ids of baskets and payment intents: 128 random bits that the shell draws.
//!
//! Random, because a till that lost its disk must not reuse a number that the hub already knows:
//! a basket's id is the receipt number in the source key of its sale. The text form is 32 hex
//! digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

/// Bytes of an id.
pub const ID_BYTES: usize = 16;

/// A text is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no id of 32 hex digits")]
pub struct IdError {
    text: String,
}

/// 16 fresh random bytes for one call of the machine; becomes the id of whatever the call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshId(pub [u8; ID_BYTES]);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; ID_BYTES]);

        impl $name {
            /// From its bytes.
            pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
                &self.0
            }
        }

        impl From<FreshId> for $name {
            fn from(fresh: FreshId) -> Self {
                Self(fresh.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                read_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// One basket; its text is the receipt number of its sale.
    BasketId;
    /// One attempt to pay, made durable before a byte of it reaches a terminal.
    IntentId;
}

fn read_hex(text: &str) -> Result<[u8; ID_BYTES], IdError> {
    let error = || IdError {
        text: text.chars().take(40).collect(),
    };
    if text.len() != ID_BYTES * 2 || !text.is_ascii() {
        return Err(error());
    }
    let mut bytes = [0; ID_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| error())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| error())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_text() {
        let id = BasketId::from_bytes([0xA5; ID_BYTES]);
        assert_eq!(id.to_string().parse::<BasketId>().unwrap(), id);
        for bad in ["", "a5", &"g".repeat(32), &"ä".repeat(16), &"a".repeat(33)] {
            assert!(bad.parse::<IntentId>().is_err(), "{bad}");
        }
    }
}
