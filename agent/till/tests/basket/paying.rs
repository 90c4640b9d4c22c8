//! How a basket is paid: by card, in cash, in parts, or not yet.

use super::*;

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
