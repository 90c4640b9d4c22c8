//! Many small mutated inputs against the decoders of scales, scanners, printers and Italian terminals: none
//! panics, all end, memory stays bounded, and what is read is what an encoder would say.

mod noise;

use noise::run;
use shelf_codecs::barcode::Symbology;
use shelf_codecs::barcode::code128::{Code128, Fnc3};
use shelf_codecs::customer_display::{COLUMNS, DisplayDecoder, DisplayItem};
use shelf_codecs::ecr17;
use shelf_codecs::escpos::{
    CodePage, Dialect, LINE_CHARACTERS_MAX, ReceiptCollector, StatusDecoder, StatusPart,
    TeeDecoder, TeeItem, mask_line,
};
use shelf_codecs::scale::{
    self, Command, CommandDecoder, Protocol, Reading, ScaleConfig, ScaleDecoder, ScaleItem,
};
use shelf_codecs::scanner::feedback::{Feedback, hid_pos_command};
use shelf_codecs::scanner::hid_pos::{SAMPLE_DESCRIPTOR, descriptor};
use shelf_codecs::scanner::magellan::{MagellanDecoder, MagellanItem};
use shelf_codecs::scanner::oem::{OemCommand, OemDecoder, OemItem, OemStatus, encode_scan};
use shelf_codecs::scanner::ssi::{SsiDecoder, SsiItem, encode_code};
use shelf_codecs::scanner::{FAULT_BYTES_KEPT_MAX, SCAN_BYTES_MAX};

#[test]
fn fuzz_scales() {
    let seeds: [&[u8]; 9] = [
        b"\x0201.250\r\x02?\x01\r",
        b"\x82\x30\xb1\x2e\xb2\x35\x30\x8d",
        b"\n00.250LB\r\nS00\r\x03",
        b"\n0000.25LB\r\n0p4\r\x03",
        b"\x0202\x1b3\x1b01250\x1b000399\x1b000499\x03\x06\x15",
        b"\x0209\x1b20\x03",
        b"ST,GS,+  1.250kg\r\nUS,NT,-  0.250kg\r\n",
        b"\x03\x04\x02\x00\xe2\x04",
        b"\x00\x09\x00\x00\x01\x02\x05\x00",
    ];
    let mut decoders = Protocol::NAMES.map(|row| {
        let config = ScaleConfig::new(row.1);
        (config, ScaleDecoder::new(config))
    });
    run("scale", &seeds, |input| {
        for (config, decoder) in &mut decoders {
            decoder.push(input);
            if input.len().is_multiple_of(3) {
                decoder.silence();
            }
            let _framing = decoder.framing();
            for item in decoder {
                match item {
                    ScaleItem::Fault(fault) => assert!(fault.bytes.len() <= scale::FRAME_BYTES_MAX),
                    ScaleItem::Reading(Reading::Stable(weight)) => {
                        assert!(weight.thousandths > 0);
                        // What was read can be said again, in whichever protocol is finest.
                        let said = scale::encode(&Reading::Stable(weight), config, 0);
                        assert!(said.is_none_or(|bytes| bytes.len() <= scale::FRAME_BYTES_MAX));
                    }
                    _ => {}
                }
            }
        }
    });
}

#[test]
fn fuzz_scale_commands() {
    let seeds: [&[u8]; 4] = [
        b"W",
        b"W\rS\r",
        b"\x04\x0201\x1b000399\x1b\x03",
        b"\x04\x05\x04",
    ];
    let mut decoders = Protocol::NAMES.map(|row| CommandDecoder::new(row.1));
    run("scale commands", &seeds, |input| {
        for decoder in &mut decoders {
            decoder.push(input);
            decoder.silence();
            let prices = |item: &_| {
                matches!(
                    item,
                    scale::CommandItem::Command(Command::UnitPrice(1_000_000..))
                )
            };
            assert!(!decoder.any(|item| prices(&item)));
        }
    });
}

