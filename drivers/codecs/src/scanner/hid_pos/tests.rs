//! Captures and manuals of several makers, as table checks.

use super::descriptor::{self, Direction};
use super::{HidItem, HidPosDecoder, Layout, SAMPLE_DESCRIPTOR, encode, opening_feature_report};
use crate::barcode::{Aim, Symbology};
use crate::scanner::FaultReason;

/// A 64-byte report of Honeywell's shape.
fn honeywell(count: u8, aim: &str, data: &[u8], vendor: u8, continued: u8) -> Vec<u8> {
    let mut report = vec![0x02, count];
    report.extend_from_slice(aim.as_bytes());
    report.extend_from_slice(data);
    report.resize(61, 0);
    report.extend([vendor, 0, continued]);
    report
}

fn show(item: &HidItem) -> String {
    match item {
        HidItem::Scan(scan) => {
            let aim = scan.aim.map_or(String::new(), |aim| aim.to_string());
            format!(
                "{aim} {:?} {}",
                scan.symbology,
                String::from_utf8_lossy(&scan.bytes)
            )
        }
        HidItem::Reply { bytes } => format!("reply {}", String::from_utf8_lossy(bytes)),
        HidItem::Fault(fault) => format!("{:?} {}", fault.reason, fault.bytes_total),
    }
}

fn all(layouts: Vec<Layout>, reports: &[Vec<u8>]) -> Vec<String> {
    let mut decoder = HidPosDecoder::new(layouts);
    for report in reports {
        decoder.push(report, 1_000);
    }
    decoder.map(|item| show(&item)).collect()
}

