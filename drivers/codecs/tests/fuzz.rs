//! Many small mutated inputs against every decoder: none panics, all end, memory stays bounded.
//!
//! Runs in the ordinary test run from fixed seeds; the same bodies run under a coverage-guided
//! fuzzer in `fuzz/`. A failure names its parser, seed and round.

use shelf_codecs::barcode::{MeasureTemplate, MeasureUnit, PrefixScheme, interpret};
use shelf_codecs::gs1::digital_link::{LinkOptions, to_element_string};
use shelf_codecs::gs1::{Elements, from_brackets};
use shelf_codecs::redact::{mask_frame_hex, mask_text};
use shelf_codecs::scanner::hid_pos::{
    HidItem, HidPosDecoder, Layout, SAMPLE_DESCRIPTOR, descriptor,
};
use shelf_codecs::scanner::line::{LineConfig, LineDecoder, LineItem};
use shelf_codecs::scanner::wedge::{KeyEvent, WedgeConfig, WedgeDecoder, WedgeItem};
use shelf_codecs::scanner::{FAULT_BYTES_KEPT_MAX, SCAN_BYTES_MAX};

mod noise;

use noise::run;

const TEXTS: [&[u8]; 13] = [
    b"4006381333931",
    b"96385074",
    b"2112345012506",
    b"]C1010952012345678817271231310300125010AB12",
    b"010952012345678810ABC\x1d21XYZ\x1d3922199",
    b"80131987654Ad4X4bL5ttr2310c2K",
    b"8007DE89370400440532013000\x1d7258\x1d4309021234567802123456784331000500-",
    b"https://id.gs1.org/01/09520123456788/10/A%2FB/21/7?17=271231&3103=001250#x",
    b"%B4111111111111111^DOE/J^2712101?;4111111111111111=27121010000?",
    b"4111 1111 1111 1111",
    b"0010614141234567890842100276",
    b"]E3978020137962412345",
    b"(01)09520123456788(10)A(B)1(21)7",
];

#[test]
fn fuzz_interpret() {
    let templates = [
        MeasureTemplate::letters("21IIIIIWWWWWC", MeasureUnit::Kilogram, 3).unwrap(),
        MeasureTemplate::letters("2IIIIIVPPPPC", MeasureUnit::Price, 2).unwrap(),
    ];
    let schemes = [
        PrefixScheme::Aim,
        PrefixScheme::None,
        PrefixScheme::Honeywell,
        PrefixScheme::DatalogicEu,
    ];
    let mut round = 0;
    run("interpret", &TEXTS, |input| {
        round += 1;
        let scan = schemes[round % schemes.len()].split(input);
        let _meaning = interpret(&scan, &templates);
    });
}

#[test]
fn fuzz_element_string() {
    run("element string", &TEXTS, |input| {
        let text = String::from_utf8_lossy(input);
        let _bracketed = from_brackets(&text);
        if let Ok(elements) = Elements::parse_skipping_unknown(&text) {
            let _checked = elements.check_pairings();
            let _amounts = (elements.net_weight_g(), elements.price(), elements.pieces());
            // What was taken apart is in the text.
            assert!(elements.iter().all(|element| text.contains(element.value)));
        }
    });
}

#[test]
fn fuzz_digital_link() {
    run("digital link", &TEXTS[7..8], |input| {
        let text = String::from_utf8_lossy(input);
        let options = LinkOptions {
            zero_suppressed_gtin: input.len().is_multiple_of(2),
        };
        if let Ok(elements) = to_element_string(&text, options) {
            assert!(Elements::parse(&elements).is_ok(), "{elements}");
        }
    });
}

#[test]
fn fuzz_line() {
    let seeds: [&[u8]; 4] = [
        b"5901234123457\r\n",
        b"\x02S08A1234\x03",
        b"]C110A\x1d21B\r",
        b"\0\0\xff\r",
    ];
    let config = LineConfig {
        stx_required: false,
        length_min: 2,
        ..LineConfig::default()
    };
    let mut decoder = LineDecoder::new(config);
    run("line", &seeds, |input| {
        decoder.push(input);
        if input.len().is_multiple_of(3) {
            decoder.flush_idle();
        }
        for item in &mut decoder {
            match item {
                LineItem::Scan(scan) => assert!((2..=SCAN_BYTES_MAX).contains(&scan.bytes.len())),
                LineItem::Fault(fault) => assert!(fault.bytes.len() <= FAULT_BYTES_KEPT_MAX),
            }
        }
    });
}

#[test]
fn fuzz_hid_descriptor() {
    run("report descriptor", &[SAMPLE_DESCRIPTOR], |input| {
        let parsed = descriptor::parse(input);
        assert!(parsed.fields.len() <= descriptor::FIELDS_MAX);
        for layout in Layout::resolve(&parsed, 0x0C2E) {
            let mut decoder = HidPosDecoder::new(vec![layout]);
            decoder.push(input, 0);
            assert!(decoder.count() <= 2);
        }
    });
}

#[test]
fn fuzz_hid_pos() {
    let mut one = b"\x02\x0d]E05901234123457".to_vec();
    one.resize(64, 0);
    let mut part = b"\x02\x38]Q0M1GATHERGOOD/MICHAEL  E0A1B2C LHRJFKBA 0175 226J001A0025".to_vec();
    part.resize(63, 0x73);
    part.push(1);
    let mut decoder = HidPosDecoder::new(vec![Layout::HONEYWELL]);
    let mut now_ms = 0;
    run("HID POS", &[&one, &part], |input| {
        now_ms += u64::from(input.first().copied().unwrap_or(0));
        decoder.push(input, now_ms);
        for item in &mut decoder {
            match item {
                HidItem::Scan(scan) => assert!(scan.bytes.len() <= SCAN_BYTES_MAX),
                HidItem::Reply { bytes } => assert!(bytes.len() <= SCAN_BYTES_MAX),
                HidItem::Fault(fault) => assert!(fault.bytes.len() <= FAULT_BYTES_KEPT_MAX),
            }
        }
    });
}

#[test]
fn fuzz_wedge() {
    let seeds: [&[u8]; 3] = [
        &[2, 3, 4, 28],
        &[42, 30, 170, 28],
        &[56, 82, 80, 73, 184, 2, 28],
    ];
    let mut decoder = WedgeDecoder::new(WedgeConfig::default());
    run("wedge", &seeds, |input| {
        for &b in input {
            decoder.push(KeyEvent {
                code: u16::from(b & 0x7F),
                pressed: b & 0x80 == 0,
            });
        }
        if input.len().is_multiple_of(7) {
            decoder.keys_lost();
            decoder.flush_idle();
        }
        for item in &mut decoder {
            match item {
                WedgeItem::Scan(scan) => assert!(scan.bytes.len() <= SCAN_BYTES_MAX),
                WedgeItem::Fault(fault) => assert!(fault.bytes.len() <= FAULT_BYTES_KEPT_MAX),
            }
        }
    });
}

#[test]
fn fuzz_redact() {
    run("redact", &TEXTS, |input| {
        let text = String::from_utf8_lossy(input);
        let masked = mask_text(&text);
        assert_eq!(masked.chars().count(), text.chars().count());
        assert!(
            !masked
                .as_bytes()
                .windows(6)
                .any(|w| w.iter().all(u8::is_ascii_digit)),
            "{masked}"
        );
        let hex = mask_frame_hex(input);
        assert_eq!(hex.len(), (input.len() * 3).saturating_sub(1));
    });
}
