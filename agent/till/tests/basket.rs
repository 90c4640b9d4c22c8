//! Dialogues of the till page, each told effect by effect.

#![allow(clippy::too_many_lines, reason = "dialogues are told whole")]

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
fn a_card_sale_confirms_the_terminal_only_after_the_commit() {
    let mut shop = Shop::new(Fiscal::None);
    say(
        shop.scan_item("mug", 250),
        "
            persist 0 opened
            persist 1 +1 1 x The mug = 2.50
            show Open 1 rows, 1 items, total 2.50, due 2.50
            sound Ok
        ",
    );
    say(
        shop.scan_item("tea", 199),
        "
            persist 2 +2 1 x The tea = 1.99
            show Open 2 rows, 2 items, total 4.49, due 4.49
            sound Ok
        ",
    );
    let log = shop.does(TillInput::Pay(PayWith::Card { amount: None }));
    say(
        log,
        "
            persist 3 Card 4.49 Started
            start payment 4.49
            show Paying 2 rows, 2 items, total 4.49, due 4.49
        ",
    );
    let intent = IntentId::from_bytes([shop.calls; 16]);
    say(
        shop.update(intent, Update::Progress { text: "PIN".into() }),
        "
            show Paying 2 rows, 2 items, total 4.49, due 4.49
        ",
    );
    say(
        shop.scan_item("mug", 250),
        "
            show Paying 2 rows, 2 items, total 4.49, due 4.49 (PaymentUnderWay)
            sound Blocked
        ",
    );
    say(
        shop.approve(intent),
        "
            persist 4 payment Approved
            persist 5 completed
            record sale[2 lines, Card 4.49]
            show no basket, 1 closing
            confirm terminal
            show no basket
            sound PaymentOk
        ",
    );
    say(
        shop.approve(intent),
        "
            confirm terminal
            show no basket
        ",
    );
    assert_eq!(shop.durable.events.len(), 0);
}

#[test]
fn an_unknown_code_stays_until_priced_and_only_its_own_key_dismisses_it() {
    let mut shop = Shop::new(Fiscal::Declared);
    say(
        shop.scan_unknown("04000000000077"),
        "
            persist 0 opened
            persist 1 +1 1 x 04000000000077 = ?
            show Open 1 rows, 1 items, total 0.00, due 0.00 !UnknownCode
            sound Unknown
        ",
    );
    say(
        shop.scan_item("mug", 250),
        "
            persist 2 +2 1 x The mug = 2.50
            show Open 2 rows, 2 items, total 2.50, due 2.50 !UnknownCode
            sound Ok
        ",
    );
    say(
        shop.pay_cash(None),
        "
            show Open 2 rows, 2 items, total 2.50, due 2.50 !UnknownCode (PriceNeeded)
            sound Blocked
        ",
    );
    say(
        shop.does(TillInput::Acknowledge),
        "
            persist 3 acknowledged
            show Open 2 rows, 2 items, total 2.50, due 2.50
        ",
    );
    say(
        shop.pay_cash(None),
        "
            show Open 2 rows, 2 items, total 2.50, due 2.50 (PriceNeeded)
            sound Blocked
        ",
    );
    let price = Money::minor(300);
    let reason = Some("no label".parse().unwrap());
    let keyed = TillInput::KeyedPrice {
        target: PriceTarget::Last,
        price,
        reason,
    };
    say(
        shop.does(keyed),
        "
            persist 4 pricekeyed
            show Open 2 rows, 2 items, total 5.50, due 5.50
            sound Ok
        ",
    );
    say(
        shop.pay_cash(Some(1000)),
        "
            persist 5 Cash 5.50 Approved
            persist 6 completed
            record sale[2 lines, Cash 5.50]
            show no basket, 1 closing
            sound Ok
            show no basket
            sound PaymentOk
        ",
    );
    let sale = shop.durable.sales.values().next().unwrap();
    assert_eq!(
        sale.lines[0].subject,
        Subject::Unbound(code("04000000000077"))
    );
    assert_eq!(sale.lines[0].amount, Some(price));
}

