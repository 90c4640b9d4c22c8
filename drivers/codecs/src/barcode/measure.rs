//! In-store labels that carry a weight, price or count inside an EAN-13 or UPC-A number.
//!
//! Which digits mean what is agreed per country or per store, so it is configuration: a template.
//! Two spellings are understood. Letters, one per digit: `21IIIIIWWWWWC` (`I` item, `W` weight,
//! `P` price, `Q` count, `V` check digit of the measure, `C` check digit of the code, `.` any
//! digit that is not looked at). Or the spelling of a widespread point of sale:
//! `21.....{NNDDD}`, where dots are the item and `{}` holds integer (`N`) and decimal (`D`)
//! digits; the code's check digit may be left out at the end. A template never decides what an
//! item is worth; it only reads digits.

/// What the measure digits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureUnit {
    /// Weight in kilograms.
    Kilogram,
    /// Weight in avoirdupois pounds.
    Pound,
    /// Price, in the currency of the place.
    Price,
    /// Pieces.
    Count,
}

impl MeasureUnit {
    /// The names by which configuration files call the units.
    pub const NAMES: [(&'static str, MeasureUnit); 4] = [
        ("kg", MeasureUnit::Kilogram),
        ("lb", MeasureUnit::Pound),
        ("price", MeasureUnit::Price),
        ("count", MeasureUnit::Count),
    ];

    /// The unit with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<MeasureUnit> {
        Self::NAMES
            .iter()
            .find(|row| row.0 == name)
            .map(|row| row.1)
    }
}

/// A measure read from a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Thousandths of a kilogram.
    Weight(i64),
    /// Minor units of the currency.
    Price(i64),
    /// Pieces.
    Count(i64),
}

/// Why a template can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Neither 12 nor 13 places.
    #[error("a template has 12 or 13 places (8 for EAN-8), `{0}` has another number")]
    Length(String),
    /// A character without meaning.
    #[error("`{found}` in the template `{template}` has no meaning")]
    Character {
        /// The template.
        template: String,
        /// The character.
        found: char,
    },
    /// No measure digits, or no item digits, or more than ten of one.
    #[error("the template `{0}` needs 1 to 10 digits for the item and for the measure")]
    Parts(String),
    /// Decimals outside 0 to 4.
    #[error("the template `{0}` has more than 4 decimals")]
    Decimals(String),
}

/// One place of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Digit(u8),
    Any,
    Item,
    Measure,
    MeasureCheck,
    CodeCheck,
}

/// How one family of in-store labels is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureTemplate {
    places: Vec<Place>,
    unit: MeasureUnit,
    decimals: u8,
    currency_decimals: u8,
}

impl MeasureTemplate {
    /// A template in the letter spelling; `decimals` is how many measure digits are behind the
    /// point. The letter must fit the unit only by eye: `W`, `P` and `Q` mean the same.
    pub fn letters(
        template: &str,
        unit: MeasureUnit,
        decimals: u8,
    ) -> Result<MeasureTemplate, TemplateError> {
        let mut places = Vec::new();
        for found in template.chars() {
            places.push(match found {
                '0'..='9' => Place::Digit(u8::try_from(found).unwrap_or(b'0')),
                'I' => Place::Item,
                'W' | 'P' | 'Q' => Place::Measure,
                'V' => Place::MeasureCheck,
                'C' => Place::CodeCheck,
                '.' => Place::Any,
                _ => {
                    return Err(TemplateError::Character {
                        template: template.into(),
                        found,
                    });
                }
            });
        }
        Self::build(template, places, unit, decimals)
    }

    /// A template in the spelling with braces, such as `21.....{NNDDD}`.
    pub fn braces(template: &str, unit: MeasureUnit) -> Result<MeasureTemplate, TemplateError> {
        let mut places = Vec::new();
        let (mut inside, mut decimals) = (false, 0_u8);
        for found in template.chars() {
            match found {
                '{' if !inside => inside = true,
                '}' if inside => inside = false,
                'N' if inside => places.push(Place::Measure),
                'D' if inside => {
                    places.push(Place::Measure);
                    decimals = decimals.saturating_add(1);
                }
                '.' if !inside => places.push(Place::Item),
                '0'..='9' if !inside => {
                    places.push(Place::Digit(u8::try_from(found).unwrap_or(b'0')));
                }
                _ => {
                    return Err(TemplateError::Character {
                        template: template.into(),
                        found,
                    });
                }
            }
        }
        // The usual spelling leaves the check digit out.
        let digits = places
            .iter()
            .filter(|place| matches!(place, Place::Measure))
            .count();
        if places.len() == 12 || (places.len() == 11 && digits > 0) {
            places.push(Place::CodeCheck);
        }
        Self::build(template, places, unit, decimals)
    }

