//! Why a channel shows what it shows: every number with those it was made from.
//!
//! "Why does the web shop show 3?" is asked every day. The record holds integers only; sentences
//! are keys with named values, so that each page words them in its own language and no two
//! surfaces tell different numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::forecast::{Forecast, ForecastFigures};
use super::policy::Policy;
use super::ratio::Ratio;
use super::safety::{BookError, safety_stock};
use super::window::ExposureWindow;
use crate::name::ChannelId;
use crate::quantity::{Quantity, Unit};
use crate::sellable::{Coefficient, channel_on_hand, offline_usable, sellable};

/// What an explanation starts from, of one item in one store at one moment.
#[derive(Clone, Debug)]
pub struct ExplainInput<'a> {
    /// What one unit is.
    pub unit: Unit,
    /// B.
    pub book: Quantity,
    /// What each channel has on order and not handed over; their sum is R.
    pub reserved: &'a BTreeMap<ChannelId, Quantity>,
    /// Demand of the window that starts now.
    pub forecast: &'a Forecast,
    /// W.
    pub window: ExposureWindow,
    /// p*.
    pub ratio: Ratio,
    /// The book's own error.
    pub error: BookError,
    /// The hub's limits.
    pub hub: &'a Policy,
    /// The store's limits.
    pub store: &'a Policy,
    /// Outstanding rights G - T - O.
    pub outstanding: Quantity,
    /// What the hub holds back for silence; zero in the store.
    pub haircut: Quantity,
    /// Shut online after a short pick.
    pub shut: bool,
}

/// Every number behind what channels may sell of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explain {
    /// B: what is owed to be there.
    pub book: Quantity,
    /// R: ordered online and not handed over.
    pub reserved: Quantity,
    /// U = B - R.
    pub usable: Quantity,
    /// Rate, multiplier, expected units and how sure they are.
    pub forecast: ForecastFigures,
    /// W, part by part.
    pub window: ExposureWindow,
    /// p*.
    pub ratio: Ratio,
    /// What the book may lack.
    pub book_error: BookError,
    /// The quantile of demand and book error at p*.
    pub computed_safety_stock: Quantity,
    /// The least that the hub wants withheld.
    pub hub_safety_stock: Quantity,
    /// The least that the store wants withheld.
    pub store_safety_stock: Quantity,
    /// SS: the largest of the three.
    pub safety_stock: Quantity,
    /// a of all channels together.
    pub coefficient_sum: Coefficient,
    /// Each channel's share.
    pub channels: Vec<ChannelExplain>,
    /// Outstanding rights G - T - O: what the hub may still have delivered.
    pub outstanding: Quantity,
    /// B - outstanding; below zero is the overdraft.
    pub store_rights: Quantity,
    /// What outstanding rights should be now: R + a x max(0, U - SS); R alone while shut.
    pub target: Quantity,
    /// What the hub holds back for silence.
    pub haircut: Quantity,
    /// Shut online until it is counted.
    pub shut: bool,
}

/// One channel's part of an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelExplain {
    /// Which channel.
    pub channel: ChannelId,
    /// Its coefficient a.
    pub coefficient: Coefficient,
    /// What it has on order.
    pub reserved: Quantity,
    /// What it may sell.
    pub sellable: Quantity,
    /// What it shows: sellable and its own orders.
    pub on_hand: Quantity,
}

/// A sentence to be worded by a page: its key, and values by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// Which sentence, for example `explain.safety_stock`.
    pub key: &'static str,
    /// Names and values, as plain numbers (quantities in units, times in seconds).
    pub values: Vec<(&'static str, String)>,
}

impl Explain {
    /// Computes and records. Policies are joined here, so that the record can't disagree with them.
    pub fn new(input: &ExplainInput<'_>) -> Self {
        let policy = Policy::effective(input.hub, input.store);
        let reserved = input.reserved.values().copied().sum();
        let usable = offline_usable(input.book, reserved);
        let computed = safety_stock(input.forecast, input.ratio, input.error);
        let safety = policy.safety_stock.max(computed);
        let may_sell = |coefficient| match input.shut {
            true => Quantity::ZERO,
            false => sellable(usable, safety, coefficient, input.unit),
        };
        let named = policy.coefficients.keys().chain(input.reserved.keys());
        let named: std::collections::BTreeSet<_> = named.collect();
        let channels = named.into_iter().map(|channel| {
            let coefficient = policy.coefficient(channel);
            let own = input.reserved.get(channel).copied().unwrap_or_default();
            let sellable = may_sell(coefficient);
            ChannelExplain {
                channel: channel.clone(),
                coefficient,
                reserved: own,
                sellable,
                on_hand: channel_on_hand(sellable, own),
            }
        });
        Self {
            book: input.book,
            reserved,
            usable,
            forecast: input.forecast.figures(),
            window: input.window,
            ratio: input.ratio,
            book_error: input.error,
            computed_safety_stock: computed,
            hub_safety_stock: input.hub.safety_stock,
            store_safety_stock: input.store.safety_stock,
            safety_stock: safety,
            coefficient_sum: policy.sum(),
            channels: channels.collect(),
            outstanding: input.outstanding,
            store_rights: input.book.minus(input.outstanding),
            target: reserved.plus(may_sell(policy.sum())),
            haircut: input.haircut,
            shut: input.shut,
        }
    }

