//! `read(write(x)) == x` through any fragmentation, and arbitrary bytes into every parser.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::super::*;

fn words() -> impl Strategy<Value = String> {
    // No digits: those are masked on purpose. No X: a run of it beside digits is, too.
    "[A-WYZa-wyzÄÖÜäöüß .,]{1,40}"
}

fn amount() -> impl Strategy<Value = Amount> {
    (0..=Amount::MINOR_MAX).prop_map(|minor| Amount::new(minor).unwrap())
}

fn password() -> impl Strategy<Value = Password> {
    "[0-9]{6}".prop_map(|digits| Password::new(&digits).unwrap())
}

fn time() -> impl Strategy<Value = TerminalTime> {
    (0..24_u8, 0..60_u8, 0..60_u8).prop_map(|(hour, minute, second)| TerminalTime {
        hour,
        minute,
        second,
    })
}

fn date() -> impl Strategy<Value = TerminalDate> {
    (1..=12_u8, 1..=31_u8).prop_map(|(month, day)| TerminalDate { month, day })
}

fn status() -> impl Strategy<Value = StatusInformation> {
    let money = (
        of(any::<u8>()),
        of(amount()),
        of(0..1_000_000_u32),
        of(0..100_000_000_u32),
    );
    let when = (
        of(0..1_000_000_u32),
        of(time()),
        of(date()),
        of(0..10_000_u16),
    );
    let card = (
        of(any::<u8>()),
        of(0..10_000_u16),
        of(0..100_000_000_u32),
        of(0..10_000_u16),
    );
    let rest = (
        of(0..10_000_u16),
        of(0..1_000_000_u32),
        of(any::<u8>()),
        of(words()),
        of(words()),
    );
    (money, when, card, rest).prop_map(|(money, when, card, rest)| StatusInformation {
        result_code: money.0,
        amount: money.1,
        trace: money.2,
        long_trace: money.3,
        original_trace: when.0,
        time: when.1,
        date: when.2,
        card_sequence: when.3,
        payment_type: card.0,
        card: card.1.and_then(CardTail::new),
        terminal_id: card.2,
        currency: card.3,
        receipt: rest.0,
        turnover: rest.1,
        card_type: rest.2,
        card_name: rest.3,
        text: rest.4,
        totals: None,
        unread_bytes: 0,
    })
}

#[expect(clippy::too_many_lines, reason = "one strategy per packet")]
fn packet() -> impl Strategy<Value = Packet> {
    let currency = || 0..10_000_u16;
    let permitted = vec((any::<u8>(), any::<u8>()), 0..5);
    prop_oneof![
        (
            password(),
            any::<u8>(),
            currency(),
            of(any::<u8>()),
            permitted
        )
            .prop_map(|(password, config, currency, service, permitted)| {
                Packet::Registration(Registration {
                    password,
                    config,
                    currency,
                    service,
                    permitted,
                })
            }),
        (
            amount(),
            currency(),
            of(any::<u8>()),
            of(0..100_u8),
            of(any::<u8>())
        )
            .prop_map(|(amount, currency, payment_type, timeout_s, status_max)| {
                Packet::Authorisation {
                    amount,
                    currency,
                    payment_type,
                    timeout_s,
                    status_max,
                }
            }),
        (password(), 0..10_000_u16, of(amount())).prop_map(|(password, receipt, amount)| {
            Packet::Reversal {
                password,
                receipt,
                amount,
            }
        }),
        (password(), amount(), currency()).prop_map(|(password, amount, currency)| {
            Packet::Refund {
                password,
                amount,
                currency,
            }
        }),
        password().prop_map(|password| Packet::EndOfDay { password }),
        (password(), of(any::<u8>()))
            .prop_map(|(password, service)| Packet::RepeatReceipt { password, service }),
        (password(), of(any::<u8>()))
            .prop_map(|(password, service)| Packet::StatusEnquiry { password, service }),
        status().prop_map(|s| Packet::StatusInformation(Box::new(s))),
        (any::<u8>(), of(0..100_u8), vec(words(), 0..4)).prop_map(
            |(code, timeout_minutes, lines)| Packet::IntermediateStatus(IntermediateStatus {
                code,
                timeout_minutes,
                lines
            })
        ),
        (any::<u8>(), words()).prop_map(|(attribute, text)| Packet::PrintLine { attribute, text }),
        (of(any::<u8>()), vec(words(), 0..40)).prop_map(|(receipt_type, lines)| {
            Packet::PrintTextBlock(TextBlock {
                receipt_type,
                lines,
            })
        }),
        (of(any::<u8>()), of(0..100_000_000_u32), of(currency())).prop_map(
            |(terminal_status, terminal_id, currency)| Packet::Completion(Completion {
                terminal_status,
                terminal_id,
                currency
            })
        ),
        of(any::<u8>()).prop_map(|code| Packet::Abort { code }),
        any::<u8>().prop_map(|code| Packet::Refusal { code }),
        Just(Packet::Acknowledge),
        Just(Packet::AbortRequest),
        Just(Packet::LogOff),
    ]
}

