//! Stories of tags in a shop, in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, EpcFaultReason, Identity, Scheme, Tag, filter};

use super::*;

mod doors;

const BACKROOM: ZoneId = ZoneId(1);
const FLOOR: ZoneId = ZoneId(2);
const EXIT: ZoneId = ZoneId(3);
const READER: ReaderId = ReaderId(1);

fn gtin() -> Gtin {
    Gtin::parse("4006381333931").unwrap()
}

fn article(serial: u32) -> EpcBytes {
    let identity = Identity::sgtin(gtin(), &serial.to_string()).unwrap();
    let tag = Tag::new(Scheme::SgtinPlus, filter::POINT_OF_SALE, identity);
    tag.encode().unwrap()
}

/// A read on the antenna of a zone: antenna n reads zone n, and antenna 10 the floor too.
fn read(epc: EpcBytes, antenna: u16, dbm: i16, at_ms: u64) -> Read {
    Read {
        epc,
        reader: READER,
        antenna,
        rssi_centi_dbm: Some(dbm * 100),
        count: 1,
        at_ms,
    }
}

fn engine() -> Presence {
    let antennas = [(1, BACKROOM), (2, FLOOR), (10, FLOOR), (3, EXIT)];
    Presence::new(PresenceConfig {
        zones: [BACKROOM, FLOOR, EXIT].map(Zone::new).to_vec(),
        antennas: antennas
            .map(|(antenna, zone)| ((READER, antenna), zone))
            .into(),
        epoch_ms: 1_000,
        depart_ms_min: 0,
    })
}

struct Shop {
    engine: Presence,
    events: Vec<Event>,
    now_ms: u64,
}

impl Shop {
    fn new() -> Shop {
        Shop {
            engine: engine(),
            events: Vec::new(),
            now_ms: 100_000,
        }
    }

    fn read(&mut self, antenna: u16, dbm: i16) {
        let read = read(article(1), antenna, dbm, self.now_ms);
        self.engine.read(&read, &mut self.events);
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.engine.advance(self.now_ms, &mut self.events);
    }

    fn changes(&mut self) -> Vec<Change> {
        self.events.drain(..).map(|event| event.change).collect()
    }
}

#[test]
fn a_tag_arrives_moves_and_departs() {
    let mut shop = Shop::new();
    shop.read(1, -60);
    assert_eq!(shop.changes(), []);
    shop.read(1, -60);
    assert_eq!(shop.changes(), [Change::Arrived { zone: BACKROOM }]);
    for _ in 0..20 {
        shop.pass(500);
        shop.read(1, -60);
    }
    // Heard weakly through the wall: no move.
    for _ in 0..20 {
        shop.pass(500);
        shop.read(1, -60);
        shop.read(2, -70);
    }
    assert_eq!(shop.changes(), []);
    for _ in 0..20 {
        shop.pass(500);
        shop.read(2, -50);
        shop.read(10, -45);
    }
    assert_eq!(
        shop.changes(),
        [Change::Moved {
            from: BACKROOM,
            to: FLOOR
        }]
    );
    let last = shop.now_ms;
    for _ in 0..100 {
        shop.pass(1_000);
    }
    assert_eq!(shop.events.len(), 1);
    assert_eq!(
        (shop.events[0].at_ms, shop.engine.present().count()),
        (last, 0)
    );
    assert_eq!(shop.changes(), [Change::Departed { zone: FLOOR }]);
}

#[test]
fn one_stray_read_is_no_arrival_and_leaves_no_trace() {
    let mut shop = Shop::new();
    shop.read(1, -80);
    for _ in 0..100 {
        shop.pass(1_000);
    }
    assert_eq!(
        (shop.changes(), shop.engine.present().count()),
        (Vec::new(), 0)
    );
    assert_eq!(shop.engine.patience_ms(&article(1)), None);
}

