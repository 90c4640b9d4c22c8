//! What hub and store each allow, and the one answer that both can compute.
//!
//! Limits form a lattice: the larger safety stock and the smaller coefficient count. Either side
//! may be the more careful one at once, nobody has to ask, and there is no conflict to resolve.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::ChannelId;
use crate::quantity::Quantity;
use crate::sellable::Coefficient;

/// One side's limits for an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// At least so much is withheld from online.
    #[serde(default)]
    pub safety_stock: Quantity,
    /// At most this share of the rest is shown, per channel. A channel that is not named here is
    /// left to the other side; one that neither names is shown nothing.
    #[serde(default)]
    pub coefficients: BTreeMap<ChannelId, Coefficient>,
}

impl Policy {
    /// What counts of two sides: the larger safety stock, the smaller coefficients.
    #[must_use]
    pub fn effective(hub: &Self, store: &Self) -> Self {
        let mut coefficients = hub.coefficients.clone();
        for (channel, of_store) in &store.coefficients {
            let least = coefficients.entry(channel.clone()).or_insert(*of_store);
            *least = (*least).min(*of_store);
        }
        Self {
            safety_stock: hub.safety_stock.max(store.safety_stock),
            coefficients,
        }
    }

    /// The share of one channel; nothing where nobody named it.
    pub fn coefficient(&self, channel: &ChannelId) -> Coefficient {
        let named = self.coefficients.get(channel).copied();
        named.unwrap_or(Coefficient::NONE)
    }

    /// The share of all channels together, never above everything.
    pub fn sum(&self) -> Coefficient {
        let shares = self.coefficients.values();
        let sum: u64 = shares.map(|it| u64::from(it.as_per_mille())).sum();
        let sum = u16::try_from(sum).unwrap_or(u16::MAX);
        Coefficient::per_mille(sum).unwrap_or(Coefficient::ALL)
    }
}

/// Whether an item is shut online: a pick came short and nobody has counted it since. What the
/// book says is known to be wrong then, and no safety stock covers that.
///
/// Both in the same kind of time (effective time of the documents). A count of the same moment
/// is the picker's own count, and opens.
pub fn online_shut<T: Ord>(short_at: Option<T>, last_count_at: Option<T>) -> bool {
    match (short_at, last_count_at) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(short), Some(count)) => count < short,
    }
}
