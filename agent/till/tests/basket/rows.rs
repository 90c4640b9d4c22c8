//! What becomes a row: codes, weights, rows that are taken back, reads that add nothing.

use super::*;

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