    /// The record as sentences, from the book to the channels.
    pub fn sentences(&self) -> Vec<Sentence> {
        let mut sentences = vec![
            sentence(
                "explain.usable",
                &[
                    ("book", &self.book),
                    ("reserved", &self.reserved),
                    ("usable", &self.usable),
                ],
            ),
            self.demand_sentence(),
            self.window_sentence(),
        ];
        if self.book_error.expected() > Quantity::ZERO {
            sentences.push(sentence(
                "explain.book_error",
                &[
                    ("days", &self.book_error.days_since_count),
                    ("missing", &self.book_error.expected()),
                ],
            ));
        }
        sentences.push(sentence(
            "explain.safety_stock",
            &[
                (
                    "ratio_percent",
                    &percent(u64::from(self.ratio.as_ppm()), 10_000),
                ),
                ("computed", &self.computed_safety_stock),
                ("hub", &self.hub_safety_stock),
                ("store", &self.store_safety_stock),
                ("safety_stock", &self.safety_stock),
            ],
        ));
        sentences.push(sentence(
            "explain.rights",
            &[
                ("outstanding", &self.outstanding),
                ("store_rights", &self.store_rights),
                ("target", &self.target),
            ],
        ));
        if self.store_rights < Quantity::ZERO {
            let overdraft = self.store_rights.negated();
            sentences.push(sentence("explain.overdraft", &[("overdraft", &overdraft)]));
        }
        if self.haircut > Quantity::ZERO {
            sentences.push(sentence("explain.haircut", &[("haircut", &self.haircut)]));
        }
        if self.shut {
            sentences.push(sentence("explain.shut", &[]));
        }
        sentences.extend(self.channels.iter().map(ChannelExplain::sentence));
        sentences
    }

    fn demand_sentence(&self) -> Sentence {
        let it = &self.forecast;
        sentence(
            "explain.demand",
            &[
                (
                    "sales_per_day",
                    &Quantity::thousandths(bounded(it.sales_per_day_milli)),
                ),
                ("units_per_sale", &it.units_per_sale),
                (
                    "multiplier",
                    &Quantity::thousandths(bounded(it.multiplier_per_mille)),
                ),
                ("expected", &it.expected),
                (
                    "evidence_sales",
                    &Quantity::thousandths(bounded(it.evidence_sales_milli)),
                ),
            ],
        )
    }

    fn window_sentence(&self) -> Sentence {
        let it = &self.window;
        let seconds = |ms: u64| Quantity::thousandths(bounded(ms));
        sentence(
            "explain.window",
            &[
                ("total_s", &seconds(it.total_ms())),
                ("capture_s", &seconds(it.capture_lag_ms)),
                ("link_s", &seconds(it.link_ms)),
                ("hub_s", &seconds(it.hub_commit_ms)),
                ("channel_s", &seconds(it.channel_lag_ms)),
                ("trolley_s", &seconds(it.trolley_ms)),
                ("pick_s", &seconds(it.order_to_pick_ms)),
            ],
        )
    }
}

impl ChannelExplain {
    fn sentence(&self) -> Sentence {
        let share = percent(u64::from(self.coefficient.as_per_mille()), 10);
        sentence(
            "explain.channel",
            &[
                ("channel", &self.channel),
                ("share_percent", &share),
                ("sellable", &self.sellable),
                ("reserved", &self.reserved),
                ("on_hand", &self.on_hand),
            ],
        )
    }
}

fn sentence(key: &'static str, values: &[(&'static str, &dyn std::fmt::Display)]) -> Sentence {
    let values = values
        .iter()
        .map(|(name, value)| (*name, value.to_string()));
    Sentence {
        key,
        values: values.collect(),
    }
}

fn percent(value: u64, per_percent: u64) -> Quantity {
    Quantity::thousandths(bounded(value.saturating_mul(1000) / per_percent))
}

fn bounded(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
