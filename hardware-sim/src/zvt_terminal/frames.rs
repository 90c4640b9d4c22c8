//! Frames of every kind for an independent dissector.

use shelf_codecs::zvt::{
    Amount, CardTail, Completion, IntermediateStatus, Packet, Password, Registration,
    StatusInformation, TerminalDate, TerminalTime, config_byte,
};

/// How many status informations with different values there are.
const STATUS_FRAMES: u32 = 60;

/// Named frames (TCP form) of every packet that carries values, for a cross-check by another decoder.
/// All values are made up; the list is the same on every call.
#[must_use]
pub fn sample_frames() -> Vec<(String, Vec<u8>)> {
    let mut frames = commands();
    for n in 0..STATUS_FRAMES {
        frames.push((format!("status {n}"), status(n).encode()));
    }
    for minor in [0, 1, 1010, 1234, 99_999, Amount::MINOR_MAX] {
        let packet = Packet::Authorisation {
            amount: Amount::new(minor).unwrap_or_default(),
            currency: 978,
            payment_type: None,
            timeout_s: None,
            status_max: None,
        };
        frames.push((format!("authorisation {minor}"), packet.encode()));
    }
    frames
}

fn commands() -> Vec<(String, Vec<u8>)> {
    let Some(password) = Password::new("123456") else {
        return Vec::new();
    };
    let registration = Registration {
        password,
        config: config_byte::REGISTER_PRINTS,
        currency: 978,
        service: None,
        permitted: Vec::new(),
    };
    let shown = IntermediateStatus {
        code: 0x17,
        timeout_minutes: None,
        lines: Vec::new(),
    };
    let registered = Completion {
        terminal_status: Some(0),
        terminal_id: Some(12_345_678),
        currency: Some(978),
    };
    [
        ("registration", Packet::Registration(registration)),
        (
            "reversal",
            Packet::Reversal {
                password,
                receipt: 42,
                amount: None,
            },
        ),
        ("end of day", Packet::EndOfDay { password }),
        ("intermediate", Packet::IntermediateStatus(shown)),
        ("completion", Packet::Completion(registered)),
        ("completion bare", Packet::Completion(Completion::default())),
        ("abort", Packet::Abort { code: Some(0x6C) }),
        (
            "line",
            Packet::PrintLine {
                attribute: 0,
                text: "Zahlung erfolgt".to_owned(),
            },
        ),
        ("acknowledge", Packet::Acknowledge),
    ]
    .into_iter()
    .map(|(name, packet)| (name.to_owned(), packet.encode()))
    .collect()
}

/// The `n`-th status information; its values follow from `n` alone.
fn status(n: u32) -> Packet {
    let spread = n.wrapping_mul(2_654_435_761);
    let small = u8::try_from(n % 12).unwrap_or(0);
    Packet::StatusInformation(Box::new(StatusInformation {
        result_code: Some(if n % 4 == 3 { 0x6C } else { 0 }),
        amount: Amount::new(u64::from(spread)),
        trace: Some(spread % 999_999 + 1),
        time: Some(TerminalTime {
            hour: small,
            minute: small + 1,
            second: small + 2,
        }),
        date: Some(TerminalDate {
            month: small + 1,
            day: small + 3,
        }),
        card: CardTail::new(u16::try_from(spread % 10_000).unwrap_or(0)),
        terminal_id: Some(spread % 100_000_000),
        currency: Some(978),
        receipt: Some(u16::try_from(spread % 9_999).unwrap_or(0)),
        ..StatusInformation::default()
    }))
}
