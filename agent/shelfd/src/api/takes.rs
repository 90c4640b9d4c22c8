//! `POST /api/v1/takes`: goods that a person promises or sends away: to another store, back to the
//! supplier, to a customer who telephoned.
//!
//! Unlike a sale at the till these can be refused, so they are: they need the store's own rights,
//! or they would take what was promised online. Only the PC that grants knows for sure. A manager
//! may say that it happens all the same; then the document says who and why.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, RecordError, Tx};
use shelf_replica::node::Permission;
use shelf_stock::document::{Draft, Kind, Line, Subject};
use shelf_stock::identity::Place;
use shelf_stock::item::{Item, ItemKind, Part};
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, Reason};
use shelf_stock::quantity::Quantity;

use super::fields::Fields;
use super::orders::manager;
use super::problem::Problem;
use super::{Answer, Site, lookups};
use crate::daemon::shop::Shop;
use crate::platform;

/// It was recorded.
#[derive(Debug, Serialize)]
pub(super) struct Taken {
    document: Place,
    item: Item,
    on_hand: Quantity,
    /// Why the rules refused it before a manager let it through.
    #[serde(skip_serializing_if = "Option::is_none")]
    overruled: Option<&'static str>,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    /// Promised online.
    #[error("only {available} of `{item}` are the store's own: the rest is promised online")]
    Lacking { item: ItemId, available: Quantity },
    /// This PC can't know.
    #[error(
        "this PC can't know what is promised online: another PC of the store grants, or the hub was \
         not reached since the start"
    )]
    NotGrantor,
    /// The ledger.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The ledger.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// `POST /api/v1/takes`
pub(super) async fn take(State(web): Site, fields: Fields) -> Answer<Json<Taken>> {
    web.blocking(move |shop| taken(shop, &fields))
        .await
        .map(Json)
}

fn taken(shop: &Shop, fields: &Fields) -> Answer<Taken> {
    let item = lookups::item(shop, fields)?;
    let quantity: Quantity = fields.parse("quantity")?;
    if !quantity.fits_a_line() {
        return Err(Problem::value("quantity", "must be above zero"));
    }
    let to = destination(fields)?;
    let reason = fields.parsed::<Reason>("reason")?;
    let overruler = manager(shop, fields)?;
    if overruler.is_some() && reason.is_none() {
        return Err(Problem::value("reason", "is missing: a manager says why"));
    }
    let mut draft = draft(&item, quantity, to, reason);
    let parts = takes(&item, quantity);
    let machine = shop.machine.get().cloned();
    let id = item.id.clone();
    let job = move |tx: &mut Tx<'_>| {
        let mut overruled = None;
        if let Some(machine) = &machine {
            let node = machine
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            for part in &parts {
                let refused = match node.may_take(tx.tables(), &part.item, part.quantity)? {
                    Permission::Granted => continue,
                    Permission::Lacking { available } => TakeError::Lacking {
                        item: part.item.clone(),
                        available,
                    },
                    Permission::NotGrantor => TakeError::NotGrantor,
                };
                if overruler.is_none() {
                    return Err(refused);
                }
                overruled = Some(match refused {
                    TakeError::Lacking { .. } => "lacking",
                    _ => "not_grantor",
                });
            }
        }
        draft.staff.clone_from(&overruler);
        let place = tx.record(&draft)?.place();
        Ok::<_, TakeError>((place, tx.book(&id)?, overruled))
    };
    let done = shop.writer.execute_blocking("take", job).wait();
    let (document, on_hand, overruled) = done.map_err(problem)?;
    shop.ring();
    Ok(Taken {
        document,
        item,
        on_hand,
        overruled,
    })
}

/// What leaves the shelf, each item once.
fn takes(item: &Item, quantity: Quantity) -> Vec<Part> {
    let mut sums = std::collections::BTreeMap::<ItemId, Quantity>::new();
    for part in item.explode(quantity) {
        let sum = sums.entry(part.item).or_default();
        *sum = sum.plus(part.quantity);
    }
    let part = |(item, quantity)| Part { item, quantity };
    sums.into_iter().map(part).collect()
}

fn destination(fields: &Fields) -> Answer<Location> {
    match fields.needed("to")? {
        "supplier" => Ok(Location::Supplier),
        "customer" => Ok(Location::Customer),
        other => match other.strip_prefix("store:") {
            Some(store) => store
                .parse()
                .map(Location::Transit)
                .map_err(|error| Problem::value("to", error)),
            None => Err(Problem::value("to", "is no destination")
                .hint("write `store:NAME`, `supplier` or `customer`")),
        },
    }
}

fn draft(item: &Item, quantity: Quantity, to: Location, reason: Option<Reason>) -> Draft {
    let composed = !matches!(item.kind, ItemKind::Standard | ItemKind::Weighed);
    let mut draft = Draft::new(Kind::Transfer);
    draft.lines = vec![Line {
        subject: Subject::Item(item.id.clone()),
        quantity,
        from: Location::SalesFloor,
        to,
        effective: platform::wall_now(),
        unit_price: None,
        amount: None,
        parts: if composed {
            item.explode(quantity)
        } else {
            Vec::new()
        },
        code: None,
        reason,
    }];
    draft
}

fn problem(error: ExecuteError<TakeError>) -> Problem {
    match error {
        ExecuteError::Refused(refused @ (TakeError::Lacking { .. } | TakeError::NotGrantor)) => {
            let kind = match &refused {
                TakeError::Lacking { .. } => "lacking",
                _ => "not-grantor",
            };
            Problem::new(StatusCode::CONFLICT, kind, refused.to_string()).hint(
                "take less, ask at the PC that grants, or let a manager give `pin` and `reason`",
            )
        }
        other => Problem::from(other),
    }
}
