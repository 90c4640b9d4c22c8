//! What is recognised from descriptors, and what silence and lost reports mean to long codes.

use shelf_codecs::barcode::Aim;
use shelf_codecs::scanner::hid_pos::{SAMPLE_DESCRIPTOR, encode};

use super::*;

const EAN: Aim = Aim {
    code: b'E',
    modifier: b'0',
};

/// Hand-held IBM OEM: a maker's page, usage 0x4B00.
const OEM_DESCRIPTOR: &[u8] = &[
    0x06, 0x45, 0xFF, 0x0A, 0x00, 0x4B, 0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95,
    0x40, 0x0A, 0x01, 0x4B, 0x81, 0x02, 0x95, 0x0B, 0x0A, 0x02, 0x4B, 0x91, 0x02, 0xC0,
];

fn decoder() -> ReportDecoder {
    ReportDecoder::new(Layout::resolve(&parse(SAMPLE_DESCRIPTOR), 0x05E0))
}

fn reports(code: &str) -> Vec<Vec<u8>> {
    let layout = Layout::resolve(&parse(SAMPLE_DESCRIPTOR), 0x05E0)[0];
    encode(&layout, code.as_bytes(), Some(EAN), 0)
}

fn long_code() -> String {
    "01095200000000112100000000000000000000000000000000000000000000000000000".to_owned()
}

#[test]
fn descriptors_tell_the_kinds_apart() {
    let of = |bytes: &[u8], vendor| Recognised::of(&parse(bytes), vendor);
    assert!(matches!(of(SAMPLE_DESCRIPTOR, 0x9999), Recognised::Pos(_)));
    assert_eq!(of(OEM_DESCRIPTOR, 0x05E0), Recognised::IbmOem);
    assert_eq!(of(&[], 0x9999), Recognised::Unknown);
    assert!(matches!(of(&[], 0x0C2E), Recognised::Pos(_)));
}

#[test]
fn a_whole_code_is_a_scan_and_costs_no_waiting() {
    let mut decoder = decoder();
    for report in reports("4006381333931") {
        decoder.push(&report);
    }
    assert!(matches!(decoder.next(), Some(Decoded::Scan(scan)) if scan.bytes == b"4006381333931"));
    assert_eq!(decoder.idle_flush_after(), None);
    assert_eq!(decoder.cut_off(), None);
}

#[test]
fn half_a_long_code_is_a_fault_however_it_ends() {
    let half = || {
        let mut decoder = decoder();
        decoder.push(&reports(&long_code())[0]);
        assert!(decoder.idle_flush_after().is_some() && decoder.next().is_none());
        decoder
    };
    let mut silent = half();
    silent.flush_idle();
    assert!(matches!(silent.next(), Some(Decoded::Fault(_))));
    assert_eq!(half().cut_off().unwrap().cause, FaultCause::CutOff);
    let mut behind = half();
    behind.overrun();
    match behind.next() {
        Some(Decoded::Fault(fault)) => {
            assert_eq!((fault.cause, fault.bytes_total), (FaultCause::Overrun, 56));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(behind.next(), None);
}

#[test]
fn lost_reports_between_codes_are_told_too() {
    let mut decoder = decoder();
    decoder.overrun();
    assert!(
        matches!(decoder.next(), Some(Decoded::Fault(fault)) if fault.cause == FaultCause::Overrun)
    );
}

#[test]
fn sounds_come_from_the_descriptor_else_from_the_maker() {
    // Output report 5: one bit "good", seven of padding.
    let with_sound = [
        0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x05, 0x75, 0x01, 0x95, 0x01, 0x09, 0x86, 0x91,
        0x02, 0x95, 0x07, 0x91, 0x03, 0xC0,
    ];
    assert_eq!(
        sound_report(&parse(&with_sound), 0x05E0, Sound::Good),
        [5, 1]
    );
    assert_eq!(
        sound_report(&parse(&with_sound), 0x05E0, Sound::NotOnFile),
        []
    );
    assert_eq!(
        sound_report(&parse(&[]), 0x0C2E, Sound::Good),
        [0xFD, 3, 0x16, 0x07, 0x0D]
    );
    assert_eq!(sound_report(&parse(&[]), 0x1EAB, Sound::Good), []);
}
