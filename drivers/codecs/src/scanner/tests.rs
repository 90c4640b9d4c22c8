//! OEM reports, SSI packets, single-cable lines, feedback and set-up cards: bytes of the references in tables.

use super::feedback::{Family, Feedback, hid_pos_command};
use super::hid_pos::{SAMPLE_DESCRIPTOR, descriptor};
use super::magellan::{MagellanDecoder, MagellanItem};
use super::oem::{self, OemCommand, OemDecoder, OemItem, OemStatus};
use super::setup::{Mode, cards};
use super::ssi::{self, SsiDecoder, SsiItem, SsiPacket, op};
use super::{FaultReason, Scan};
use crate::barcode::Symbology;
use crate::scale::{Basis, Reading, Refusal, Unit, Weight};

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn with_text(before: &str, text: &str, after: &str) -> Vec<u8> {
    [hex(before), text.as_bytes().to_vec(), hex(after)].concat()
}

fn show_scan(scan: &Scan) -> String {
    let kind = scan.symbology.map_or("?", Symbology::name);
    format!("{kind} {}", String::from_utf8_lossy(&scan.bytes))
}

fn oem(reports: &[Vec<u8>]) -> String {
    let mut decoder = OemDecoder::new();
    for (report, now_ms) in reports.iter().zip((0..).step_by(100)) {
        decoder.push(report, now_ms);
    }
    decoder.flush_idle(60_000);
    let show = |item| match item {
        OemItem::Scan(scan) => show_scan(&scan),
        OemItem::Status(status) => format!("alive {} enabled {}", status.alive(), status.enabled()),
        OemItem::Reply { bytes, .. } => format!("reply {bytes:02X?}"),
        OemItem::Fault(fault) => format!("{:?}", fault.reason),
    };
    decoder.map(show).collect::<Vec<_>>().join(", ")
}

#[test]
fn oem_reports() {
    let ean = with_text("12 10 03 00", "4006381333931", "16");
    assert_eq!(oem(std::slice::from_ref(&ean)), "ean13 4006381333931");
    let digits = hex("12 10 03 00 04 00 00 06 03 08 01 03 03 03 09 03 01 16");
    assert_eq!(oem(&[digits]), "ean13 4006381333931");
    let code39 = with_text("0F 10 03 00", "SHELF-42", "00 0A 0B");
    assert_eq!(oem(&[code39]), "code39 SHELF-42");
    assert_eq!(oem(&[hex("04 00 01 00")]), "alive true enabled false");
    assert_eq!(oem(&[hex("07 02 03 00 AA BB CC")]), "reply [AA, BB, CC]");
    // A whole endpoint buffer: what lies behind the stated length is nothing.
    let mut padded = ean.clone();
    padded.resize(64, 0x55);
    assert_eq!(oem(&[padded]), "ean13 4006381333931");
    // One maker's broken id, in both of its forms.
    let broken = with_text("0D 10 03 00", "HELLO", "04 00 00 00");
    assert_eq!(oem(&[broken]), "? HELLO");
    let broken = [
        with_text("0D 10 03 00", "HELLO", "14 00 00 00"),
        with_text("0D 10 03 00", "WORLD", "04 00 00 00"),
    ];
    assert_eq!(oem(&broken), "? HELLOWORLD");
    for (report, reason) in [
        (ean[..9].to_vec(), "ReportCut"),
        (hex("03 00 00"), "UnknownReport"),
        (Vec::new(), "UnknownReport"),
        (
            with_text("12 10 07 00", "4006381333931", "16"),
            "CheckWrong",
        ),
        (
            with_text("12 10 03 00", "4006381333931", "77"),
            "UnknownReport",
        ),
        (
            with_text("0F 10 03 00", "SHELF-42", "01 0A 0B"),
            "UnknownReport",
        ),
    ] {
        assert_eq!(oem(&[report]), reason);
    }
}

#[test]
fn oem_segments() {
    let first = with_text("0F 10 03 00", "SHELF-42", "10 33 0B");
    let last = with_text("0F 10 03 00", "/KOELN-7", "00 33 0B");
    let other = with_text("0F 10 03 00", "SHELF-42", "00 0A 0B");
    assert_eq!(oem(&[first.clone(), last.clone()]), "qr SHELF-42/KOELN-7");
    assert_eq!(oem(&[first.clone(), other]), "PartMissing, code39 SHELF-42");
    assert_eq!(oem(std::slice::from_ref(&first)), "PartMissing");
    // The marks of a short id do not stay in the label.
    let first = with_text("0D 10 03 00", "400638", "10 10 16");
    let last = with_text("0C 10 03 00", "1333931", "16");
    assert_eq!(oem(&[first, last]), "ean13 4006381333931");
    let status = OemStatus([0x10, 3, 0]);
    for (text, kind) in [
        (
            "https://id.gs1.org/01/09520123456788/10/".repeat(4),
            Symbology::Qr,
        ),
        ("4006381333931".to_owned(), Symbology::Ean13),
        ("x".to_owned(), Symbology::Pdf417),
    ] {
        for digits in [false, true] {
            let reports = oem::encode_scan(text.as_bytes(), kind, status, digits);
            assert_eq!(oem(&reports), format!("{} {text}", kind.name()));
        }
    }
    assert!(oem::encode_scan(b"x", Symbology::MaxiCode, status, false).is_empty());
    assert_eq!(
        oem(&[oem::encode_status(status)]),
        "alive true enabled true"
    );
}

