//! Line scanners on real pseudo-terminals: every way a scan may be framed, torn and garbled.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod rig;

use rig::{Rig, config_with, next, next_scan, status, stop, until_counted, until_ready};
use shelf_codecs::barcode::{PrefixScheme, Symbology};
use shelf_codecs::scanner::line::LineConfig;
use shelf_codecs::scanner::{FaultReason, Terminator, Terminators};
use shelf_devices::decoder::FaultCause;
use shelf_devices::delivery::EventReceiver;
use shelf_devices::event::Payload;
use shelf_devices::line_scanner::LineScannerConfig;
use shelf_devices::supervisor::Supervisor;
use shelf_sim::scanner_pty::{ENDLESS_LINE_BYTES, Framing, PtyScanner, ScanFault};

fn open(
    rig: &Rig,
    framing: Framing,
    kind: LineScannerConfig,
) -> (PtyScanner, Supervisor, EventReceiver) {
    let scanner = rig.scanner("hand", framing);
    let (supervisor, events) = rig.start(vec![config_with("hand", scanner.path(), kind)]);
    until_ready(&events);
    (scanner, supervisor, events)
}

fn framing(prefix: &[u8], terminator: &[u8]) -> Framing {
    Framing {
        prefix: prefix.to_vec(),
        terminator: terminator.to_vec(),
    }
}

fn ended_by(terminators: Terminators) -> LineScannerConfig {
    LineScannerConfig {
        line: LineConfig {
            terminators,
            ..LineConfig::default()
        },
        ..LineScannerConfig::default()
    }
}

