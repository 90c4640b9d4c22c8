//! What the shop keeps beside its documents: catalogue, baskets, payments, inbox, what is unsynced.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::redundant_closure_for_method_calls,
    reason = "a test fails by panicking"
)]

mod support;

use shelf_ledger::tables::TableError;
use shelf_ledger::{InboxNote, Ledger, PaymentIntent, Tx};
use shelf_replica::store::{LogId, Peer, Store};
use shelf_stock::identity::Seq;
use shelf_stock::item::{Item, ItemKind};
use shelf_stock::name::{Code, ItemId, TillId};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::Timestamp;
use support::{MONDAY_MS, item, open, sale};

fn change<T: Send + 'static>(
    ledger: &Ledger,
    job: impl FnMut(&mut Tx<'_>) -> Result<T, TableError> + Send + 'static,
) -> T {
    ledger.writer().run("test", job).unwrap()
}

fn entry(id: &str, name: &str, codes: &[&str], quick_key: Option<&str>) -> Item {
    Item {
        id: item(id),
        name: name.to_owned(),
        unit: Unit::Piece,
        kind: ItemKind::Standard,
        price: None,
        codes: codes.iter().map(|it| Code::new(it).unwrap()).collect(),
        group: String::new(),
        returns_to: None,
        quick_key: quick_key.map(str::to_owned),
    }
}

fn shelf(ledger: &Ledger) {
    change(ledger, |tx| {
        tx.catalogue_put(&[
            entry("100", "Grüner Tee 200 g", &["04006381333931"], Some("tea")),
            entry(
                "200",
                "Teekanne blau",
                &["04006381333948", "in-store:7"],
                None,
            ),
            entry("300", "Bio Kaffee \"Nord\"", &["in-store:7"], None),
        ])
    });
}

fn ids(items: &[Item]) -> String {
    let ids: Vec<&str> = items.iter().map(|it| it.id.as_str()).collect();
    ids.join(" ")
}

#[test]
fn the_catalogue_is_searched_by_name_number_and_code() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    shelf(&ledger);
    let found = |text: &str, limit: usize| {
        let items = ledger.readers().with(|it| it.item_search(text, limit));
        ids(&items.unwrap())
    };
    for (text, limit, expected) in [
        ("tee", 9, "100 200"),
        ("TEE 200", 9, "100"),
        ("kanne", 9, "200"),
        ("grüner", 9, "100"),
        ("te", 9, "200"),
        ("bio", 9, "300"),
        ("\"nord\"", 9, "300"),
        ("200", 9, "200 100"),
        ("04006381333931", 9, "100"),
        ("in-store:7", 9, "200 300"),
        ("tee", 1, "100"),
        ("tee", 0, ""),
        ("  ", 9, ""),
        ("zucker", 9, ""),
        ("tee OR kaffee", 9, ""),
    ] {
        assert_eq!(found(text, limit), expected, "{text:?}, at most {limit}");
    }
}

#[test]
fn a_code_of_two_items_names_neither() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    shelf(&ledger);
    let sold_as = |code: &str| {
        let code = Code::new(code).unwrap();
        let found = ledger.readers().with(|it| it.item_by_code(&code));
        found.unwrap().map(|it| it.id.to_string())
    };
    for (code, expected) in [
        ("04006381333931", Some("100")),
        ("04006381333948", Some("200")),
        ("in-store:7", None),
        ("in-store:8", None),
    ] {
        assert_eq!(sold_as(code).as_deref(), expected, "{code}");
    }
    change(&ledger, |tx| {
        tx.catalogue_remove(&[item("300"), item("400")])
    });
    assert_eq!(sold_as("in-store:7").as_deref(), Some("200"));
}