#[test]
fn fuzz_oem() {
    let status = OemStatus([0x10, 3, 0]);
    let long = encode_scan(&[b'x'; 150], Symbology::Qr, status, false);
    let ean = encode_scan(b"4006381333931", Symbology::Ean13, status, true);
    let broken = b"\x0d\x10\x03\x00HELLO\x04\x00\x00\x00".to_vec();
    let seeds: [&[u8]; 5] = [&long[0], &long[2], &ean[0], &broken, &[4, 0, 1, 0]];
    let mut decoder = OemDecoder::new();
    let mut now_ms = 0;
    run("OEM", &seeds, |input| {
        now_ms += u64::from(input.first().copied().unwrap_or(0));
        decoder.push(input, now_ms);
        let _command = OemCommand::decode(input);
        for item in &mut decoder {
            match item {
                OemItem::Scan(scan) => assert!(scan.bytes.len() <= SCAN_BYTES_MAX),
                OemItem::Reply { bytes, .. } => assert!(bytes.len() <= input.len()),
                OemItem::Fault(fault) => assert!(fault.bytes.len() <= FAULT_BYTES_KEPT_MAX),
                OemItem::Status(_) => {}
            }
        }
    });
}

#[test]
fn fuzz_ssi() {
    let packets = encode_code(b"5901234123457", Symbology::Ean13).unwrap();
    let seeds: [&[u8]; 2] = [&packets[0].encode(), b"\x04\xd0\x04\x00\xff\x28"];
    let mut decoder = SsiDecoder::new();
    run("SSI", &seeds, |input| {
        decoder.push(input);
        if input.len().is_multiple_of(5) {
            decoder.silence();
            assert!(!decoder.has_pending());
        }
        for item in &mut decoder {
            match item {
                SsiItem::Packet(packet) => {
                    let mut again = SsiDecoder::new();
                    again.push(&packet.encode());
                    assert_eq!(again.next(), Some(SsiItem::Packet(packet)));
                }
                SsiItem::Fault(fault) => assert!(fault.bytes.len() <= FAULT_BYTES_KEPT_MAX),
            }
        }
    });
}

#[test]
fn fuzz_magellan() {
    let seeds: [&[u8]; 3] = [
        b"S08F4006381333931\r",
        b"S1101250\rS14401250\r",
        b"S08B3AB\rS141\r",
    ];
    let mut decoder = MagellanDecoder::new(scale::Unit::Kilogram);
    run("Magellan", &seeds, |input| {
        decoder.push(input);
        if input.len().is_multiple_of(3) {
            decoder.flush_idle();
        }
        for item in &mut decoder {
            if let MagellanItem::Scan(scan) = item {
                assert!((1..=SCAN_BYTES_MAX).contains(&scan.bytes.len()));
            }
        }
    });
}

#[test]
fn fuzz_escpos() {
    let seeds: [&[u8]; 6] = [
        b"\x1b@Brot 2.49\nMilch\n\x1dVB\x00\x1bp\x00\x19\x19",
        b"\x1dv0\x00\x02\x00\x02\x00abcd\x1b*!\x02\x00abcdef",
        b"\x1d(k\x08\x001P0HELLO\x1dkC\x0d4006381333931",
        b"\x1dk\x024006381333931\x00\x1bD\x08\x10\x00\x10\x04\x01",
        b"\x1d8L\x04\x00\x00\x00abcd\x1d(L\x02\x00ab\x1bt\x10\x80",
        b"Karte 4111 1111 1111 1111 4111111111111111\n",
    ];
    let mut tee = TeeDecoder::new(Dialect::Epson, CodePage::Cp437);
    let mut collector = ReceiptCollector::new();
    run("ESC/POS", &seeds, |input| {
        tee.push(input);
        if input.len().is_multiple_of(4) {
            tee.flush_idle();
            drop(collector.idle());
        }
        for item in &mut tee {
            if let TeeItem::Line(line) = &item {
                assert!(line.chars().count() <= LINE_CHARACTERS_MAX);
                assert!(!line.contains("4111111111111111"), "{line}");
            }
            drop(collector.take(item));
        }
        let text = String::from_utf8_lossy(input);
        let masked = mask_line(&text);
        assert_eq!(masked.chars().count(), text.chars().count());
        let run = |c: &[u8]| c.iter().all(u8::is_ascii_digit);
        assert!(!masked.as_bytes().windows(15).any(run), "{masked}");
    });
}

