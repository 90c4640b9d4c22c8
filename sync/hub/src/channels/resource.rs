//! Finds another store for units that one promised and doesn't have.
//!
//! The machine tells of an oversold item and waits two minutes before it takes the units from
//! orders; in that time they are looked for elsewhere. The other store accepts first, so that the
//! customer never loses a unit that nobody delivers ([`crate::orders::legs`]); what a crash left
//! between two steps is finished at the start.

use shelf_replica::hub::candidates;
use shelf_replica::orders::{Decision, NewOrder};
use shelf_stock::customer_order::{Order, OrderLine};
use shelf_stock::document::Tender;
use shelf_stock::money::Money;
use shelf_stock::name::{ItemId, OrderId, StoreId};
use shelf_stock::quantity::Quantity;
use tokio::sync::mpsc;

use super::Parts;
use crate::metrics::Metrics;
use crate::news::News;
use crate::orders::legs::{self, Leg};
use crate::orders::place::{self, LEGS_MAX};
use crate::orders::{Command, Outcome, possible};
use crate::readers::ReadError;
use crate::worker::WorkerError;

/// A search for another store failed.
#[derive(Debug, thiserror::Error)]
enum ResourceError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

/// Runs until it is aborted.
pub async fn run(parts: Parts, mut lacking: mpsc::Receiver<News>) {
    if let Err(error) = finish_all(&parts).await {
        tracing::warn!(%error, "what another store delivers is finished later");
    }
    while let Some(news) = lacking.recv().await {
        let News::Oversold {
            store,
            item,
            quantity,
        } = news
        else {
            continue;
        };
        if let Err(error) = relieve(&parts, &store, &item, quantity).await {
            tracing::warn!(%store, %item, %error, "no other store was found");
        }
    }
}

async fn finish_all(parts: &Parts) -> Result<(), ResourceError> {
    for (name, leg) in parts.readers.query(legs::open).await? {
        finish(parts, &name, &leg).await?;
    }
    Ok(())
}

/// Brings an open leg to its end.
async fn finish(parts: &Parts, name: &OrderId, leg: &Leg) -> Result<Quantity, ResourceError> {
    let command = Command::FinishLeg(name.clone());
    let taken = match parts.worker.command(Some(&leg.store), command).await? {
        Outcome::Taken(taken) => taken,
        _ => Quantity::ZERO,
    };
    let command = Command::TrimLeg(name.clone());
    parts.worker.command(Some(&leg.other), command).await?;
    Ok(taken)
}

/// Looks for units that a store promised and doesn't have, order by order.
async fn relieve(
    parts: &Parts,
    store: &StoreId,
    item: &ItemId,
    quantity: Quantity,
) -> Result<(), ResourceError> {
    let (name, wanted) = (store.clone(), item.clone());
    let orders = parts
        .readers
        .query(move |view| match view.store_named(name.as_str())? {
            Some(key) => candidates(&wanted, &*view.shop(key)),
            None => Ok(Vec::new()),
        });
    let mut rest = quantity;
    for order in orders.await? {
        let needed = order
            .needs()
            .get(item)
            .copied()
            .unwrap_or_default()
            .min(rest);
        if rest <= Quantity::ZERO {
            break;
        }
        let taken = move_units(parts, store, &order, (item, needed)).await?;
        if taken > Quantity::ZERO {
            Metrics::add(&parts.metrics.legs, 1);
        }
        rest = rest.minus(taken);
    }
    Ok(())
}

/// Gives units of one order to the first other store that can deliver them.
async fn move_units(
    parts: &Parts,
    store: &StoreId,
    order: &Order,
    (item, quantity): (&ItemId, Quantity),
) -> Result<Quantity, ResourceError> {
    let (tenant, now) = (parts.config.tenant.clone(), parts.now());
    let (channel, here, id) = (order.channel.clone(), store.clone(), order.id.clone());
    let needs = possible::Needs::from([(item.clone(), quantity)]);
    let read = parts.readers.query(move |view| {
        let mut able = Vec::new();
        for (name, key) in possible::serving(view, tenant.as_str(), &channel, &[])? {
            if name != here && possible::lacking(view, now, key, &channel, &needs)?.is_empty() {
                able.push(name);
            }
        }
        let legs = place::legs(view, &id)?.len();
        Ok((able, u32::try_from(legs).unwrap_or(LEGS_MAX)))
    });
    let (able, legs) = read.await?;
    let Some(name) = place::leg_name(&order.id, legs + 2).filter(|_| legs < LEGS_MAX) else {
        return Ok(Quantity::ZERO);
    };
    for other in able {
        let leg = Leg {
            order: order.id.clone(),
            store: store.clone(),
            other: other.clone(),
            item: item.clone(),
            quantity,
            taken: None,
        };
        let new = leg_order(order, &name, &leg);
        let command = Command::StartLeg {
            new,
            leg: leg.clone(),
        };
        let outcome = parts.worker.command(Some(&other), command).await?;
        if matches!(outcome, Outcome::Decided(_, Decision::Accepted(_))) {
            return finish(parts, &name, &leg).await;
        }
    }
    Ok(Quantity::ZERO)
}

/// The other store's order: it may be picked where the whole may, and costs nothing more.
fn leg_order(order: &Order, name: &OrderId, leg: &Leg) -> NewOrder {
    let tender = |it: &Tender| Tender {
        amount: Money::ZERO,
        ..it.clone()
    };
    NewOrder {
        id: name.clone(),
        channel: order.channel.clone(),
        lines: vec![OrderLine {
            item: leg.item.clone(),
            quantity: leg.quantity,
            parts: Vec::new(),
        }],
        promised: order.promised,
        pay_on_collection: order.pay_on_collection,
        tenders: order.tenders.iter().map(tender).collect(),
        sold_already: false,
    }
}
