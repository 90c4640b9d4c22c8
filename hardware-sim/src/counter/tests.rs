//! The devices in virtual time: what they say, and that a seed says it again.

use shelf_codecs::scale::{Protocol, Reading, Refusal, ScaleConfig, ScaleDecoder, ScaleItem};
use shelf_codecs::scanner::ssi::{SsiDecoder, SsiItem, SsiPacket, op};

use super::*;
use crate::line_server::{LineAction, LineDevice};

fn scale(protocol: Protocol) -> CounterDevice {
    CounterDevice::new(CounterModel::Scale(ScaleConfig::new(protocol)), 1)
}

fn told(device: &mut CounterDevice, lines: &[&str]) {
    for line in lines {
        assert!(device.order(line.parse().unwrap()), "{line}");
    }
}

/// Everything that is said until this moment.
fn said(device: &mut CounterDevice, until_us: u64) -> Vec<u8> {
    let mut actions = Vec::new();
    while let Some(at) = device.due_us().filter(|at| *at <= until_us) {
        device.advance(at);
        actions.extend(device.take_actions());
        if device.due_us() == Some(at) {
            break;
        }
    }
    device.advance(until_us);
    actions.extend(device.take_actions());
    let bytes = actions.into_iter().map(|it| match it {
        LineAction::Send(bytes) => bytes,
        LineAction::Close => panic!("a device of the counter closes no line"),
    });
    bytes.flatten().collect()
}

fn readings(protocol: Protocol, bytes: &[u8]) -> Vec<Reading> {
    let mut decoder = ScaleDecoder::new(ScaleConfig::new(protocol));
    decoder.push(bytes);
    let reading = |item| match item {
        ScaleItem::Reading(reading) => Some(reading),
        _ => None,
    };
    decoder.filter_map(reading).collect()
}

#[test]
fn a_plate_moves_before_it_gives_a_weight() {
    let mut it = scale(Protocol::Toledo8217);
    told(&mut it, &["put 1.250"]);
    it.advance(0);
    it.received(1_000, b"W");
    let first = said(&mut it, 100_000);
    it.received(500_000, b"W");
    let second = said(&mut it, 600_000);
    let refused = Reading::Refused(Refusal::Motion);
    assert_eq!(readings(Protocol::Toledo8217, &first), [refused]);
    assert_eq!(second, b"\x0201.250\r");
    assert_eq!(it.questions(), 2);
}

#[test]
fn a_continuous_scale_speaks_by_itself_and_a_dialog_scale_wants_a_price() {
    let mut it = scale(Protocol::Continuous);
    told(&mut it, &["put 0.5"]);
    let lines = readings(Protocol::Continuous, &said(&mut it, 1_000_000));
    assert!(lines.len() >= 10, "{lines:?}");
    assert!(matches!(lines.last(), Some(Reading::Stable(w)) if w.thousandths == 500));

    let mut it = scale(Protocol::Dialog);
    told(&mut it, &["put 1.250"]);
    it.advance(0);
    it.received(400_000, b"\x04\x05");
    assert_eq!(said(&mut it, 500_000), [0x15]);
    it.received(600_000, b"\x04\x0201\x1B000399\x1B\x03");
    assert_eq!(said(&mut it, 700_000), [0x06]);
    it.received(800_000, b"\x04\x05");
    let answer = said(&mut it, 900_000);
    assert_eq!(readings(Protocol::Dialog, &answer).len(), 1, "{answer:?}");
}

#[test]
fn a_scanner_that_is_not_acknowledged_repeats_and_gives_up() {
    let mut it = CounterDevice::new(CounterModel::SsiScanner, 1);
    told(&mut it, &["scan 4006381333931"]);
    let bytes = said(&mut it, 10_000_000);
    let mut decoder = SsiDecoder::new();
    decoder.push(&bytes);
    let marks: Vec<bool> = decoder
        .filter_map(|item| match item {
            SsiItem::Packet(packet) => Some(packet.retransmit),
            SsiItem::Fault(_) => None,
        })
        .collect();
    assert_eq!((marks, it.given_up()), (vec![false, true, true], 1));
    it.received(11_000_000, &SsiPacket::host(op::BEEP, &[0]).encode());
    assert_eq!((it.beeps(), said(&mut it, 11_100_000).len()), (1, 6));
}

#[test]
fn the_same_seed_makes_the_same_noise_and_orders_are_refused_with_what_there_is() {
    let noise = |seed| {
        let config = ScaleConfig::new(Protocol::NciEcr);
        let mut it = CounterDevice::new(CounterModel::Scale(config), seed);
        told(&mut it, &["fault babble 9000"]);
        said(&mut it, 1_000)
    };
    assert_eq!(noise(7), noise(7));
    assert!(noise(7) != noise(8) && noise(7).len() == 9000);
    for wrong in [
        "",
        "put",
        "put 1,25",
        "put 1.2345",
        "fault",
        "fault babble",
        "scan",
        "empty x",
    ] {
        assert!(wrong.parse::<CounterOrder>().is_err(), "{wrong}");
    }
    assert_eq!("put 12.5".parse(), Ok(CounterOrder::Put(12_500)));
}
