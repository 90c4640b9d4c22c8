//! A document's bytes: nothing is lost, nothing panics, small things are small.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod samples;

use proptest::prelude::*;
use samples::sale;
use shelf_wire::document::{decode, encode, head_bytes, read_head};
use shelf_wire::sealed::{Authored, Sealed};

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
