//! Frames of the makers' documents and of captures, one line each; damage; round trips.

use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.chars().filter(char::is_ascii_hexdigit).collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// The one frame of these bytes.
#[track_caller]
fn one<W: Wire>(hex: &str) -> W::Frame
where
    W::Frame: std::fmt::Debug,
{
    let mut decoder = UhfDecoder::<W>::new();
    decoder.push(&bytes(hex));
    let mut items: Vec<_> = decoder.collect();
    match (items.len(), items.pop()) {
        (1, Some(UhfItem::Frame(frame))) => frame,
        (count, last) => panic!("{hex}: {count} items, {last:?}"),
    }
}

fn epc(hex: &str) -> EpcBytes {
    EpcBytes::from_hex(hex).unwrap()
}

const ARTICLE: &str = "3074257bf7194e4000001a85";

#[test]
fn chafon_frames() {
    for (frame, command, data) in [
        ("04 00 21 d9 6a", (0, 0x21), ""),
        ("04 ff 01 1b b4", (0xFF, 0x01), ""),
        ("06 00 01 04 00 ac36", (0, 0x01), "0400"),
        (
            "0d ff 01 04 01 01 0000 00 00 80 14 b212",
            (0xFF, 1),
            "0401010000000080 14",
        ),
    ] {
        let (address, command) = command;
        assert_eq!(
            chafon::encode_command(address, command, &bytes(data)),
            bytes(frame)
        );
    }
    let info = one::<chafon::FromReader>("11 00 21 00 0103 0c 03 4e 00 1a 0a 01000000 9ebe");
    assert_eq!((info.command, info.status, info.data.len()), (0x21, 0, 12));
    let list = one::<chafon::FromReader>("13 00 01 03 01 0c 3074257bf7194e4000001a85 c712");
    let tag = UhfTag::of(epc(ARTICLE));
    assert_eq!(list.tags(chafon::Dialect::Reader18), (vec![tag], true));
    let list = one::<chafon::FromReader>("15 00 01 03 01 01 0c 3074257bf7194e4000001a85 5a 57fe");
    let tag = UhfTag {
        antenna: Some(1),
        strength: Some(Strength::Raw(0x5A)),
        ..tag
    };
    assert_eq!(list.tags(chafon::Dialect::Reader288), (vec![tag], true));
    // The wrong dialect is noticed.
    assert!(!list.tags(chafon::Dialect::Reader18).1);
    assert_eq!(
        list.encode(),
        bytes("15 00 01 03 01 01 0c 3074257bf7194e4000001a85 5a 57fe")
    );
}

#[test]
fn m100_frames() {
    for (hex, command, parameters) in [
        ("bb00220000227e", m100::command::POLL, ""),
        ("bb00270003222710837e", m100::command::POLL_MANY, "222710"),
        ("bb00280000287e", m100::command::STOP, ""),
    ] {
        let frame = m100::Frame {
            kind: m100::kind::COMMAND,
            command,
            parameters: bytes(parameters),
        };
        assert_eq!(
            (frame.encode(), one::<m100::Line>(hex)),
            (bytes(hex), frame)
        );
    }
    let none = one::<m100::Line>("bb01ff000115167e");
    assert_eq!(
        (none.command, &none.parameters[..]),
        (m100::command::ERROR, &[m100::ERROR_NO_TAG][..])
    );
    // Captured from a board.
    for (hex, id, dbm) in [
        (
            "bb02220011cf3000e280699500005009f1286992620a6d7e",
            "e280699500005009f1286992",
            -49,
        ),
        (
            "bb02220011ca3400300ed89f3350015a1e3df5060690b27e",
            "300ed89f3350015a1e3df506",
            -54,
        ),
    ] {
        let tag = one::<m100::Line>(hex).tag().unwrap();
        assert_eq!(tag.epc, epc(id));
        assert_eq!(
            (tag.strength, tag.crc_holds),
            (Some(Strength::Dbm(dbm)), Some(true))
        );
    }
}

#[test]
fn thingmagic_frames() {
    use thingmagic::{encode_command, op};
    for (hex, op, data) in [
        ("ff00031d0c", op::VERSION, ""),
        ("ff00041d0b", op::BOOT_FIRMWARE, ""),
        ("ff02930005517d", op::SET_PROTOCOL, "0005"),
        ("ff0197084bb5", op::SET_REGION, "08"),
        ("ff022201f4e776", op::READ_MULTIPLE, "01f4"),
        ("ff032f0000025e86", op::CONTINUOUS, "000002"),
    ] {
        assert_eq!(encode_command(op, &bytes(data)), bytes(hex), "{hex}");
    }
    let start = "ff102f00000122000005072210001b03e801ffdd2b";
    assert_eq!(
        encode_command(op::CONTINUOUS, &thingmagic::START_CONTINUOUS),
        bytes(start)
    );
    let tag = one::<thingmagic::FromReader>(
        "ff28220000 10001b01ff0101 c4 11 0e1640 00000127 0000 05 0000 0f 0080 3000 \
         000000000000000000001545 e94a 561d",
    );
    let tag = tag.tag().unwrap();
    assert_eq!(tag.epc, epc("000000000000000000001545"));
    assert_eq!(
        (tag.strength, tag.crc_holds),
        (Some(Strength::Dbm(-60)), Some(true))
    );
}

