//! Many small mutated inputs against every RFID decoder: none panics, all end, memory stays bounded.
//!
//! The same bodies run under a coverage-guided fuzzer in `fuzz/`.

mod noise;

use noise::run;
use shelf_codecs::epc::{EPC_BYTES_MAX, EpcBytes, Identity, Tag, split_protocol_control};
use shelf_codecs::llrp::{
    FRAME_BYTES_MAX, FRAME_FAULT_BYTES_MAX, Frame, FrameDecoder, FrameItem, Message, ReportItem,
    TagReports,
};
use shelf_codecs::uhf::{
    FAULT_BYTES_MAX, UhfDecoder, UhfItem, Wire, chafon, indy, m100, nur, thingmagic,
};

fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap_or(0))
        .collect()
}

#[test]
fn fuzz_epc() {
    let seeds = [
        "3074257BF7194E4000001A85",
        "3674257BF6B7A659B2C2BF100000000000000000000000000000",
        "3174257BF4499602D2000000",
        "3274257BF46072000000162E",
        "3376451FD40C0E400000162E",
        "3474257BF40000000000162E",
        "F73795211411234538566CB0AFC4",
        "F900952012345678912350",
        "FB342CDE795211411234538566CB0AFC40",
        "FA306141414E8566CB0AFC40",
        "30003034F487B4209C400000002A",
    ]
    .map(hex);
    run("EPC", &seeds.each_ref().map(Vec::as_slice), |input| {
        match Tag::decode(input) {
            Ok(tag) => {
                let again = tag.encode().unwrap();
                assert_eq!(Tag::decode(again.as_slice()), Ok(tag));
                let element = tag.identity.to_element_string();
                assert!(element.len() <= 60, "{element}");
            }
            Err(fault) => assert!(
                fault.raw.as_slice() == input
                    || input.len() > EPC_BYTES_MAX && fault.raw == EpcBytes::EMPTY
            ),
        }
        if let Some((pc, epc)) = split_protocol_control(input) {
            assert_eq!(pc.epc_bytes(), epc.as_slice().len());
        }
    });
}

#[test]
fn fuzz_epc_uri() {
    let seeds: [&[u8]; 6] = [
        b"urn:epc:id:sgtin:0614141.812345.32a%2Fb",
        b"urn:epc:tag:sgtin-96:3.0614141.812345.6789",
        b"urn:epc:id:sgln:061414112345..5678",
        b"urn:epc:tag:giai-202:3.0614141.5678ab",
        b"urn:epc:id:sscc:0614141.1234567890",
        b"https://id.gs1.org/414/0614141123452/254/5678",
    ];
    run("EPC URI", &seeds, |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(identity) = Identity::from_pure_uri(&text) {
            assert_eq!(
                Identity::from_pure_uri(&identity.to_pure_uri().unwrap()),
                Ok(identity)
            );
        }
        if let Ok(tag) = Tag::from_tag_uri(&text) {
            assert!(tag.encode().is_ok());
        }
        let _read = (
            Identity::from_digital_link(&text),
            Identity::from_element_string(&text),
        );
    });
}

const LLRP: [&str; 9] = [
    "043f00000020000000000 0f600160080000c00060a24181e4000010000060000",
    "043d0000004000000064 00f00036 8d3074257bf7194e4000001a85 8900000001 810001 86c9 \
     8200060a24181e4000 8400060a2418221090 880003 8c3000 8bbeef",
    "043d00000031000000 64 00f00027 00f1002000d0 3636363636363636363636363636363636363636363636363636 810002",
    "040300000039000000020000f4002000f500070002 8000f500070003 8000f500070004 8000f500070008 80\
     00dc00090100002710 00e2000580",
    "0414000000680000000400b1005e00000001000000b2001200b300050000b60009000000000000b7003000020001000200\
     b8000900000000 0000ba001d00010100de00160000014a0010000150000b4000200000000000ed001201000100ee000b97\
     80015c0005c0",
    "04640000001d0000000a011f0013006d000b756e737570706f72746564",
    "07ff000000130000000d0000651a1500000000",
    "043f000000210000000e00f600170080000c00060a24181e400000ff0007000001",
    "040b000000120000000b011f000800000000",
];