#[test]
fn a_badly_read_tag_is_waited_for_longer() {
    let patience = |every_ms: u64| {
        let mut shop = Shop::new();
        for step in 0..120_u64 {
            shop.pass(500);
            if (step * 500).is_multiple_of(every_ms) {
                shop.read(2, -60);
            }
        }
        assert_eq!(
            shop.changes(),
            [Change::Arrived { zone: FLOOR }],
            "every {every_ms} ms"
        );
        shop.engine.patience_ms(&article(1)).unwrap()
    };
    let (good, bad) = (patience(500), patience(5_000));
    assert!(good <= 6_000 && bad >= 15_000, "{good} ms, {bad} ms");
}

#[test]
fn a_blind_reader_makes_nobody_depart() {
    let mut shop = Shop::new();
    shop.read(2, -60);
    shop.read(2, -60);
    shop.changes();
    shop.engine.set_blind(FLOOR, true, shop.now_ms);
    shop.pass(3_600_000);
    assert_eq!(shop.changes(), []);
    shop.engine.set_blind(FLOOR, false, shop.now_ms);
    shop.pass(500);
    assert_eq!(shop.changes(), []);
    shop.read(2, -60);
    assert_eq!(shop.changes(), []);
    shop.pass(100_000);
    assert_eq!(shop.changes(), [Change::Departed { zone: FLOOR }]);
}

/// A shop that was stopped and started after these milliseconds, on a clock that starts anew.
fn restarted(before: &Shop) -> Shop {
    let mut again = Shop::new();
    again.now_ms = 1_000;
    for zone in [BACKROOM, FLOOR, EXIT] {
        again.engine.set_blind(zone, true, again.now_ms);
    }
    again.engine.restore(before.engine.present(), again.now_ms);
    again
}

#[test]
fn a_restart_invents_nothing() {
    let mut shop = Shop::new();
    shop.read(2, -60);
    shop.read(2, -60);
    let mut again = restarted(&shop);
    // Its reader comes back a minute later, and another zone hears the tag first.
    again.pass(55_000);
    again.read(1, -60);
    again.read(1, -60);
    again.pass(5_000);
    again.engine.set_blind(BACKROOM, false, again.now_ms);
    again.engine.set_blind(FLOOR, false, again.now_ms);
    again.read(1, -60);
    again.pass(2_000);
    again.read(2, -60);
    again.pass(1_000);
    assert_eq!(again.changes(), []);
    assert_eq!(again.engine.present().next().unwrap().zone, FLOOR);
}

#[test]
fn what_was_carried_away_while_the_pc_was_off_is_told_when_its_time_is_over() {
    let mut shop = Shop::new();
    shop.read(2, -60);
    shop.read(2, -60);
    let mut gone = restarted(&shop);
    gone.engine.set_blind(FLOOR, false, gone.now_ms);
    gone.pass(60_000);
    assert_eq!(gone.changes(), []);
    gone.pass(5_000);
    assert_eq!(gone.changes(), [Change::Departed { zone: FLOOR }]);

    let mut moved = restarted(&shop);
    moved.engine.set_blind(FLOOR, false, moved.now_ms);
    moved.engine.set_blind(BACKROOM, false, moved.now_ms);
    for _ in 0..20 {
        moved.read(1, -60);
        moved.pass(500);
    }
    let (from, to) = (FLOOR, BACKROOM);
    assert_eq!(moved.changes(), [Change::Moved { from, to }]);
}

#[test]
fn a_zone_that_is_none_any_more_is_forgotten() {
    let mut engine = engine();
    let tag = |zone| PresentTag {
        epc: article(1),
        zone,
        since_ms: 0,
        last_ms: 0,
    };
    engine.restore([tag(ZoneId(9))], 1_000);
    assert_eq!(engine.present().count(), 0);
    engine.restore([tag(FLOOR)], 1_000);
    assert_eq!(engine.whereabouts(&article(1)).unwrap().zone, FLOOR);
}