#[test]
fn an_unknown_payment_steps_aside_and_is_settled_from_the_slip() {
    let mut shop = Shop::new(Fiscal::None);
    shop.scan_item("mug", 250);
    let intent = shop.pay_card(None);
    say(
        shop.update(intent, Update::Unknown),
        "
            persist 3 payment Unknown
            show no basket, 1 unsettled !PaymentUnknown
            sound PaymentUnknown
        ",
    );
    say(
        shop.scan_item("tea", 199),
        "
            persist 0 opened
            persist 1 +1 1 x The tea = 1.99
            show Open 1 rows, 1 items, total 1.99, due 1.99, 1 unsettled !PaymentUnknown
            sound Ok
        ",
    );
    say(
        shop.does(TillInput::Acknowledge),
        "
            show Open 1 rows, 1 items, total 1.99, due 1.99, 1 unsettled !PaymentUnknown
        ",
    );
    say(
        shop.restart(),
        "
            ask terminal about 2.50
            show Open 1 rows, 1 items, total 1.99, due 1.99, 1 unsettled !PaymentUnknown
        ",
    );
    let staff = Some("7".parse().unwrap());
    let slip = Some("slip 42".parse().unwrap());
    let outcome = Outcome::Approved { slip };
    say(
        shop.does(TillInput::Settle {
            intent,
            outcome,
            staff,
        }),
        "
            persist 4 payment Approved
            persist 5 completed
            record sale[1 lines, Card 2.50]
            show Open 1 rows, 1 items, total 1.99, due 1.99, 1 closing
            confirm terminal
            show Open 1 rows, 1 items, total 1.99, due 1.99
            sound PaymentOk
        ",
    );
    let again = TillInput::Settle {
        intent,
        outcome: Outcome::NotCharged,
        staff: None,
    };
    say(
        shop.does(again),
        "
            show Open 1 rows, 1 items, total 1.99, due 1.99 (NoPayment)
            sound Blocked
        ",
    );
}

#[test]
fn an_uncharged_basket_is_parked_and_can_be_paid_again() {
    let mut shop = Shop::new(Fiscal::None);
    shop.scan_item("mug", 250);
    let first = shop.pay_card(None);
    shop.update(first, Update::Unknown);
    shop.scan_item("tea", 199);
    let settled = TillInput::Settle {
        intent: first,
        outcome: Outcome::NotCharged,
        staff: None,
    };
    say(
        shop.does(settled),
        "
            persist 4 payment Aborted
            show Open 1 rows, 1 items, total 1.99, due 1.99, 1 parked
        ",
    );
    let id = shop.view().parked[0].id;
    say(
        shop.does(TillInput::Resume(id)),
        "
            persist 2 parked
            persist 5 resumed
            show Open 1 rows, 1 items, total 2.50, due 2.50, 1 parked
        ",
    );
    let second = shop.pay_card(None);
    let text = "card expired".to_owned();
    say(
        shop.update(second, Update::Declined { text }),
        "
            persist 7 payment Declined
            show Open 1 rows, 1 items, total 2.50, due 2.50, 1 parked (NotCharged)
            sound Blocked
        ",
    );
    let third = shop.pay_card(None);
    say(
        shop.approve(third),
        "
            persist 9 payment Approved
            persist 10 completed
            record sale[1 lines, Card 2.50]
            show no basket, 1 parked, 1 closing (NotCharged)
            confirm terminal
            show no basket, 1 parked (NotCharged)
            sound PaymentOk
        ",
    );
}

