//! A document's bytes: nothing is lost, nothing panics, small things are small.

use proptest::prelude::*;
use shelf_stock::document::{Document, Draft, Kind, Line, Subject};
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::{Code, ItemId, TillId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::document::{decode, encode, head_bytes, read_head};
use shelf_wire::sealed::{Authored, Sealed};

fn sale() -> Document {
    let wall = Timestamp::from_millis(1_790_000_000_123);
    let gtin = "04006381333931";
    let mut draft = Draft::new(Kind::Sale);
    draft.till = Some(TillId::new("till-1").unwrap());
    draft.lines = vec![Line {
        subject: Subject::Item(ItemId::new(gtin).unwrap()),
        quantity: Quantity::ONE,
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: wall.plus_millis(-1_500),
        unit_price: Some(Money::minor(249)),
        amount: Some(Money::minor(249)),
        parts: vec![],
        code: Some(Code::new(gtin).unwrap()),
        reason: None,
    }];
    Document {
        place: Place {
            node: NodeId::from_bytes([7; 16]),
            incarnation: Incarnation(0x1234_5678_9ABC_DEF0),
            seq: Seq(1_000),
        },
        prev: Digest::from_bytes([9; 32]),
        hlc: Hlc::at(wall),
        wall,
        draft,
    }
}

#[test]
fn a_one_line_sale_is_well_below_64_bytes_beyond_its_ids() {
    let authored = Authored::write(sale()).unwrap();
    let body = authored.sealed().body().len();
    assert!(body <= 40, "{body} bytes");
}

#[test]
fn a_field_of_the_future_stays_in_the_bytes() {
    let mut bytes = encode(&sale());
    bytes.extend([0xC2, 0x3E, 0x03, b'n', b'e', b'w']); // field 1000
    let authored = Authored::read(bytes.clone()).unwrap();
    assert_eq!(authored.bytes().as_ref(), bytes);
    assert_eq!(*authored.document(), sale());
    let sealed = authored.sealed();
    let restored = Sealed::restore(sealed.place(), sealed.prev(), sealed.body()).unwrap();
    assert_eq!(&restored, sealed);
}

#[test]
fn a_kind_of_the_future_has_a_place_but_no_meaning() {
    let mut bytes = encode(&sale());
    bytes.extend([0x40, 0x63]); // kind = 99
    assert!(Authored::read(bytes.clone()).is_err());
    assert_eq!(Sealed::read(bytes).unwrap().place(), sale().place);
}

#[test]
fn a_second_head_inside_the_body_is_refused() {
    let mut bytes = encode(&sale());
    bytes.extend([0x18, 0x05]); // seq = 5
    assert!(Authored::read(bytes).is_err());
}

proptest! {
    #[test]
    fn every_valid_document_comes_back(document in shelf_wire::arbitrary::document()) {
        prop_assert_eq!(&document.draft.validate(), &Ok(()));
        let bytes = encode(&document);
        prop_assert_eq!(decode(&bytes).unwrap(), document.clone());
        let (place, prev, length) = read_head(&bytes).unwrap();
        prop_assert_eq!((place, prev), (document.place, document.prev));
        prop_assert_eq!(length, head_bytes(&place, &prev).len());
        let authored = Authored::write(document).unwrap();
        let sealed = authored.sealed();
        let restored = Sealed::restore(place, prev, sealed.body());
        prop_assert_eq!(restored.as_ref(), Some(sealed));
    }
}
