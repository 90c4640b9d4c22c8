//! Who wrote a document and where it stands in that author's log.
//!
//! A node is known by the hash of its public key; each opening of its ledger draws a random
//! incarnation; inside an incarnation numbers run without gaps from 1. The three together are a
//! *place*, which is the document's identity: a restored disk image opens with a new incarnation
//! and so can't reuse one (DESIGN, section 3 and 5).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

/// Bytes of a node id: the first half of the SHA-256 of its Ed25519 public key.
pub const NODE_ID_BYTES: usize = 16;

/// A text is not one of this module's identities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct IdentityError {
    text: String,
    expected: &'static str,
}

impl IdentityError {
    fn new(text: &str, expected: &'static str) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            expected,
        }
    }
}

/// A PC, by the first 16 bytes of SHA-256 of its public key. Shown as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; NODE_ID_BYTES]);

impl NodeId {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; NODE_ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; NODE_ID_BYTES] {
        &self.0
    }

    /// The first 8 hex digits, enough for people of one store to tell PCs apart.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for NodeId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; NODE_ID_BYTES];
        read_hex(text, &mut bytes)
            .map(|()| Self(bytes))
            .ok_or_else(|| IdentityError::new(text, "a node id of 32 hex digits"))
    }
}

/// SHA-256 of a document's exact bytes; links a log into a chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What the first document of a node's first incarnation names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        read_hex(text, &mut bytes)
            .map(|()| Self(bytes))
            .ok_or_else(|| IdentityError::new(text, "a SHA-256 of 64 hex digits"))
    }
}

/// Drawn at random by the ledger's writer at its first document after each opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

/// 1, 2, 3… without gaps inside an incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// Where a document stands: author, incarnation, number. Its text is the document's id:
/// `node.incarnation.seq`, hex, hex, decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The author.
    pub node: NodeId,
    /// The author's incarnation.
    pub incarnation: Incarnation,
    /// The number inside the incarnation.
    pub seq: Seq,
}

/// Up to where a log is known: the last number and that document's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Head {
    /// The last document's place.
    pub place: Place,
    /// The last document's digest.
    pub digest: Digest,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:016x}.{}",
            self.node, self.incarnation.0, self.seq.0
        )
    }
}

impl FromStr for Place {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || IdentityError::new(text, "a document id (node.incarnation.number)");
        let mut parts = text.split('.');
        let (Some(node), Some(incarnation), Some(seq), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error());
        };
        Ok(Self {
            node: node.parse().map_err(|_| error())?,
            incarnation: Incarnation(u64::from_str_radix(incarnation, 16).map_err(|_| error())?),
            seq: Seq(seq.parse().map_err(|_| error())?),
        })
    }
}

fn read_hex(text: &str, into: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != into.len() * 2 {
        return None;
    }
    for (byte, pair) in into.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let nibble = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|it| u8::try_from(it).ok())
        };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(())
}

macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
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
serde_as_text!(NodeId, Digest, Place);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_its_text() {
        let place = Place {
            node: NodeId::from_bytes([0xAB; NODE_ID_BYTES]),
            incarnation: Incarnation(0x1F),
            seq: Seq(7),
        };
        let text = format!("{}.000000000000001f.7", "ab".repeat(16));
        assert_eq!(place.to_string(), text);
        assert_eq!(text.parse::<Place>().unwrap(), place);
        for bad in [
            "",
            "ab.1.2",
            "x.y",
            &format!("{text}.1"),
            &text.replace(".7", ".-7"),
        ] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