#[test]
fn the_62_byte_descriptor_is_read() {
    let parsed = descriptor::parse(SAMPLE_DESCRIPTOR);
    assert!(parsed.numbered && !parsed.incomplete);
    let rows: Vec<_> = parsed
        .fields
        .iter()
        .map(|f| {
            (
                f.usage,
                f.report_id,
                f.bit_offset,
                f.bit_size,
                f.count,
                f.constant,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (0x0001_003B, 2, 0, 8, 1, false),
            (0x008C_00FB, 2, 8, 8, 1, false),
            (0x008C_00FC, 2, 16, 8, 1, false),
            (0x008C_00FD, 2, 24, 8, 1, false),
            (0x008C_00FE, 2, 32, 8, 56, false),
            (0x008C_00FF, 2, 480, 1, 1, false),
            (0, 2, 481, 1, 7, true),
        ],
    );
    assert!(
        parsed
            .fields
            .iter()
            .all(|f| f.direction == Direction::Input)
    );
    let layouts = Layout::resolve(&parsed, 0x1234);
    assert_eq!(layouts.len(), 1);
    let layout = layouts[0];
    assert_eq!(
        layout.continued_bit,
        Some(480),
        "bit 0 of byte 61 with the id"
    );
    assert_eq!(layout.report_bytes, 61);
    let long = "M1GATHERGOOD/MICHAEL ".repeat(5);
    let aim = Aim {
        code: b'Q',
        modifier: b'0',
    };
    let reports = encode(&layout, long.as_bytes(), Some(aim), 0);
    assert_eq!((reports.len(), reports[0].len()), (2, 62));
    assert_eq!((reports[0][61], reports[1][61]), (1, 0));
    assert_eq!(all(layouts, &reports), [format!("]Q0 None {long}")]);
}

#[test]
fn descriptor_variants() {
    // AIM as one field of 24 bits with 32-bit usages, no count, no report id, after a long item.
    let bytes = [
        0xFE, 0x02, 0x10, 0xAA, 0xBB, // long item
        0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x05, 0x01, 0x75, 0x18, 0x95, 0x01, //
        0x0B, 0xFB, 0x00, 0x8C, 0x00, 0x81, 0x02, // extended usage
        0x05, 0x8C, 0x75, 0x08, 0x95, 0x20, 0x09, 0xFE, 0x81, 0x02, 0xC0,
    ];
    let parsed = descriptor::parse(&bytes);
    let layouts = Layout::resolve(&parsed, 0);
    assert_eq!(layouts[0].aim_bits, Some([0, 8, 16]));
    assert_eq!(
        (layouts[0].report_id, layouts[0].data, layouts[0].count),
        (0, (24, 32), None)
    );
    let mut report = b"]E05901234123457".to_vec();
    report.resize(35, 0);
    assert_eq!(all(layouts.clone(), &[report]), ["]E0 None 5901234123457"]);
    // Shorter than declared: what is there counts, as nothing says otherwise.
    assert_eq!(all(layouts, &[b"]E0123".to_vec()]), ["]E0 None 123"]);
    // Usage ranges, and push and pop.
    let bytes = [
        0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x75, 0x08, 0x95, 0x03, 0xA4, 0x75, 0x01, 0xB4, //
        0x19, 0xFB, 0x29, 0xFD, 0x81, 0x02, 0x95, 0x10, 0x09, 0xFE, 0x81, 0x00, 0xC0,
    ];
    let layouts = Layout::resolve(&descriptor::parse(&bytes), 0);
    assert_eq!(
        (layouts[0].aim_bits, layouts[0].data),
        (Some([0, 8, 16]), (24, 16))
    );
    // Keyboards and cut descriptors give no layout.
    assert_eq!(
        Layout::resolve(&descriptor::parse(&[0x05, 0x01, 0x09, 0x06, 0xA1]), 0),
        []
    );
    assert!(descriptor::parse(&[0x26, 0x00]).incomplete);
}

#[test]
fn honeywell_replies_are_no_scans() {
    let first = b"Product Name: Voyager 1602g\r\nBoot Revision: : 8992\r\nSoft";
    let reports = [
        honeywell(0x38, "]X0", first, 0x3F, 1),
        honeywell(0x09, "]X0", b"ware: 1.2", 0x3F, 0),
        honeywell(0x02, "]Z6", b"OK", 0x36, 0),
        honeywell(13, "]E0", b"5901234123457", b'd', 0),
        honeywell(14, "]Q1", b"https://x.y/z\r", b's', 0),
        honeywell(0, "]E0", b"", b'd', 0),
    ];
    assert!(reports.iter().all(|report| report.len() == 64));
    let whole = format!("reply {}ware: 1.2", std::str::from_utf8(first).unwrap());
    assert_eq!(
        all(vec![Layout::HONEYWELL], &reports),
        [
            whole.as_str(),
            "reply OK",
            "]E0 Some(Ean13) 5901234123457",
            "]Q1 Some(Qr) https://x.y/z",
        ],
    );
}

#[test]
fn long_codes_come_in_parts() {
    let text = "M1GATHERGOOD/MICHAEL  E0A1B2C LHRJFKBA 0175 226J001A0025 123";
    assert_eq!(text.len(), 60);
    let (head, tail) = text.as_bytes().split_at(56);
    let reports = [
        honeywell(0x38, "]Q0", head, 0x73, 1),
        honeywell(4, "]Q0", tail, 0x73, 0),
    ];
    assert_eq!(
        all(vec![Layout::HONEYWELL], &reports),
        [format!("]Q0 Some(Qr) {text}")]
    );
    assert_eq!(
        encode(
            &Layout::HONEYWELL,
            text.as_bytes(),
            Aim::split(b"]Q0").map(|a| a.0),
            0x73
        ),
        reports
    );
    // A part is lost: the next code is another symbol.
    let other = honeywell(13, "]E0", b"5901234123457", b'd', 0);
    assert_eq!(
        all(
            vec![Layout::HONEYWELL],
            &[reports[0].clone(), other.clone()]
        ),
        ["PartMissing 56", "]E0 Some(Ean13) 5901234123457"],
    );
    // Or time passes.
    let mut decoder = HidPosDecoder::new(vec![Layout::HONEYWELL]);
    decoder.push(&reports[0], 1_000);
    decoder.flush_idle(3_000);
    assert_eq!(decoder.next(), None);
    decoder.flush_idle(3_001);
    assert_eq!(
        decoder.map(|item| show(&item)).collect::<Vec<_>>(),
        ["PartMissing 56"]
    );
    // Or it never ends: bounded, one fault, then in step again.
    let mut endless = vec![reports[0].clone(); 200];
    endless.push(reports[1].clone());
    endless.push(other);
    assert_eq!(
        all(vec![Layout::HONEYWELL], &endless),
        ["TooLong 11204", "]E0 Some(Ean13) 5901234123457"],
    );
}

#[test]
fn other_makers() {
    let mut newland = vec![0x02, 8];
    newland.extend_from_slice(b"EL030095");
    newland.resize(64, 0);
    assert_eq!(all(vec![Layout::NEWLAND], &[newland]), [" None EL030095"]);
    let mut shifted = vec![0x02, 13, 0x64];
    shifted.extend_from_slice(b"]E05901234123457");
    shifted.resize(64, 0);
    assert_eq!(
        all(vec![Layout::HONEYWELL], &[shifted]),
        ["]E0 None 5901234123457"]
    );
    let mut plain = vec![0x01, 4];
    plain.extend_from_slice(b"AB\0C");
    plain.resize(64, 0);
    assert_eq!(all(vec![Layout::COUNT_AND_DATA], &[plain]), [" None AB\0C"]);
    assert_eq!(opening_feature_report(0x0C2E), Some([0xFE, 0x01]));
    assert_eq!(opening_feature_report(0x05E0), None);
    let none = descriptor::parse(&[]);
    assert_eq!(Layout::resolve(&none, 0x1EAB), [Layout::NEWLAND]);
    assert_eq!(Layout::resolve(&none, 0x0C2E), [Layout::HONEYWELL]);
    assert_eq!(Layout::resolve(&none, 0xFFFF), []);
}

#[test]
fn broken_reports_are_faults() {
    let layouts = || vec![Layout::HONEYWELL];
    assert_eq!(
        all(layouts(), &[vec![]]),
        [format!("{:?} 0", FaultReason::UnknownReport)]
    );
    assert_eq!(all(layouts(), &[vec![9, 1, 2]]), ["UnknownReport 3"]);
    assert_eq!(all(layouts(), &[vec![2]]), ["ReportCut 1"]);
    assert_eq!(
        all(layouts(), &[honeywell(57, "]E0", b"1", 0, 0)]),
        ["ReportCut 64"]
    );
    assert_eq!(
        all(layouts(), &[vec![2, 9, b']', b'E', b'0', b'1']]),
        ["ReportCut 6"]
    );
    assert_eq!(
        Symbology::Ean13,
        crate::barcode::honeywell_symbology(b'd').unwrap()
    );
}

#[test]
fn a_code_of_the_maker_stands_behind_the_data() {
    // Count, AIM, 56 bytes, then two undescribed bytes and the flag, as Honeywell declares it.
    let mut bytes = SAMPLE_DESCRIPTOR.to_vec();
    let flag = bytes.windows(2).position(|w| w == [0x25, 0x01]).unwrap();
    bytes.splice(flag..flag, [0x95, 0x02, 0x81, 0x03]);
    let parsed = descriptor::parse(&bytes);
    let layout = Layout::resolve(&parsed, 0x0C2E)[0];
    assert_eq!(
        (layout.vendor_byte, layout.continued_bit),
        (Some(60), Some(62 * 8))
    );
    let reply = honeywell(2, "]X0", b"OK", 0x3F, 0);
    assert_eq!(
        all(vec![layout], std::slice::from_ref(&reply)),
        ["reply OK"]
    );
    // Another maker's byte there says nothing, and where the flag stands there it is the flag.
    let other = Layout::resolve(&parsed, 0x05E0)[0];
    assert_eq!(other.vendor_byte, None);
    assert_eq!(all(vec![other], &[reply]), ["]X0 None OK"]);
    let short = Layout::resolve(&descriptor::parse(SAMPLE_DESCRIPTOR), 0x0C2E)[0];
    assert_eq!(short.vendor_byte, None);
    let mut newland = vec![0x02, 2, b'O', b'K'];
    newland.resize(62, 0);
    newland.extend([0x3F, 0]);
    assert_eq!(all(vec![Layout::NEWLAND], &[newland]), [" None OK"]);
}
