//! Print streams in tables: what a till sends, what comes out.

use super::*;

fn read(bytes: &[u8]) -> String {
    read_as(Dialect::Epson, bytes)
}

fn read_as(dialect: Dialect, bytes: &[u8]) -> String {
    let decode = |size: usize| {
        let mut tee = TeeDecoder::new(dialect, CodePage::Cp437);
        bytes.chunks(size).for_each(|piece| tee.push(piece));
        tee.flush_idle();
        let show = |item| match item {
            TeeItem::Line(text) => text,
            TeeItem::Initialised => "[init]".to_owned(),
            TeeItem::Cut => "[cut]".to_owned(),
            TeeItem::DrawerKick => "[kick]".to_owned(),
            TeeItem::Barcode(text) => format!("[code {text}]"),
            TeeItem::QrCode(text) => format!("[qr {text}]"),
            TeeItem::Image { bytes } => format!("[image {bytes}]"),
            TeeItem::StatusRequest(part) => format!("[asks {part}]"),
            TeeItem::StatusBack(flags) => format!("[back {flags}]"),
            TeeItem::Unknown(lead, letter) => format!("[? {lead:02X}{letter:02X}]"),
        };
        tee.map(show).collect::<Vec<_>>().join("|")
    };
    let whole = decode(bytes.len().max(1));
    assert_eq!(whole, decode(1));
    whole
}

#[test]
fn lines_and_events() {
    for (bytes, expected) in [
        (
            &b"\x1B@Brot 2.49\nMilch 1.19\n\x1DV\x42\x00"[..],
            "[init]|Brot 2.49|Milch 1.19|[cut]",
        ),
        (b"a\r\n\n\nb  \r\n", "a|b"),
        (b"no end", "no end"),
        (b"\x1Bp\x00\x19\x19Bar\n", "[kick]|Bar"),
        (b"\x10\x14\x01\x00\x01x\n", "[kick]|x"),
        (b"\x10\x04\x01\x10\x04\x04", "[asks 1]|[asks 4]"),
        (b"\x1Da\x0F", "[back 15]"),
        (b"x\x1Bi", "x|[cut]"),
        (b"x\x1Bm", "x|[cut]"),
        (b"x\x1DV\x00y\n", "x|[cut]|y"),
        (b"\x1B!\x30BIG\x1B!\x00\n", "BIG"),
        (b"\x1BE\x01b\x1BE\x00\x1Ba\x01c\n", "bc"),
        (b"a\tb\n", "a b"),
        (b"\x1BD\x08\x10\x00x\n", "x"),
        (b"\x1Bd\x03x\n", "x"),
        (b"x\x1Bd\x03y\n", "x|y"),
        (b"\x1DkC\x0D4006381333931z\n", "[code 4006381333931]|z"),
        (b"\x1Dk\x024006381333931\x00z\n", "[code 4006381333931]|z"),
        (b"\x1DkI\x0A{BSHELF-42z\n", "[code SHELF-42]|z"),
        (
            b"\x1D(k\x08\x001P0HELLO\x1D(k\x03\x001Q0z\n",
            "[qr HELLO]|z",
        ),
        (b"\x1D\xFFx\n", "[? 1DFF]|x"),
    ] {
        assert_eq!(read(bytes), expected, "{bytes:02X?}");
    }
    assert_eq!(
        read_as(Dialect::Star, b"x\x1Bd\x02\x07y\n"),
        "x|[cut]|[kick]|y"
    );
}