#[test]
fn oem_commands() {
    let mut enable = vec![0x11];
    enable.resize(11, 0);
    assert_eq!(OemCommand::Enable.encode()[..], enable);
    assert_eq!(OemCommand::Reset.encode()[..3], [0x00, 0x40, 0x00]);
    for command in [
        OemCommand::Enable,
        OemCommand::Disable,
        OemCommand::Status,
        OemCommand::Reset,
        OemCommand::SelfTest,
        OemCommand::ReadConfig,
        OemCommand::WriteConfig([7; 10]),
        OemCommand::BeeperOn,
        OemCommand::BeeperOff,
    ] {
        assert_eq!(OemCommand::decode(&command.encode()), Some(command));
    }
    assert_eq!(OemCommand::decode(&[0x11, 0]), None);
    assert_eq!(OemCommand::decode(&[0x30; 11]), None);
    assert_eq!(OemCommand::decode(&[]), None);
    let status = OemStatus([0xA0, 0x80, 0x01]);
    assert!(
        status.not_ready() && status.hardware_error() && status.rejected() && status.configured()
    );
}

fn ssi_heard(bytes: &[u8]) -> String {
    let decode = |size: usize| -> Vec<String> {
        let mut decoder = SsiDecoder::new();
        bytes.chunks(size).for_each(|piece| decoder.push(piece));
        decoder.silence();
        assert!(!decoder.has_pending());
        let show = |item| match item {
            SsiItem::Packet(packet) => match packet.code() {
                Some((kind, text)) => {
                    let kind = kind.map_or("?", Symbology::name);
                    let again = if packet.retransmit { " again" } else { "" };
                    format!("{kind} {}{again}", String::from_utf8_lossy(text))
                }
                None => format!("{:02X} {:02X?}", packet.opcode, packet.data),
            },
            SsiItem::Fault(fault) => format!("{:?} {}", fault.reason, fault.bytes_total),
        };
        decoder.map(show).collect()
    };
    let whole = decode(bytes.len().max(1));
    assert_eq!(whole, decode(1));
    whole.join(", ")
}

