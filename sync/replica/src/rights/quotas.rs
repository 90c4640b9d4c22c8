//! How the hub's units of one item are split between channels.
//!
//! Limits and uses only count up (but for orders that were cancelled or short), so that a channel
//! sells by one conditional update of its own row. Units that are granted are given by the
//! channels' weights; units that go back are taken from the lowest priority first, and never what
//! is used, nor what an external marketplace was shown. The sum of the limits never exceeds
//! granted minus returned.

use std::collections::BTreeMap;

use shelf_stock::name::ChannelId;
use shelf_stock::quantity::{Quantity, THOUSANDTHS_PER_UNIT};
use shelf_wire::message::{ChannelPolicy, Policy};

use crate::store::Quota;

/// The quotas of one item by channel.
pub(crate) type Quotas = BTreeMap<ChannelId, Quota>;

/// A: what is accepted in all.
pub(crate) fn used(quotas: &Quotas) -> Quantity {
    quotas.values().map(|it| it.used).sum()
}

/// The sum of the limits.
pub(crate) fn limits(quotas: &Quotas) -> Quantity {
    quotas.values().map(|it| it.limit).sum()
}

/// Channels of a policy, the one first that keeps its units longest.
fn by_priority(policy: &Policy) -> Vec<&ChannelPolicy> {
    let mut channels: Vec<_> = policy.channels.iter().collect();
    channels.sort_by_key(|it| (std::cmp::Reverse(it.priority), it.channel.clone()));
    channels
}

/// Gives units that belong to nobody to the channels, by weight and in whole units; the rest of
/// the division goes to the highest priority.
pub(crate) fn give(quotas: &mut Quotas, policy: &Policy, quantity: Quantity) {
    let channels = by_priority(policy);
    let weight = |it: &ChannelPolicy| i128::from(it.coefficient.as_per_mille());
    let weights: i128 = channels.iter().map(|it| weight(it)).sum();
    if weights == 0 || quantity <= Quantity::ZERO {
        return;
    }
    let step = match quantity.as_thousandths() % THOUSANDTHS_PER_UNIT {
        0 => THOUSANDTHS_PER_UNIT,
        _ => 1,
    };
    let steps = i128::from(quantity.as_thousandths() / step);
    let mut rest = quantity;
    for channel in &channels {
        let share = i64::try_from(steps * weight(channel) / weights).unwrap_or(0);
        let share = Quantity::thousandths(share.saturating_mul(step));
        raise(quotas, &channel.channel, share);
        rest = rest.minus(share);
    }
    if let Some(first) = channels.iter().find(|it| weight(it) > 0) {
        raise(quotas, &first.channel, rest);
    }
}

fn raise(quotas: &mut Quotas, channel: &ChannelId, quantity: Quantity) {
    let quota = quotas.entry(channel.clone()).or_default();
    quota.limit = quota.limit.plus(quantity);
}

/// Takes units away, the lowest priority first and never from `spared`. Returns how many.
pub(crate) fn take(
    quotas: &mut Quotas,
    policy: &Policy,
    wanted: Quantity,
    spared: Option<&ChannelId>,
) -> Quantity {
    let mut order: Vec<ChannelId> = quotas.keys().cloned().collect();
    let priority = |channel: &ChannelId| {
        let of_policy = policy.channels.iter().find(|it| it.channel == *channel);
        // A channel that the policy doesn't name any more loses its units first of all.
        of_policy.map_or(0, |it| u64::from(it.priority) + 1)
    };
    order.sort_by_key(|it| (priority(it), it.clone()));
    let mut rest = wanted.max(Quantity::ZERO);
    for channel in order.iter().filter(|it| Some(*it) != spared) {
        let Some(quota) = quotas.get_mut(channel) else {
            continue;
        };
        let part = quota.free().min(rest);
        quota.limit = quota.limit.minus(part);
        rest = rest.minus(part);
    }
    wanted.max(Quantity::ZERO).minus(rest)
}

