//! Code pages of receipt printers: bytes from 0x80 to characters and back.
//!
//! A printer is told a number (`ESC t n`); the numbers are Epson's. A page we don't have gives the
//! replacement character, so that nobody mistakes a wrong letter for a right one.

/// Character for a byte that a page has no character for.
pub const REPLACEMENT: char = '\u{FFFD}';

/// A code page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodePage {
    /// United States and Western Europe; what printers start with.
    #[default]
    Cp437,
    /// Western Europe.
    Cp850,
    /// Central Europe.
    Cp852,
    /// Western Europe with the euro.
    Cp858,
    /// Cyrillic.
    Cp866,
    /// Windows, Central Europe.
    Cp1250,
    /// Windows, Cyrillic.
    Cp1251,
    /// Windows, Western Europe.
    Cp1252,
    /// A page we don't have.
    Unknown,
}

const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
const CP852: &str = "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";
const CP858: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
const CP866: &str = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u{a0}";
const CP1250: &str = "€\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰Š‹ŚŤŽŹ\u{fffd}‘’“”•–—\u{fffd}™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";
const CP1251: &str = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{fffd}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";
const CP1252: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

/// Epson's numbers of the pages we have.
const NUMBERS: [(u8, CodePage); 8] = [
    (0, CodePage::Cp437),
    (2, CodePage::Cp850),
    (16, CodePage::Cp1252),
    (17, CodePage::Cp866),
    (18, CodePage::Cp852),
    (19, CodePage::Cp858),
    (45, CodePage::Cp1250),
    (46, CodePage::Cp1251),
];

impl CodePage {
    /// The page of Epson's number.
    #[must_use]
    pub fn from_number(number: u8) -> CodePage {
        let row = NUMBERS.iter().find(|row| row.0 == number);
        row.map_or(CodePage::Unknown, |row| row.1)
    }

    /// Epson's number; `None` for [`CodePage::Unknown`].
    #[must_use]
    pub fn number(self) -> Option<u8> {
        NUMBERS.iter().find(|row| row.1 == self).map(|row| row.0)
    }

    fn table(self) -> &'static str {
        match self {
            CodePage::Cp437 => CP437,
            CodePage::Cp850 => CP850,
            CodePage::Cp852 => CP852,
            CodePage::Cp858 => CP858,
            CodePage::Cp866 => CP866,
            CodePage::Cp1250 => CP1250,
            CodePage::Cp1251 => CP1251,
            CodePage::Cp1252 => CP1252,
            CodePage::Unknown => "",
        }
    }

    /// The character of a byte.
    #[must_use]
    pub fn character(self, byte: u8) -> char {
        if byte.is_ascii() {
            return char::from(byte);
        }
        let place = usize::from(byte & 0x7F);
        self.table().chars().nth(place).unwrap_or(REPLACEMENT)
    }

    /// The byte of a character; `None` if the page lacks it.
    #[must_use]
    pub fn byte(self, character: char) -> Option<u8> {
        if character.is_ascii() {
            return u8::try_from(u32::from(character)).ok();
        }
        let place = self
            .table()
            .chars()
            .position(|c| c == character && c != REPLACEMENT)?;
        u8::try_from(place + 0x80).ok()
    }
}
