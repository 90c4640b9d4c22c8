//! What the encoders of scales, scanners and printers say, the decoders read, however it is cut; and rubbish
//! in between does no harm.

use proptest::prelude::*;
use shelf_codecs::barcode::Symbology;
use shelf_codecs::escpos::{CodePage, Dialect, PrintJob, ReceiptCollector, TeeDecoder};
use shelf_codecs::scale::{
    Basis, Protocol, Reading, ScaleConfig, ScaleDecoder, ScaleItem, Unit, Weight, encode,
};
use shelf_codecs::scanner::oem::{OemDecoder, OemItem, OemStatus, encode_scan};
use shelf_codecs::scanner::ssi::{SsiDecoder, SsiItem, SsiPacket, encode_code};

fn protocols() -> impl Strategy<Value = Protocol> {
    prop::sample::select(Protocol::NAMES.map(|row| row.1).to_vec())
}

fn weights() -> impl Strategy<Value = Weight> {
    use Unit::{Gram, Kilogram, Ounce, Pound};
    let units = prop::sample::select(vec![Kilogram, Gram, Pound, Ounce]);
    let bases = prop::sample::select(vec![Basis::Gross, Basis::Net, Basis::NotTold]);
    (1_i64..60_000, units, bases).prop_map(|(thousandths, unit, basis)| Weight {
        thousandths,
        unit,
        basis,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_weight_is_heard_as_it_was_said(
        protocol in protocols(), weight in weights(), price in 1_u32..10_000, cut in 1_usize..12,
        noise in "[xyz]{0,20}",
    ) {
        let config = ScaleConfig { unit: weight.unit, ..ScaleConfig::new(protocol) };
        let Some(bytes) = encode(&Reading::Stable(weight), &config, price) else {
            // Which protocol can't say which weight is in the unit tests.
            return Ok(());
        };
        let mut decoder = ScaleDecoder::new(config);
        if matches!(protocol, Protocol::Hid | Protocol::IbmOem) {
            decoder.push(&bytes);
        } else {
            decoder.push(noise.as_bytes());
            decoder.silence();
            bytes.chunks(cut).for_each(|piece| decoder.push(piece));
        }
        let Some(ScaleItem::Reading(Reading::Stable(heard))) = decoder.last() else {
            panic!("{bytes:02X?}")
        };
        prop_assert_eq!((heard.thousandths, heard.unit), (weight.thousandths, weight.unit));
    }

    #[test]
    fn one_flipped_bit_makes_no_other_weight_on_a_7e1_line_read_at_8n1(
        thousandths in 1_i64..60_000, byte in 0_usize..8, bit in 0_u32..8,
    ) {
        let config = ScaleConfig::new(Protocol::Toledo8217);
        let weight = Weight { thousandths, unit: Unit::Kilogram, basis: Basis::Gross };
        let mut bytes = encode(&Reading::Stable(weight), &config, 0).unwrap();
        bytes.iter_mut().for_each(|b| *b |= if b.count_ones() % 2 == 1 { 0x80 } else { 0 });
        bytes[byte] ^= 1 << bit;
        let mut decoder = ScaleDecoder::new(config);
        decoder.push(&bytes);
        decoder.silence();
        let weighed = decoder.any(|item| matches!(item, ScaleItem::Reading(Reading::Stable(_))));
        prop_assert!(!weighed, "{:02X?}", bytes);
    }

    #[test]
    fn an_oem_scan_is_whole(text in "[!-~]{1,300}", gap_ms in 0_u64..2_000) {
        let mut decoder = OemDecoder::new();
        let reports = encode_scan(text.as_bytes(), Symbology::Qr, OemStatus([0, 3, 0]), false);
        for (report, now_ms) in reports.iter().zip((0_u64..).step_by(usize::try_from(gap_ms + 1).unwrap())) {
            decoder.push(report, now_ms);
        }
        let Some(OemItem::Scan(scan)) = decoder.next() else { panic!("no scan") };
        prop_assert_eq!(scan.bytes, text.into_bytes());
        prop_assert!(decoder.next().is_none());
    }

    #[test]
    fn ssi_packets_survive_any_cut(text in "[!-~]{1,600}", cut in 1_usize..40) {
        let packets = encode_code(text.as_bytes(), Symbology::Qr).unwrap();
        let bytes: Vec<u8> = packets.iter().flat_map(SsiPacket::encode).collect();
        let mut decoder = SsiDecoder::new();
        bytes.chunks(cut).for_each(|piece| decoder.push(piece));
        let mut whole = Vec::new();
        for item in decoder {
            let SsiItem::Packet(packet) = item else { panic!("{item:?}") };
            whole.extend_from_slice(packet.code().unwrap().1);
        }
        prop_assert_eq!(whole, text.into_bytes());
    }

    #[test]
    fn receipts_are_read_as_they_were_printed(
        lines in prop::collection::vec("[A-Za-zäöüß][A-Za-z0-9äöüß ,.]{0,20}[a-z]", 1..20),
        image in (1_u16..50, 1_u16..50),
        cut in 1_usize..50,
    ) {
        let mut job = PrintJob::new(CodePage::Cp858).image(image.0, image.1);
        for line in &lines {
            job = job.line(line);
        }
        let mut tee = TeeDecoder::new(Dialect::Epson, CodePage::Cp437);
        job.kick().cut().chunks(cut).for_each(|piece| tee.push(piece));
        let mut collector = ReceiptCollector::new();
        let receipts: Vec<_> = tee.filter_map(|item| collector.take(item)).collect();
        prop_assert_eq!(receipts.len(), 1);
        prop_assert_eq!(&receipts[0].lines, &lines);
        prop_assert!(receipts[0].drawer_kicked && receipts[0].images == 1);
    }
}
