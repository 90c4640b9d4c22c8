//! Before the doors open: the catalogue goes to the hub and comes down, the opening stock is counted.

use std::time::Duration;

use serde_json::{Value, json};
use shelf_sim::shop::Shop;
use shelf_stock::item::Item;

use super::world::World;
use crate::daemon::counter::chain;

/// How long the catalogue may take to come down to every PC.
const CATALOGUE_MS_MAX: u64 = 60_000;
/// How long a PC may take to see its scanners and the hub.
const READY_MS_MAX: u64 = 20_000;
/// How often is looked.
const LOOK_MS: u64 = 20;

/// The shop can't open.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    /// A request failed.
    #[error("{what} failed")]
    Request {
        /// What was asked.
        what: &'static str,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// A request was refused.
    #[error("{what} was refused: {answer}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// What came back.
        answer: String,
    },
    /// Something took too long.
    #[error("{what} took longer than {limit_ms} ms")]
    TooSlow {
        /// What.
        what: &'static str,
        /// The limit.
        limit_ms: u64,
    },
}

/// Imports the catalogue at the hub, waits until every PC has it, and counts the opening stock.
pub(super) async fn open_shop(
    world: &World,
    shop: &Shop,
    client: &reqwest::Client,
) -> Result<(), PrepareError> {
    let rows: Vec<Value> = shop
        .goods
        .iter()
        .map(|it| catalogue_row(&it.item))
        .collect();
    let hub = world.hub_url();
    let imported = post(
        client,
        &format!("{hub}/api/v1/catalogue"),
        &json!(rows),
        "the import",
    )
    .await?;
    tracing::info!(%imported, "catalogue");
    let revision = get(
        client,
        &format!("{hub}/api/v1/catalogue?limit=1"),
        "the catalogue",
    )
    .await?;
    let revision = revision["revision"].as_u64().unwrap_or(0);
    let shops: Vec<_> = world.pcs.iter().map(|it| it.shop.clone()).collect();
    until("the catalogue's way to the PCs", CATALOGUE_MS_MAX, || {
        shops.iter().all(|it| {
            #[allow(
                clippy::redundant_closure_for_method_calls,
                reason = "the method's name alone is not general enough over the reader's lifetime"
            )]
            let held = it.readers.with(|ledger| ledger.catalogue_revision());
            held.is_ok_and(|it| it >= revision)
        })
    })
    .await?;
    let stock: Vec<Value> = shop
        .goods
        .iter()
        .filter_map(|it| {
            let quantity = it.opening?.to_string();
            Some(json!({ "item": it.item.id, "quantity": quantity }))
        })
        .collect();
    let Some(pc) = world.urls().into_iter().next() else {
        return Ok(());
    };
    let url = format!("{pc}/api/v1/opening?session=opening-of-the-demo");
    let counted = post(client, &url, &json!(stock), "the opening stock").await?;
    tracing::info!(%counted, "opening stock");
    until("the scanners", READY_MS_MAX, || {
        shops
            .iter()
            .all(|it| it.devices.rows().iter().all(|it| it.state == "ready"))
    })
    .await
}

fn catalogue_row(item: &Item) -> Value {
    json!({
        "item": item.id, "name": item.name, "unit": item.unit, "kind": item.kind,
        "unit_price": item.price.map(|it| it.to_string()), "codes": item.codes,
        "group": item.group, "quick_key": item.quick_key,
    })
}

/// Looks until it is so.
pub(super) async fn until(
    what: &'static str,
    limit_ms: u64,
    mut so: impl FnMut() -> bool,
) -> Result<(), PrepareError> {
    let mut looks = tokio::time::interval(Duration::from_millis(LOOK_MS));
    for _ in 0..limit_ms / LOOK_MS {
        looks.tick().await;
        if so() {
            return Ok(());
        }
    }
    Err(PrepareError::TooSlow { what, limit_ms })
}

/// A page of JSON.
pub(super) async fn get(
    client: &reqwest::Client,
    url: &str,
    what: &'static str,
) -> Result<Value, PrepareError> {
    let asked = async {
        client
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .json::<Value>()
            .await
    };
    asked
        .await
        .map_err(|source| PrepareError::Request { what, source })
}

/// Posts JSON, and gives the answer.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &str,
    body: &Value,
    what: &'static str,
) -> Result<Value, PrepareError> {
    let asked = async {
        let answer = client.post(url).json(body).send().await?;
        Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
    };
    let (status, text) = asked
        .await
        .map_err(|source| PrepareError::Request { what, source })?;
    if !status.is_success() {
        return Err(PrepareError::Refused {
            what,
            answer: format!("{status} {text}"),
        });
    }
    serde_json::from_str(&text).map_err(|error| PrepareError::Refused {
        what,
        answer: chain(&error),
    })
}
