//! Sales, returns and voids of single things, in a real ledger.

use shelf_ledger::Writer;
use shelf_stock::name::Code;

use super::*;
use crate::config::Config;
use crate::daemon::start::{Opened, open};

const GTIN: &str = "04006381333931";

struct Bench {
    writer: Writer,
    _opened: Opened,
    _folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.ledger.wal_prefill_mib = 0;
    config.ledger.ballast_mib = 0;
    let opened = open(config, folder.path().join("data"), None).unwrap();
    Bench {
        writer: opened.shop.writer.clone(),
        _opened: opened,
        _folder: folder,
    }
}

fn goods(thing: Option<&str>, pieces: u64, comes_back: bool, at: i64) -> Goods {
    Goods {
        thing: thing.map(str::to_owned),
        code: Code::new(GTIN).ok(),
        pieces,
        comes_back,
        at: Timestamp::from_millis(at),
    }
}

impl Bench {
    fn sale(&self, name: &'static str, goods: Vec<Goods>) -> SoldChanges {
        let job = move |tx: &mut Tx<'_>| write_sale(tx, name, &goods, true);
        self.writer.execute_blocking("test", job).wait().unwrap()
    }

    fn void(&self, name: &'static str, at: i64) -> SoldChanges {
        let at = Timestamp::from_millis(at);
        let job = move |tx: &mut Tx<'_>| write_void(tx, name, at, &[]);
        self.writer.execute_blocking("test", job).wait().unwrap()
    }

    /// Whether the thing with this serial is sold, as the next process will know it.
    fn is_sold(&self, serial: u32) -> bool {
        let thing: Thing = format!("{GTIN}/{serial}").parse().unwrap();
        SoldTags::load(&self.writer).with(|it| it.is_sold(&thing))
    }
}

#[test]
fn a_void_undoes_its_own_sale_and_nothing_that_came_later() {
    let bench = bench();
    let one = || goods(Some("04006381333931/1"), 1, false, 1_000);
    // The tag and the serial number are the same thing.
    let tag = "3034F487B4209C400000002A";
    bench.sale("a", vec![one(), goods(Some(tag), 1, false, 1_000)]);
    assert!(bench.is_sold(1) && bench.is_sold(42));
    bench.void("a", 2_000);
    assert!(!bench.is_sold(1) && !bench.is_sold(42));
    // Once more changes nothing.
    assert_eq!(bench.void("a", 3_000), SoldChanges::default());

    bench.sale("b", vec![goods(Some("04006381333931/1"), 1, false, 4_000)]);
    bench.sale("c", vec![goods(Some("04006381333931/1"), 1, true, 5_000)]);
    bench.sale("d", vec![goods(Some("04006381333931/1"), 1, false, 6_000)]);
    bench.void("b", 7_000);
    assert!(bench.is_sold(1));
    bench.void("d", 8_000);
    assert!(!bench.is_sold(1));
    // A return that is undone is the customer's again.
    bench.sale("e", vec![goods(Some("04006381333931/2"), 1, true, 1_000)]);
    bench.void("e", 2_000);
    assert!(bench.is_sold(2));
}

#[test]
fn what_is_reported_late_does_not_undo_what_came_after_it() {
    let bench = bench();
    bench.sale(
        "return",
        vec![goods(Some("04006381333931/1"), 1, true, 5_000)],
    );
    bench.sale(
        "sale",
        vec![goods(Some("04006381333931/1"), 1, false, 1_000)],
    );
    assert!(!bench.is_sold(1));
}

#[test]
fn pieces_by_barcode_are_news_and_things_are_none() {
    let bench = bench();
    let sold = SoldTags::load(&bench.writer);
    let basket = vec![
        goods(None, 3, false, 1_000),
        goods(Some("04006381333931/1"), 1, false, 1_000),
    ];
    sold.committed(&bench.sale("a", basket));
    let (news, next) = sold.since(0);
    let told: Vec<(u16, bool)> = news.iter().map(|it| (it.pieces, it.comes_back)).collect();
    assert_eq!(told, [(3, false)]);
    assert_eq!(sold.since(next).0, []);
}

#[test]
fn rows_of_an_older_version_are_still_sold() {
    let bench = bench();
    let put =
        |tx: &mut Tx<'_>| tx.setting_put("rfid.sold/3034F487B4209C400000002A", "1795354929022");
    bench.writer.execute_blocking("test", put).wait().unwrap();
    assert!(bench.is_sold(42));
}
