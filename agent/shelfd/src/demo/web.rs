//! The web shop beside the tills: people who order online, and a clerk who picks and hands over.
//!
//! Customers ask the hub, never over the WAN that is cut: that a store is out of reach must not be
//! noticed by them, and must not sell them what is gone. The clerk works at the first PC, from what
//! that PC lists. At the end every accepted order must have come to an end: the customer has the
//! goods, or a record says why not. This must never count an order by what a PC says of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use shelf_sim::shop::{Dice, Shop};
use shelf_stock::item::{Item, ItemKind};
use shelf_stock::quantity::{Quantity, Unit};

use super::pace::Pace;
use super::prepare::{PrepareError, get, post};
use super::replay::{Closing, Turn};
use super::world::{STORE, World};

/// The channel's name.
const CHANNEL: &str = "web";
/// What the channel may show of what the floor can spare: all of it.
const COEFFICIENT_PER_MILLE: u32 = 1_000;
/// Customers at a till for each one online.
const TILL_CUSTOMERS: u32 = 4;
/// One piece.
const PIECE_THOUSANDTHS: i64 = 1_000;
/// Orders in 1000 that want one piece more than the page showed.
const GREEDY_PER_MILLE: u64 = 150;
/// How long accepted orders may take to come to their end after the shop has closed.
const END_MS_MAX: u64 = 60_000;
/// How often the clerk looks then.
const LOOK: Duration = Duration::from_millis(100);

/// What came of the web shop's orders.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    /// Each accepted order and its state at the hub when it was last asked.
    orders: BTreeMap<String, String>,
    /// Orders that the hub refused, with what is possible instead.
    refused: u64,
    /// Customers who found nothing to order.
    sold_out: u64,
    /// Units that could not be delivered, each with its record at the hub, in thousandths.
    compensated_thousandths: i64,
}

impl Placed {
    fn ended(&self, state: &str) -> usize {
        self.orders.values().filter(|it| *it == state).count()
    }

    /// Whether every accepted order was handed over, or lost its goods with a record.
    pub(super) fn is_well(&self) -> bool {
        let lost = self.ended("shorted") + self.ended("cancelled");
        let recorded = self.compensated_thousandths / PIECE_THOUSANDTHS;
        self.ended("handed_over") + lost == self.orders.len()
            && i64::try_from(lost).is_ok_and(|it| it <= recorded)
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        json!({
            "accepted": self.orders.len(),
            "refused": self.refused,
            "sold_out": self.sold_out,
            "handed_over": self.ended("handed_over"),
            "not_delivered": self.ended("shorted") + self.ended("cancelled"),
            "compensated_thousandths": self.compensated_thousandths,
        })
    }
}

/// Customers online and the clerk in the store.
pub(super) struct WebShop {
    client: reqwest::Client,
    hub: String,
    pc: String,
    items: Vec<String>,
    dice: Dice,
    /// Makes the numbers of this run's orders its own.
    run: String,
    placed: Placed,
}

impl WebShop {
    /// Opens the channel at the hub. Goods by the piece that lie on a shelf can be ordered.
    pub(super) async fn open(
        world: &World,
        shop: &Shop,
        client: &reqwest::Client,
        (seed, run): (u64, String),
    ) -> Result<Self, PrepareError> {
        let hub = world.hub_url();
        let policy = json!({ "channels": [
            { "channel": CHANNEL, "coefficient_per_mille": COEFFICIENT_PER_MILLE },
        ] });
        let url = format!("{hub}/api/v1/stores/{STORE}/policy");
        let what = "opening the web shop";
        let answer = client.put(&url).json(&policy).send().await;
        answer
            .and_then(reqwest::Response::error_for_status)
            .map_err(|source| PrepareError::Request { what, source })?;
        let stocked = shop.goods.iter().filter(|it| it.opening.is_some());
        let items = stocked.filter(|it| is_ordered(&it.item));
        Ok(Self {
            client: client.clone(),
            hub,
            pc: world.urls().into_iter().next().unwrap_or_default(),
            items: items.map(|it| it.item.id.to_string()).collect(),
            dice: Dice::new(seed, 40),
            run,
            placed: Placed::default(),
        })
    }

    /// Orders and picks until the shop closes; what went wrong then is the end's to say.
    pub(super) async fn trade(mut self, pace: Pace, mut closing: Closing) -> Self {
        let mut turn = Turn::new(pace.every() * TILL_CUSTOMERS);
        while turn.comes(&mut closing).await {
            if let Err(error) = self.order().await {
                tracing::warn!(%error, "demo: a customer online");
            }
            if let Err(error) = self.pick().await {
                tracing::warn!(%error, "demo: the clerk");
            }
        }
        self
    }

