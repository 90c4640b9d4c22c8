//! Many small mutated inputs against every RFID decoder: none panics, all end, memory stays bounded.
//!
//! The same bodies run under a coverage-guided fuzzer in `fuzz/`.

mod noise;

use noise::run;
use shelf_codecs::epc::{EPC_BYTES_MAX, EpcBytes, Identity, Tag, split_protocol_control};

fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap_or(0))
        .collect()
}

#[test]
fn fuzz_epc() {
    let seeds = [
        "3074257BF7194E4000001A85",
        "3674257BF6B7A659B2C2BF100000000000000000000000000000",
        "3174257BF4499602D2000000",
        "3274257BF46072000000162E",
        "3376451FD40C0E400000162E",
        "3474257BF40000000000162E",
        "F73795211411234538566CB0AFC4",
        "F900952012345678912350",
        "FB342CDE795211411234538566CB0AFC40",
        "FA306141414E8566CB0AFC40",
        "30003034F487B4209C400000002A",
    ]
    .map(hex);
    run("EPC", &seeds.each_ref().map(Vec::as_slice), |input| {
        match Tag::decode(input) {
            Ok(tag) => {
                let again = tag.encode().unwrap();
                assert_eq!(Tag::decode(again.as_slice()), Ok(tag));
                let element = tag.identity.to_element_string();
                assert!(element.len() <= 60, "{element}");
            }
            Err(fault) => assert!(
                fault.raw.as_slice() == input
                    || input.len() > EPC_BYTES_MAX && fault.raw == EpcBytes::EMPTY
            ),
        }
        if let Some((pc, epc)) = split_protocol_control(input) {
            assert_eq!(pc.epc_bytes(), epc.as_slice().len());
        }
    });
}

#[test]
fn fuzz_epc_uri() {
    let seeds: [&[u8]; 6] = [
        b"urn:epc:id:sgtin:0614141.812345.32a%2Fb",
        b"urn:epc:tag:sgtin-96:3.0614141.812345.6789",
        b"urn:epc:id:sgln:061414112345..5678",
        b"urn:epc:tag:giai-202:3.0614141.5678ab",
        b"urn:epc:id:sscc:0614141.1234567890",
        b"https://id.gs1.org/414/0614141123452/254/5678",
    ];
    run("EPC URI", &seeds, |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(identity) = Identity::from_pure_uri(&text) {
            assert_eq!(
                Identity::from_pure_uri(&identity.to_pure_uri().unwrap()),
                Ok(identity)
            );
        }
        if let Ok(tag) = Tag::from_tag_uri(&text) {
            assert!(tag.encode().is_ok());
        }
        let _read = (
            Identity::from_digital_link(&text),
            Identity::from_element_string(&text),
        );
    });
}
