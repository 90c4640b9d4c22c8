//! The checks on single components of a value that the dictionary names ("linters").
//!
//! Written from the descriptions of the rules. Code lists of other bodies (countries, currencies,
//! package types, coupons) are checked for shape only: a list that ages would refuse good labels
//! in shops that are never updated on time. It must never look at anything but its component.

/// A named check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lint {
    /// GS1 mod-10 check digit at the end.
    Csum,
    /// GMN check character pair at the end.
    CsumAlpha,
    /// Starts with a company prefix: four digits.
    Key,
    /// The same after one character.
    KeyOff1,
    /// Date YYMMDD.
    Yymmdd,
    /// Date YYMMDD, day 00 allowed.
    Yymmd0,
    /// Date YYYYMMDD.
    Yyyymmdd,
    /// Hour.
    Hh,
    /// Minute.
    Mi,
    /// Second.
    Ss,
    /// Hour and minute.
    Hhmi,
    /// Three digits, not all zero (country or currency number).
    Number3,
    /// Two capital letters.
    Alpha2,
    /// Percent-encoded text.
    Pcenc,
    /// International bank account number.
    Iban,
    /// 0, 1 or 9.
    Winding,
    /// 0 or 1.
    YesNo,
    /// All zeros.
    Zero,
    /// Not all zeros.
    NonZero,
    /// Two digits piece, two digits total.
    PieceOfTotal,
    /// Position, slash, total.
    PosInSeqSlash,
    /// Letter, digit, `-` or `_`.
    ImporterIndex,
    /// 01-10 or 80-99.
    MediaType,
    /// 0, 1, 2 or 9.
    Iso5218,
    /// No leading zero unless it is the only digit.
    NoZeroPrefix,
    /// At least one character is no digit.
    HasNonDigit,
    /// A hyphen.
    Hyphen,
    /// Latitude, 0 to 180 degrees with 7 decimals.
    Latitude,
    /// Longitude, 0 to 360 degrees with 7 decimals.
    Longitude,
    /// A list of another body that is not checked here.
    Unchecked,
}

/// Names in the dictionary.
pub(crate) const LINT_NAMES: [(&str, Lint); 34] = [
    ("csum", Lint::Csum),
    ("csumalpha", Lint::CsumAlpha),
    ("key", Lint::Key),
    ("keyoff1", Lint::KeyOff1),
    ("yymmdd", Lint::Yymmdd),
    ("yymmd0", Lint::Yymmd0),
    ("yyyymmdd", Lint::Yyyymmdd),
    ("hh", Lint::Hh),
    ("mi", Lint::Mi),
    ("ss", Lint::Ss),
    ("hhmi", Lint::Hhmi),
    ("iso3166", Lint::Number3),
    ("iso3166999", Lint::Number3),
    ("iso4217", Lint::Number3),
    ("iso3166alpha2", Lint::Alpha2),
    ("pcenc", Lint::Pcenc),
    ("iban", Lint::Iban),
    ("winding", Lint::Winding),
    ("yesno", Lint::YesNo),
    ("zero", Lint::Zero),
    ("nonzero", Lint::NonZero),
    ("pieceoftotal", Lint::PieceOfTotal),
    ("posinseqslash", Lint::PosInSeqSlash),
    ("importeridx", Lint::ImporterIndex),
    ("mediatype", Lint::MediaType),
    ("iso5218", Lint::Iso5218),
    ("nozeroprefix", Lint::NoZeroPrefix),
    ("hasnondigit", Lint::HasNonDigit),
    ("hyphen", Lint::Hyphen),
    ("latitude", Lint::Latitude),
    ("longitude", Lint::Longitude),
    ("packagetype", Lint::Unchecked),
    ("couponcode", Lint::Unchecked),
    ("couponposoffer", Lint::Unchecked),
];

