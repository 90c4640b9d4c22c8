//! Records, silence and lost keys of scanners that type.

use proptest::prelude::*;
use shelf_codecs::scanner::wedge::encode;
use shelf_codecs::scanner::{FaultReason, Terminator};

use super::*;

fn decoder() -> Box<dyn Decoder> {
    let config = KeyboardScannerConfig::default();
    KeyboardScanner::new(config, Sysfs::default(), Share::Exclusive).decoder()
}

fn typed(code: &str, terminator: Option<Terminator>) -> Vec<u8> {
    let keys = encode(code, &WedgeConfig::default(), terminator).unwrap();
    let record = |it: &KeyEvent| KeyRecord::Key {
        code: it.code,
        pressed: it.pressed,
    };
    keys.iter().flat_map(|it| record(it).to_bytes()).collect()
}

fn read(item: Option<Decoded>) -> String {
    match item {
        None => "nothing".to_owned(),
        Some(Decoded::Scan(scan)) => scan.bytes.escape_ascii().to_string(),
        Some(Decoded::Fault(fault)) => format!("{:?} {}", fault.cause, fault.masked),
        Some(other) => format!("{other:?}"),
    }
}

#[test]
fn a_typed_code_is_a_scan_in_any_pieces() {
    for size in [1, 3, 4, 64] {
        let mut decoder = decoder();
        for piece in typed("SHELF-42", Some(Terminator::Cr)).chunks(size) {
            decoder.push(piece);
        }
        assert_eq!(read(decoder.next()), "SHELF-42");
        assert_eq!(decoder.idle_flush_after(), None);
    }
}

#[test]
fn silence_ends_a_code_only_while_no_end_was_ever_seen() {
    let mut decoder = decoder();
    decoder.push(&typed("123456", None));
    decoder.flush_idle();
    assert_eq!(read(decoder.next()), "123456");
    decoder.push(&typed("123456", Some(Terminator::Tab)));
    assert_eq!(read(decoder.next()), "123456");
    decoder.push(&typed("123", None));
    assert_eq!(
        decoder.idle_flush_after(),
        Some(Duration::from_millis(END_WAIT_MS))
    );
    decoder.flush_idle();
    assert_eq!(read(decoder.next()), "EndMissing 123");
}

#[test]
fn lost_keys_damage_the_scan_around_them_and_no_other() {
    let mut decoder = decoder();
    let keys = typed("4006381333931", Some(Terminator::Cr));
    decoder.push(&keys[..RECORD_BYTES * 10]);
    decoder.push(&KeyRecord::Lost.to_bytes());
    decoder.push(&keys[RECORD_BYTES * 14..]);
    let lost = format!("{:?}", FaultCause::Undecodable(FaultReason::KeysLost));
    assert!(read(decoder.next()).starts_with(&lost));
    decoder.push(&keys);
    assert_eq!(read(decoder.next()), "4006381333931");
    decoder.push(&keys[..RECORD_BYTES * 4]);
    assert_eq!(decoder.cut_off().unwrap().cause, FaultCause::CutOff);
}

#[test]
fn records_read_back() {
    for record in [
        KeyRecord::Key {
            code: 0x0102,
            pressed: true,
        },
        KeyRecord::CapsLock(true),
        KeyRecord::Lost,
    ] {
        assert_eq!(KeyRecord::from_bytes(record.to_bytes()), Some(record));
    }
    assert_eq!(KeyRecord::from_bytes([9, 0, 0, 0]), None);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut decoder = decoder();
        decoder.push(&bytes);
        while decoder.next().is_some() {}
        decoder.flush_idle();
        let _fault_or_none = decoder.cut_off();
    }
}
