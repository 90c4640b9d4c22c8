//! A till with its ledger played by the test: effects are carried out strictly in order, and what
//! is durable is exactly what the ledger would hold.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test support"
)]

use std::collections::BTreeMap;

use shelf_stock::document::Draft;
use shelf_stock::identity::{Incarnation, NodeId, Place, Seq};
use shelf_stock::item::{Item, ItemKind};
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId, TillId};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::Timestamp;
use shelf_till::basket::*;

pub const NOON: i64 = 1_700_000_000_000;

pub fn item(id: &str, price: Option<i64>) -> Item {
    Item {
        id: ItemId::new(id).unwrap(),
        name: format!("The {id}"),
        unit: Unit::Piece,
        kind: ItemKind::Standard,
        price: price.map(Money::minor),
        codes: vec![],
        group: String::new(),
        returns_to: None,
        quick_key: None,
    }
}

pub fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

pub fn of_item(item: Item) -> ReadItem {
    ReadItem {
        code: Some(code(&format!("0400000000{}", item.id))),
        item,
        quantity: None,
        amount: None,
        stock: StockFlag::Fine,
    }
}

pub fn config(fiscal: Fiscal) -> TillConfig {
    TillConfig {
        fiscal,
        ..TillConfig::new(TillId::new("till-1").unwrap())
    }
}

/// What the ledger holds: events by basket, and what was recorded.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    pub events: BTreeMap<BasketId, Vec<BasketEvent>>,
    pub sales: BTreeMap<String, Draft>,
}

impl Durable {
    pub fn all(&self) -> Vec<BasketEvent> {
        self.events.values().flatten().cloned().collect()
    }

    pub fn record(&mut self, what: What, drafts: Vec<Draft>) -> Place {
        for draft in drafts {
            draft.validate().unwrap();
            let key = draft.source.clone().unwrap();
            let name = format!("{} {:?} {}", key.receipt, key.action, key.part);
            let known = self.sales.entry(name).or_insert_with(|| draft.clone());
            assert_eq!(*known, draft, "recorded again with another body");
        }
        if let What::Sale(basket) = what {
            self.events.remove(&basket);
        }
        Place {
            node: NodeId::from_bytes([1; 16]),
            incarnation: Incarnation(1),
            seq: Seq(self.sales.len() as u64),
        }
    }
}

pub struct Shop {
    pub till: Till,
    pub config: TillConfig,
    pub durable: Durable,
    pub now: i64,
    pub calls: u8,
    pub log: Vec<String>,
}

impl Shop {
    pub fn new(fiscal: Fiscal) -> Self {
        let config = config(fiscal);
        Self {
            till: Till::new(config.clone()),
            config,
            durable: Durable::default(),
            now: NOON,
            calls: 0,
            log: vec![],
        }
    }

    /// One input; commits what it asks to record. Returns the log of effects as text.
    pub fn does(&mut self, input: TillInput) -> String {
        self.log.clear();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let effects = self.decides(input);
            for effect in effects {
                self.log.extend(told(&effect));
                match effect {
                    TillEffect::Persist(event) => {
                        self.durable
                            .events
                            .entry(event.basket)
                            .or_default()
                            .push(event);
                    }
                    TillEffect::Clear(basket) => {
                        self.durable.events.remove(&basket);
                    }
                    TillEffect::Record { what, drafts } => {
                        let place = self.durable.record(what, drafts);
                        inputs.push(TillInput::Committed { what, place });
                    }
                    _ => {}
                }
            }
        }
        self.log.join("\n")
    }

    /// One input, its effects not yet carried out.
    pub fn decides(&mut self, input: TillInput) -> Vec<TillEffect> {
        self.now += 1000;
        self.calls = self.calls.wrapping_add(1);
        let mut effects = vec![];
        let now = Timestamp::from_millis(self.now);
        self.till
            .handle(now, FreshId([self.calls; 16]), input, &mut effects);
        effects
    }

    pub fn restart(&mut self) -> String {
        self.till = Till::restore(self.config.clone(), self.durable.all());
        self.does(TillInput::Started)
    }

    pub fn scan(&mut self, read: Read) -> String {
        let read_at = Timestamp::from_millis(self.now + 1000);
        let origin = Origin::Scanned;
        self.does(TillInput::Read {
            read,
            origin,
            read_at,
        })
    }

    pub fn scan_item(&mut self, id: &str, price: i64) -> String {
        self.scan(Read::Item(Box::new(of_item(item(id, Some(price))))))
    }

    pub fn scan_unknown(&mut self, text: &str) -> String {
        self.scan(Read::Unknown { code: code(text) })
    }

    pub fn pay_cash(&mut self, given: Option<i64>) -> String {
        let given = given.map(Money::minor);
        self.does(TillInput::Pay(PayWith::Cash { given }))
    }

    /// Pays by card and returns the intent.
    pub fn pay_card(&mut self, amount: Option<i64>) -> IntentId {
        let amount = amount.map(Money::minor);
        self.does(TillInput::Pay(PayWith::Card { amount }));
        IntentId::from_bytes([self.calls; 16])
    }

    pub fn update(&mut self, intent: IntentId, update: Update) -> String {
        self.does(TillInput::PaymentUpdate { intent, update })
    }

    pub fn approve(&mut self, intent: IntentId) -> String {
        let reference = Some("T1 815".parse().unwrap());
        let amount = None;
        self.update(intent, Update::Approved { amount, reference })
    }

    pub fn view(&self) -> TillView {
        self.till.view()
    }
}

