//! Serial numbers of variable length in the `+` schemes (Tag Data Standard 2.x, section 14.5.6):
//! three bits say how the characters are written, five how many there are.

use super::EpcFaultReason;
use super::bits::{BitReader, BitWriter};
use super::text::Serial;

const LENGTH_MAX: usize = 31;
/// Digits that fit into one number here; a number of more is written in another way.
const INTEGER_DIGITS_MAX: usize = 31;

/// The ways of writing characters, by their number in the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Integer,
    HexUpper,
    HexLower,
    Base64,
    Ascii,
    Urn40,
}

const WAYS: [Way; 6] = [
    Way::Integer,
    Way::HexUpper,
    Way::HexLower,
    Way::Base64,
    Way::Ascii,
    Way::Urn40,
];

const HEX_UPPER: &[u8] = b"0123456789ABCDEF";
const HEX_LOWER: &[u8] = b"0123456789abcdef";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The first is the filling at the end.
const URN40: &[u8] = b"\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789";

impl Way {
    fn bits(self, chars: usize) -> usize {
        match self {
            Way::Integer => integer_bits(chars),
            Way::HexUpper | Way::HexLower => 4 * chars,
            Way::Base64 => 6 * chars,
            Way::Ascii => 7 * chars,
            Way::Urn40 => 16 * chars.div_ceil(3),
        }
    }

    fn alphabet(self) -> &'static [u8] {
        match self {
            Way::HexUpper => HEX_UPPER,
            Way::HexLower => HEX_LOWER,
            Way::Base64 => BASE64,
            _ => &[],
        }
    }

    fn takes(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            // A zero before a number is written with the others, so that every reader keeps it.
            Way::Integer => {
                bytes.iter().all(u8::is_ascii_digit)
                    && (bytes.first() != Some(&b'0') || bytes.len() == 1)
                    && bytes.len() <= INTEGER_DIGITS_MAX
            }
            Way::Ascii => true,
            Way::Urn40 => bytes.iter().all(|b| URN40.contains(b)),
            _ => bytes.iter().all(|b| self.alphabet().contains(b)),
        }
    }
}

/// Bits of a number of so many decimal digits: the least that hold the largest.
fn integer_bits(digits: usize) -> usize {
    let Ok(digits) = u32::try_from(digits) else {
        return 0;
    };
    let largest = 10_u128.saturating_pow(digits) - 1;
    usize::try_from(128 - largest.leading_zeros()).unwrap_or(128)
}

/// Reads a serial.
pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Serial, EpcFaultReason> {
    let short = EpcFaultReason::Short;
    let way = bits.take(3).ok_or(short)?;
    let chars = usize::try_from(bits.take(5).ok_or(short)?).unwrap_or(0);
    let way = usize::try_from(way).ok().and_then(|way| WAYS.get(way));
    let &way = way.ok_or(EpcFaultReason::Serial)?;
    let mut serial = Serial::EMPTY;
    match way {
        Way::Integer => read_integer(bits, chars, &mut serial)?,
        Way::Urn40 => read_urn40(bits, chars, &mut serial)?,
        _ => {
            let each = way.bits(1);
            for _ in 0..chars {
                let value = bits.take(each).ok_or(short)?;
                let byte = match way {
                    Way::Ascii => u8::try_from(value).ok(),
                    _ => letter(way.alphabet(), value),
                };
                push(&mut serial, byte)?;
            }
        }
    }
    Ok(serial)
}

fn letter(alphabet: &[u8], value: u64) -> Option<u8> {
    alphabet.get(usize::try_from(value).ok()?).copied()
}

fn push(serial: &mut Serial, byte: Option<u8>) -> Result<(), EpcFaultReason> {
    byte.and_then(|byte| serial.push(byte))
        .ok_or(EpcFaultReason::Serial)
}