    /// Sets how many decimals the currency has (2 if not set): 0 for yen.
    #[must_use]
    pub fn currency_decimals(mut self, decimals: u8) -> Self {
        self.currency_decimals = decimals.min(4);
        self
    }

    fn build(
        template: &str,
        places: Vec<Place>,
        unit: MeasureUnit,
        decimals: u8,
    ) -> Result<MeasureTemplate, TemplateError> {
        if !matches!(places.len(), 8 | 12 | 13) {
            return Err(TemplateError::Length(template.into()));
        }
        let count = |wanted| places.iter().filter(|&&place| place == wanted).count();
        if !(1..=10).contains(&count(Place::Item)) || !(1..=10).contains(&count(Place::Measure)) {
            return Err(TemplateError::Parts(template.into()));
        }
        if decimals > 4 {
            return Err(TemplateError::Decimals(template.into()));
        }
        Ok(MeasureTemplate {
            places,
            unit,
            decimals,
            currency_decimals: 2,
        })
    }

    /// Reads a code of digits whose own check digit has been checked. `None` if the template
    /// does not fit or the measure's check digit is wrong. A 13-digit code starting with 0 also
    /// fits a 12-place template.
    #[must_use]
    pub fn read(&self, digits: &[u8]) -> Option<(String, Measure)> {
        let digits = match digits {
            [b'0', upc @ ..] if upc.len() == 12 && self.places.len() == 12 => upc,
            _ => digits,
        };
        if digits.len() != self.places.len() {
            return None;
        }
        let (mut item, mut measure, mut check) = (String::new(), Vec::new(), None);
        for (&place, &digit) in self.places.iter().zip(digits) {
            match place {
                Place::Digit(wanted) if wanted != digit => return None,
                Place::Digit(_) | Place::Any | Place::CodeCheck => {}
                Place::Item => item.push(char::from(digit)),
                Place::Measure => measure.push(digit),
                Place::MeasureCheck => check = Some(digit),
            }
        }
        if check.is_some() && check != price_check_digit(&measure) {
            return None;
        }
        let mantissa = measure
            .iter()
            .fold(0, |n: u64, b| n * 10 + u64::from(b.wrapping_sub(b'0')));
        Some((item, self.measure(mantissa)?))
    }

    fn measure(&self, mantissa: u64) -> Option<Measure> {
        let decimal = crate::gs1::amount::Decimal {
            mantissa,
            decimals: self.decimals,
        };
        Some(match self.unit {
            MeasureUnit::Kilogram => Measure::Weight(decimal.rescale(3)?),
            MeasureUnit::Pound => Measure::Weight(decimal.pounds_in_g()?),
            MeasureUnit::Price => Measure::Price(decimal.rescale(self.currency_decimals)?),
            MeasureUnit::Count => Measure::Count(decimal.rescale(0)?),
        })
    }
}

/// Weighted digits of the GS1 price check digit, each for the digits 0 to 9.
const TWO_MINUS: [u8; 10] = [0, 2, 4, 6, 8, 9, 1, 3, 5, 7];
const THREE: [u8; 10] = [0, 3, 6, 9, 2, 5, 8, 1, 4, 7];
const FIVE_PLUS: [u8; 10] = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9];
const FIVE_MINUS: [u8; 10] = [0, 5, 9, 4, 8, 3, 7, 2, 6, 1];

/// The check digit of a price of four or five digits (GS1 General Specifications, "price check
/// digit"), as an ASCII digit. `None` for another number of digits.
#[must_use]
pub fn price_check_digit(price: &[u8]) -> Option<u8> {
    let weights: &[[u8; 10]] = match price.len() {
        4 => &[TWO_MINUS, TWO_MINUS, THREE, FIVE_MINUS],
        5 => &[FIVE_PLUS, TWO_MINUS, FIVE_MINUS, FIVE_PLUS, TWO_MINUS],
        _ => return None,
    };
    let mut sum = 0_u8;
    for (weight, &digit) in weights.iter().zip(price) {
        sum += weight.get(usize::from(digit.wrapping_sub(b'0')))?;
    }
    if price.len() == 4 {
        return Some(b'0' + (sum * 3) % 10);
    }
    let wanted = (10 - sum % 10) % 10;
    let inverse = FIVE_MINUS.iter().position(|&value| value == wanted)?;
    u8::try_from(inverse).ok().map(|digit| b'0' + digit)
}