#[test]
fn split_payments_until_covered() {
    let mut shop = Shop::new(Fiscal::Declared);
    shop.scan_item("mug", 1000);
    say(
        shop.pay_cash(Some(300)),
        "
            persist 2 Cash 3.00 Approved
            show Open 1 rows, 1 items, total 10.00, due 7.00
            sound Ok
        ",
    );
    let card = shop.pay_card(Some(500));
    say(
        shop.approve(card),
        "
            persist 4 payment Approved
            confirm terminal
            show Open 1 rows, 1 items, total 10.00, due 2.00
            sound Ok
        ",
    );
    let declined = shop.pay_card(None);
    say(
        shop.update(
            declined,
            Update::Aborted {
                text: "timeout".into(),
            },
        ),
        "
            persist 6 payment Aborted
            show Open 1 rows, 1 items, total 10.00, due 2.00 (NotCharged)
            sound Blocked
        ",
    );
    say(
        shop.does(TillInput::VoidBasket),
        "
            show Open 1 rows, 1 items, total 10.00, due 2.00 (AlreadyPaid)
            sound Blocked
        ",
    );
    say(
        shop.does(TillInput::ReversePayment(card)),
        "
            reverse payment 5.00
            show Open 1 rows, 1 items, total 10.00, due 2.00 (AlreadyPaid)
        ",
    );
    say(
        shop.update(card, Update::Reversed),
        "
            persist 7 payment Reversed
            show Open 1 rows, 1 items, total 10.00, due 7.00 (NotCharged)
            sound Blocked
        ",
    );
    say(
        shop.pay_cash(None),
        "
            persist 8 Cash 7.00 Approved
            persist 9 completed
            record sale[1 lines, Cash 3.00, Cash 7.00]
            show no basket, 1 closing (NotCharged)
            sound Ok
            show no basket (NotCharged)
            sound PaymentOk
        ",
    );
}

#[test]
fn cash_needs_a_declaration_and_returns_are_paid_out() {
    let mut shop = Shop::new(Fiscal::None);
    shop.does(TillInput::SetMode(Mode::Return));
    say(
        shop.scan_item("mug", 250),
        "
            persist 0 opened
            persist 1 +1 1 x The mug = -2.50
            show Open 1 rows, 1 items, total -2.50, due -2.50
            sound Ok
        ",
    );
    say(
        shop.pay_cash(None),
        "
            show Open 1 rows, 1 items, total -2.50, due -2.50 (CashNotDeclared)
            sound Blocked
        ",
    );
    let log = shop.does(TillInput::Pay(PayWith::Card { amount: None }));
    say(
        log,
        "
            persist 2 Card -2.50 Started
            start payment -2.50
            show Paying 1 rows, 1 items, total -2.50, due -2.50
        ",
    );
    let refund = IntentId::from_bytes([shop.calls; 16]);
    say(
        shop.approve(refund),
        "
            persist 3 payment Approved
            persist 4 completed
            record sale[1 lines, Card -2.50]
            show no basket, 1 closing
            confirm terminal
            show no basket
            sound PaymentOk
        ",
    );
    let sale = shop.durable.sales.values().next().unwrap();
    let line = &sale.lines[0];
    assert_eq!(
        (&line.from, &line.to),
        (&Location::Customer, &Location::Inspection)
    );
    assert_eq!(sale.tenders[0].amount, Money::minor(-250));
    assert_eq!(shop.view().mode, Mode::Sell, "the next customer buys");
}

#[test]
fn undo_takes_back_rows_quantities_prices_and_voids() {
    let mut shop = Shop::new(Fiscal::Declared);
    let total = |shop: &Shop| shop.view().basket.unwrap().total.as_minor();
    shop.scan_item("mug", 250);
    shop.scan_item("tea", 199);
    shop.does(TillInput::Quantity {
        line: None,
        quantity: Quantity::units(3),
    });
    assert_eq!(total(&shop), 250 + 597);
    shop.does(TillInput::VoidLine(LineNo(1)));
    let mut totals = vec![total(&shop)];
    for _ in 0..4 {
        shop.does(TillInput::Undo);
        totals.push(total(&shop));
    }
    assert_eq!(totals, [597, 847, 449, 250, 0]);
    say(
        shop.does(TillInput::Undo),
        "
            show Open 0 rows, 0 items, total 0.00, due 0.00 (NothingToUndo)
            sound Blocked
        ",
    );
    say(
        shop.pay_cash(None),
        "
            show Open 0 rows, 0 items, total 0.00, due 0.00 (Empty)
            sound Blocked
        ",
    );
    say(
        shop.does(TillInput::Park),
        "
            persist 9 voided
            clear
            show no basket
        ",
    );
    assert!(
        shop.durable.events.is_empty(),
        "an empty basket leaves nothing"
    );
}

