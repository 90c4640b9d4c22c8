//! How long the data of each command is: the table by which everything unknown to us is skipped exactly.

/// What follows the two bytes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// So many bytes.
    Fixed(usize),
    /// Everything up to a NUL.
    UntilNul,
    /// A function letter, two bytes of length, then so much data.
    Counted,
    /// Needs a look at the first bytes: so many, then [`after`].
    Look(usize),
}

const ESC: u8 = 0x1B;
const FS: u8 = 0x1C;
const GS: u8 = 0x1D;
const DLE: u8 = 0x10;

/// What follows `lead` and `letter`; `None` for a command that isn't known.
pub(super) fn follow(lead: u8, letter: u8) -> Option<Follow> {
    use Follow::{Counted, Fixed, Look, UntilNul};
    Some(match (lead, letter) {
        (ESC, b'@' | b'2' | b'L' | b'S' | b'i' | b'm' | b'v' | b'<' | 0x0C) => Fixed(0),
        (
            ESC,
            b'!' | b'%' | b'-' | b'3' | b'=' | b'?' | b'E' | b'G' | b'J' | b'K' | b'M' | b'R'
            | b'T' | b'U' | b'V' | b'a' | b'd' | b'e' | b'r' | b't' | b'u' | b'{' | b' ',
        ) => Fixed(1),
        (ESC, b'$' | b'\\' | b'c' | b'B') => Fixed(2),
        (ESC, b'p') => Fixed(3),
        (ESC, b'W') => Fixed(8),
        (ESC, b'D') => UntilNul,
        (ESC, b'*' | b'&') => Look(3),
        (ESC | FS | GS, b'(') => Counted,
        (GS, b'c' | b':') => Fixed(0),
        (
            GS,
            b'!' | b'/' | b'B' | b'H' | b'I' | b'T' | b'a' | b'b' | b'f' | b'h' | b'r' | b'w'
            | b'j',
        ) => Fixed(1),
        (GS, b'$' | b'L' | b'P' | b'W' | b'\\') => Fixed(2),
        (GS, b'^' | b'z') => Fixed(3),
        (GS, b'g') => Fixed(4),
        (GS, b'V' | b'C') => Look(1),
        (GS, b'k' | b'*') => Look(2),
        (GS, b'8') => Look(5),
        (GS, b'v' | b'Q') => Look(6),
        (FS, b'&' | b'.') => Fixed(0),
        (FS, b'!' | b'-' | b'C' | b'W') => Fixed(1),
        (FS, b'S' | b'?' | b'p') => Fixed(2),
        (FS, b'2') => Fixed(74),
        (FS, b'g') => Look(8),
        (FS, b'q') => Look(5),
        (DLE, 0x04 | 0x05) => Fixed(1),
        (DLE, 0x14) => Look(1),
        _ => return None,
    })
}

/// How many bytes come after the ones that were looked at; `None` where they make no sense.
pub(super) fn after(lead: u8, letter: u8, head: &[u8]) -> Option<usize> {
    let word = |low: usize| {
        let pair = head.get(low..low + 2)?;
        Some(usize::from(u16::from_le_bytes([
            *pair.first()?,
            *pair.get(1)?,
        ])))
    };
    let first = *head.first()?;
    match (lead, letter) {
        // Bit image: a column has one byte, or three in the dense modes.
        (ESC, b'*') => Some(word(1)? * if matches!(first, 32 | 33) { 3 } else { 1 }),
        // User-defined characters: height, first and last; each has a width of its own, so only the
        // usual single empty one can be skipped exactly.
        (ESC, b'&') => Some(0),
        (GS, b'V') => Some(usize::from(matches!(first, 65 | 66 | 97 | 98 | 103 | 104))),
        (GS, b'C') => Some(match first {
            b'1' | 1 => 6,
            b'0' | 0 => 2,
            _ => 0,
        }),
        // Barcodes: the new form says its length, the old one ends with a NUL.
        (GS, b'k') => (first >= 65).then(|| usize::from(head.get(1).copied().unwrap_or(0))),
        (GS, b'*') => Some(usize::from(first) * usize::from(*head.get(1)?) * 8),
        (GS, b'8') => {
            let size: [u8; 4] = head.get(1..5)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(size)).ok()
        }
        (GS, b'v' | b'Q') => Some(word(2)? * word(4)?),
        (FS, b'g') if first == b'2' || first == 2 => Some(0),
        (FS, b'g') => word(6),
        // The first image of a set; sets of several are rare and come out as a fault.
        (FS, b'q') => Some(word(1)? * word(3)? * 8),
        (DLE, 0x14) => Some(match first {
            1 | 2 => 2,
            8 => 7,
            _ => 0,
        }),
        _ => None,
    }
}
