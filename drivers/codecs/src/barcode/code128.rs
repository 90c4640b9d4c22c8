//! Drawing Code 128 as SVG, for symbols that scanners themselves obey and for labels.
//!
//! Code sets B and C only: printable ASCII, pairs of digits packed where that is shorter. It is a drawing,
//! not a decoder; what it draws is the exact pattern of ISO/IEC 15417, quiet zones included.

/// Longest text, in characters; a longer symbol doesn't fit any scanner's field of view.
pub const TEXT_CHARACTERS_MAX: usize = 48;

const START_B: u8 = 104;
const START_C: u8 = 105;
const TO_C: u8 = 99;
const TO_B: u8 = 100;
const FNC3: u8 = 96;
const STOP: u8 = 106;
const QUIET_MODULES: u32 = 10;
const HEIGHT_MODULES: u32 = 40;
/// Digits in a row from which packing is worth the change of set.
const DIGITS_WORTH_PACKING: usize = 4;

/// Widths of bar, space, bar, space, bar, space for each value; the stop has one bar more.
const WIDTHS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212",
    "221213", "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221",
    "223211", "221132", "221231", "213212", "223112", "312131", "311222", "321122", "321221",
    "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321",
    "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331", "132131",
    "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131",
    "311123", "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111",
    "111224", "111422", "121124", "121421", "141122", "141221", "112214", "112412", "122114",
    "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111", "111242",
    "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];

/// Whether the symbol is a command to the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fnc3 {
    /// An ordinary symbol.
    No,
    /// FNC3 stands in front: the scanner takes it as set-up and sends nothing.
    InFront,
}

/// A symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code128 {
    values: Vec<u8>,
}

impl Code128 {
    /// The symbol of a text in printable ASCII; `None` for anything else, for the empty text and for more
    /// than [`TEXT_CHARACTERS_MAX`].
    #[must_use]
    pub fn new(text: &str, fnc3: Fnc3) -> Option<Code128> {
        let bytes = text.as_bytes();
        let printable = bytes.iter().all(|b| matches!(b, b' '..=b'~'));
        if bytes.is_empty() || bytes.len() > TEXT_CHARACTERS_MAX || !printable {
            return None;
        }
        let mut values = encode(bytes, fnc3);
        values.push(check_value(&values));
        values.push(STOP);
        Some(Code128 { values })
    }

    /// Start, data, check and stop as symbol values.
    #[must_use]
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// Widths of bars and spaces in modules, starting with a bar.
    #[must_use]
    pub fn widths(&self) -> Vec<u8> {
        let patterns = self
            .values
            .iter()
            .filter_map(|v| WIDTHS.get(usize::from(*v)));
        patterns.flat_map(|p| p.bytes().map(|b| b - b'0')).collect()
    }

    /// The symbol as an SVG image that scales, with `label` for screen readers. `label` is escaped.
    #[must_use]
    pub fn svg(&self, label: &str) -> String {
        let mut path = String::new();
        let mut at = QUIET_MODULES;
        for (number, width) in self.widths().into_iter().enumerate() {
            if number.is_multiple_of(2) {
                path.push_str(&format!("M{at} 0h{width}v{HEIGHT_MODULES}h-{width}z"));
            }
            at += u32::from(width);
        }
        let width = at + QUIET_MODULES;
        let label = label
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT_MODULES}\" role=\"img\" \
             aria-label=\"{label}\" shape-rendering=\"crispEdges\"><rect width=\"100%\" height=\"100%\" \
             fill=\"#fff\"/><path d=\"{path}\"/></svg>"
        )
    }
}

fn encode(bytes: &[u8], fnc3: Fnc3) -> Vec<u8> {
    let digits_at = |at: usize| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let mut packed = fnc3 == Fnc3::No && digits_at(0) >= DIGITS_WORTH_PACKING;
    let mut values = vec![if packed { START_C } else { START_B }];
    if fnc3 == Fnc3::InFront {
        values.push(FNC3);
    }
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = digits_at(at);
        if packed && digits < 2 {
            packed = false;
            values.push(TO_B);
        } else if !packed && digits >= DIGITS_WORTH_PACKING && digits.is_multiple_of(2) {
            packed = true;
            values.push(TO_C);
        }
        if packed && let Some(&[tens, ones]) = bytes.get(at..at + 2) {
            values.push((tens - b'0') * 10 + (ones - b'0'));
            at += 2;
        } else {
            values.push(byte - b' ');
            at += 1;
        }
    }
    values
}

/// The weighted sum of all values, modulo 103; the start counts once.
fn check_value(values: &[u8]) -> u8 {
    let weighted = values.iter().zip(0_u32..);
    let sum: u32 = weighted
        .map(|(v, place)| u32::from(*v) * place.max(1))
        .sum();
    u8::try_from(sum % 103).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Code128, Fnc3, TEXT_CHARACTERS_MAX, WIDTHS};

    #[test]
    fn the_table_has_the_properties_of_the_standard() {
        let mut seen = std::collections::BTreeSet::new();
        for (value, pattern) in WIDTHS.iter().enumerate() {
            let widths: Vec<u32> = pattern.bytes().map(|b| u32::from(b - b'0')).collect();
            let bars: u32 = widths.iter().step_by(2).sum();
            let (all, places) = if value == 106 { (13, 7) } else { (11, 6) };
            assert_eq!(
                (widths.iter().sum::<u32>(), widths.len()),
                (all, places),
                "{value}"
            );
            // Bars have an even number of modules in every character.
            assert!(bars.is_multiple_of(2) || value == 106, "{value}");
            assert!(widths.iter().all(|w| (1..=4).contains(w)), "{value}");
            assert!(seen.insert(pattern), "{value}");
        }
    }

    #[test]
    fn values_and_check() {
        // The textbook example: PJJ123C in set B has check 54 (with the digits not packed).
        let values = |text, fnc3| Code128::new(text, fnc3).unwrap().values().to_vec();
        assert_eq!(
            values("PJJ123C", Fnc3::No),
            [104, 48, 42, 42, 17, 18, 19, 35, 55, 106]
        );
        assert_eq!(values("123456", Fnc3::No), [105, 12, 34, 56, 44, 106]);
        assert_eq!(values("12345", Fnc3::No), [105, 12, 34, 100, 21, 54, 106]);
        assert_eq!(values("A1234", Fnc3::No), [104, 33, 99, 12, 34, 95, 106]);
        let setup = values("PAP131.", Fnc3::InFront);
        assert_eq!(setup[..4], [104, 96, 48, 33]);
        assert_eq!(Code128::new("", Fnc3::No), None);
        assert_eq!(Code128::new("ä", Fnc3::No), None);
        assert_eq!(
            Code128::new(&"1".repeat(TEXT_CHARACTERS_MAX + 1), Fnc3::No),
            None
        );
    }

    #[test]
    fn the_drawing_has_every_bar() {
        let symbol = Code128::new("PAP131.", Fnc3::InFront).unwrap();
        let modules: u32 = symbol.widths().iter().map(|w| u32::from(*w)).sum();
        // Start, FNC3, seven characters and check at 11 modules, stop at 13.
        assert_eq!(modules, 10 * 11 + 13);
        let svg = symbol.svg("a \"b\" <c>");
        assert_eq!(svg.matches('M').count(), 10 * 3 + 4);
        assert!(svg.contains("viewBox=\"0 0 143 40\"") && svg.contains("a &quot;b&quot; &lt;c>"));
    }
}