/// The next event, which must be a fault.
fn next_fault(events: &EventReceiver) -> (FaultCause, u64) {
    match next(events).payload {
        Payload::Fault(fault) => (fault.cause, fault.bytes_total),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_terminator_ends_a_scan_and_is_not_part_of_it() {
    let one = |t| ended_by(Terminators::NONE.with(t));
    for (sent, kind) in [
        (b"\r".as_slice(), LineScannerConfig::default()),
        (b"\n", LineScannerConfig::default()),
        (b"\r\n", LineScannerConfig::default()),
        (b"\r\n", one(Terminator::CrLf)),
        (b"\t", one(Terminator::Tab)),
        (b"\x03", one(Terminator::Etx)),
        // No terminator: only silence ends it.
        (b"", LineScannerConfig::default()),
        (b"", ended_by(Terminators::NONE)),
    ] {
        let rig = Rig::new();
        let (mut scanner, supervisor, events) = open(&rig, framing(b"", sent), kind);
        for code in ["4006381333931", "12345670"] {
            scanner.scan(code).unwrap();
            assert_eq!(next_scan(&events), code, "after {:?}", sent.escape_ascii());
        }
        assert!(
            stop(supervisor, events)
                .iter()
                .all(|e| matches!(e.payload, Payload::State(_)))
        );
    }
}

#[test]
fn prefixes_are_taken_off_and_name_the_symbology() {
    let by = |prefix_scheme| LineScannerConfig {
        prefix_scheme,
        ..LineScannerConfig::default()
    };
    let stx = LineScannerConfig {
        line: LineConfig {
            stx_required: true,
            terminators: Terminators::NONE.with(Terminator::Etx),
            ..LineConfig::default()
        },
        ..LineScannerConfig::default()
    };
    for (prefix, end, kind, symbology) in [
        (
            b"]E0".as_slice(),
            b"\r".as_slice(),
            by(PrefixScheme::Aim),
            Symbology::Ean13,
        ),
        (b"d", b"\r", by(PrefixScheme::Honeywell), Symbology::Ean13),
        (b"B", b"\r", by(PrefixScheme::DatalogicEu), Symbology::Ean13),
        (b"F", b"\r", by(PrefixScheme::DatalogicUs), Symbology::Ean13),
        (b"\x02]E0", b"\x03", stx, Symbology::Ean13),
        (b"", b"\r", by(PrefixScheme::Aim), Symbology::Unknown),
    ] {
        let rig = Rig::new();
        let (mut scanner, supervisor, events) = open(&rig, framing(prefix, end), kind);
        scanner.scan("4006381333931").unwrap();
        match next(&events).payload {
            Payload::Scan(scan) => {
                let text = scan.text(PrefixScheme::None);
                assert_eq!(text.text, b"4006381333931");
                assert_eq!(text.kind(), symbology, "{:?}", prefix.escape_ascii());
            }
            other => panic!("{other:?}"),
        }
        stop(supervisor, events);
    }
}

#[test]
fn a_scan_in_pieces_of_any_size_is_one_scan() {
    let rig = Rig::new();
    let (mut scanner, supervisor, events) =
        open(&rig, Framing::default(), LineScannerConfig::default());
    // Once a terminator was seen, no pause between pieces splits a scan.
    scanner.scan("12345670").unwrap();
    assert_eq!(next_scan(&events), "12345670");
    for cut in 1..14 {
        let before = status(&supervisor, "hand").counters.bytes_in;
        let frame = b"4006381333931\r";
        scanner.send_raw(&frame[..cut], &[]).unwrap();
        // The first piece was surely read by itself.
        until_counted(&supervisor, "hand", |c| c.bytes_in == before + cut as u64);
        scanner.send_raw(&frame[cut..], &[]).unwrap();
        assert_eq!(next_scan(&events), "4006381333931", "cut at {cut}");
    }
    scanner
        .scan_with_fault("4006381333931", &ScanFault::ByteByByte)
        .unwrap();
    assert_eq!(next_scan(&events), "4006381333931");
    let counters = status(&supervisor, "hand").counters;
    assert_eq!((counters.frames, counters.faults), (15, 0));
    stop(supervisor, events);
}

#[test]
fn several_scans_in_one_piece_are_several_scans() {
    let rig = Rig::new();
    let (mut scanner, supervisor, events) =
        open(&rig, Framing::default(), LineScannerConfig::default());
    scanner
        .send_raw(b"11111111\r\n22222222\r\n\r33333333\r", &[])
        .unwrap();
    let codes: Vec<String> = (0..3).map(|_| next_scan(&events)).collect();
    assert_eq!(codes, ["11111111", "22222222", "33333333"]);
    stop(supervisor, events);
}

#[test]
fn an_end_that_never_comes_is_a_fault_and_the_next_scan_is_whole() {
    let rig = Rig::new();
    let (mut scanner, supervisor, events) =
        open(&rig, Framing::default(), LineScannerConfig::default());
    scanner.scan("12345670").unwrap();
    assert_eq!(next_scan(&events), "12345670");
    scanner
        .scan_with_fault("4006381333931", &ScanFault::Torn(7))
        .unwrap();
    assert_eq!(next_fault(&events), (FaultCause::EndMissing, 7));
    scanner.scan("4006381333931").unwrap();
    assert_eq!(next_scan(&events), "4006381333931");
    stop(supervisor, events);
}

#[test]
fn a_line_of_two_mebibytes_is_one_fault_and_the_next_scan_is_whole() {
    let rig = Rig::new();
    let (mut scanner, supervisor, events) =
        open(&rig, Framing::default(), LineScannerConfig::default());
    scanner
        .scan_with_fault("4006381333931", &ScanFault::EndlessLine)
        .unwrap();
    let (cause, bytes) = next_fault(&events);
    assert_eq!(cause, FaultCause::Undecodable(FaultReason::TooLong));
    assert_eq!(bytes, ENDLESS_LINE_BYTES as u64 + 13);
    scanner.scan("12345670").unwrap();
    assert_eq!(next_scan(&events), "12345670");
    stop(supervisor, events);
}

#[test]
fn noise_is_a_fault_and_the_next_scan_is_whole() {
    for seed in 0..8 {
        let rig = Rig::new();
        let (mut scanner, supervisor, events) =
            open(&rig, Framing::default(), LineScannerConfig::default());
        scanner.scan("12345670").unwrap();
        assert_eq!(next_scan(&events), "12345670");
        scanner
            .scan_with_fault("4006381333931", &ScanFault::Noise(300, seed))
            .unwrap();
        assert!(
            matches!(next_fault(&events).0, FaultCause::Undecodable(_)),
            "seed {seed}"
        );
        scanner.scan("4006381333931").unwrap();
        assert_eq!(next_scan(&events), "4006381333931", "seed {seed}");
        stop(supervisor, events);
    }
}

#[test]
fn binary_2d_content_arrives_as_sent() {
    let content: Vec<u8> = (0u8..=255).filter(|b| *b != b'\t').collect();
    let kind = LineScannerConfig {
        line: LineConfig {
            terminators: Terminators::NONE.with(Terminator::Tab),
            binary: true,
            ..LineConfig::default()
        },
        prefix_scheme: PrefixScheme::None,
        ..LineScannerConfig::default()
    };
    let rig = Rig::new();
    let (mut scanner, supervisor, events) = open(&rig, Framing::default(), kind);
    // Raw mode: no byte is echoed, translated, swallowed or taken as a signal by the terminal.
    let frame = [content.as_slice(), b"\t"].concat();
    scanner.send_raw(&frame, &[]).unwrap();
    match next(&events).payload {
        Payload::Scan(scan) => assert_eq!(scan.bytes, content),
        other => panic!("{other:?}"),
    }
    stop(supervisor, events);
}

#[test]
fn line_settings_that_a_pseudo_terminal_does_not_keep_are_accepted() {
    let rig = Rig::new();
    let kind = LineScannerConfig {
        serial: "19200-7E1/rtscts".parse().unwrap(),
        ..LineScannerConfig::default()
    };
    let (mut scanner, supervisor, events) = open(&rig, Framing::default(), kind);
    scanner.scan("4006381333931").unwrap();
    assert_eq!(next_scan(&events), "4006381333931");
    stop(supervisor, events);
}

#[test]
fn card_numbers_reach_neither_journal_nor_debug_output() {
    let rig = Rig::new();
    let (mut scanner, supervisor, events) =
        open(&rig, Framing::default(), LineScannerConfig::default());
    let mut seen = String::new();
    for card in [
        "4111111111111111",
        "%B4111111111111111^DOE/J^2512101?",
        "4111111111111111\x01",
    ] {
        scanner.scan(card).unwrap();
        seen.push_str(&format!("{:?}", next(&events)));
    }
    seen.push_str(&format!("{:?}", status(&supervisor, "hand")));
    assert!(!seen.contains("41111") && seen.contains("1111"), "{seen}");
    stop(supervisor, events);
}