#[test]
fn images_are_skipped_by_their_length() {
    let image = |head: &[u8], size: usize| [head, &vec![b'\n'; size], b"after\n"].concat();
    for (head, size) in [
        (&b"\x1Dv0\x00\x30\x00\x10\x00"[..], 48 * 16),
        (b"\x1D(L\x00\x02", 512),
        (b"\x1D8L\x00\x00\x01\x00", 65_536),
        (b"\x1B*\x21\x64\x00", 300),
        (b"\x1B*\x00\x64\x00", 100),
        (b"\x1D*\x02\x03", 48),
        (b"\x1DQ0\x00\x02\x00\x03\x00", 6),
    ] {
        assert_eq!(
            read(&image(head, size)),
            format!("[image {size}]|after"),
            "{head:02X?}"
        );
    }
    // Cut off inside an image: nothing is taken for text, and nothing was held.
    let mut tee = TeeDecoder::new(Dialect::Epson, CodePage::Cp437);
    tee.push(b"\x1D8L\xFF\xFF\xFF\xFF");
    tee.push(&vec![b'x'; 100_000]);
    tee.flush_idle();
    assert_eq!(tee.next(), None);
}

#[test]
fn code_pages() {
    assert_eq!(read(b"K\x84se 1,99\n"), "Käse 1,99");
    assert_eq!(read(b"\x1Bt\x10\x80 K\xE4se\n"), "€ Käse");
    assert_eq!(read(b"\x1Bt\x13\xD5\n"), "€");
    assert_eq!(read(b"\x1Bt\x11\x8F\n"), "П");
    assert_eq!(read(b"\x1Bt\x63\xE4\n"), "\u{FFFD}");
    assert_eq!(read(b"\x1BR\x02K{se ~\n\x1B@{\n"), "Käse ß|[init]|{");
    for page in [
        CodePage::Cp437,
        CodePage::Cp850,
        CodePage::Cp852,
        CodePage::Cp1251,
    ] {
        for byte in 0x20..=0xFF {
            let c = page.character(byte);
            if c != REPLACEMENT {
                assert_eq!(page.byte(c), Some(byte), "{page:?} {byte:02X}");
            }
        }
        assert_eq!(CodePage::from_number(page.number().unwrap()), page);
    }
}

#[test]
fn card_numbers_do_not_leave_the_tee() {
    for (line, expected) in [
        ("Karte 4111111111111111", "Karte ************1111"),
        (
            "Karte 4111 1111 1111 1111 EUR",
            "Karte **** **** **** 1111 EUR",
        ),
        ("3782-822463-10005", "****-******-*0005"),
        ("Acct# xxxx1234", "Acct# xxxx1234"),
        ("4006381333931 1 x 2,49", "4006381333931 1 x 2,49"),
        ("012345678905", "012345678905"),
        ("Bon 123456 Kasse 2", "Bon 123456 Kasse 2"),
        ("12345678901234567890123", "*******************0123"),
        ("21.11.2026 14:30:05", "21.11.2026 14:30:05"),
        (
            "2 x 4006381333931 4111111111111111",
            "2 x 4006381333931 ************1111",
        ),
        ("", ""),
    ] {
        assert_eq!(mask_line(line), expected);
    }
    let long = [
        &vec![b'.'; LINE_CHARACTERS_MAX - 10][..],
        b"4111111111111111\n",
    ]
    .concat();
    assert!(read(&long).ends_with("..**********"), "{}", read(&long));
    assert_eq!(
        read(b"\x1DkI\x124111111111111111\x20\x20\n"),
        "[code ************1111  ]"
    );
}

fn receipts(bytes: &[u8]) -> Vec<Receipt> {
    let mut tee = TeeDecoder::new(Dialect::Epson, CodePage::Cp437);
    tee.push(bytes);
    tee.flush_idle();
    let mut collector = ReceiptCollector::new();
    let mut out: Vec<Receipt> = tee.filter_map(|item| collector.take(item)).collect();
    out.extend(collector.idle());
    out
}

