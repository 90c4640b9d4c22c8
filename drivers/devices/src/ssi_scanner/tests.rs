//! The session's answers as steps, and what outlives an opening.

use shelf_codecs::barcode::Symbology;
use shelf_codecs::scanner::ssi::encode_code;

use super::*;
use crate::decoder::FaultCause;

fn at(ms: u64) -> Stamp {
    Stamp {
        mono_us: ms * 1000,
        wall_ms: 0,
    }
}

fn code(text: &str) -> SsiPacket {
    encode_code(text.as_bytes(), Symbology::Ean13)
        .unwrap()
        .remove(0)
}

fn steps(dialogue: &mut dyn Dialogue) -> Vec<String> {
    let show = |step| match step {
        Step::Item(Decoded::Scan(scan)) => String::from_utf8(scan.bytes).unwrap(),
        Step::Write(bytes) => format!("{:02X}", bytes[1]),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| dialogue.next()).map(show).collect()
}

#[test]
fn a_scan_is_given_out_before_it_is_acknowledged_and_beeps_are_commands() {
    let mut it = SsiScanner::new(SsiScannerConfig::default()).dialogue();
    it.opened(at(0));
    assert_eq!(it.deadline(), None);
    it.received(at(1), &code("4006381333931").encode());
    assert_eq!(steps(&mut *it), ["4006381333931", "D0"]);
    it.command(at(2), Command::Accepted);
    assert_eq!(steps(&mut *it), ["E6"]);
    assert!(it.deadline().is_some(), "an answer is awaited");
}

#[test]
fn a_repetition_after_a_replug_is_told_once_and_a_half_packet_never() {
    let driver = SsiScanner::new(SsiScannerConfig::default());
    let mut it = driver.dialogue();
    let packet = code("4006381333931");
    it.received(at(1), &packet.encode());
    it.received(at(2), &packet.encode()[..9]);
    steps(&mut *it);
    let fault = it.closed(at(3)).unwrap();
    assert_eq!((fault.cause, fault.bytes_total), (FaultCause::CutOff, 9));
    let mut back = driver.dialogue();
    let again = SsiPacket {
        retransmit: true,
        ..packet
    };
    back.received(at(900), &again.encode());
    assert_eq!(steps(&mut *back), ["D0"]);
    back.received(at(2000), &code("4006381333931").encode());
    assert_eq!(steps(&mut *back), ["4006381333931", "D0"]);
}