#[test]
fn reads_that_add_nothing_say_why() {
    let mut shop = Shop::new(Fiscal::None);
    say(
        shop.scan_unknown("12345"),
        "
            show no basket (BadRead)
            sound Unknown
        ",
    );
    let bad = Read::Bad {
        reason: "wrong check digit".into(),
        masked: "40123".into(),
    };
    say(
        shop.scan(bad),
        "
            show no basket (BadRead)
            sound Unknown
        ",
    );
    say(
        shop.scan(Read::Refused {
            kind: RefusedKind::Magstripe,
        }),
        "
            show no basket (RefusedRead)
            sound Unknown
        ",
    );
    let mut none = of_item(item("nil", Some(1)));
    none.quantity = Some(Quantity::ZERO);
    say(
        shop.scan(Read::Item(Box::new(none))),
        "
            show no basket (BadRead)
            sound Unknown
        ",
    );
    shop.does(TillInput::SetMode(Mode::PriceCheck));
    say(
        shop.scan_item("mug", 250),
        "
            show no basket (Price)
            sound Ok
        ",
    );
    say(
        shop.scan_unknown("04000000000077"),
        "
            show no basket (PriceUnknown)
            sound Unknown
        ",
    );
    shop.does(TillInput::SetMode(Mode::Sell));
    for refused in [
        TillInput::Undo,
        TillInput::Park,
        TillInput::VoidBasket,
        TillInput::VoidLine(LineNo(1)),
        TillInput::Pay(PayWith::Card { amount: None }),
        TillInput::Resume(BasketId::from_bytes([9; 16])),
        TillInput::CancelPayment(IntentId::from_bytes([9; 16])),
        TillInput::AskAgain(IntentId::from_bytes([9; 16])),
    ] {
        let log = shop.does(refused);
        assert!(
            log.starts_with("show") && log.ends_with("sound Blocked"),
            "{log}"
        );
    }
    assert!(shop.durable.events.is_empty());
}

#[test]
fn the_same_code_within_the_guard_is_one_read() {
    let mut shop = Shop::new(Fiscal::None);
    let mut scan = |text: &str, at: i64, origin| {
        let read = Read::Unknown { code: code(text) };
        let read_at = Timestamp::from_millis(at);
        shop.does(TillInput::Read {
            read,
            origin,
            read_at,
        });
        shop.view().basket.map_or(0, |it| it.lines.len())
    };
    let table = [
        ("1111111", 0, Origin::Scanned, 1),
        ("1111111", 299, Origin::Scanned, 1),
        ("1111111", 598, Origin::Scanned, 1), // the repeat extends the time
        ("1111111", 898, Origin::Scanned, 2),
        ("2222222", 899, Origin::Scanned, 3),
        ("1111111", 900, Origin::Scanned, 4),
        ("1111111", 901, Origin::Typed, 5),
        ("1111111", 100, Origin::Scanned, 6), // the clock stepped back
    ];
    for (text, at, origin, rows) in table {
        assert_eq!(scan(text, at, origin), rows, "{text} at {at}");
    }
}