#[test]
fn fuzz_llrp() {
    let seeds = LLRP.map(hex);
    let mut decoder = FrameDecoder::new();
    run("LLRP", &seeds.each_ref().map(Vec::as_slice), |input| {
        // A fresh stream most of the time: a length that was mutated would swallow what follows.
        if input.len() % 8 != 0 {
            decoder = FrameDecoder::new();
        }
        decoder.push(input);
        while let Some(item) = decoder.next_item() {
            match item {
                FrameItem::Frame(frame) => check_frame(&frame),
                FrameItem::Fault(fault) => {
                    assert!(fault.bytes.len() <= FRAME_FAULT_BYTES_MAX && fault.bytes_total > 0);
                }
            }
        }
        if let Some(body) = input.get(10..) {
            let version = 1;
            let kind = shelf_codecs::llrp::MessageType(u16::from(input[1]));
            check_frame(&Frame {
                version,
                kind,
                id: 1,
                body,
            });
        }
    });
}

fn check_frame(frame: &Frame<'_>) {
    assert!(frame.body.len() < FRAME_BYTES_MAX);
    let mut read = 0;
    for item in TagReports::new(frame.body) {
        match item {
            ReportItem::Tag(tag) => {
                assert!(tag.epc.len() >= usize::from(tag.epc_bits) / 8);
                read += 1;
            }
            ReportItem::Other(bytes) | ReportItem::Fault(bytes) => read += bytes.len().min(1),
        }
    }
    assert!(read <= frame.body.len());
    if let Ok(message) = Message::read(frame) {
        let wire = message.encode(frame.id);
        let again = Frame::split(&wire).map(|(again, _)| Message::read(&again));
        assert_eq!(again, Some(Ok(message)));
    }
}

fn fuzz_uhf<W: Wire>(name: &str, seeds: &[&str], mut check: impl FnMut(&W::Frame)) {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|it| hex(it)).collect();
    let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    let mut decoder = UhfDecoder::<W>::new();
    let mut held = 0;
    run(name, &seeds, |input| {
        decoder.push(input);
        held += input.len();
        if input.len().is_multiple_of(3) {
            decoder.flush_idle();
        }
        for item in &mut decoder {
            match item {
                UhfItem::Frame(frame) => check(&frame),
                UhfItem::Fault(fault) => {
                    assert!((1..=FAULT_BYTES_MAX).contains(&fault.bytes.len()));
                }
            }
        }
        if !decoder.has_pending() {
            held = 0;
        }
        assert!(held < 200_000, "frames never come to an end");
    });
}

#[test]
fn fuzz_uhf_chafon() {
    let seeds = [
        "110021000103 0c034e001a0a01000000 9ebe",
        "130001 03010c3074257bf7194e4000001a85c712",
        "15000103 01010c3074257bf7194e4000001a855a57fe",
    ];
    fuzz_uhf::<chafon::FromReader>("Chafon", &seeds, |frame| {
        for dialect in [chafon::Dialect::Reader18, chafon::Dialect::Reader288] {
            assert!(frame.tags(dialect).0.len() <= 255);
        }
    });
}

#[test]
fn fuzz_uhf_marked() {
    let seeds = [
        "bb00220000227e",
        "bb01ff000115167e",
        "bb02220011cf3000e280699500005009f1286992620a6d7e",
    ];
    fuzz_uhf::<m100::Line>("M100", &seeds, |frame| {
        let _tag = frame.tag();
        assert!(frame.parameters.len() <= 512);
    });
    let seeds = ["a004018901d1", "a01301895030003074257bf7194e4000001a854a78"];
    fuzz_uhf::<indy::Line>("Indy", &seeds, |frame| {
        let _said = frame.inventory();
    });
}

#[test]
fn fuzz_uhf_thingmagic_and_nur() {
    let seeds = [
        "ff2822000010001b01ff0101c4110e1640000001270000050000 0f008030000000000000000000000015 45e94a561d",
        "ff0022000080 00",
    ];
    fuzz_uhf::<thingmagic::FromReader>("ThingMagic", &seeds, |frame| {
        let _said = (frame.tag(), frame.is_keepalive());
    });
    let epc = EpcBytes::new(&[0x30; 12]).unwrap_or(EpcBytes::EMPTY);
    let stream: String = nur::Frame::of_tags(&[(epc, 1, -60), (epc, 2, -61)])
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fuzz_uhf::<nur::Line>("NUR", &["a5030000005901d1f1", &stream], |frame| {
        let _said = frame.stream();
    });
}
