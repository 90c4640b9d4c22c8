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

fn ack() -> Vec<u8> {
    let ack = SsiPacket::host(op::ACK, &[]);
    let from_host = false;
    SsiPacket { from_host, ..ack }.encode()
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
    assert_eq!(steps(&mut *it), ["E9"]);
    it.received(at(0), &ack());
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

/// Answers nothing for a while; how often it was told to scan meanwhile.
fn told_to_scan(it: &mut dyn Dialogue, from_ms: u64) -> usize {
    let mut told = 0;
    let mut now = from_ms;
    for _ in 0..40 {
        told += steps(it).iter().filter(|it| *it == "E9").count();
        let Some(due) = it.deadline() else { break };
        now = (due / 1000).max(now);
        it.due(at(now));
    }
    told
}

#[test]
fn one_that_was_kept_from_scanning_is_told_to_scan_until_it_confirms() {
    let driver = SsiScanner::new(SsiScannerConfig::default());
    let mut it = driver.dialogue();
    it.opened(at(0));
    // It may never have known the command: three tries, and it is left in peace.
    assert_eq!(told_to_scan(&mut *it, 0), 3);
    assert_eq!(it.deadline(), None);
    it.command(at(60_000), Command::Enable(false));
    assert_eq!(steps(&mut *it), ["EA"]);
    it.received(at(60_001), &ack());
    it.command(at(60_002), Command::Enable(true));
    assert!(told_to_scan(&mut *it, 60_002) > 9);
    it.received(at(900_000), &ack());
    steps(&mut *it);
    let last = it.deadline();
    it.received(at(900_001), &ack());
    assert!(it.can_be_disabled() && last.is_none_or(|it| it > 900_000_000));
}