#[test]
fn indy_and_nur_frames() {
    let command = indy::Frame {
        address: 1,
        command: 0x89,
        data: vec![1],
    };
    assert_eq!(command.encode(), bytes("a004018901d1"));
    let frame = one::<indy::Line>("a013018950 3000 3074257bf7194e4000001a85 4a 78");
    let Some(indy::Inventory::Tag(tag)) = frame.inventory() else {
        panic!("{frame:?}")
    };
    assert_eq!(
        (tag.epc, tag.strength, tag.antenna),
        (epc(ARTICLE), Some(Strength::Dbm(-55)), Some(1))
    );
    let ping = nur::Frame {
        flags: 0,
        command: nur::command::PING,
        payload: Vec::new(),
    };
    assert_eq!(ping.encode(), bytes("a5030000005901d1f1"));
    assert_eq!(one::<nur::Line>("a5030000005901d1f1"), ping);
}

#[test]
fn what_simulators_send_is_read() {
    let id = epc("3674257bf6b7a659b2c2bf100000000000000000000000000000");
    let m100 = one::<m100::Line>(&hex(&m100::Frame::of_tag(&id, -60).encode()))
        .tag()
        .unwrap();
    let tm = thingmagic::Response::of_tag(&id, 2, -60).encode();
    let tm = one::<thingmagic::FromReader>(&hex(&tm)).tag().unwrap();
    let indy = one::<indy::Line>(&hex(&indy::Frame::of_tag(&id, 2, -60).encode()));
    let Some(indy::Inventory::Tag(indy)) = indy.inventory() else {
        panic!("{indy:?}")
    };
    let nur = one::<nur::Line>(&hex(&nur::Frame::of_tags(&[(id, 2, -60)]).encode()));
    let nur = nur.stream().unwrap();
    assert!(nur.whole && !nur.stopped);
    for tag in [m100, tm, indy, nur.tags[0]] {
        assert_eq!((tag.epc, tag.strength), (id, Some(Strength::Dbm(-60))));
        assert_ne!(tag.crc_holds, Some(false));
    }
    assert_eq!(
        (tm.antenna, indy.antenna, nur.tags[0].antenna),
        (Some(2), Some(2), Some(2))
    );
    let keepalive = thingmagic::Response {
        op: 0x22,
        status: 0,
        data: Vec::new(),
    };
    assert!(keepalive.is_keepalive() && keepalive.tag().is_none());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Frames found after damage: a lost byte costs its frame, never the next.
fn survivors<W: Wire>(frame: &[u8], damage: usize, flip: bool) -> (usize, usize) {
    let mut stream = frame.repeat(4);
    if flip {
        stream[damage] ^= 0x55;
    } else {
        stream.remove(damage);
    }
    let mut decoder = UhfDecoder::<W>::new();
    let (mut frames, mut rubbish) = (0, 0);
    for byte in stream {
        decoder.push(&[byte]);
        for item in &mut decoder {
            match item {
                UhfItem::Frame(_) => frames += 1,
                UhfItem::Fault(fault) => rubbish += fault.bytes.len(),
            }
        }
    }
    decoder.flush_idle();
    for item in &mut decoder {
        match item {
            UhfItem::Frame(_) => frames += 1,
            UhfItem::Fault(fault) => rubbish += fault.bytes.len(),
        }
    }
    assert!(!decoder.has_pending());
    (frames, rubbish)
}

#[test]
fn one_damaged_byte_costs_one_frame() {
    let id = epc(ARTICLE);
    let chafon = bytes("15 00 01 03 01 01 0c 3074257bf7194e4000001a85 5a 57fe");
    let m100 = m100::Frame::of_tag(&id, -60).encode();
    let tm = thingmagic::Response::of_tag(&id, 1, -60).encode();
    let indy = indy::Frame::of_tag(&id, 1, -60).encode();
    let nur = nur::Frame::of_tags(&[(id, 1, -60)]).encode();
    for flip in [false, true] {
        for at in 0..20 {
            let found = [
                survivors::<chafon::FromReader>(&chafon, chafon.len() + at, flip),
                survivors::<m100::Line>(&m100, m100.len() + at, flip),
                survivors::<thingmagic::FromReader>(&tm, tm.len() + at, flip),
                survivors::<indy::Line>(&indy, indy.len() + at, flip),
                survivors::<nur::Line>(&nur, nur.len() + at, flip),
            ];
            for (family, (frames, rubbish)) in found.into_iter().enumerate() {
                assert_eq!(frames, 3, "family {family}, byte {at}, flipped {flip}");
                assert!(rubbish > 0);
            }
        }
    }
}

proptest! {
    #[test]
    fn pieces_change_nothing(noise in proptest::collection::vec(any::<u8>(), 0..300), cut in 1_usize..40) {
        fn all<W: Wire>(bytes: &[u8], cut: usize) -> Vec<String> where W::Frame: std::fmt::Debug {
            let mut decoder = UhfDecoder::<W>::new();
            let mut out = Vec::new();
            for piece in bytes.chunks(cut) {
                decoder.push(piece);
                out.extend((&mut decoder).map(|item| format!("{item:?}")));
            }
            decoder.flush_idle();
            out.extend(decoder.map(|item| format!("{item:?}")));
            out
        }
        let mut bytes = noise;
        bytes.extend(m100::Frame::of_tag(&epc(ARTICLE), -60).encode());
        prop_assert_eq!(all::<m100::Line>(&bytes, cut), all::<m100::Line>(&bytes, usize::MAX));
        prop_assert_eq!(all::<chafon::FromReader>(&bytes, cut), all::<chafon::FromReader>(&bytes, usize::MAX));
        prop_assert_eq!(all::<nur::Line>(&bytes, cut), all::<nur::Line>(&bytes, usize::MAX));
    }
}
