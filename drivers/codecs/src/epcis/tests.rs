//! Ids against those of the public example implementation of the vocabulary's algorithm.

use super::*;
use crate::barcode::Gtin;
use crate::epc::{EpcBytes, Scheme};

fn place(element_string: &str) -> Option<Identity> {
    Identity::from_element_string(element_string).ok()
}

fn article(serial: &str) -> EpcBytes {
    let gtin = Gtin::parse("4006381333931").unwrap();
    let identity = Identity::sgtin(gtin, serial).unwrap();
    Tag::new(Scheme::SgtinPlus, 1, identity).encode().unwrap()
}

/// On the floor, two things, at an antenna.
fn stocked() -> ObjectEvent {
    let epcs = [
        EpcBytes::from_hex("3074257BF7194E4000001A85").unwrap(),
        article("32a/b"),
    ];
    let event = ObjectEvent::new(Happening::OnFloor, 1_900_000_000_123, 60, &epcs);
    ObjectEvent {
        read_point: place("41406141411234522545678"),
        biz_location: place("4140614141123452"),
        ..event.unwrap()
    }
}

#[test]
fn ids_are_those_of_the_example_implementation() {
    assert_eq!(
        stocked().id(),
        "ni:///sha-256;394f49689ac9f9ce2935c2db270b22f269b3bc28e07ea5f935cecad79f774d51?ver=CBV2.0"
    );
    let sold = ObjectEvent::new(Happening::Sold, 1_900_000_000_000, 60, &[article("42")]);
    let sold = ObjectEvent {
        read_point: place("4140614141123452"),
        biz_location: place("4140614141123452"),
        ..sold.unwrap()
    };
    assert_eq!(
        sold.id(),
        "ni:///sha-256;41d378afeb354b986e43804ff14713dbca93a381eb6c719a17ecd5a01842b99a?ver=CBV2.0"
    );
}

#[test]
fn order_and_repetition_of_epcs_change_no_id() {
    let (a, b) = (article("1"), article("2"));
    let of = |epcs: &[EpcBytes]| {
        let event = ObjectEvent::new(Happening::Counted, 5, 0, epcs);
        event.unwrap().id()
    };
    assert_eq!(of(&[a, b]), of(&[b, a, b]));
    assert_ne!(of(&[a, b]), of(&[a]));
    assert_eq!(ObjectEvent::new(Happening::Counted, 5, 0, &[]), None);
}

#[test]
fn an_event_as_json() {
    let json = stocked().to_json();
    for part in [
        r#""type":"ObjectEvent","eventID":"ni:///sha-256;394f"#,
        r#""eventTime":"2030-03-17T17:46:40.123Z","eventTimeZoneOffset":"+01:00""#,
        r#""epcList":["https://id.gs1.org/01/04006381333931/21/32a%2Fb","https://id.gs1.org/01/80614141123458/21/6789"]"#,
        r#""action":"OBSERVE","bizStep":"stocking","disposition":"sellable_accessible""#,
        r#""readPoint":{"id":"https://id.gs1.org/414/0614141123452/254/5678"}"#,
        r#""bizLocation":{"id":"https://id.gs1.org/414/0614141123452"}}"#,
    ] {
        assert!(json.contains(part), "{part} in {json}");
    }
    let whole = document(&[stocked()], 0);
    assert!(
        whole.contains(r#""creationDate":"1970-01-01T00:00:00.000Z""#) && whole.contains(&json)
    );
}

#[test]
fn what_is_not_gs1_is_told_raw() {
    let factory = EpcBytes::from_hex("E28011606000020912345678").unwrap();
    assert_eq!(uri(&factory), "urn:epc:raw:96.xE28011606000020912345678");
}

#[test]
fn dates() {
    for (ms, expected) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_799_999, "2000-02-29T23:59:59.999Z"),
        (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ] {
        assert_eq!(time::utc(ms), expected);
    }
    let offsets = [0, 60, -210, 840].map(time::offset);
    assert_eq!(offsets, ["+00:00", "+01:00", "-03:30", "+14:00"]);
}