/// Makes room for what was accepted beyond a limit (an order that a restored hub learns again, a
/// marketplace that sold what it was shown): first from `spare` units that nobody has, then from
/// the other channels. Returns how many spare units are left.
pub(crate) fn level(quotas: &mut Quotas, policy: &Policy, spare: Quantity) -> Quantity {
    let mut spare = spare.max(Quantity::ZERO);
    let channels: Vec<ChannelId> = quotas.keys().cloned().collect();
    for channel in channels {
        let over = quotas
            .get(&channel)
            .map_or(Quantity::ZERO, |it| it.left().negated());
        if over <= Quantity::ZERO {
            continue;
        }
        let own = over.min(spare);
        spare = spare.minus(own);
        let others = take(quotas, policy, over.minus(own), Some(&channel));
        raise(quotas, &channel, own.plus(others));
    }
    spare
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shelf_stock::sellable::Coefficient;

    use super::*;

    fn policy(channels: &[(&str, u16, u32)]) -> Policy {
        let channel = |(name, share, priority): &(&str, u16, u32)| ChannelPolicy {
            channel: ChannelId::new(name).unwrap(),
            coefficient: Coefficient::per_mille(*share).unwrap(),
            priority: *priority,
            external: false,
        };
        Policy {
            channels: channels.iter().map(channel).collect(),
            ..Policy::default()
        }
    }

    fn shown(quotas: &Quotas) -> Vec<(&str, i64, i64)> {
        let units = |it: Quantity| it.as_thousandths() / 1000;
        let row = |(channel, it): (&ChannelId, &Quota)| {
            // The borrow is of the map, so the text may be given out.
            (units(it.limit), units(it.used), channel.clone())
        };
        let rows: Vec<_> = quotas.iter().map(row).collect();
        let name = |channel: &ChannelId| match channel.as_str() {
            "web" => "web",
            _ => "market",
        };
        rows.iter()
            .map(|(limit, used, channel)| (name(channel), *limit, *used))
            .collect()
    }

    #[test]
    fn units_are_given_by_weight_and_taken_from_the_lowest_priority() {
        let policy = policy(&[("web", 600, 2), ("market", 400, 1)]);
        let mut quotas = Quotas::new();
        give(&mut quotas, &policy, Quantity::units(7));
        assert_eq!(shown(&quotas), [("market", 2, 0), ("web", 5, 0)]);
        let taken = take(&mut quotas, &policy, Quantity::units(3), None);
        assert_eq!(taken, Quantity::units(3));
        assert_eq!(shown(&quotas), [("market", 0, 0), ("web", 4, 0)]);
        let web = ChannelId::new("web").unwrap();
        quotas.get_mut(&web).unwrap().used = Quantity::units(3);
        assert_eq!(
            take(&mut quotas, &policy, Quantity::units(9), None),
            Quantity::ONE
        );
        assert_eq!(shown(&quotas), [("market", 0, 0), ("web", 3, 3)]);
    }

    #[test]
    fn what_a_marketplace_was_shown_stays_with_it() {
        let policy = policy(&[("web", 500, 2), ("market", 500, 1)]);
        let mut quotas = Quotas::new();
        give(&mut quotas, &policy, Quantity::units(8));
        let market = ChannelId::new("market").unwrap();
        quotas.get_mut(&market).unwrap().held = Quantity::units(3);
        assert_eq!(
            take(&mut quotas, &policy, Quantity::units(9), None),
            Quantity::units(5)
        );
        assert_eq!(shown(&quotas), [("market", 3, 0), ("web", 0, 0)]);
    }

    #[test]
    fn orders_that_came_back_get_room_from_whoever_has_it() {
        let policy = policy(&[("web", 500, 2), ("market", 500, 1)]);
        let mut quotas = Quotas::new();
        give(&mut quotas, &policy, Quantity::units(4));
        let web = ChannelId::new("web").unwrap();
        quotas.get_mut(&web).unwrap().used = Quantity::units(5);
        assert_eq!(
            level(&mut quotas, &policy, Quantity::units(2)),
            Quantity::ZERO
        );
        assert_eq!(shown(&quotas), [("market", 1, 0), ("web", 5, 5)]);
    }

    proptest! {
        #[test]
        fn no_unit_is_made_or_lost(
            shares in prop::collection::vec((0_u16..1000, 0_u32..4), 1..5),
            given in 0_i64..100_000,
            wanted in 0_i64..100_000,
            used in 0_i64..20,
        ) {
            let channels = shares.iter().enumerate().map(|(index, (share, priority))| ChannelPolicy {
                channel: ChannelId::new(format!("c{index}")).unwrap(),
                coefficient: Coefficient::per_mille(*share).unwrap(),
                priority: *priority,
                external: false,
            });
            let policy = Policy { channels: channels.collect(), ..Policy::default() };
            let mut quotas = Quotas::new();
            let given = Quantity::thousandths(given);
            give(&mut quotas, &policy, given);
            let total = limits(&quotas);
            prop_assert!(total == given || policy.coefficient().as_per_mille() == 0);
            for quota in quotas.values_mut() {
                quota.used = quota.limit.min(Quantity::units(used));
            }
            let taken = take(&mut quotas, &policy, Quantity::thousandths(wanted), None);
            prop_assert_eq!(limits(&quotas).plus(taken), total);
            for quota in quotas.values() {
                prop_assert!(quota.left() >= Quantity::ZERO);
            }
        }
    }
}