#[test]
fn the_catalogue_is_walked_replaced_and_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    shelf(&ledger);
    let walk = |after: Option<&str>, limit: usize| {
        let after = after.map(item);
        let ids = ledger
            .readers()
            .with(|it| it.catalogue_ids(after.as_ref(), limit));
        ids.unwrap()
            .iter()
            .map(ItemId::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(walk(None, 2), "100 200");
    assert_eq!(walk(Some("200"), 2), "300");
    assert_eq!(walk(Some("300"), 2), "");
    change(&ledger, |tx| {
        tx.catalogue_put(&[entry("100", "Matcha", &[], None)])
    });
    ledger
        .readers()
        .with(|it| {
            assert_eq!(it.catalogue_count()?, 3);
            assert_eq!(ids(&it.item_search("grüner", 9)?), "");
            assert_eq!(ids(&it.item_search("matcha", 9)?), "100");
            assert_eq!(ids(&it.item_search("04006381333931", 9)?), "");
            assert_eq!(ids(&it.quick_keys()?), "");
            Ok(())
        })
        .unwrap();
    change(&ledger, |tx| tx.catalogue_clear());
    assert_eq!(walk(None, 9), "");
}

#[test]
fn a_basket_keeps_its_events_in_order_and_never_overwrites_one() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let till = TillId::new("till-1").unwrap();
    let at = till.clone();
    change(&ledger, move |tx| {
        for (basket, number, event) in [("b", 0, "b0"), ("a", 1, "a1"), ("a", 0, "a0")] {
            tx.basket_append(&at, basket, number, event)?;
        }
        Ok(())
    });
    let at = till.clone();
    let again = ledger
        .writer()
        .run("again", move |tx| tx.basket_append(&at, "a", 1, "other"));
    assert!(again.is_err());
    let events = || {
        let events = ledger.readers().with(|it| it.basket_load(&till)).unwrap();
        events
            .iter()
            .map(|it| it.event.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(events(), "a0 a1 b0");
    assert_eq!(
        ledger.readers().with(|it| it.basket_tills()).unwrap(),
        vec![till.clone()]
    );
    let at = till.clone();
    change(&ledger, move |tx| tx.basket_clear(&at, "a"));
    assert_eq!(events(), "b0");
}

#[test]
fn an_intent_is_owed_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let intent = |id: &str, is_open, body: &str| PaymentIntent {
        id: id.to_owned(),
        till: TillId::new("till-1").unwrap(),
        is_open,
        body: body.to_owned(),
    };
    for it in [
        intent("2", true, "sent"),
        intent("1", true, "begun"),
        intent("2", false, "paid"),
    ] {
        change(&ledger, move |tx| tx.intent_put(&it));
    }
    let read = ledger.readers();
    assert_eq!(
        read.with(|it| it.intents_open()).unwrap(),
        [intent("1", true, "begun")]
    );
    assert_eq!(
        read.with(|it| it.intent("2")).unwrap(),
        Some(intent("2", false, "paid"))
    );
    assert_eq!(read.with(|it| it.intent("3")).unwrap(), None);
}

#[test]
fn the_inbox_keeps_an_input_once_and_its_decision() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let put = |key: &'static str, raw: &'static [u8]| {
        change(&ledger, move |tx| {
            tx.inbox_put(InboxNote {
                kind: "file_fault",
                key,
                reason: "no number",
                raw,
            })
        })
    };
    let (first, other) = (put("a.csv:1", b"x;y"), put("a.csv:2", b"x;y"));
    assert_eq!(put("a.csv:1", b"x;y"), first);
    assert_ne!(put("a.csv:1", b"x;z"), first);
    assert!(change(&ledger, move |tx| tx.inbox_resolve(first, "ignored")));
    assert!(!change(&ledger, move |tx| tx.inbox_resolve(first, "booked")));
    assert!(!change(&ledger, |tx| tx.inbox_resolve(99, "booked")));
    let list = |open_only, after, limit| {
        let entries = ledger
            .readers()
            .with(|it| it.inbox_list(open_only, after, limit));
        entries.unwrap()
    };
    assert_eq!((list(true, 0, 9).len(), list(false, 0, 9).len()), (2, 3));
    assert_eq!(list(true, other, 9).len(), 1);
    let decided = list(false, 0, 1).remove(0);
    assert_eq!(decided.raw, b"x;y");
    let expected = (Timestamp::from_millis(MONDAY_MS), "ignored".to_owned());
    assert_eq!(decided.resolved, Some(expected));
}

#[test]
fn unsynced_is_what_lies_past_the_hubs_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let unsynced = || ledger.readers().with(|it| it.unsynced()).unwrap();
    assert_eq!(unsynced(), shelf_ledger::Unsynced::default());
    let mut last = None;
    for _ in 0..3 {
        let recorded = ledger.writer().run("sale", |tx| tx.record(&sale("tea", 1)));
        last = Some(recorded.unwrap().place());
    }
    let whole = unsynced();
    assert_eq!(whole.count, 3);
    assert_eq!(whole.oldest_wall, Some(Timestamp::from_millis(MONDAY_MS)));
    let log = LogId {
        node: last.unwrap().node,
        incarnation: last.unwrap().incarnation,
    };
    change(&ledger, move |tx| {
        tx.replica_store().set_cursor(Peer::Hub, log, Seq(2))
    });
    let rest = unsynced();
    assert_eq!(rest.count, 1);
    assert!(rest.bytes > 0 && rest.bytes < whole.bytes);
    change(&ledger, move |tx| {
        tx.replica_store().set_cursor(Peer::Hub, log, Seq(3))
    });
    assert_eq!(unsynced().count, 0);
}

#[test]
fn a_word_of_an_undone_job_is_not_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    // The refused job adds the word "milk"; the next new word gets its number.
    let refused = ledger.writer().run("refused", |tx| {
        tx.record(&sale("milk", 5))?;
        Err::<(), _>(shelf_ledger::RecordError::Table(TableError::Damaged {
            what: "test",
        }))
    });
    assert!(refused.is_err());
    for name in ["tea", "milk"] {
        let sold = ledger
            .writer()
            .run("sale", move |tx| tx.record(&sale(name, 1)));
        sold.unwrap();
    }
    for name in ["tea", "milk"] {
        let book = ledger
            .readers()
            .with_one(|it| it.book(&item(name)))
            .unwrap();
        assert_eq!(book, Quantity::units(-1), "{name}");
    }
}
