//! Which kind of symbol a text was read from, and the prefixes by which scanners say so.
//!
//! The same eight digits are one item as EAN-8 and another as UPC-E, so the symbology decides the
//! meaning. A scanner tells it by an AIM identifier (`]E0`) or by a letter of its maker's, if it
//! is configured to; the scheme is configuration of the device, because the letters of one maker
//! are data for another. It must never take characters off a text that has no such prefix.

use std::fmt;

/// A family of barcode symbols, as far as meaning depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symbology {
    /// EAN-13, and UPC-A or UPC-E where the scanner doesn't tell them apart.
    Ean13,
    /// EAN-8.
    Ean8,
    /// UPC-A.
    UpcA,
    /// UPC-E, in 6, 7 or 8 digits or expanded.
    UpcE,
    /// Code 128 with free text.
    Code128,
    /// GS1-128: an element string.
    Gs1128,
    /// GS1 DataBar or a composite: an element string.
    DataBar,
    /// Code 39.
    Code39,
    /// Code 93.
    Code93,
    /// Interleaved 2 of 5, ITF-14.
    Itf,
    /// Codabar.
    Codabar,
    /// MSI, Code 11 and other old linear codes.
    OtherLinear,
    /// PDF417.
    Pdf417,
    /// Data Matrix with free text.
    DataMatrix,
    /// GS1 DataMatrix: an element string.
    Gs1DataMatrix,
    /// QR Code with free text.
    Qr,
    /// GS1 QR Code: an element string.
    Gs1Qr,
    /// Aztec.
    Aztec,
    /// `MaxiCode`.
    MaxiCode,
    /// `DotCode` with free text.
    DotCode,
    /// GS1 `DotCode`: an element string.
    Gs1DotCode,
    /// Not told, or not known.
    Unknown,
}

impl Symbology {
    /// A stable name for records and interfaces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Symbology::Ean13 => "ean13",
            Symbology::Ean8 => "ean8",
            Symbology::UpcA => "upc-a",
            Symbology::UpcE => "upc-e",
            Symbology::Code128 => "code128",
            Symbology::Gs1128 => "gs1-128",
            Symbology::DataBar => "databar",
            Symbology::Code39 => "code39",
            Symbology::Code93 => "code93",
            Symbology::Itf => "itf",
            Symbology::Codabar => "codabar",
            Symbology::OtherLinear => "other-linear",
            Symbology::Pdf417 => "pdf417",
            Symbology::DataMatrix => "datamatrix",
            Symbology::Gs1DataMatrix => "gs1-datamatrix",
            Symbology::Qr => "qr",
            Symbology::Gs1Qr => "gs1-qr",
            Symbology::Aztec => "aztec",
            Symbology::MaxiCode => "maxicode",
            Symbology::DotCode => "dotcode",
            Symbology::Gs1DotCode => "gs1-dotcode",
            Symbology::Unknown => "unknown",
        }
    }

    /// Whether the text is a GS1 element string.
    #[must_use]
    pub fn carries_elements(self) -> bool {
        use Symbology::{DataBar, Gs1DataMatrix, Gs1DotCode, Gs1Qr, Gs1128};
        matches!(self, Gs1128 | DataBar | Gs1DataMatrix | Gs1Qr | Gs1DotCode)
    }

    /// Whether the symbol can only hold a trade item number (or a store-internal one).
    #[must_use]
    pub fn is_retail(self) -> bool {
        matches!(
            self,
            Symbology::Ean13 | Symbology::Ean8 | Symbology::UpcA | Symbology::UpcE
        )
    }
}

/// An AIM symbology identifier (ISO/IEC 15424): `]`, a code letter and a modifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aim {
    /// Code letter, such as `E` for EAN/UPC.
    pub code: u8,
    /// Modifier, such as `0`.
    pub modifier: u8,
}

impl Aim {
    /// Reads the three characters at the start of a text, if they have the form of an AIM
    /// identifier; gives the rest too.
    #[must_use]
    pub fn split(text: &[u8]) -> Option<(Aim, &[u8])> {
        match text {
            [b']', code, modifier, rest @ ..]
                if code.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() =>
            {
                Some((
                    Aim {
                        code: *code,
                        modifier: *modifier,
                    },
                    rest,
                ))
            }
            _ => None,
        }
    }