#[test]
fn receipts_are_found() {
    let text = PrintJob::new(CodePage::Cp858)
        .line("Käse 1,99 €")
        .ean_13("4006381333931")
        .qr("https://example.invalid/r/1")
        .kick()
        .cut();
    let drawn = PrintJob::new(CodePage::Cp858).image(48, 100).cut();
    let found = receipts(&[text, drawn, b"loose line\n".to_vec()].concat());
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].lines, ["Käse 1,99 €"]);
    assert_eq!(
        found[0].codes,
        ["4006381333931", "https://example.invalid/r/1"]
    );
    assert!(found[0].drawer_kicked && found[0].cut);
    assert_eq!(found[0].kind(), ReceiptKind::Text);
    assert_eq!(found[1].kind(), ReceiptKind::ImageOnly);
    assert!(!found[2].cut && !found[2].drawer_kicked);
    let endless = b"x\n".repeat(RECEIPT_LINES_MAX + 5);
    let found = receipts(&endless);
    assert_eq!(
        (found[0].lines.len(), found[0].lines_dropped),
        (RECEIPT_LINES_MAX, 5)
    );
    let mixed = receipts(b"x\n\x1Dv0\x00\x01\x00\x01\x00\x00");
    assert_eq!(mixed[0].kind(), ReceiptKind::Mixed);
    assert!(receipts(b"\x1B@\x1DV\x00").is_empty());
}

fn state(asked: &[StatusPart], bytes: &[u8]) -> Option<StatusItem> {
    let mut decoder = StatusDecoder::new();
    asked.iter().for_each(|part| decoder.asked(*part));
    decoder.push(bytes);
    decoder.last()
}

#[test]
fn states_of_a_printer() {
    let status = |change: fn(&mut PrinterStatus)| {
        let mut status = PrinterStatus::default();
        change(&mut status);
        Some(StatusItem::Status(status))
    };
    use StatusPart::{Error, Offline, Paper, Printer};
    assert_eq!(state(&[Printer], &[0x12]), status(|_| {}));
    assert_eq!(state(&[Printer], &[0x1A]), status(|s| s.offline = true));
    assert_eq!(state(&[Offline], &[0x32]), status(|s| s.paper_end = true));
    let out_of_paper = status(|s| (s.paper_end, s.paper_near_end) = (true, true));
    assert_eq!(state(&[Paper], &[0x7E]), out_of_paper);
    assert_eq!(
        state(&[Printer], &[0x16]),
        status(|s| s.drawer_contact = true)
    );
    assert_eq!(state(&[Error], &[0x1A]), status(|s| s.cutter_error = true));
    assert_eq!(
        state(&[Printer, Offline], &[0x12, 0x16]),
        status(|s| s.cover_open = true)
    );
    assert_eq!(state(&[], &[0x12]), Some(StatusItem::Unexpected(0x12)));
    assert_eq!(
        state(&[Printer], &[0xFF]),
        Some(StatusItem::Unexpected(0xFF))
    );
    assert_eq!(
        state(&[], &[0x38, 0, 0x0C, 0]),
        status(|s| (s.offline, s.cover_open, s.paper_end) = (true, true, true))
    );
    assert_eq!(
        state(&[], &[0x10, 0xFF]),
        Some(StatusItem::Unexpected(0xFF))
    );
}

#[test]
fn what_a_printer_says_is_read() {
    use StatusPart::{Offline, Paper, Printer};
    let shown = PrinterStatus {
        cover_open: true,
        offline: true,
        drawer_contact: true,
        ..PrinterStatus::default()
    };
    assert_eq!(
        state(&[], &encode_reply(&shown, None)),
        Some(StatusItem::Status(shown))
    );
    let both = [
        encode_reply(&shown, Some(Printer)),
        encode_reply(&shown, Some(Offline)),
    ]
    .concat();
    assert_eq!(
        state(&[Printer, Offline], &both),
        Some(StatusItem::Status(shown))
    );
    assert_eq!(request_status(Paper), [0x10, 4, 4]);
    assert_eq!(
        read(
            &[
                &kick(true)[..],
                &set_status_back(true),
                &set_status_back(false)
            ]
            .concat()
        ),
        "[kick]|[back 15]|[back 0]"
    );
    let mut decoder = StatusDecoder::new();
    (0..100).for_each(|_| decoder.asked(Printer));
    decoder.forget();
    decoder.push(&[0x12]);
    assert_eq!(decoder.next(), Some(StatusItem::Unexpected(0x12)));
}
