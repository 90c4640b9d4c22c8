//! The table of schemes: headers, fields and how numbers are cut into them.
//!
//! One table serves decoder and encoder. The figures are those of the GS1 EPC Tag Data Standard:
//! headers of its section 14.2, partition tables of the 96-bit schemes, the `+` schemes of 2.x.

/// What kind of thing a number names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A single article: GTIN and serial number.
    Sgtin,
    /// A logistic unit: SSCC.
    Sscc,
    /// A place: GLN and extension ("0" means none).
    Sgln,
    /// A returnable asset: GRAI.
    Grai,
    /// An individual asset: GIAI; its whole text is the serial.
    Giai,
    /// A service relation, the recipient: GSRN.
    Gsrn,
    /// A service relation, the provider: GSRNP.
    Gsrnp,
    /// A document: GDTI.
    Gdti,
}

/// How a key is written.
#[derive(Debug)]
pub(super) struct KeyForm {
    /// In URIs.
    pub(super) name: &'static str,
    /// Decimal digits with the check digit; 0: none.
    pub(super) digits: u8,
    /// Whether the first digit stands before the company prefix but after it in URIs.
    pub(super) leads: bool,
    /// The application identifier of the number.
    pub(super) ai: &'static str,
    /// The AI of the serial, where it is an element of its own.
    pub(super) serial_ai: Option<&'static str>,
    /// Longest serial; 0: there is none.
    pub(super) serial_chars_max: usize,
}

impl Key {
    /// All of them.
    pub const ALL: [Key; 8] = [
        Key::Sgtin,
        Key::Sscc,
        Key::Sgln,
        Key::Grai,
        Key::Giai,
        Key::Gsrn,
        Key::Gsrnp,
        Key::Gdti,
    ];

    pub(super) fn form(self) -> &'static KeyForm {
        const fn form(
            name: &'static str,
            (digits, leads): (u8, bool),
            (ai, serial_ai): (&'static str, Option<&'static str>),
            serial_chars_max: usize,
        ) -> KeyForm {
            KeyForm {
                name,
                digits,
                leads,
                ai,
                serial_ai,
                serial_chars_max,
            }
        }
        static FORMS: [KeyForm; 8] = [
            form("sgtin", (14, true), ("01", Some("21")), 20),
            form("sscc", (18, true), ("00", None), 0),
            form("sgln", (13, false), ("414", Some("254")), 20),
            form("grai", (13, false), ("8003", None), 16),
            form("giai", (0, false), ("8004", None), 30),
            form("gsrn", (18, false), ("8018", None), 0),
            form("gsrnp", (18, false), ("8017", None), 0),
            form("gdti", (13, false), ("253", None), 17),
        ];
        match self {
            Key::Sgtin => &FORMS[0],
            Key::Sscc => &FORMS[1],
            Key::Sgln => &FORMS[2],
            Key::Grai => &FORMS[3],
            Key::Giai => &FORMS[4],
            Key::Gsrn => &FORMS[5],
            Key::Gsrnp => &FORMS[6],
            Key::Gdti => &FORMS[7],
        }
    }
}

/// How the bits of a scheme are divided after header and filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Partition, company prefix and reference in so many bits together, then the tail.
    Parted { both_bits: u8, tail: Tail },
    /// Decimal digits in four bits each, then a serial of variable length where the key has one.
    Plus { dated: bool },
}

/// What follows the reference of a parted scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// A number.
    Number(u8),
    /// So many characters of 7 bits, filled up with zeros.
    Text(u8),
    /// Zeros.
    Zeros(u8),
    /// Nothing: the reference itself is the number (GIAI-96).
    ReferenceNumber,
    /// Nothing: the reference itself is text (GIAI-202).
    ReferenceText,
}

/// A binary scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum Scheme {
    Sgtin96,
    Sgtin198,
    SgtinPlus,
    DsgtinPlus,
    Sscc96,
    SsccPlus,
    Sgln96,
    Sgln195,
    SglnPlus,
    Grai96,
    Grai170,
    GraiPlus,
    Giai96,
    Giai202,
    GiaiPlus,
    Gsrn96,
    GsrnPlus,
    Gsrnp96,
    GsrnpPlus,
    Gdti96,
    Gdti174,
    GdtiPlus,
}

#[derive(Debug)]
pub(super) struct SchemeRow {
    pub(super) scheme: Scheme,
    pub(super) header: u8,
    pub(super) name: &'static str,
    pub(super) key: Key,
    pub(super) layout: Layout,
}

const fn parted(
    scheme: Scheme,
    header: u8,
    name: &'static str,
    key: Key,
    (both_bits, tail): (u8, Tail),
) -> SchemeRow {
    SchemeRow {
        scheme,
        header,
        name,
        key,
        layout: Layout::Parted { both_bits, tail },
    }
}

const fn plus(scheme: Scheme, header: u8, name: &'static str, key: Key) -> SchemeRow {
    SchemeRow {
        scheme,
        header,
        name,
        key,
        layout: Layout::Plus {
            dated: header == 0xFB,
        },
    }
}