#[test]
fn fuzz_printer_status_and_display() {
    let seeds: [&[u8]; 3] = [
        &[0x12, 0x1A, 0x7E],
        &[0x38, 0, 0x0C, 0],
        b"\x1b@\x0c\x1bQAhello\r",
    ];
    let mut status = StatusDecoder::new();
    let mut display = DisplayDecoder::new();
    run("status and display", &seeds, |input| {
        for part in input.iter().filter_map(|b| StatusPart::from_number(*b)) {
            status.asked(part);
        }
        status.push(input);
        assert!(status.by_ref().count() <= input.len() + 4);
        display.push(input);
        for item in &mut display {
            if let DisplayItem::Shown(_, text) = item {
                assert!(text.chars().count() <= COLUMNS);
            }
        }
    });
}

#[test]
fn fuzz_ecr17() {
    let terminal = ecr17::TerminalId::new(12_345_678).unwrap();
    let register = ecr17::RegisterId::new(1).unwrap();
    let stan = ecr17::Stan::new(815).unwrap();
    let mode = ecr17::LrcMode::Std;
    let refused = ecr17::Response::Refused {
        code: 1,
        words: "NEGATA".to_owned(),
        stan: Some(stan),
    };
    let seeds = [
        ecr17::Request::Status
            .encode(terminal, register, mode)
            .unwrap(),
        ecr17::Request::Reversal { stan }
            .encode(terminal, register, mode)
            .unwrap(),
        refused.encode(terminal, mode),
        ecr17::Response::Totals {
            terminal_minor: Some(5),
        }
        .encode(terminal, mode),
        ecr17::encode_progress("INSERIRE CARTA"),
        ecr17::encode_ack(mode),
    ];
    let mut decoder = ecr17::Decoder::new(mode);
    run("ECR17", &seeds.each_ref().map(Vec::as_slice), |input| {
        decoder.push(input);
        if input.len().is_multiple_of(4) {
            decoder.silence();
        }
        for item in &mut decoder {
            if let ecr17::Item::Message(payload) = item {
                let _read = (payload.request(), payload.response(), payload.terminal());
            }
        }
    });
}

#[test]
fn fuzz_hid_commands() {
    let output =
        b"\x85\x04\x05\x8c\x15\x00\x25\x01\x75\x01\x95\x01\x09\x86\x91\x02\x09\x5f\x91\x02";
    let with_sound = [&SAMPLE_DESCRIPTOR[..SAMPLE_DESCRIPTOR.len() - 2], output].concat();
    run("HID commands", &[SAMPLE_DESCRIPTOR, &with_sound], |input| {
        let parsed = descriptor::parse(input);
        for feedback in [
            Feedback::Good,
            Feedback::NotOnFile,
            Feedback::Enable,
            Feedback::Disable,
        ] {
            if let Some(command) = hid_pos_command(&parsed, feedback) {
                assert!((2..=4097).contains(&command.report.len()));
            }
        }
    });
}

#[test]
fn fuzz_code128() {
    run(
        "Code 128",
        &[b"PAP131.", b"12345678901234", b"A1234B56"],
        |input| {
            let text = String::from_utf8_lossy(input);
            if let Some(symbol) = Code128::new(&text, Fnc3::InFront) {
                let modules: u32 = symbol.widths().iter().map(|w| u32::from(*w)).sum();
                assert_eq!(modules % 11, 2, "{text}");
            }
        },
    );
}