#[test]
fn weighed_and_composed_goods() {
    let mut shop = Shop::new(Fiscal::Declared);
    let mut by_price = of_item(kilo("ham", 2_000));
    by_price.amount = Some(Money::minor(333));
    shop.scan(Read::Item(Box::new(by_price)));
    let mut by_weight = of_item(kilo("cheese", 1_500));
    by_weight.quantity = Some(grams(250));
    shop.scan(Read::Item(Box::new(by_weight)));
    say(
        shop.scan(Read::Item(Box::new(of_item(kilo("nuts", 1_000))))),
        "
            persist 3 +3 1 x The nuts = ?
            show Open 3 rows, 3 items, total 7.08, due 7.08 !QuantityNeeded
            sound Blocked
        ",
    );
    say(
        shop.pay_cash(None),
        "
            show Open 3 rows, 3 items, total 7.08, due 7.08 !QuantityNeeded (QuantityNeeded)
            sound Blocked
        ",
    );
    shop.does(TillInput::Quantity {
        line: None,
        quantity: grams(125),
    });
    let again = TillInput::Quantity {
        line: Some(LineNo(1)),
        quantity: grams(1),
    };
    say(
        shop.does(again),
        "
            show Open 3 rows, 3 items, total 8.33, due 8.33 (Measured)
            sound Blocked
        ",
    );
    let mut six = item("sixpack", Some(500));
    six.kind = ItemKind::Pack(Part {
        item: "can".parse().unwrap(),
        quantity: Quantity::units(6),
    });
    shop.scan(Read::Item(Box::new(of_item(six))));
    shop.does(TillInput::Quantity {
        line: None,
        quantity: Quantity::units(2),
    });
    let half = TillInput::Quantity {
        line: None,
        quantity: grams(500),
    };
    say(
        shop.does(half),
        "
            show Open 4 rows, 5 items, total 18.33, due 18.33 (Quantity)
            sound Blocked
        ",
    );
    shop.pay_cash(None);
    let sale = shop.durable.sales.values().next().unwrap();
    let rows: Vec<_> = sale
        .lines
        .iter()
        .map(|it| (it.quantity.to_string(), it.amount.unwrap().to_string()))
        .collect();
    let want = [
        ("0.167", "3.33"),
        ("0.25", "3.75"),
        ("0.125", "1.25"),
        ("2", "10.00"),
    ];
    assert_eq!(rows, want.map(|(q, a)| (q.to_owned(), a.to_owned())));
    assert_eq!(
        sale.lines[3].parts,
        [Part {
            item: "can".parse().unwrap(),
            quantity: Quantity::units(12)
        }]
    );
}