#[test]
fn a_thing_is_the_same_whatever_names_it() {
    // SGTIN-96 (partition 5, filter 1) and SGTIN+ of one piece, and the words of a POS.
    let short = EpcBytes::from_hex("3034F487B4209C400000002A").unwrap();
    let named: Thing = "04006381333931/42".parse().unwrap();
    assert_eq!(Thing::of(&short), named);
    assert_eq!(Thing::of(&article(42)), named);
    assert_eq!("4006381333931/42".parse(), Ok(named));
    assert_eq!("3034F487B4209C400000002A".parse(), Ok(named));
    assert_eq!(named.to_string(), "04006381333931/42");
    let factory = "E28011606000020912345678";
    assert_eq!(factory.parse::<Thing>().unwrap().to_string(), factory);
    for none in ["", "/", "4006381333932/1", "4006381333931/", "shoe", "ABC"] {
        assert_eq!(none.parse::<Thing>(), Err(NoThing), "{none}");
    }
}

#[test]
fn the_order_of_reads_within_an_epoch_changes_nothing() {
    let reads = [(100_000, -60), (100_200, -61), (100_900, -59)];
    let outcome = |order: [usize; 3]| {
        let mut engine = engine();
        let mut events = Vec::new();
        for at in order {
            let (ms, dbm) = reads[at];
            engine.read(&read(article(1), 2, dbm, ms), &mut events);
        }
        engine.advance(110_000, &mut events);
        let changes: Vec<Change> = events.iter().map(|event| event.change).collect();
        (changes, engine.present().count())
    };
    assert_eq!(outcome([0, 1, 2]), outcome([2, 1, 0]));
    assert_eq!(outcome([0, 1, 2]), outcome([1, 0, 2]));
}

#[test]
fn a_count_marks_a_miss_as_suspect_until_it_is_counted_twice() {
    let factory = EpcBytes::from_hex("E28011606000020912345678").unwrap();
    let mut count = CountSession::new(CountConfig {
        zone: FLOOR,
        expected: BTreeSet::from([article(1), article(2), article(3)]),
        elsewhere: BTreeMap::from([(article(4), BACKROOM)]),
        passes_min: 0,
    });
    for epc in [article(1), article(4), article(5), factory, article(1)] {
        count.read(epc);
    }
    count.barcode(gtin(), 2);
    count.end_pass();
    let first = count.result();
    assert_eq!(first.epcs[&article(1)], Verdict::Matched);
    assert_eq!(
        first.epcs[&article(2)],
        Verdict::Missing { confirmed: false }
    );
    assert_eq!(
        first.epcs[&article(4)],
        Verdict::Unexpected { from: BACKROOM }
    );
    assert_eq!(first.epcs[&article(5)], Verdict::Unknown);
    assert_eq!(
        first.epcs[&factory],
        Verdict::NotGs1(EpcFaultReason::NotGs1(0xE2))
    );
    let mut expected = GtinCount {
        expected: 3,
        read: 3,
        by_barcode: 2,
        missing_confirmed: 0,
    };
    assert_eq!(first.articles[&gtin()], expected);
    // A pass with the reader off proves nothing.
    count.end_pass();
    assert_eq!((count.passes(), count.result()), (1, first));
    count.confirm_missing(article(3));
    assert_eq!(
        count.result().epcs[&article(3)],
        Verdict::Missing { confirmed: true }
    );
    count.read(article(1));
    count.read(article(2));
    count.end_pass();
    let second = count.result();
    assert_eq!(second.epcs[&article(2)], Verdict::Matched);
    expected = GtinCount {
        read: 4,
        missing_confirmed: 1,
        ..expected
    };
    assert_eq!(second.articles[&gtin()], expected);
}

#[test]
fn quantities_are_counted_from_the_set_alone() {
    let case = Tag::new(
        Scheme::SgtinPlus,
        filter::FULL_CASE,
        Identity::sgtin(gtin(), "9").unwrap(),
    );
    let factory = EpcBytes::from_hex("E28011606000020912345678").unwrap();
    let set = [article(1), article(2), case.encode().unwrap(), factory];
    let counted = census(&set);
    assert_eq!(counted.articles, BTreeMap::from([(gtin(), 2)]));
    assert_eq!((counted.other_levels, counted.not_gs1), (1, 1));
}