/// Cuts `stream` at the given points (taken modulo its length).
fn fragments<'a>(stream: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|c| c % (stream.len() + 1)).collect();
    at.extend([0, stream.len()]);
    at.sort_unstable();
    at.windows(2).map(|w| &stream[w[0]..w[1]]).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_through_any_fragments(
        packets in vec(packet(), 1..6),
        cuts in vec(any::<usize>(), 0..30),
    ) {
        let tcp: Vec<u8> = packets.iter().flat_map(Packet::encode).collect();
        let serial: Vec<u8> = packets.iter().flat_map(|p| encode_serial(&p.to_apdu())).collect();
        let (mut from_tcp, mut from_serial) = (Vec::new(), Vec::new());
        let mut decoder = TcpDecoder::new();
        for part in fragments(&tcp, &cuts) {
            decoder.push(part);
            while let Some(item) = decoder.next_item() {
                let Item::Apdu(apdu) = item else { panic!("{item:?}") };
                from_tcp.push(Packet::read(&apdu).unwrap());
            }
        }
        let mut decoder = SerialDecoder::new();
        for part in fragments(&serial, &cuts) {
            decoder.push(part);
            while let Some(item) = decoder.next_item() {
                let SerialItem::Apdu(apdu) = item else { panic!("{item:?}") };
                from_serial.push(Packet::read(&apdu).unwrap());
            }
        }
        prop_assert_eq!(&from_tcp, &packets);
        prop_assert_eq!(&from_serial, &packets);
    }
}

/// A small generator with a printed seed; proptest would spend the time on shrinking data.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }
    /// Mostly protocol-like bytes: control pairs, lengths, field numbers, DLE sequences.
    fn input(&mut self) -> Vec<u8> {
        const LIKELY: [u8; 24] = [
            0x04, 0x0F, 0x06, 0x00, 0x10, 0x02, 0x03, 0xFF, 0x27, 0x22, 0xF0, 0xF8, 0x80, 0x84,
            0x3C, 0x24, 0x25, 0x07, 0x1F, 0x2B, 0x81, 0x82, 0xD3, 0x0E,
        ];
        let length = self.roll(40);
        (0..length)
            .map(|_| match self.roll(3) {
                0 => self.byte(),
                _ => LIKELY[usize::try_from(self.roll(24)).unwrap()],
            })
            .collect()
    }
}

const EXECUTIONS: usize = 200_000;

#[test]
fn any_bytes_into_the_tcp_decoder_and_every_parser() {
    let mut dice = Dice(0x5EED_0001);
    let mut units = 0_usize;
    let mut decoder = TcpDecoder::new();
    for round in 0..EXECUTIONS {
        let input = dice.input();
        decoder.push(&input);
        let mut items = 0;
        while let Some(item) = decoder.next_item() {
            items += 1;
            if let Item::Apdu(apdu) = item {
                units += 1;
                drop((Packet::read(&apdu), MaskedFrame::of(&apdu)));
            }
        }
        assert!(
            items <= input.len() + BUFFER_BYTES_MAX,
            "round {round}: {items} items"
        );
        if dice.roll(4) == 0 {
            drop(decoder.finish());
        }
    }
    assert!(
        units > 1000,
        "the inputs never reached the parsers: {units}"
    );
}

#[test]
fn any_data_under_every_control_pair() {
    const PAIRS: [(u8, u8); 12] = [
        (4, 0x0F),
        (4, 0xFF),
        (6, 0),
        (6, 1),
        (6, 0x30),
        (6, 0x31),
        (6, 0x20),
        (6, 0xD1),
        (6, 0xD3),
        (6, 0x0F),
        (6, 0x1E),
        (5, 1),
    ];
    let mut dice = Dice(0x5EED_0002);
    for round in 0..EXECUTIONS {
        let (class, instruction) = PAIRS[round % PAIRS.len()];
        let apdu = Apdu::new(class, instruction, dice.input()).unwrap();
        if let Ok(packet) = Packet::read(&apdu) {
            // Whatever was understood can be said again and is then understood the same way.
            let again = Packet::read(&packet.to_apdu());
            let mut expected = packet;
            if let Packet::StatusInformation(status) = &mut expected {
                status.unread_bytes = 0;
            }
            let readable = matches!(expected, Packet::StatusInformation(_));
            if readable {
                assert_eq!(again, Ok(expected), "round {round}");
            }
        }
    }
}

#[test]
fn any_bytes_into_the_serial_decoder() {
    let mut dice = Dice(0x5EED_0003);
    let mut decoder = SerialDecoder::new();
    for _ in 0..EXECUTIONS {
        let input = dice.input();
        decoder.push(&input);
        if dice.roll(3) == 0 {
            decoder.silence();
        }
        while decoder.next_item().is_some() {}
    }
    decoder.silence();
    while decoder.next_item().is_some() {}
    decoder.push(&encode_serial(&Packet::Acknowledge.to_apdu()));
    assert!(
        matches!(decoder.next_item(), Some(SerialItem::Apdu(_))),
        "did not resynchronise"
    );
}
