//! Between terminal and ledger: what is durable first, and what a reversal or a restart leaves.

use super::*;

/// Pays by card up to the moment at which the ledger is asked to record the sale.
fn approved_and_not_recorded(shop: &mut Shop) -> (IntentId, Vec<TillEffect>) {
    let intent = shop.pay_card(None);
    let update = Update::Approved {
        amount: None,
        reference: None,
    };
    let effects = shop.decides(TillInput::PaymentUpdate { intent, update });
    (intent, effects)
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
fn a_failed_commit_is_retried_and_the_terminal_waits() {
    let mut shop = Shop::new(Fiscal::None);
    shop.scan_item("mug", 250);
    let (_, effects) = approved_and_not_recorded(&mut shop);
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
    let (intent, effects) = approved_and_not_recorded(&mut shop);
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