/// The part of a view that a restart must give back.
pub fn durable_part(mut view: TillView) -> TillView {
    view.notices.clear();
    view.progress = None;
    view.last_sale = None;
    if view.basket.is_none() {
        view.mode = Mode::Sell;
    }
    view.alerts.retain(|it| {
        !matches!(
            it,
            Alert::CommitFailed { .. }
                | Alert::StorageFailed { .. }
                | Alert::SaleVoided { .. }
                | Alert::LateApproval { .. }
                | Alert::ApprovedInDoubt { .. }
                | Alert::StrayPayment { .. }
        )
    });
    for alert in &mut view.alerts {
        if let Alert::PaymentUnknown { acknowledged, .. } = alert {
            *acknowledged = false;
        }
    }
    view
}

/// One line of text per effect.
fn told(effect: &TillEffect) -> Option<String> {
    Some(match effect {
        TillEffect::Persist(event) => format!("persist {} {}", event.n, change(&event.change)),
        TillEffect::Show(view) => show(view),
        TillEffect::Sound(sound) => format!("sound {sound:?}"),
        TillEffect::StartPayment { amount, .. } => format!("start payment {amount}"),
        TillEffect::AskTerminal { amount, .. } => format!("ask terminal about {amount}"),
        TillEffect::CancelPayment { .. } => "cancel payment".into(),
        TillEffect::ReversePayment { amount, .. } => format!("reverse payment {amount}"),
        TillEffect::ConfirmTerminal { .. } => "confirm terminal".into(),
        TillEffect::Record { drafts, .. } => {
            let parts: Vec<_> = drafts.iter().map(draft).collect();
            format!("record {}", parts.join(" + "))
        }
        TillEffect::Clear(_) => "clear".into(),
    })
}

fn change(change: &Change) -> String {
    match change {
        Change::LineAdded { line } => {
            let amount = line.amount.map_or("?".into(), |it| it.to_string());
            format!(
                "+{} {} x {} = {amount}",
                line.no.0, line.quantity, line.name
            )
        }
        Change::PaymentAdded { payment } => {
            format!("{:?} {} {:?}", payment.kind, payment.amount, payment.state)
        }
        Change::PaymentChanged { state, .. } => format!("payment {state:?}"),
        other => {
            let text = format!("{other:?}");
            text.split(" {").next().unwrap().to_lowercase()
        }
    }
}

fn draft(draft: &Draft) -> String {
    let kind = match draft.kind {
        shelf_stock::document::Kind::Void { .. } => "void",
        _ => "sale",
    };
    let lines = draft.lines.len();
    let tenders: Vec<_> = draft
        .tenders
        .iter()
        .map(|it| format!("{:?} {}", it.kind, it.amount))
        .collect();
    format!("{kind}[{lines} lines, {}]", tenders.join(", "))
}

fn show(view: &TillView) -> String {
    let basket = view.basket.as_ref().map_or("no basket".into(), |it| {
        let rows = it.lines.iter().filter(|line| !line.voided).count();
        format!(
            "{:?} {rows} rows, {} items, total {}, due {}",
            it.stage, it.items, it.total, it.due
        )
    });
    let mut text = format!("show {basket}");
    for (name, count) in [
        ("parked", view.parked.len()),
        ("unsettled", view.unsettled.len()),
        ("closing", view.closing.len()),
    ] {
        if count > 0 {
            text += &format!(", {count} {name}");
        }
    }
    let word = |debug: String| debug.split([' ', '{']).next().unwrap().to_owned();
    for alert in &view.alerts {
        text += &format!(" !{}", word(format!("{alert:?}")));
    }
    if let Some(notice) = view.notices.last() {
        text += &match notice {
            Notice::Refused { why } => format!(" ({why:?})"),
            other => format!(" ({})", word(format!("{other:?}"))),
        };
    }
    text
}

pub fn kilo(id: &str, price: i64) -> Item {
    let mut item = item(id, Some(price));
    item.unit = Unit::Kilogram;
    item.kind = ItemKind::Weighed;
    item
}

pub fn grams(grams: i64) -> Quantity {
    Quantity::thousandths(grams)
}
