//! One very thing, however its tag is written: what was sold is the thing and not the bits.
//!
//! A POS that names an article with its serial number, a label with (01) and (21), and the tag on the thing
//! say the same; so a thing with an article is compared by GTIN and serial, and any other tag by its bits.

use std::fmt;
use std::str::FromStr;

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, Identity, Key, Tag};

/// One very thing. Its text is `GTIN/SERIAL` or the tag's hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing(Is);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Is {
    Article(Identity),
    Tag(EpcBytes),
}

/// A text that names no thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither GTIN/SERIAL nor the digits of a tag")]
pub struct NoThing;

impl Thing {
    /// What a tag is on.
    #[must_use]
    pub fn of(epc: &EpcBytes) -> Thing {
        let tag = Tag::decode(epc.as_slice()).ok();
        let named = tag.and_then(|it| Thing::named(it.identity));
        named.unwrap_or(Thing(Is::Tag(*epc)))
    }

    /// What an identity names, if that is one piece of an article.
    #[must_use]
    pub fn named(identity: Identity) -> Option<Thing> {
        (identity.key() == Key::Sgtin).then_some(Thing(Is::Article(identity)))
    }

    /// Its article.
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        match &self.0 {
            Is::Article(identity) => identity.gtin(),
            Is::Tag(_) => None,
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Is::Article(it) => write!(f, "{}/{}", it.digits(), it.serial().as_str()),
            Is::Tag(epc) => write!(f, "{epc}"),
        }
    }
}

impl FromStr for Thing {
    type Err = NoThing;

    fn from_str(text: &str) -> Result<Thing, NoThing> {
        if let Some((gtin, serial)) = text.split_once('/') {
            let gtin = Gtin::parse(gtin).map_err(|_| NoThing)?;
            let identity = Identity::sgtin(gtin, serial).map_err(|_| NoThing)?;
            return Thing::named(identity).ok_or(NoThing);
        }
        let epc = EpcBytes::from_hex(text).filter(|it| !it.as_slice().is_empty());
        epc.map(|it| Thing::of(&it)).ok_or(NoThing)
    }
}
