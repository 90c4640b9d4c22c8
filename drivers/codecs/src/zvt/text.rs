//! Text of a terminal: code page 437 unless it says otherwise. Every text leaves here masked.

use super::mask::mask_digit_runs;

/// The upper half of code page 437.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Decodes and masks; control characters become blanks.
pub(super) fn read(bytes: &[u8]) -> String {
    let text: String = bytes
        .iter()
        .map(|&b| match b {
            0x20..=0x7E => char::from(b),
            0x80.. => CP437.chars().nth(usize::from(b - 0x80)).unwrap_or(' '),
            _ => ' ',
        })
        .collect();
    mask_digit_runs(&text)
}

/// Encodes; a character the code page lacks becomes a question mark.
pub(super) fn write(text: &str) -> Vec<u8> {
    text.chars().map(write_char).collect()
}

fn write_char(c: char) -> u8 {
    if matches!(c, ' '..='~') {
        return u8::try_from(u32::from(c)).unwrap_or(b'?');
    }
    CP437
        .chars()
        .position(|known| known == c)
        .and_then(|at| u8::try_from(at + 0x80).ok())
        .unwrap_or(b'?')
}