    /// The symbology. `digits` is the length of the text after the identifier: `]E0` with eight
    /// characters is UPC-E. The `]X` letters are the ones that Zebra uses.
    #[must_use]
    pub fn symbology(self, digits: usize) -> Symbology {
        use Symbology as S;
        match (self.code, self.modifier) {
            (b'E', b'4') => S::Ean8,
            (b'E', _) if (6..=8).contains(&digits) => S::UpcE,
            (b'E', _) | (b'X', b'9') => S::Ean13,
            (b'C', b'1') => S::Gs1128,
            (b'C', _) => S::Code128,
            (b'e', _) | (b'X', b'r' | b's' | b't') => S::DataBar,
            (b'd', b'2' | b'3') => S::Gs1DataMatrix,
            (b'd', _) => S::DataMatrix,
            (b'Q', b'3' | b'4') => S::Gs1Qr,
            (b'Q', _) => S::Qr,
            (b'J', b'1') => S::Gs1DotCode,
            (b'J', _) => S::DotCode,
            (b'A', _) => S::Code39,
            (b'F', _) => S::Codabar,
            (b'G', _) => S::Code93,
            (b'I', _) => S::Itf,
            (b'L', _) => S::Pdf417,
            (b'z', _) => S::Aztec,
            (b'U', _) => S::MaxiCode,
            (b'H' | b'M', _) => S::OtherLinear,
            (b'X', b'C') => S::Ean8,
            (b'X', b'g') => S::UpcA,
            (b'X', b'k') => S::UpcE,
            _ => S::Unknown,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "]{}{}", char::from(self.code), char::from(self.modifier))
    }
}

impl fmt::Debug for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A scan as the device gave it: the text and what is known of its symbol.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ScanText<'a> {
    /// The decoded text without prefixes and terminators.
    pub text: &'a [u8],
    /// The AIM identifier, if the scanner sent one.
    pub aim: Option<Aim>,
    /// The symbology by a code of the scanner's maker, if it sent one.
    pub symbology: Option<Symbology>,
}

impl<'a> ScanText<'a> {
    /// A text of which nothing more is known.
    #[must_use]
    pub fn plain(text: &'a [u8]) -> Self {
        ScanText {
            text,
            aim: None,
            symbology: None,
        }
    }

    /// What kind of symbol it was. A maker's own code that says more than AIM wins.
    #[must_use]
    pub fn kind(&self) -> Symbology {
        match (self.symbology, self.aim) {
            (Some(symbology), _) if symbology != Symbology::Unknown => symbology,
            (_, Some(aim)) => aim.symbology(self.text.len()),
            _ => Symbology::Unknown,
        }
    }
}

impl fmt::Debug for ScanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanText")
            .field("text", &crate::redact::mask_bytes(self.text))
            .field("aim", &self.aim)
            .field("symbology", &self.symbology)
            .finish()
    }
}

/// How a scanner marks the symbology in front of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrefixScheme {
    /// An AIM identifier where there is one, else nothing. Right for most scanners: no retail
    /// code starts with `]`.
    #[default]
    Aim,
    /// Nothing is taken off, not even an AIM identifier.
    None,
    /// Datalogic label identifiers, the European table.
    DatalogicEu,
    /// Datalogic label identifiers, the American table.
    DatalogicUs,
    /// Honeywell code identifiers.
    Honeywell,
}

/// Datalogic's American table, longer identifiers first: `FF` must not be read as `F`.
const DATALOGIC_US: [(&str, Symbology); 6] = [
    ("]C1", Symbology::Gs1128),
    ("FF", Symbology::Ean8),
    ("F", Symbology::Ean13),
    ("A", Symbology::UpcA),
    ("E", Symbology::UpcE),
    ("#", Symbology::Code128),
];

const DATALOGIC_EU: [(&str, Symbology); 8] = [
    ("B", Symbology::Ean13),
    ("A", Symbology::Ean8),
    ("C", Symbology::UpcA),
    ("D", Symbology::UpcE),
    ("T", Symbology::Code128),
    ("k", Symbology::Gs1128),
    ("w", Symbology::DataMatrix),
    ("y", Symbology::Qr),
];

