//! Stories of the exit and of the till's pad.

use super::*;

fn gate() -> ExitGate {
    ExitGate::new(GateConfig {
        inside: FLOOR,
        exit: EXIT,
        reads_min: 4,
        inside_ms_max: 10_000,
        rise_centi_db_min: 300,
        again_ms_min: 30_000,
    })
}

/// Says of things that they were sold, or came back, at a time.
fn fact(sold: &mut SoldThings, serial: u32, at_ms: i64, is_sold: bool) {
    sold.take(Thing::of(&article(serial)), SoldFact { at_ms, is_sold });
}

/// Carries a thing out, from this time on; what the gate says.
fn carry_out(gate: &mut ExitGate, epc: EpcBytes, sold: &SoldThings, from_ms: u64) -> Vec<Passage> {
    let mut out = Vec::new();
    gate.read(&read(epc, 2, -60, from_ms), FLOOR, sold, &mut out);
    for (step, dbm) in (0..8).zip([-70, -68, -65, -62, -58, -55, -52, -50]) {
        gate.read(
            &read(epc, 3, dbm, from_ms + 1_000 + step * 200),
            EXIT,
            sold,
            &mut out,
        );
    }
    out.into_iter().map(|event| event.passage).collect()
}

#[test]
fn the_gate_tells_what_leaves_unsold_once() {
    let (mut gate, mut sold) = (gate(), SoldThings::default());
    let carry = |gate: &mut ExitGate, sold: &SoldThings, serial, from_ms| {
        carry_out(gate, article(serial), sold, from_ms)
    };
    assert_eq!(carry(&mut gate, &sold, 1, 1_000), [Passage::Alarm]);
    assert_eq!(carry(&mut gate, &sold, 1, 5_000), []);
    fact(&mut sold, 2, 10, true);
    assert_eq!(carry(&mut gate, &sold, 2, 1_000), [Passage::Sold]);
    fact(&mut sold, 2, 20, false);
    // What is reported late doesn't undo what came after it.
    fact(&mut sold, 2, 15, true);
    assert_eq!(carry(&mut gate, &sold, 2, 60_000), [Passage::Alarm]);
    // Two pieces by barcode let two of three pass.
    gate.sold_by_barcode(gtin(), 2, 660_000);
    let passages = [3, 4, 5].map(|serial| carry(&mut gate, &sold, serial, 61_000)[0]);
    assert_eq!(
        passages,
        [Passage::Allowance, Passage::Allowance, Passage::Alarm]
    );
    gate.sold_by_barcode(gtin(), 1, 660_000);
    assert_eq!(carry(&mut gate, &sold, 6, 700_000), [Passage::Alarm]);
    gate.sold_by_barcode(gtin(), 1, 1_300_000);
    gate.returned_by_barcode(gtin(), 1);
    assert_eq!(carry(&mut gate, &sold, 7, 701_000), [Passage::Alarm]);
}

#[test]
fn of_too_many_sold_things_the_oldest_are_forgotten() {
    let mut sold = SoldThings::default();
    let all = u32::try_from(SOLD_THINGS_MAX).unwrap() + 1;
    for serial in 1..=all {
        fact(&mut sold, serial, i64::from(serial), true);
    }
    assert!(!sold.is_sold(&Thing::of(&article(1))));
    assert!(sold.is_sold(&Thing::of(&article(2))) && sold.is_sold(&Thing::of(&article(all))));
}

#[test]
fn a_shelf_beside_the_exit_is_no_passage() {
    let (mut gate, mut out) = (gate(), Vec::new());
    let sold = SoldThings::default();
    gate.read(&read(article(1), 2, -60, 1_000), FLOOR, &sold, &mut out);
    for step in 0..40_u64 {
        gate.read(
            &read(article(1), 3, -60, 1_000 + step * 200),
            EXIT,
            &sold,
            &mut out,
        );
    }
    // Nor is what was never inside: a bag from another shop.
    assert_eq!(out, []);
    for (step, dbm) in (0..6).zip([-70, -65, -60, -55, -50, -45]) {
        gate.read(
            &read(article(2), 3, dbm, 1_000 + step * 200),
            EXIT,
            &sold,
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
    lay_sold(pad, epc, &SoldThings::default(), at_ms)
}

fn lay_sold(pad: &mut TillPad, epc: EpcBytes, sold: &SoldThings, at_ms: u64) -> Vec<PadEvent> {
    let mut out = Vec::new();
    for step in 0..20 {
        pad.read(&read(epc, 1, -40, at_ms + step * 50), sold, &mut out);
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
    let mut sold = SoldThings::default();
    fact(&mut sold, 1, 1, true);
    assert_eq!(lay_sold(&mut pad, epc, &sold, 12_000), []);
    pad.advance(20_000, &mut out);
    let told = lay_sold(&mut pad, epc, &sold, 21_000);
    assert_eq!(told, [PadEvent::AlreadySold { epc }]);
    // Its sale was undone: laid on anew it is sold again.
    fact(&mut sold, 1, 2, false);
    pad.advance(30_000, &mut out);
    let told = lay_sold(&mut pad, epc, &sold, 31_000);
    assert_eq!(told, [PadEvent::Line { epc, gtin }]);
}

#[test]
fn a_basket_given_up_or_restored_keeps_the_rule() {
    let mut pad = pad();
    let (epc, gtin) = (article(1), gtin());
    lay(&mut pad, epc, 1_000);
    pad.basket_ended(false);
    assert_eq!(lay(&mut pad, epc, 2_500), [PadEvent::Line { epc, gtin }]);
    let mut again = self::pad();
    again.restore([epc]);
    assert_eq!(lay(&mut again, epc, 1_000), []);
    // Weak reads come from the next queue; a case and a factory number are no articles.
    let mut out = Vec::new();
    let none = SoldThings::default();
    again.read(&read(article(3), 1, -70, 1_000), &none, &mut out);
    again.read(&read(article(3), 1, -70, 1_100), &none, &mut out);
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