/// Whether the component (already of the right class and length) passes.
#[inline]
pub(crate) fn passes(lint: Lint, part: &[u8]) -> bool {
    match lint {
        Lint::Csum => crate::barcode::check_digit_holds(part),
        Lint::CsumAlpha => csum_alpha(part),
        Lint::Key => starts_with_digits(part),
        Lint::KeyOff1 => starts_with_digits(part.get(1..).unwrap_or(&[])),
        Lint::Yymmdd => date(part, false),
        Lint::Yymmd0 => date(part, true),
        Lint::Yyyymmdd => part.len() == 8 && date_long(part),
        Lint::Hh => number(part) < 24,
        Lint::Mi | Lint::Ss => number(part) < 60,
        Lint::Hhmi => number(part) / 100 < 24 && number(part) % 100 < 60,
        Lint::Number3 | Lint::NonZero => number(part) != 0,
        Lint::Alpha2 => part.iter().all(u8::is_ascii_uppercase),
        Lint::Pcenc => percent_encoding(part),
        Lint::Iban => iban(part),
        Lint::Winding => matches!(part, b"0" | b"1" | b"9"),
        Lint::YesNo => matches!(part, b"0" | b"1"),
        Lint::Zero => number(part) == 0,
        Lint::PieceOfTotal => {
            let (piece, total) = (number(part) / 100, number(part) % 100);
            piece != 0 && piece <= total
        }
        Lint::PosInSeqSlash => {
            matches!(part, [position @ b'1'..=b'9', b'/', total @ b'1'..=b'9'] if position <= total)
        }
        Lint::ImporterIndex => part
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
        Lint::MediaType => matches!(number(part), 1..=10 | 80..=99),
        Lint::Iso5218 => matches!(part, b"0" | b"1" | b"2" | b"9"),
        Lint::NoZeroPrefix => part == b"0" || part.first() != Some(&b'0'),
        Lint::HasNonDigit => part.iter().any(|b| !b.is_ascii_digit()),
        Lint::Hyphen => part == b"-",
        Lint::Latitude => number(part) <= 1_800_000_000,
        Lint::Longitude => number(part) <= 3_600_000_000,
        Lint::Unchecked => true,
    }
}

fn starts_with_digits(part: &[u8]) -> bool {
    matches!(part.first_chunk::<4>(), Some(prefix) if prefix.iter().all(u8::is_ascii_digit))
}

/// Value of up to 18 digits; anything else counts as zero digits.
fn number(part: &[u8]) -> u64 {
    part.iter().fold(0, |n: u64, b| {
        n.wrapping_mul(10)
            .wrapping_add(u64::from(b.wrapping_sub(b'0')))
    })
}

const DAYS: [u8; 13] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Two-digit years: a leap day is accepted in every fourth year, which is right from 1901 to 2099.
fn date(part: &[u8], day_may_be_zero: bool) -> bool {
    let &[y1, y2, m1, m2, d1, d2] = part else {
        return false;
    };
    let pair = |tens: u8, ones: u8| {
        (tens.wrapping_sub(b'0'))
            .wrapping_mul(10)
            .wrapping_add(ones.wrapping_sub(b'0'))
    };
    let (year, month, day) = (pair(y1, y2), pair(m1, m2), pair(d1, d2));
    if day == 0 {
        return day_may_be_zero && (1..=12).contains(&month);
    }
    let last = DAYS.get(usize::from(month)).copied().unwrap_or(0);
    day <= last && !(month == 2 && day == 29 && !year.is_multiple_of(4))
}

fn date_long(part: &[u8]) -> bool {
    let year = number(part.get(..4).unwrap_or(&[]));
    let short = part.get(2..).unwrap_or(&[]);
    let century_without_leap_day = year.is_multiple_of(100) && !year.is_multiple_of(400);
    date(short, false) && !(century_without_leap_day && short.ends_with(b"0229"))
}

fn percent_encoding(part: &[u8]) -> bool {
    let mut rest = part;
    while let Some(at) = rest.iter().position(|&b| b == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => {}
            _ => return false,
        }
        rest = rest.get(at + 3..).unwrap_or(&[]);
    }
    true
}

fn iban(part: &[u8]) -> bool {
    if part.len() < 5 {
        return false;
    }
    let (head, tail) = part.split_at(4);
    let mut rest = 0_u32;
    for &b in tail.iter().chain(head) {
        rest = match b {
            b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
            b'A'..=b'Z' => (rest * 100 + u32::from(b - b'A') + 10) % 97,
            _ => return false,
        };
    }
    rest == 1 && head.iter().take(2).all(u8::is_ascii_uppercase)
}

const PRIMES: [u32; 23] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
];
const PAIR_LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CSET82: &[u8; 82] =
    b"!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// GMN: characters valued by their place in CSET 82, weighted by primes from the right, mod 1021.
fn csum_alpha(part: &[u8]) -> bool {
    let Some((data, &[high, low])) = part.split_last_chunk::<2>() else {
        return false;
    };
    let mut sum = 0_u32;
    for (&b, &prime) in data.iter().rev().zip(&PRIMES) {
        let Some(value) = CSET82.iter().position(|&c| c == b) else {
            return false;
        };
        sum += u32::try_from(value).unwrap_or(0) * prime;
    }
    let sum = usize::try_from(sum % 1021).unwrap_or(0);
    data.len() <= PRIMES.len()
        && PAIR_LETTERS.get(sum >> 5) == Some(&high)
        && PAIR_LETTERS.get(sum & 31) == Some(&low)
}
