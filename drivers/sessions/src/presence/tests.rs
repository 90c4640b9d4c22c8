//! Stories of tags in a shop, in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, EpcFaultReason, Identity, Scheme, Tag, filter};

use super::*;

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

#[test]
fn a_restart_invents_nothing() {
    let mut shop = Shop::new();
    shop.read(2, -60);
    shop.read(2, -60);
    let known: Vec<PresentTag> = shop.engine.present().collect();
    let mut again = Shop::new();
    again.now_ms = shop.now_ms + 600_000;
    again.engine.restore(known.clone(), again.now_ms);
    again.pass(0);
    again.read(2, -60);
    again.pass(1_000);
    assert_eq!(again.changes(), []);
    assert_eq!(
        again.engine.present().next().unwrap().since_ms,
        known[0].since_ms
    );
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

fn gate() -> ExitGate {
    ExitGate::new(GateConfig {
        inside: FLOOR,
        exit: EXIT,
        reads_min: 4,
        inside_ms_max: 10_000,
        rise_centi_db_min: 300,
        again_ms_min: 30_000,
        allowance_ms: 600_000,
    })
}

/// Carries a thing out, from this time on; what the gate says.
fn carry_out(gate: &mut ExitGate, epc: EpcBytes, from_ms: u64) -> Vec<Passage> {
    let mut out = Vec::new();
    gate.read(&read(epc, 2, -60, from_ms), FLOOR, &mut out);
    for (step, dbm) in (0..8).zip([-70, -68, -65, -62, -58, -55, -52, -50]) {
        gate.read(
            &read(epc, 3, dbm, from_ms + 1_000 + step * 200),
            EXIT,
            &mut out,
        );
    }
    out.into_iter().map(|event| event.passage).collect()
}

#[test]
fn the_gate_tells_what_leaves_unsold_once() {
    let mut gate = gate();
    assert_eq!(carry_out(&mut gate, article(1), 1_000), [Passage::Alarm]);
    assert_eq!(carry_out(&mut gate, article(1), 5_000), []);
    gate.sold(article(2));
    assert_eq!(carry_out(&mut gate, article(2), 1_000), [Passage::Sold]);
    gate.returned(&article(2));
    assert_eq!(carry_out(&mut gate, article(2), 60_000), [Passage::Alarm]);
    // Two pieces by barcode let two of three pass.
    gate.sold_by_barcode(gtin(), 2, 60_000);
    let passages = [3, 4, 5].map(|serial| carry_out(&mut gate, article(serial), 61_000)[0]);
    assert_eq!(
        passages,
        [Passage::Allowance, Passage::Allowance, Passage::Alarm]
    );
    gate.sold_by_barcode(gtin(), 1, 60_000);
    assert_eq!(carry_out(&mut gate, article(6), 700_000), [Passage::Alarm]);
}

#[test]
fn a_shelf_beside_the_exit_is_no_passage() {
    let (mut gate, mut out) = (gate(), Vec::new());
    gate.read(&read(article(1), 2, -60, 1_000), FLOOR, &mut out);
    for step in 0..40_u64 {
        gate.read(
            &read(article(1), 3, -60, 1_000 + step * 200),
            EXIT,
            &mut out,
        );
    }
    // Nor is what was never inside: a bag from another shop.
    assert_eq!(out, []);
    for (step, dbm) in (0..6).zip([-70, -65, -60, -55, -50, -45]) {
        gate.read(
            &read(article(2), 3, dbm, 1_000 + step * 200),
            EXIT,
            &mut out,
        );
    }
    assert_eq!(out, []);
}

fn pad() -> TillPad {
    TillPad::new(PadConfig {
        reads_min: 2,
        rssi_centi_dbm_min: Some(-5_000),
        gone_ms: 2_000,
    })
}

fn lay(pad: &mut TillPad, epc: EpcBytes, at_ms: u64) -> Vec<PadEvent> {
    let mut out = Vec::new();
    for step in 0..20 {
        pad.read(&read(epc, 1, -40, at_ms + step * 50), &mut out);
    }
    out
}

#[test]
fn an_epc_is_a_basket_line_once() {
    let mut pad = pad();
    let (epc, gtin) = (article(1), gtin());
    assert_eq!(lay(&mut pad, epc, 1_000), [PadEvent::Line { epc, gtin }]);
    assert_eq!(lay(&mut pad, epc, 2_000), []);
    // Off and on again in one basket: the same thing.
    let mut out = Vec::new();
    pad.advance(10_000, &mut out);
    assert_eq!(out, [PadEvent::TakenOff { epc }]);
    assert_eq!(lay(&mut pad, epc, 11_000), []);
    // Sold: while it lies there the next basket doesn't see it; laid on again it is asked about.
    pad.basket_ended(true);
    assert_eq!(lay(&mut pad, epc, 12_000), []);
    pad.advance(20_000, &mut out);
    assert_eq!(lay(&mut pad, epc, 21_000), [PadEvent::AlreadySold { epc }]);
}

#[test]
fn a_basket_given_up_or_restored_keeps_the_rule() {
    let mut pad = pad();
    let (epc, gtin) = (article(1), gtin());
    lay(&mut pad, epc, 1_000);
    pad.basket_ended(false);
    assert_eq!(lay(&mut pad, epc, 2_500), [PadEvent::Line { epc, gtin }]);
    let mut again = self::pad();
    again.restore([epc], [article(2)]);
    assert_eq!(lay(&mut again, epc, 1_000), []);
    assert_eq!(
        lay(&mut again, article(2), 1_000),
        [PadEvent::AlreadySold { epc: article(2) }]
    );
    // Weak reads come from the next queue; a case and a factory number are no articles.
    let mut out = Vec::new();
    again.read(&read(article(3), 1, -70, 1_000), &mut out);
    again.read(&read(article(3), 1, -70, 1_100), &mut out);
    assert_eq!(out, []);
    let case = Tag::new(
        Scheme::SgtinPlus,
        filter::FULL_CASE,
        Identity::sgtin(gtin, "9").unwrap(),
    );
    let epc = case.encode().unwrap();
    assert_eq!(
        lay(&mut again, epc, 1_000),
        [PadEvent::NoArticle { epc, reason: None }]
    );
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
