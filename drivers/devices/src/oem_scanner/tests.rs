//! Waking, reading and losing an IBM OEM scanner.

use shelf_codecs::barcode::Symbology;
use shelf_codecs::scanner::oem::{OemStatus, encode_scan, encode_status};

use super::*;

const READY: OemStatus = OemStatus([0, 3, 0]);

fn at(ms: u64) -> Stamp {
    Stamp {
        mono_us: ms * 1000,
        wall_ms: 0,
    }
}

fn steps(dialogue: &mut OemDialogue) -> Vec<String> {
    let show = |step| match step {
        Step::Item(Decoded::Scan(scan)) => String::from_utf8(scan.bytes).unwrap(),
        Step::Item(Decoded::Notice(words)) => words,
        Step::Item(Decoded::Fault(fault)) => format!("{} {}", fault.cause, fault.bytes_total),
        Step::Write(bytes) => format!("{:02X}{:02X}{:02X}", bytes[0], bytes[1], bytes[2]),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| dialogue.next()).map(show).collect()
}

fn ready() -> OemDialogue {
    let mut it = OemDialogue::new(Feedback::default());
    it.opened(at(0));
    assert_eq!(steps(&mut it), ["001100", "000020"]);
    it.received(at(5), &encode_status(READY));
    assert_eq!(steps(&mut it), [""; 0]);
    assert_eq!(it.deadline(), None);
    it
}

#[test]
fn it_is_told_to_scan_and_silence_costs_nothing() {
    let mut it = ready();
    for report in encode_scan(b"4006381333931", Symbology::Ean13, READY, true) {
        it.received(at(10), &report);
    }
    assert_eq!(steps(&mut it), ["4006381333931"]);
    it.received(at(20), &encode_status(OemStatus([0, 1, 0])));
    assert_eq!(steps(&mut it), ["001100", "000020"]);
    for _ in 0..3 {
        let due = it.deadline().unwrap();
        it.due(at(due / 1000));
    }
    let told = steps(&mut it);
    let [.., notice, hung] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(notice.contains("does not confirm"), "{notice}");
    assert!(hung.starts_with("Hung"), "{hung}");
    assert!(!it.is_settled());
}

#[test]
fn it_is_kept_from_scanning_and_let_scan_again_without_a_word() {
    let mut it = ready();
    it.command(at(10), Command::Enable(false));
    assert_eq!(steps(&mut it), ["001200", "000020"]);
    it.received(at(11), &encode_status(OemStatus([0, 1, 0])));
    assert_eq!(steps(&mut it), [""; 0]);
    assert!(it.is_settled() && it.deadline().is_none());
    it.command(at(20), Command::Enable(true));
    it.received(at(21), &encode_status(READY));
    assert_eq!(steps(&mut it), ["001100", "000020"]);
    // One that scans on although it was told not to does not hang.
    it.command(at(30), Command::Enable(false));
    for _ in 0..4 {
        let due = it.deadline().unwrap();
        it.due(at(due / 1000));
    }
    assert!(steps(&mut it).iter().all(|it| it.len() == 6));
}

#[test]
fn half_a_long_code_is_a_fault_however_it_ends() {
    let long = encode_scan(&[b'7'; 100], Symbology::Qr, READY, false);
    let half = || {
        let mut it = ready();
        it.received(at(100), &long[0]);
        assert!(it.deadline().is_some());
        it
    };
    let mut silent = half();
    let due = silent.deadline().unwrap();
    silent.due(at(due.div_ceil(1000)));
    assert!(steps(&mut silent)[0].contains("missing"));
    assert_eq!(silent.deadline(), None);
    assert_eq!(half().closed(at(101)).unwrap().cause, FaultCause::CutOff);
    let mut behind = half();
    behind.overrun(at(102));
    let told = steps(&mut behind);
    assert!(told.len() == 1 && told[0].contains("too slow") && !told[0].ends_with(" 0"));
    let mut between = ready();
    between.overrun(at(103));
    assert_eq!(steps(&mut between).len(), 1);
}
