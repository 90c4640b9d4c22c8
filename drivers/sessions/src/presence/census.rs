//! How many of each article a set of EPCs holds. A fold of the set alone: what the book says is another.

use std::collections::BTreeMap;

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, Tag};

/// What a set of EPCs consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Single trade items by article.
    pub articles: BTreeMap<Gtin, u64>,
    /// Cases, pallets, assets and the like: not on the shelf's account.
    pub other_levels: u64,
    /// EPCs that GS1's standard doesn't explain: factory numbers, other systems, damage.
    pub not_gs1: u64,
}

/// Counts a set. Give each EPC once.
pub fn census<'a>(epcs: impl IntoIterator<Item = &'a EpcBytes>) -> Census {
    let mut census = Census::default();
    for epc in epcs {
        match Tag::decode(epc.as_slice()) {
            Ok(tag) if tag.is_point_of_sale_item() => {
                if let Some(gtin) = tag.identity.gtin() {
                    *census.articles.entry(gtin).or_insert(0) += 1;
                }
            }
            Ok(_) => census.other_levels += 1,
            Err(_) => census.not_gs1 += 1,
        }
    }
    census
}
