//! Dialogues of the till page, each told effect by effect.

#![allow(clippy::too_many_lines, reason = "dialogues are told whole")]

mod commits;
mod paying;
mod rows;
#[path = "../shop/mod.rs"]
mod shop;

use shelf_stock::document::{DOCUMENT_LINES_MAX, Kind, SourceAction, Subject};
use shelf_stock::identity::{Digest, Place};
use shelf_stock::item::{ItemKind, Part};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_till::basket::*;
use shop::*;

#[track_caller]
fn say(log: String, expected: &str) {
    let lines = |text: &str| {
        let lines = text.lines().map(|it| it.trim().to_owned());
        lines.filter(|it| !it.is_empty()).collect::<Vec<_>>()
    };
    let (got, want) = (lines(&log), lines(expected));
    assert!(got == want, "got:\n{log}\nexpected:\n{expected}");
}

#[test]
fn the_view_is_stable_json() {
    let mut shop = Shop::new(Fiscal::None);
    shop.scan_unknown("04000000000077");
    let view = shop.view();
    let json = serde_json::to_string_pretty(&view).unwrap();
    insta::assert_snapshot!(json);
    assert_eq!(serde_json::from_str::<TillView>(&json).unwrap(), view);
}

#[test]
fn persisted_events_keep_their_json() {
    let mut shop = Shop::new(Fiscal::Declared);
    let mut read = of_item(kilo("ham", 2_000));
    read.amount = Some(Money::minor(333));
    read.stock = StockFlag::Pin;
    shop.scan(Read::Item(Box::new(read)));
    let staff = "9".parse().unwrap();
    let line = LineNo(1);
    shop.does(TillInput::ApproveLine { line, staff });
    shop.does(TillInput::SetMode(Mode::Return));
    shop.scan_unknown("04000000000077");
    shop.does(TillInput::Acknowledge);
    let reason = Some("no label".parse().unwrap());
    let (target, price) = (PriceTarget::Last, Money::minor(300));
    shop.does(TillInput::KeyedPrice {
        target,
        price,
        reason,
    });
    let quantity = Quantity::units(2);
    let line = None;
    shop.does(TillInput::Quantity { line, quantity });
    shop.does(TillInput::Undo);
    shop.does(TillInput::VoidLine(LineNo(2)));
    shop.does(TillInput::Park);
    let parked = shop.view().parked[0].id;
    shop.does(TillInput::Resume(parked));
    let intent = shop.pay_card(None);
    let reference = Some("T1 815".parse().unwrap());
    let amount = Some(Money::minor(100));
    shop.update(intent, Update::Approved { amount, reference });
    let json = |it: &BasketEvent| serde_json::to_string(it).unwrap();
    let lines: Vec<_> = shop.durable.all().iter().map(json).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
