//! Things that are read by their tags: a row once, whatever is read how often, killed, undone or sold.

#![allow(clippy::unwrap_used, reason = "a test")]

mod shop;

use shelf_stock::name::Epc;
use shelf_stock::time::Timestamp;
use shelf_till::basket::*;
use shop::*;

const FIRST: &str = "3034F487B4209C400000002A";
const SECOND: &str = "3034F487B4209C400000002B";

/// Lays a thing on the pad: its reads are one input each.
fn lay(shop: &mut Shop, epc: &str, read: Read) -> String {
    let read_at = Timestamp::from_millis(shop.now + 1_000);
    let epc = Epc::new(epc).unwrap();
    shop.does(TillInput::Tagged { read, epc, read_at })
}

fn mug(shop: &mut Shop, epc: &str) -> String {
    lay(
        shop,
        epc,
        Read::Item(Box::new(of_item(item("mug", Some(250))))),
    )
}

/// The things in the basket, taken-out rows not counted.
fn things(shop: &Shop) -> Vec<String> {
    let view = shop.view();
    let lines = view.basket.iter().flat_map(|it| &it.lines);
    let live = lines.filter(|it| !it.voided);
    live.map(|it| it.epc.as_ref().unwrap().to_string())
        .collect()
}

#[test]
fn a_thing_is_a_row_once_and_two_pieces_are_two_rows() {
    let mut shop = Shop::new(Fiscal::Declared);
    mug(&mut shop, FIRST);
    // Read again and again while it lies there, also faster than the guard against double scans allows.
    assert!(!mug(&mut shop, FIRST).contains("persist"));
    assert!(!mug(&mut shop, FIRST).contains("persist"));
    mug(&mut shop, SECOND);
    assert_eq!(things(&shop), [FIRST, SECOND]);
    // A piece is a piece: no quantity can be keyed for it.
    let line = Some(LineNo(1));
    let log = shop.does(TillInput::Quantity {
        line,
        quantity: grams(2_000),
    });
    assert!(log.contains("(Measured)"), "{log}");
    // Killed: the rows are there, and the things that still lie there are none anew.
    shop.restart();
    mug(&mut shop, SECOND);
    assert_eq!(things(&shop), [FIRST, SECOND]);
}

#[test]
fn a_thing_in_a_parked_basket_is_no_row_of_the_next() {
    let mut shop = Shop::new(Fiscal::Declared);
    mug(&mut shop, FIRST);
    shop.does(TillInput::Park);
    assert!(!mug(&mut shop, FIRST).contains("persist"));
    mug(&mut shop, SECOND);
    assert_eq!(things(&shop), [SECOND]);
    assert_eq!(shop.view().parked.len(), 1);
}

#[test]
fn what_was_undone_or_taken_out_can_be_read_again() {
    let mut shop = Shop::new(Fiscal::Declared);
    mug(&mut shop, FIRST);
    shop.does(TillInput::Undo);
    assert!(things(&shop).is_empty());
    mug(&mut shop, FIRST);
    assert_eq!(things(&shop), [FIRST]);
    let line = shop.view().basket.unwrap().lines.last().unwrap().no;
    shop.does(TillInput::VoidLine(line));
    assert!(things(&shop).is_empty());
    mug(&mut shop, FIRST);
    assert_eq!(things(&shop), [FIRST]);
    // Taking it out is undone: it is there once and is not read a second time.
    let line = shop.view().basket.unwrap().lines.last().unwrap().no;
    shop.does(TillInput::VoidLine(line));
    shop.does(TillInput::Undo);
    mug(&mut shop, FIRST);
    assert_eq!(things(&shop), [FIRST]);
    // A basket that is given up gives its things back.
    shop.does(TillInput::VoidBasket);
    mug(&mut shop, FIRST);
    assert_eq!(things(&shop), [FIRST]);
}

#[test]
fn an_unknown_article_is_a_row_once_too_and_waits_for_its_price() {
    let mut shop = Shop::new(Fiscal::Declared);
    let unknown = || Read::Unknown {
        code: code("04006381333931"),
    };
    lay(&mut shop, FIRST, unknown());
    lay(&mut shop, FIRST, unknown());
    assert_eq!(things(&shop), [FIRST]);
    let row = shop.view().basket.unwrap().lines.remove(0);
    assert!(row.is_unknown() && row.needs_price());
}

#[test]
fn nothing_is_added_while_a_payment_is_under_way_and_afterwards_it_may_be() {
    let mut shop = Shop::new(Fiscal::Declared);
    mug(&mut shop, FIRST);
    let intent = shop.pay_card(None);
    let log = mug(&mut shop, SECOND);
    assert!(log.contains("(PaymentUnderWay)"), "{log}");
    shop.approve(intent);
    mug(&mut shop, SECOND);
    assert_eq!(things(&shop), [SECOND]);
}

#[test]
fn what_is_sold_goes_with_the_sale_by_its_tag() {
    let mut shop = Shop::new(Fiscal::Declared);
    mug(&mut shop, FIRST);
    shop.scan_item("tea", 199);
    mug(&mut shop, SECOND);
    shop.does(TillInput::VoidLine(LineNo(3)));
    let basket = shop.view().basket.unwrap().id;
    let told: Vec<_> = shop
        .till
        .goods(basket)
        .into_iter()
        .map(|it| (it.thing, it.pieces))
        .collect();
    assert_eq!(told, [(Some(FIRST.to_owned()), 1), (None, 1)]);
    shop.does(TillInput::SetMode(Mode::Return));
    mug(&mut shop, SECOND);
    let back = shop.till.goods(basket).pop().unwrap();
    assert!(back.comes_back && back.thing.as_deref() == Some(SECOND));
}

#[test]
fn a_refusal_of_the_pad_is_a_word_and_changes_nothing() {
    let mut shop = Shop::new(Fiscal::Declared);
    mug(&mut shop, FIRST);
    for why in [Refusal::ThingSold, Refusal::TagWithoutArticle] {
        let log = shop.does(TillInput::TagRefused(why));
        assert!(log.contains(&format!("({why:?})")), "{log}");
        assert!(
            log.contains("sound Blocked") && !log.contains("persist"),
            "{log}"
        );
    }
    assert_eq!(things(&shop), [FIRST]);
}

#[test]
fn a_price_check_by_tag_opens_no_basket() {
    let mut shop = Shop::new(Fiscal::Declared);
    shop.does(TillInput::SetMode(Mode::PriceCheck));
    mug(&mut shop, FIRST);
    assert!(shop.view().basket.is_none());
}