#[test]
fn ssi_packets() {
    assert_eq!(
        SsiPacket::host(op::ACK, &[]).encode(),
        hex("04 D0 04 00 FF 28")
    );
    let nak = SsiPacket::host(op::NAK, &[ssi::NAK_RESEND]);
    assert_eq!(nak.encode(), hex("05 D1 04 00 01 FF 25"));
    let ean = with_text("12 F3 00 00 0B", "5901234123457", "FC 52");
    assert_eq!(
        ssi::encode_code(b"5901234123457", Symbology::Ean13).unwrap()[0].encode(),
        ean
    );
    assert_eq!(ssi_heard(&ean), "ean13 5901234123457");
    let again = with_text("12 F3 00 01 0B", "5901234123457", "FC 51");
    assert_eq!(ssi_heard(&again), "ean13 5901234123457 again");
    let mut damaged = ean.clone();
    damaged[9] ^= 1;
    assert_eq!(ssi_heard(&damaged), "CheckWrong 20");
    assert_eq!(ssi_heard(&ean[..7]), "ReportCut 7");
    // Text of another kind of scanner, then a packet.
    let noisy = [&b"\x03\x01\x02"[..], &ean].concat();
    assert_eq!(ssi_heard(&noisy), "UnknownReport 3, ean13 5901234123457");
    let twice = [ean.clone(), hex("04 D0 00 00 FF 2C")].concat();
    assert_eq!(ssi_heard(&twice), "ean13 5901234123457, D0 []");
    let long = ssi::encode_code(&[b'7'; 300], Symbology::Qr).unwrap();
    assert_eq!(
        long.iter().map(|p| p.continued).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(ssi::encode_code(b"1", Symbology::MaxiCode), None);
    assert_eq!(ssi_heard(&[]), "");
}

#[test]
fn one_cable_for_scanner_and_scale() {
    let heard = |bytes: &[u8]| {
        let mut decoder = MagellanDecoder::new(Unit::Kilogram);
        decoder.push(bytes);
        decoder.flush_idle();
        let show = |item| match item {
            MagellanItem::Scan(scan) => show_scan(&scan),
            MagellanItem::Reading(Reading::Stable(w)) => {
                format!("{} {}", w.thousandths, w.unit.sign())
            }
            MagellanItem::Reading(Reading::Refused(refusal)) => format!("{refusal:?}"),
            MagellanItem::Fault(fault) => format!("{:?}", fault.reason),
        };
        decoder.map(show).collect::<Vec<_>>().join(", ")
    };
    for (line, expected) in [
        (&b"S08F4006381333931\r"[..], "ean13 4006381333931"),
        (b"S08FF96385074\r", "ean8 96385074"),
        (b"S08A012345678905\r", "upc-a 012345678905"),
        (b"S08E01234565\r", "upc-e 01234565"),
        (b"S08B3SHELF-42\r", "code128 SHELF-42"),
        (b"S08]Q3hello\r", "? hello"),
        (b"S08Zhello\r", "UnknownReport"),
        (b"S08Fhello\r", "UnknownReport"),
        (b"S08F400638133", "UnknownReport"),
        (b"S1101250\r", "1250 kg"),
        (b"S14401250\r", "1250 kg"),
        (b"S14400000\r", "Zero"),
        (
            b"S140\rS141\rS142\rS143\rS145\r",
            "NotReady, Motion, Over, Zero, Negative",
        ),
        (b"S146\r", "UnknownReport"),
        (b"S11xx\r", "UnknownReport"),
        (b"4006381333931\r", "UnknownReport"),
    ] {
        assert_eq!(heard(line), expected, "{}", String::from_utf8_lossy(line));
    }
    let weight = |thousandths, unit| {
        let basis = Basis::NotTold;
        Reading::Stable(Weight {
            thousandths,
            unit,
            basis,
        })
    };
    let said = super::magellan::encode_reading(&weight(1250, Unit::Kilogram)).unwrap();
    assert_eq!(said, b"S14401250\r");
    let said = super::magellan::encode_reading(&weight(2750, Unit::Pound)).unwrap();
    assert_eq!(said, b"S1440275\r");
    assert_eq!(
        super::magellan::encode_reading(&weight(2755, Unit::Pound)),
        None
    );
    let motion = Reading::Refused(Refusal::Motion);
    assert_eq!(super::magellan::encode_reading(&motion).unwrap(), b"S141\r");
    let code = super::magellan::encode_code("96385074", Symbology::Ean8).unwrap();
    assert_eq!(heard(&code), "ean8 96385074");
}

#[test]
fn beeps_by_family() {
    for (family, feedback, expected) in [
        (Family::HoneywellHid, Feedback::Good, Some("FD 03 16 07 0D")),
        (
            Family::HoneywellHid,
            Feedback::Enable,
            Some("FD 03 16 54 0D"),
        ),
        (
            Family::HoneywellHid,
            Feedback::Disable,
            Some("FD 03 16 55 0D"),
        ),
        (Family::HoneywellSerial, Feedback::Enable, Some("16 54 0D")),
        (Family::HoneywellSerial, Feedback::NotOnFile, None),
        (Family::DatalogicSerial, Feedback::Good, Some("42")),
        (Family::DatalogicSerial, Feedback::NotOnFile, Some("46")),
        (Family::Ssi, Feedback::Good, Some("05 E6 04 00 00 FF 11")),
        (Family::Ssi, Feedback::Disable, Some("04 EA 04 00 FF 0E")),
        (
            Family::Oem,
            Feedback::Enable,
            Some("11 00 00 00 00 00 00 00 00 00 00"),
        ),
        (Family::Oem, Feedback::Good, None),
    ] {
        assert_eq!(
            family.command(feedback),
            expected.map(hex),
            "{family:?} {feedback:?}"
        );
    }
}

#[test]
fn a_hid_pos_scanner_beeps_if_its_descriptor_says_so() {
    let without = descriptor::parse(SAMPLE_DESCRIPTOR);
    assert_eq!(hid_pos_command(&without, Feedback::Good), None);
    let mut bytes = SAMPLE_DESCRIPTOR.to_vec();
    let end = bytes.len() - 2;
    // Output report 4: eight bits, of which the third is "good" and the fourth "not on file".
    let output =
        hex("85 04 05 8C 15 00 25 01 75 01 95 02 91 03 95 01 09 86 91 02 09 87 91 02 95 04 91 03");
    bytes.splice(end..end, output);
    let with = descriptor::parse(&bytes);
    let good = hid_pos_command(&with, Feedback::Good).unwrap();
    assert_eq!(
        (good.direction, good.report),
        (descriptor::Direction::Output, vec![4, 4])
    );
    let unknown = hid_pos_command(&with, Feedback::NotOnFile).unwrap();
    assert_eq!(unknown.report, [4, 8]);
    assert_eq!(hid_pos_command(&with, Feedback::Disable), None);
}

#[test]
fn cards_for_the_device_page() {
    let honeywell = cards(0x0C2E);
    assert_eq!(honeywell[0].mode, Mode::HidPos);
    assert!(honeywell.iter().all(|card| card.svg().is_some()));
    for vendor_id in [0x05E0, 0x05F9, 0x1EAB] {
        let card = cards(vendor_id)[0];
        assert!(
            card.svg().is_none() && card.instruction.contains("guide"),
            "{vendor_id:04X}"
        );
    }
    assert!(cards(0xFFFF).is_empty());
}

#[test]
fn faults_of_packets_have_words() {
    assert!(FaultReason::CheckWrong.to_string().contains("check sum"));
}
