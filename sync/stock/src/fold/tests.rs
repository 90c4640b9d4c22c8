//! The fold against stories worked out by hand: what floor, loss and exceptions must come out.

mod mutant;
mod opening;
mod oracle;
mod property;

use super::memory::MemoryFold;
use super::{Outcome, TROLLEY_TIME_MS_DEFAULT, apply, exceptions, verify};
use crate::document::{
    CountLine, CountScope, Document, Draft, Kind, Line, SourceAction, SourceKey, Subject,
};
use crate::identity::{Digest, Incarnation, NodeId, Place, Seq};
use crate::location::Location;
use crate::name::{AreaId, ItemId, Reason, ReceiptNo, SessionId, SourceId};
use crate::quantity::Quantity;
use crate::time::{Hlc, Timestamp};

fn sale(node: u8, seq: u64, units: i64) -> Document {
    let mut draft = Draft::new(Kind::Sale);
    draft.source = Some(SourceKey {
        source: SourceId::new("pos").unwrap(),
        receipt: ReceiptNo::new("1").unwrap(),
        action: SourceAction::Record,
        part: 0,
    });
    draft.lines.push(Line {
        subject: Subject::Item(ItemId::new("tea").unwrap()),
        quantity: Quantity::units(units),
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: Timestamp::from_millis(1),
        unit_price: None,
        amount: None,
        parts: vec![],
        code: None,
        reason: None,
    });
    Document {
        place: Place {
            node: NodeId::from_bytes([node; 16]),
            incarnation: Incarnation(1),
            seq: Seq(seq),
        },
        prev: Digest::ZERO,
        hlc: Hlc::from_bits(seq),
        wall: Timestamp::from_millis(1),
        draft,
    }
}

#[test]
fn the_least_place_of_a_receipt_counts_whatever_came_first() {
    let (small, large) = (sale(1, 1, 2), sale(2, 1, 5));
    let mut fold = MemoryFold::new();
    assert_eq!(apply(&mut fold, &large).unwrap().outcome, Outcome::Counted);
    let applied = apply(&mut fold, &small).unwrap();
    assert_eq!(applied.outcome, Outcome::Counted);
    assert_eq!(applied.displaced, [large.place]);
    assert_eq!(apply(&mut fold, &small).unwrap().outcome, Outcome::Again);
    let mut other = MemoryFold::new();
    apply(&mut other, &small).unwrap();
    assert_eq!(
        apply(&mut other, &large).unwrap().outcome,
        Outcome::Duplicate {
            counted: small.place
        }
    );
    assert_eq!(fold.dump(), other.dump());
    let tea = ItemId::new("tea").unwrap();
    assert_eq!(
        fold.balance(&tea, &Location::SalesFloor),
        Quantity::units(-2)
    );
    assert_eq!(exceptions(&fold).unwrap().len(), 1);
    assert_eq!(verify(&fold).unwrap(), []);
}

#[test]
fn the_memory_storage_conforms() {
    super::conformance::suite(MemoryFold::new);
}

#[test]
fn an_ordinary_sale_reads_single_rows_only() {
    let mut fold = mutant::Mutant::new(None);
    let mut opening = sale(1, 1, 1);
    opening.draft = Draft::new(Kind::Count {
        session: SessionId::new("s").unwrap(),
        area: AreaId::new("a").unwrap(),
        counted: vec![CountLine {
            item: ItemId::new("tea").unwrap(),
            location: Location::SalesFloor,
            quantity: Quantity::units(10),
            effective: Timestamp::from_millis(-TROLLEY_TIME_MS_DEFAULT),
        }],
    });
    let mut close = opening.clone();
    close.place.seq = Seq(2);
    close.draft = Draft::new(Kind::CountClose {
        session: SessionId::new("s").unwrap(),
        location: Location::SalesFloor,
        scope: CountScope::EveryCounted,
    });
    apply(&mut fold, &opening).unwrap();
    apply(&mut fold, &close).unwrap();
    fold.fault = Some(mutant::Fault::ScansFail);
    let applied = apply(&mut fold, &sale(1, 3, 2)).unwrap();
    assert_eq!(applied.outcome, Outcome::Counted);
    let tea = ItemId::new("tea").unwrap();
    let floor = fold.inner.balance(&tea, &Location::SalesFloor);
    assert_eq!(floor, Quantity::units(8));
}

#[test]
fn evidence_never_displaces_the_sale_it_is_about() {
    let (mut evidence, real) = (sale(1, 1, 2), sale(2, 1, 5));
    evidence.draft.kind = Kind::Evidence {
        about: Reason::new("file").unwrap(),
    };
    let mut fold = MemoryFold::new();
    apply(&mut fold, &evidence).unwrap();
    apply(&mut fold, &real).unwrap();
    let tea = ItemId::new("tea").unwrap();
    let floor = fold.balance(&tea, &Location::SalesFloor);
    assert_eq!(floor, Quantity::units(-5));
    assert_eq!(exceptions(&fold).unwrap(), []);
}

#[test]
fn a_storage_with_a_fault_does_not_conform() {
    for fault in mutant::FAULTS {
        let suite = || super::conformance::suite(|| mutant::Mutant::new(Some(fault)));
        assert!(
            std::panic::catch_unwind(suite).is_err(),
            "{fault:?} conforms"
        );
    }
}
