//! Codes and weights on one cable.

use shelf_codecs::barcode::Symbology;
use shelf_codecs::scale::{Basis, Reading, Refusal, Weight};
use shelf_codecs::scanner::magellan::{encode_code, encode_reading};

use super::*;

fn at(ms: u64) -> Stamp {
    Stamp {
        mono_us: ms * 1000,
        wall_ms: 0,
    }
}

fn steps(dialogue: &mut dyn Dialogue) -> Vec<String> {
    let show = |step| match step {
        Step::Item(Decoded::Scan(scan)) => String::from_utf8(scan.bytes).unwrap(),
        Step::Item(Decoded::Weight(it)) => it.to_string(),
        Step::Item(Decoded::Fault(fault)) => fault.cause.to_string(),
        Step::Item(_) => String::new(),
        Step::Write(bytes) => bytes.escape_ascii().to_string(),
        other => format!("{other:?}"),
    };
    let steps = std::iter::from_fn(|| dialogue.next()).map(show);
    steps.filter(|it| !it.is_empty()).collect()
}

#[test]
fn goods_are_scanned_while_the_plate_comes_to_rest() {
    let mut it = CounterScanner::new(CounterScannerConfig::default()).dialogue();
    let weigh = Command::Weigh {
        question: 1,
        unit_price_minor: None,
    };
    it.command(at(0), weigh);
    assert_eq!(steps(&mut *it), ["S14\\r"]);
    let moving = encode_reading(&Reading::Refused(Refusal::Motion)).unwrap();
    let code = encode_code("4006381333931", Symbology::Ean13).unwrap();
    let at_rest = Reading::Stable(Weight {
        thousandths: 512,
        unit: Unit::Kilogram,
        basis: Basis::NotTold,
    });
    it.received(at(20), &[&moving[..], &code].concat());
    assert_eq!(steps(&mut *it), ["4006381333931"]);
    let due = it.deadline().unwrap();
    it.due(at(due / 1000));
    assert_eq!(steps(&mut *it), ["S14\\r"]);
    it.received(at(300), &encode_reading(&at_rest).unwrap());
    assert_eq!(steps(&mut *it), ["0.512 kg"]);
    assert_eq!(it.deadline(), None);
}

#[test]
fn a_line_without_its_end_is_a_fault_after_a_while_or_at_the_devices_going() {
    let mut it = CounterScanner::new(CounterScannerConfig::default()).dialogue();
    it.received(at(0), b"S08F40063813");
    assert_eq!(it.deadline(), Some(END_WAIT_MS * 1000));
    it.due(at(END_WAIT_MS));
    assert_eq!(steps(&mut *it).len(), 1);
    assert_eq!(it.deadline(), None);
    it.received(at(2000), b"S08F40063813");
    assert_eq!(it.closed(at(2001)).unwrap().bytes_total, 12);
    assert!(steps(&mut *it).is_empty());
}