/// The symbology by Honeywell's code identifier (also the byte behind the data of a HID report).
#[must_use]
pub fn honeywell_symbology(id: u8) -> Option<Symbology> {
    use Symbology as S;
    Some(match id {
        b'd' => S::Ean13,
        b'D' => S::Ean8,
        b'c' => S::UpcA,
        b'E' => S::UpcE,
        b'j' => S::Code128,
        b'I' => S::Gs1128,
        b'y' | b'{' | b'}' => S::DataBar,
        b'b' => S::Code39,
        b'i' => S::Code93,
        b'e' => S::Itf,
        b'a' => S::Codabar,
        b'h' | b'g' => S::OtherLinear,
        b'r' => S::Pdf417,
        b'w' => S::DataMatrix,
        b's' => S::Qr,
        b'z' => S::Aztec,
        b'x' => S::MaxiCode,
        _ => return None,
    })
}

/// The identifier that Honeywell puts in front; the inverse of [`honeywell_symbology`].
#[must_use]
pub fn honeywell_id(symbology: Symbology) -> Option<u8> {
    (b'!'..=b'~').find(|&id| honeywell_symbology(id) == Some(symbology))
}

impl PrefixScheme {
    /// The names by which configuration files call the schemes.
    pub const NAMES: [(&'static str, PrefixScheme); 5] = [
        ("aim", PrefixScheme::Aim),
        ("none", PrefixScheme::None),
        ("datalogic-eu", PrefixScheme::DatalogicEu),
        ("datalogic-us", PrefixScheme::DatalogicUs),
        ("honeywell", PrefixScheme::Honeywell),
    ];

    /// The scheme with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<PrefixScheme> {
        Self::NAMES
            .iter()
            .find(|row| row.0 == name)
            .map(|row| row.1)
    }

    /// Takes the prefix off a scan. A text without a known prefix is given whole.
    #[must_use]
    pub fn split<'a>(&self, bytes: &'a [u8]) -> ScanText<'a> {
        let plain = ScanText::plain(bytes);
        let coded = |symbology, text| ScanText {
            text,
            aim: None,
            symbology: Some(symbology),
        };
        let by_table = |table: &[(&str, Symbology)]| {
            let hit = table.iter().find_map(|&(prefix, symbology)| {
                let text = bytes.strip_prefix(prefix.as_bytes())?;
                fits(symbology, text).then_some((symbology, text))
            });
            hit.map_or(plain, |(symbology, text)| coded(symbology, text))
        };
        match self {
            PrefixScheme::None => plain,
            PrefixScheme::Aim => Aim::split(bytes).map_or(plain, |(aim, text)| ScanText {
                text,
                aim: Some(aim),
                symbology: None,
            }),
            PrefixScheme::DatalogicEu => by_table(&DATALOGIC_EU),
            PrefixScheme::DatalogicUs => by_table(&DATALOGIC_US),
            PrefixScheme::Honeywell => match bytes {
                [id, text @ ..] => honeywell_symbology(*id)
                    .filter(|&symbology| fits(symbology, text))
                    .map_or(plain, |symbology| coded(symbology, text)),
                [] => plain,
            },
        }
    }

    /// The prefix that a scanner with this scheme sends; for simulators.
    #[must_use]
    pub fn prefix(&self, symbology: Symbology, aim: Option<Aim>) -> String {
        let from = |table: &[(&str, Symbology)]| {
            let row = table.iter().find(|row| row.1 == symbology);
            row.map_or(String::new(), |row| row.0.to_owned())
        };
        match self {
            PrefixScheme::None => String::new(),
            PrefixScheme::Aim => aim.map_or(String::new(), |aim| aim.to_string()),
            PrefixScheme::DatalogicEu => from(&DATALOGIC_EU),
            PrefixScheme::DatalogicUs => from(&DATALOGIC_US),
            PrefixScheme::Honeywell => {
                honeywell_id(symbology).map_or(String::new(), |id| char::from(id).to_string())
            }
        }
    }
}

/// A retail prefix in front of something that is no number is data, not a prefix.
fn fits(symbology: Symbology, text: &[u8]) -> bool {
    !symbology.is_retail() || (text.len() >= 6 && text.iter().all(u8::is_ascii_digit))
}