    /// One customer: looks at an item and orders it.
    async fn order(&mut self) -> Result<(), PrepareError> {
        let count = u64::try_from(self.items.len()).unwrap_or(u64::MAX);
        let at = usize::try_from(self.dice.below(count)).unwrap_or(0);
        let Some(item) = self.items.get(at) else {
            return Ok(());
        };
        let hub = &self.hub;
        let url = format!("{hub}/api/v1/channels/{CHANNEL}/levels?store={STORE}&item={item}");
        let page = get(&self.client, &url, "a page of the web shop").await?;
        let shown = page["levels"][0]["shown_thousandths"].as_i64().unwrap_or(0);
        let greedy = self.dice.per_mille(GREEDY_PER_MILLE);
        if shown < PIECE_THOUSANDTHS && !greedy {
            self.placed.sold_out += 1;
            return Ok(());
        }
        let quantity = match greedy {
            true => shown + PIECE_THOUSANDTHS,
            false => PIECE_THOUSANDTHS,
        };
        let number = self.placed.orders.len() as u64 + self.placed.refused;
        let name = format!("{}-{number}", self.run);
        let body = json!({
            "order": name, "store": STORE,
            "lines": [{ "item": item, "quantity_thousandths": quantity }],
            "tenders": [{ "kind": "card", "amount": 100, "state": "captured" }],
        });
        let url = format!("{hub}/api/v1/channels/{CHANNEL}/orders");
        let what = "an order online";
        let sent = self.client.post(&url).json(&body).send().await;
        let answer = sent.map_err(|source| PrepareError::Request { what, source })?;
        match answer.status().as_u16() {
            201 => {
                self.placed.orders.insert(name, "reserved".to_owned());
            }
            409 => self.placed.refused += 1,
            status => {
                let answer = format!("{status} {}", answer.text().await.unwrap_or_default());
                return Err(PrepareError::Refused { what, answer });
            }
        }
        Ok(())
    }

    /// The clerk takes what the PC lists from the shelf and hands it over; what the book says is
    /// gone, the shelf doesn't have.
    async fn pick(&self) -> Result<(), PrepareError> {
        let (client, pc) = (&self.client, &self.pc);
        let listed = get(client, &format!("{pc}/api/v1/orders"), "the orders").await?;
        for order in listed["orders"].as_array().into_iter().flatten() {
            let waits = order["stage"] == "waiting" && order["may_be_picked"] == true;
            let Some(id) = order["id"].as_str().filter(|_| waits) else {
                continue;
            };
            let step = |word: &str| format!("{pc}/api/v1/orders/{id}/{word}");
            if let Some(missing) = missing(order) {
                post(client, &step("short"), &missing, "a shelf that is empty").await?;
                continue;
            }
            for word in ["pick", "hand-over"] {
                post(client, &step(word), &json!({}), "a step of an order").await?;
            }
        }
        Ok(())
    }

    /// After the shop has closed: the clerk goes on until every accepted order has its end.
    pub(super) async fn end(mut self) -> Result<Placed, PrepareError> {
        let mut looks = tokio::time::interval(LOOK);
        let steps = END_MS_MAX / u64::try_from(LOOK.as_millis()).unwrap_or(u64::MAX).max(1);
        for _ in 0..steps {
            looks.tick().await;
            self.pick().await?;
            if self.ask().await? {
                let url = format!("{}/api/v1/stores/{STORE}/compensations", self.hub);
                let found = get(&self.client, &url, "what could not be delivered").await?;
                let rows = found["compensations"].as_array().into_iter().flatten();
                let units = rows.filter_map(|it| it["quantity_thousandths"].as_i64());
                self.placed.compensated_thousandths = units.sum();
                break;
            }
        }
        Ok(self.placed)
    }

    /// Asks the hub how far the orders are; whether all are at their end.
    async fn ask(&mut self) -> Result<bool, PrepareError> {
        const ENDS: [&str; 3] = ["handed_over", "cancelled", "shorted"];
        let mut all = true;
        for (name, state) in &mut self.placed.orders {
            if ENDS.contains(&state.as_str()) {
                continue;
            }
            let url = format!("{}/api/v1/channels/{CHANNEL}/orders/{name}", self.hub);
            let order = get(&self.client, &url, "an order at the hub").await?;
            *state = order["state"].as_str().unwrap_or_default().to_owned();
            all &= ENDS.contains(&state.as_str());
        }
        Ok(all)
    }
}

/// What the shelf does not have of an order, as the PC takes it: orders here have one line.
fn missing(order: &Value) -> Option<Value> {
    let goods = order["goods"].as_array()?.first()?;
    let lies = goods["on_hand"].as_i64()?.max(0);
    let missing = Quantity::thousandths(goods["quantity"].as_i64()? - lies);
    let item = &goods["item"];
    let is_gone = missing > Quantity::ZERO;
    is_gone.then(|| json!({ "item": item, "quantity": missing.to_string() }))
}

fn is_ordered(item: &Item) -> bool {
    item.kind == ItemKind::Standard && item.unit == Unit::Piece
}
