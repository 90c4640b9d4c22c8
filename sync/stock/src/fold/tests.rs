use super::memory::MemoryFold;
use super::{Outcome, apply, exceptions, verify};
use crate::document::{Document, Draft, Kind, Line, SourceAction, SourceKey, Subject};
use crate::identity::{Digest, Incarnation, NodeId, Place, Seq};
use crate::location::Location;
use crate::name::{ItemId, ReceiptNo, SourceId};
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