#[test]
fn a_floor_sale_is_never_refused_for_stock_but_may_ask_for_a_pin() {
    let mut shop = Shop::new(Fiscal::Declared);
    let mut read = of_item(item("mug", Some(250)));
    read.stock = StockFlag::Warn;
    say(
        shop.scan(Read::Item(Box::new(read.clone()))),
        "
            persist 0 opened
            persist 1 +1 1 x The mug = 2.50
            show Open 1 rows, 1 items, total 2.50, due 2.50 !StockWarning
            sound Ok
        ",
    );
    read.stock = StockFlag::Pin;
    say(
        shop.scan(Read::Item(Box::new(read))),
        "
            persist 2 +2 1 x The mug = 2.50
            show Open 2 rows, 2 items, total 5.00, due 5.00 !StockWarning !ApprovalNeeded
            sound Blocked
        ",
    );
    say(shop.pay_cash(None), "
            show Open 2 rows, 2 items, total 5.00, due 5.00 !StockWarning !ApprovalNeeded (ApprovalNeeded)
            sound Blocked
        ");
    let staff = "9".parse().unwrap();
    say(
        shop.does(TillInput::ApproveLine {
            line: LineNo(2),
            staff,
        }),
        "
            persist 3 lineapproved
            show Open 2 rows, 2 items, total 5.00, due 5.00 !StockWarning
            sound Ok
        ",
    );
    say(
        shop.pay_cash(None),
        "
            persist 4 Cash 5.00 Approved
            persist 5 completed
            record sale[2 lines, Cash 5.00]
            show no basket, 1 closing
            sound Ok
            show no basket
            sound PaymentOk
        ",
    );
}

#[test]
fn a_failed_commit_is_retried_and_the_terminal_waits() {
    let mut shop = Shop::new(Fiscal::None);
    shop.scan_item("mug", 250);
    let intent = shop.pay_card(None);
    let update = Update::Approved {
        amount: None,
        reference: None,
    };
    let effects = shop.decides(TillInput::PaymentUpdate { intent, update });
    let what = effects.iter().find_map(|it| match it {
        TillEffect::Record { what, .. } => Some(*what),
        _ => None,
    });
    let what = what.unwrap();
    let message = "the disk is full".to_owned();
    say(
        shop.does(TillInput::CommitFailed { what, message }),
        "
            show no basket, 1 closing !CommitFailed
            sound Blocked
        ",
    );
    say(
        shop.scan_item("tea", 199),
        "
            persist 0 opened
            persist 1 +1 1 x The tea = 1.99
            show Open 1 rows, 1 items, total 1.99, due 1.99, 1 closing !CommitFailed
            sound Ok
        ",
    );
    say(
        shop.does(TillInput::RetryCommit(what)),
        "
            record sale[1 lines, Card 2.50]
            show Open 1 rows, 1 items, total 1.99, due 1.99, 1 closing !CommitFailed
            confirm terminal
            show Open 1 rows, 1 items, total 1.99, due 1.99
            sound PaymentOk
        ",
    );
    say(
        shop.does(TillInput::RetryCommit(what)),
        "
            show Open 1 rows, 1 items, total 1.99, due 1.99 (NoBasket)
            sound Blocked
        ",
    );
}

#[test]
fn a_reversal_before_the_commit_reopens_and_after_it_voids() {
    let mut shop = Shop::new(Fiscal::None);
    shop.scan_item("mug", 250);
    let intent = shop.pay_card(None);
    let update = Update::Approved {
        amount: None,
        reference: None,
    };
    let effects = shop.decides(TillInput::PaymentUpdate { intent, update });
    say(
        shop.update(intent, Update::Reversed),
        "
            show no basket, 1 closing
        ",
    );
    let (what, drafts) = effects
        .into_iter()
        .find_map(|it| match it {
            TillEffect::Record { what, drafts } => Some((what, drafts)),
            _ => None,
        })
        .unwrap();
    let place = shop.durable.record(what, drafts);
    say(
        shop.does(TillInput::Committed { what, place }),
        "
            record void[1 lines, Card -2.50]
            show no basket
            sound Blocked
            show no basket !SaleVoided
            sound Blocked
        ",
    );
    let actions: Vec<_> = shop
        .durable
        .sales
        .values()
        .map(|it| it.source.clone().unwrap().action)
        .collect();
    assert_eq!(actions, [SourceAction::Record, SourceAction::Void]);
}

#[test]
fn a_payment_reversed_after_the_commit_voids_the_recorded_sale() {
    let mut shop = Shop::new(Fiscal::Declared);
    shop.scan_item("mug", 250);
    shop.pay_cash(Some(50));
    let intent = shop.pay_card(None);
    shop.approve(intent);
    let draft = shop.durable.sales.values().next().unwrap().clone();
    let place: Place = format!("{}.0000000000000001.1", "01".repeat(16))
        .parse()
        .unwrap();
    let sale = vec![shelf_stock::document::Document {
        place,
        prev: Digest::ZERO,
        hlc: Hlc::default(),
        wall: Timestamp::default(),
        draft,
    }];
    say(
        shop.does(TillInput::ReversedAfterCommit {
            intent,
            sale: sale.clone(),
        }),
        "
            record void[1 lines, Cash -0.50, Card -2.00]
            show no basket
            show no basket !SaleVoided
            sound Blocked
        ",
    );
    let void = shop
        .durable
        .sales
        .values()
        .find(|it| it.kind != Kind::Sale)
        .unwrap();
    assert_eq!(void.lines[0].from, Location::Customer);
    assert_eq!(
        void.tenders
            .iter()
            .map(|it| it.amount.as_minor())
            .sum::<i64>(),
        -250
    );
    say(
        shop.does(TillInput::ReversedAfterCommit {
            intent,
            sale: vec![],
        }),
        "
            show no basket !SaleVoided !StrayPayment
            sound Blocked
        ",
    );
}

#[test]
fn a_basket_larger_than_a_document_becomes_a_group() {
    let mut shop = Shop::new(Fiscal::Declared);
    for n in 0..700 {
        shop.scan_unknown(&format!("0400{n:010}"));
        let price = Money::minor(1);
        shop.does(TillInput::KeyedPrice {
            target: PriceTarget::Last,
            price,
            reason: None,
        });
    }
    shop.pay_cash(None);
    let parts: Vec<_> = shop
        .durable
        .sales
        .values()
        .map(|it| {
            (
                it.source.clone().unwrap().part,
                it.group.clone().unwrap(),
                it.lines.len(),
                it.tenders.len(),
            )
        })
        .collect();
    assert!(parts.len() >= 2);
    assert_eq!(parts.iter().map(|it| it.2).sum::<usize>(), 700);
    assert!(
        parts
            .iter()
            .all(|it| it.2 <= DOCUMENT_LINES_MAX && it.1.of as usize == parts.len())
    );
    assert_eq!(parts.iter().map(|it| it.3).sum::<usize>(), 1);
    let full = Shop::scan_item;
    for _ in 0..BASKET_LINES_MAX {
        full(&mut shop, "mug", 1);
    }
    say(
        shop.scan_item("mug", 1),
        "
            show Open 2000 rows, 2000 items, total 20.00, due 20.00 (BasketFull)
            sound Blocked
        ",
    );
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
fn a_restart_tells_the_terminal_what_it_may_not_have_heard() {
    let mut shop = Shop::new(Fiscal::Declared);
    shop.scan_item("mug", 1000);
    let partial = shop.pay_card(Some(400));
    shop.approve(partial);
    let undecided = shop.pay_card(None);
    say(
        shop.restart(),
        "
            ask terminal about 6.00
            confirm terminal
            show Paying 1 rows, 1 items, total 10.00, due 6.00
        ",
    );
    // The ledger committed the sale, and the process died before it heard of it.
    let reference = None;
    let amount = None;
    let update = Update::Approved { amount, reference };
    let intent = undecided;
    for effect in shop.decides(TillInput::PaymentUpdate { intent, update }) {
        if let TillEffect::Record { what, drafts } = effect {
            shop.durable.record(what, drafts);
        }
    }
    say(shop.restart(), "show no basket");
    let told = "
        confirm terminal
        show no basket
    ";
    say(shop.does(TillInput::AlreadyRecorded(undecided)), told);
    say(shop.approve(undecided), told);
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

#[test]
fn a_weight_counts_for_the_row_and_the_basket_that_it_was_asked_for() {
    let mut shop = Shop::new(Fiscal::Declared);
    shop.scan(Read::Item(Box::new(of_item(kilo("nuts", 1_000)))));
    let basket = shop.view().basket.unwrap().id;
    let weighed = |line, quantity| TillInput::Weighed {
        basket,
        line: LineNo(line),
        quantity,
    };
    shop.does(weighed(1, grams(375)));
    let row = |shop: &Shop| {
        let row = shop.view().basket.unwrap().lines[0].clone();
        (row.quantity, row.quantity_missing, row.measured, row.amount)
    };
    let nuts = (grams(375), false, true, Some(Money::minor(375)));
    assert_eq!(row(&shop), nuts);
    // Nobody keys over what was weighed, and it is weighed once; undone, it is asked for again.
    shop.does(TillInput::Quantity {
        line: None,
        quantity: grams(1),
    });
    shop.does(weighed(1, grams(900)));
    assert_eq!(row(&shop), nuts);
    shop.does(TillInput::Undo);
    assert!(row(&shop).1);
    // Pieces are not weighed.
    shop.scan(Read::Item(Box::new(of_item(item("mug", Some(250))))));
    shop.does(weighed(2, grams(900)));
    assert!(!shop.view().basket.unwrap().lines[1].measured);
    // Another customer stands there when the answer comes.
    shop.does(TillInput::Park);
    shop.scan(Read::Item(Box::new(of_item(kilo("ham", 2_000)))));
    shop.does(weighed(1, grams(375)));
    assert!(row(&shop).1, "a weight of another basket");
}