fn read_integer(
    bits: &mut BitReader<'_>,
    chars: usize,
    serial: &mut Serial,
) -> Result<(), EpcFaultReason> {
    let value = bits
        .take_wide(integer_bits(chars))
        .ok_or(EpcFaultReason::Short)?;
    let digits = u32::try_from(chars).map_err(|_| EpcFaultReason::Serial)?;
    let mut unit = 10_u128.saturating_pow(digits);
    if value >= unit {
        return Err(EpcFaultReason::TooManyDigits);
    }
    let mut rest = value;
    for _ in 0..chars {
        unit /= 10;
        let digit = u8::try_from(rest / unit).unwrap_or(0);
        rest %= unit;
        push(serial, Some(b'0' + digit))?;
    }
    Ok(())
}

fn read_urn40(
    bits: &mut BitReader<'_>,
    chars: usize,
    serial: &mut Serial,
) -> Result<(), EpcFaultReason> {
    let mut left = chars;
    while left > 0 {
        let three = bits.take(16).ok_or(EpcFaultReason::Short)?;
        let value = three.checked_sub(1).ok_or(EpcFaultReason::Serial)?;
        for index in [value / 1600, value / 40 % 40, value % 40] {
            if left > 0 {
                // The filling is no character of a serial, so it is refused where it must not be.
                push(serial, letter(URN40, index))?;
                left -= 1;
            } else if index != 0 {
                return Err(EpcFaultReason::Serial);
            }
        }
    }
    Ok(())
}

/// Writes a serial in the way that takes the fewest bits. `None` if it is too long.
pub(super) fn write(bits: &mut BitWriter, text: &str) -> Option<()> {
    let chars = text.len();
    if chars > LENGTH_MAX {
        return None;
    }
    let (number, &way) = WAYS
        .iter()
        .enumerate()
        .filter(|(_, way)| way.takes(text))
        .min_by_key(|(_, way)| way.bits(chars))?;
    bits.put(u64::try_from(number).ok()?, 3);
    bits.put(u64::try_from(chars).ok()?, 5);
    match way {
        Way::Integer if chars > 0 => bits.put_wide(text.parse().ok()?, integer_bits(chars)),
        Way::Integer => {}
        Way::Ascii => text.bytes().for_each(|b| bits.put(u64::from(b), 7)),
        Way::Urn40 => {
            for three in text.as_bytes().chunks(3) {
                let value = [1600, 40, 1]
                    .iter()
                    .zip(three)
                    .map(|(unit, b)| unit * place(URN40, *b))
                    .sum::<u64>();
                bits.put(value + 1, 16);
            }
        }
        _ => text
            .bytes()
            .for_each(|b| bits.put(place(way.alphabet(), b), way.bits(1))),
    }
    Some(())
}

fn place(alphabet: &[u8], byte: u8) -> u64 {
    let at = alphabet.iter().position(|&b| b == byte).unwrap_or(0);
    u64::try_from(at).unwrap_or(0)
}

/// Ends the digits of a GIAI+ before other characters, and where there are none.
const DELIMITER: u64 = 0xE;
const TERMINATOR: u64 = 0xF;

/// Reads digits of four bits up to a terminator, or a delimiter with a serial behind it (14.5.5).
pub(super) fn read_delimited(bits: &mut BitReader<'_>) -> Result<Serial, EpcFaultReason> {
    let mut serial = Serial::EMPTY;
    loop {
        match bits.take(4).ok_or(EpcFaultReason::Short)? {
            digit @ 0..=9 => push(&mut serial, u8::try_from(digit).ok().map(|d| b'0' + d))?,
            TERMINATOR => return Ok(serial),
            DELIMITER => {
                let rest = read(bits)?;
                for byte in rest.as_str().bytes() {
                    push(&mut serial, Some(byte))?;
                }
                return Ok(serial);
            }
            _ => return Err(EpcFaultReason::Digit),
        }
    }
}

/// Writes what [`read_delimited`] reads.
pub(super) fn write_delimited(bits: &mut BitWriter, text: &str) -> Option<()> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    for digit in text.bytes().take(text.len() - rest.len()) {
        bits.put(u64::from(digit - b'0'), 4);
    }
    if rest.is_empty() {
        bits.put(TERMINATOR, 4);
        return Some(());
    }
    bits.put(DELIMITER, 4);
    write(bits, rest)
}
