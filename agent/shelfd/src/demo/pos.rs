//! The existing POS at the third till: sells by itself and reports each receipt to the local API.
//!
//! Keeps its own books of what it was answered; a report without an answer is sent again under the
//! same number. Under `--sabotage` it is here that the run is spoilt: the books stay honest.

use std::sync::Arc;

use serde_json::{Value, json};
use shelf_sim::shop::{Dice, Invoice, InvoiceLine, Take};
use shelf_stock::identity::Place;
use shelf_stock::item::Item;
use shelf_stock::money::Money;
use shelf_stock::name::Code;
use shelf_stock::quantity::Quantity;

use super::arguments::Sabotage;
use super::facts::{Moved, Receipt};
use super::goods::GoodsByCode;
use super::lag::Lag;
use super::record::Record;
use crate::platform;

/// Receipts in 1000 that are voided afterwards. Ours.
const VOIDED_PER_MILLE: u64 = 10;
/// How often one report is sent at most.
const ATTEMPTS_MAX: u32 = 5;
/// Every so manyth report is spoilt by a sabotage.
const SPOILT_EVERY: u64 = 10;

/// The existing POS.
pub(super) struct Pos {
    /// The till's name.
    pub(super) till: String,
    /// `…/api/v1/sales`.
    pub(super) url: String,
    /// Speaks HTTP.
    pub(super) client: reqwest::Client,
    /// What it writes down.
    pub(super) record: Arc<Record>,
    /// Its PC's way to the hub.
    pub(super) lag: Arc<Lag>,
    /// Prices and numbers of the goods.
    pub(super) goods: Arc<GoodsByCode>,
    /// Chance.
    pub(super) dice: Dice,
    /// What makes its receipt numbers unique for ever.
    pub(super) run: String,
    /// Reports so far.
    pub(super) reports: u64,
    /// How the run is spoilt.
    pub(super) sabotage: Option<Sabotage>,
}

impl Pos {
    /// Sells and reports.
    pub(super) async fn serve(&mut self, invoice: &Invoice) {
        self.record.counts.invoices.up();
        self.reports += 1;
        let number = format!("{}-{}-{}", self.run, self.reports, invoice.number);
        let sold: Vec<Sold> = invoice.lines.iter().map(|it| self.sell(it)).collect();
        let total = sold.iter().fold(Money::ZERO, |sum, it| sum.plus(it.amount));
        let lines: Vec<Value> = sold.iter().map(|it| it.said.clone()).collect();
        let returns = sold.iter().filter(|it| it.moved.back);
        returns.for_each(|_| self.record.counts.returns.up());
        let moved: Vec<Moved> = sold.into_iter().map(|it| it.moved).collect();
        let body = |number: &str| {
            json!({
                "till": self.till, "transaction": number, "time": now(), "lines": lines,
                "payments": [{ "kind": "other", "amount": total.to_string() }],
            })
        };
        let spoilt = self.reports.is_multiple_of(SPOILT_EVERY);
        let receipt = Receipt {
            till: self.till.clone(),
            number: number.clone(),
            is_void: false,
        };
        if spoilt && self.sabotage == Some(Sabotage::Drop) {
            // The liar on the way says 201 and passes nothing on.
            self.record.counts.reported_sales.up();
            self.record.answered(&receipt, moved, total);
            return;
        }
        let Some(place) = self.report(&body(&number)).await else {
            return;
        };
        self.record.counts.reported_sales.up();
        self.lag.committed(place);
        self.record.answered(&receipt, moved.clone(), total);
        if spoilt && self.sabotage == Some(Sabotage::Dup) {
            let _second = self.report(&body(&format!("{number}-again"))).await;
        }
        if self.dice.per_mille(VOIDED_PER_MILLE) {
            self.void(receipt, moved, total).await;
        }
    }

    async fn void(&self, mut receipt: Receipt, mut moved: Vec<Moved>, total: Money) {
        let body = json!({
            "till": self.till, "transaction": receipt.number, "action": "void", "time": now(),
            "reason": "wrong customer",
        });
        if self.report(&body).await.is_some() {
            self.record.counts.voids.up();
            receipt.is_void = true;
            moved.iter_mut().for_each(|it| it.back = !it.back);
            self.record.answered(&receipt, moved, total.negated());
        }
    }

    /// Sends until it is answered. `None`: refused, which is trouble.
    async fn report(&self, body: &Value) -> Option<Place> {
        let mut why = String::new();
        for _ in 0..ATTEMPTS_MAX {
            let sent = async {
                let answer = self.client.post(&self.url).json(body).send().await?;
                let status = answer.status();
                Ok::<_, reqwest::Error>((status, answer.json::<Value>().await?))
            };
            match sent.await {
                Ok((status, answer)) if status.is_success() => {
                    let place = serde_json::from_value(answer["document"].clone());
                    return place.ok();
                }
                Ok((status, answer)) => {
                    why = format!(
                        "{status}: {}",
                        answer["detail"].as_str().unwrap_or_default()
                    );
                    if status.is_client_error() {
                        break;
                    }
                }
                Err(error) => why = error.to_string(),
            }
        }
        self.record
            .trouble(format!("a report of {} was not taken: {why}", self.till));
        None
    }

    fn sell(&self, line: &InvoiceLine) -> Sold {
        let (pieces, back) = (Quantity::units(line.pieces), line.pieces < 0);
        let (what, item, quantity, keyed) = match &line.take {
            Take::QuickKey(id) => (id.to_string(), self.goods.by_id(id), pieces, None),
            Take::Scan { code, keyed } => match self.goods.weighed(code) {
                Some((item, grams)) => {
                    let grams = Quantity::thousandths(grams);
                    let signed = if back { grams.negated() } else { grams };
                    (item.id.to_string(), Some(item), signed, None)
                }
                None => {
                    let code = fourteen(code);
                    let item = Code::new(code.as_str())
                        .ok()
                        .and_then(|it| self.goods.by_code(&it));
                    (code, item, pieces, *keyed)
                }
            },
        };
        let price = item
            .and_then(|it: &Item| it.price)
            .or(keyed)
            .unwrap_or(Money::ZERO);
        let by_item = item.filter(|it| {
            it.id.as_str() == what && it.codes.iter().all(|code| code.as_str() != what)
        });
        let name = if by_item.is_some() { "item" } else { "code" };
        if item.is_none() {
            self.record.counts.unknown_codes.up();
        }
        let said = json!({
            name: what, "quantity": quantity.to_string(), "unit_price": price.to_string(),
        });
        let positive = if back { quantity.negated() } else { quantity };
        let moved = Moved {
            what,
            quantity: positive,
            back,
        };
        Sold {
            said,
            moved,
            amount: price.times(quantity),
        }
    }
}

struct Sold {
    said: Value,
    moved: Moved,
    amount: Money,
}

/// A GTIN of any length as everything else writes it.
fn fourteen(code: &str) -> String {
    format!("{code:0>14}")
}

fn now() -> String {
    let now = jiff::Timestamp::from_millisecond(platform::wall_now().as_millis());
    now.map(|it| it.to_string()).unwrap_or_default()
}
