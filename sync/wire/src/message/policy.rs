//! How the hub wants a store's stock to be shown to channels. A store may only tighten it.

use prost::Message as _;
use shelf_stock::name::{ChannelId, ItemId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable::Coefficient;

use super::{MessageError, field, parse, rights};
use crate::generated as proto;

/// The most channels of one policy.
pub const POLICY_CHANNELS_MAX: usize = 32;
/// The most items that a policy names one by one.
pub const POLICY_ITEMS_MAX: usize = 1000;

/// The hub's policy for a store; the highest revision counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Only ever grows.
    pub revision: u64,
    /// The least safety stock of items without their own.
    pub safety_stock: Quantity,
    /// Who sells, at most [`POLICY_CHANNELS_MAX`].
    pub channels: Vec<ChannelPolicy>,
    /// Items with their own, at most [`POLICY_ITEMS_MAX`].
    pub items: Vec<ItemPolicy>,
}

/// What one channel is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPolicy {
    /// Which.
    pub channel: ChannelId,
    /// Share of the usable stock above the safety stock.
    pub coefficient: Coefficient,
    /// The lowest loses its units first.
    pub priority: u32,
    /// It sells by itself what it was shown.
    pub external: bool,
}

/// What one item needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPolicy {
    /// Which.
    pub item: ItemId,
    /// The least safety stock.
    pub safety_stock: Quantity,
    /// The largest share for all channels together.
    pub coefficient: Option<Coefficient>,
}

impl Policy {
    /// The share of all channels together, at most the whole.
    pub fn coefficient(&self) -> Coefficient {
        let shares = self.channels.iter().map(|it| it.coefficient.as_per_mille());
        let sum = shares.fold(0_u16, u16::saturating_add);
        Coefficient::per_mille(sum.min(Coefficient::ALL.as_per_mille())).unwrap_or(Coefficient::ALL)
    }

    /// What it says about one item: its least safety stock and its largest share.
    pub fn of(&self, item: &ItemId) -> (Quantity, Coefficient) {
        let all = self.coefficient();
        match self.items.iter().find(|it| it.item == *item) {
            Some(own) => (
                own.safety_stock.max(self.safety_stock),
                own.coefficient.map_or(all, |it| it.min(all)),
            ),
            None => (self.safety_stock, all),
        }
    }

    /// Its bytes, as they travel and are stored.
    pub fn encode(&self) -> Vec<u8> {
        let channel = |it: &ChannelPolicy| proto::ChannelPolicy {
            channel: it.channel.to_string(),
            coefficient_per_mille: it.coefficient.as_per_mille().into(),
            priority: it.priority,
            external: it.external,
        };
        let item = |it: &ItemPolicy| proto::ItemPolicy {
            item: it.item.to_string(),
            safety_stock: it.safety_stock.as_thousandths(),
            coefficient_per_mille: it.coefficient.map(|it| it.as_per_mille().into()),
        };
        let channels = self.channels.iter().take(POLICY_CHANNELS_MAX);
        proto::Policy {
            revision: self.revision,
            safety_stock: self.safety_stock.as_thousandths(),
            channels: channels.map(channel).collect(),
            items: self.items.iter().take(POLICY_ITEMS_MAX).map(item).collect(),
        }
        .encode_to_vec()
    }

    /// From its bytes.
    pub fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::Policy = parse(body)?;
        let few =
            read.channels.len() <= POLICY_CHANNELS_MAX && read.items.len() <= POLICY_ITEMS_MAX;
        field("channels", few.then_some(()))?;
        let channel = |it: proto::ChannelPolicy| {
            Ok(ChannelPolicy {
                channel: field("channel", ChannelId::new(it.channel).ok())?,
                coefficient: coefficient(it.coefficient_per_mille)?,
                priority: it.priority,
                external: it.external,
            })
        };
        let item = |it: proto::ItemPolicy| {
            Ok(ItemPolicy {
                item: rights::item(it.item)?,
                safety_stock: Quantity::thousandths(it.safety_stock),
                coefficient: it.coefficient_per_mille.map(coefficient).transpose()?,
            })
        };
        Ok(Self {
            revision: read.revision,
            safety_stock: Quantity::thousandths(read.safety_stock),
            channels: read
                .channels
                .into_iter()
                .map(channel)
                .collect::<Result<_, _>>()?,
            items: read.items.into_iter().map(item).collect::<Result<_, _>>()?,
        })
    }
}

fn coefficient(per_mille: u32) -> Result<Coefficient, MessageError> {
    let share = u16::try_from(per_mille)
        .ok()
        .and_then(|it| Coefficient::per_mille(it).ok());
    field("coefficient", share)
}