/// All schemes, in the order of [`Scheme`].
pub(super) static SCHEMES: [SchemeRow; 22] = {
    use Scheme::*;
    use Tail::{Number, ReferenceNumber, ReferenceText, Text, Zeros};
    [
        parted(Sgtin96, 0x30, "sgtin-96", Key::Sgtin, (44, Number(38))),
        parted(Sgtin198, 0x36, "sgtin-198", Key::Sgtin, (44, Text(20))),
        plus(SgtinPlus, 0xF7, "sgtin+", Key::Sgtin),
        plus(DsgtinPlus, 0xFB, "dsgtin+", Key::Sgtin),
        parted(Sscc96, 0x31, "sscc-96", Key::Sscc, (58, Zeros(24))),
        plus(SsccPlus, 0xF9, "sscc+", Key::Sscc),
        parted(Sgln96, 0x32, "sgln-96", Key::Sgln, (41, Number(41))),
        parted(Sgln195, 0x39, "sgln-195", Key::Sgln, (41, Text(20))),
        plus(SglnPlus, 0xF2, "sgln+", Key::Sgln),
        parted(Grai96, 0x33, "grai-96", Key::Grai, (44, Number(38))),
        parted(Grai170, 0x37, "grai-170", Key::Grai, (44, Text(16))),
        plus(GraiPlus, 0xF1, "grai+", Key::Grai),
        parted(Giai96, 0x34, "giai-96", Key::Giai, (82, ReferenceNumber)),
        parted(Giai202, 0x38, "giai-202", Key::Giai, (188, ReferenceText)),
        plus(GiaiPlus, 0xFA, "giai+", Key::Giai),
        parted(Gsrn96, 0x2D, "gsrn-96", Key::Gsrn, (58, Zeros(24))),
        plus(GsrnPlus, 0xF4, "gsrn+", Key::Gsrn),
        parted(Gsrnp96, 0x2E, "gsrnp-96", Key::Gsrnp, (58, Zeros(24))),
        plus(GsrnpPlus, 0xF5, "gsrnp+", Key::Gsrnp),
        parted(Gdti96, 0x2C, "gdti-96", Key::Gdti, (41, Number(41))),
        parted(Gdti174, 0x3E, "gdti-174", Key::Gdti, (41, Text(17))),
        plus(GdtiPlus, 0xF6, "gdti+", Key::Gdti),
    ]
};

/// Headers that the standard gives to schemes which are kept raw here.
static OTHERS: [(u8, &str); 23] = [
    (0x2F, "USDOD-96"),
    (0x35, "GID-96"),
    (0x3A, "GDTI-113"),
    (0x3B, "ADI-var"),
    (0x3C, "CPI-96"),
    (0x3D, "CPI-var"),
    (0x3F, "SGCN-96"),
    (0x40, "ITIP-110"),
    (0x41, "ITIP-212"),
    (0xE6, "a '++' scheme"),
    (0xE7, "a '++' scheme"),
    (0xE8, "a '++' scheme"),
    (0xE9, "a '++' scheme"),
    (0xEA, "a '++' scheme"),
    (0xEB, "a '++' scheme"),
    (0xEC, "a '++' scheme"),
    (0xED, "a '++' scheme"),
    (0xEE, "a '++' scheme"),
    (0xEF, "SSCC++"),
    (0xF0, "CPI+"),
    (0xF3, "ITIP+"),
    (0xF8, "SGCN+"),
    (0xFD, "SGTIN++"),
];

/// The name of a scheme that is known but kept raw.
pub(super) fn name_of_unread(header: u8) -> Option<&'static str> {
    let row = OTHERS.iter().find(|row| row.0 == header)?;
    Some(row.1)
}

/// The row of a header byte. A table by header, since this is asked for every tag.
#[inline]
pub(super) fn row_of_header(header: u8) -> Option<&'static SchemeRow> {
    static BY_HEADER: [u8; 256] = {
        let mut table = [u8::MAX; 256];
        let mut at = 0;
        while at < SCHEMES.len() {
            #[expect(clippy::cast_possible_truncation, reason = "there are 22 schemes")]
            let number = at as u8;
            table[SCHEMES[at].header as usize] = number;
            at += 1;
        }
        table
    };
    SCHEMES.get(usize::from(BY_HEADER[usize::from(header)]))
}

impl Scheme {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Scheme> {
        SCHEMES.iter().map(|row| row.scheme)
    }

    #[inline]
    pub(super) fn row(self) -> &'static SchemeRow {
        // The table is in the order of the variants; a test compares them.
        &SCHEMES[self as usize]
    }

    /// Its name, as in tag URIs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What its numbers name.
    #[must_use]
    pub fn key(self) -> Key {
        self.row().key
    }

    /// Whether encoding needs to know how long the company prefix is.
    #[must_use]
    pub fn needs_company_prefix(self) -> bool {
        matches!(self.row().layout, Layout::Parted { .. })
    }
}

/// Shortest and longest company prefix, in digits.
pub(super) const COMPANY_PREFIX_DIGITS: std::ops::RangeInclusive<u8> = 6..=12;

/// Bits of the company prefix by partition; the prefix has `12 - partition` digits.
pub(super) const COMPANY_PREFIX_BITS: [u8; 7] = [40, 37, 34, 30, 27, 24, 20];

/// Most characters of a GIAI-202 reference by partition.
pub(super) fn giai_202_chars_max(prefix_digits: u8) -> usize {
    // The standard: 18 characters beside 12 digits of prefix, 24 beside 6.
    30_usize.saturating_sub(usize::from(prefix_digits))
}

/// `10^exponent`; only small exponents are asked for.
#[inline]
pub(super) fn power_of_ten(exponent: u8) -> u64 {
    10_u64.saturating_pow(u32::from(exponent))
}
