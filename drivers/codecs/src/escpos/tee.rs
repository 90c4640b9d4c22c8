//! From the bytes that a till sends to its printer to lines and events.
//!
//! A state machine, one byte at a time, that holds one line and one command's head. It must never hold an
//! image, and what it doesn't know must not swallow the text behind it.

use std::collections::VecDeque;

use super::code_page::CodePage;
use super::lengths::{Follow, after, follow};
use super::mask::{mask_cut_line, mask_line};

/// Longest line, in characters; the rest up to the line's end is dropped.
pub const LINE_CHARACTERS_MAX: usize = 256;
/// Most bytes of a barcode's or two-dimensional code's text that are kept.
const CODE_BYTES_MAX: usize = 1024;
/// Longest list of tab stops or old-form barcode before a NUL must come.
const UNTIL_NUL_BYTES_MAX: usize = 256;

const DLE: u8 = 0x10;
const ESC: u8 = 0x1B;
const FS: u8 = 0x1C;
const GS: u8 = 0x1D;
/// Two-dimensional codes: function class of `GS ( k`, and "store this text".
const QR: u8 = 49;
const STORE: u8 = 80;

/// Whose commands a till sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Epson and nearly all others.
    #[default]
    Epson,
    /// Star's line mode: `ESC d n` cuts, BEL and SUB open the drawer.
    Star,
}

/// What comes out of a print stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeeItem {
    /// A printed line, masked, without blanks at its end. Empty lines don't come.
    Line(String),
    /// The printer was told to forget everything: a job begins.
    Initialised,
    /// The paper was cut.
    Cut,
    /// The drawer was opened.
    DrawerKick,
    /// A one-dimensional barcode, masked.
    Barcode(String),
    /// A QR code, masked.
    QrCode(String),
    /// An image of so many bytes, skipped.
    Image {
        /// Its size.
        bytes: usize,
    },
    /// The till asks the printer (`DLE EOT n`, 1 to 4 for the usual parts).
    StatusRequest(u8),
    /// The till asks the printer to tell changes by itself, or not to (0).
    StatusBack(u8),
    /// A command that we don't know; its two bytes were skipped.
    Unknown(u8, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// After a lead byte.
    Lead(u8),
    /// Collecting the head of a command.
    Head {
        lead: u8,
        letter: u8,
        left: usize,
        follow: Follow,
    },
    /// Data of a command: kept up to a bound or only counted.
    Data {
        lead: u8,
        letter: u8,
        left: usize,
        all: usize,
    },
    UntilNul {
        barcode: bool,
    },
}

/// Reads a till's print stream. Iterate it after each push.
#[derive(Debug)]
pub struct TeeDecoder {
    dialect: Dialect,
    state: State,
    page: CodePage,
    german: bool,
    line: String,
    line_characters: usize,
    head: Vec<u8>,
    data: Vec<u8>,
    items: VecDeque<TeeItem>,
}

impl TeeDecoder {
    /// A decoder for one printer. `page` is what the printer is set to before any command.
    #[must_use]
    pub fn new(dialect: Dialect, page: CodePage) -> TeeDecoder {
        TeeDecoder {
            dialect,
            state: State::Text,
            page,
            german: false,
            line: String::new(),
            line_characters: 0,
            head: Vec::new(),
            data: Vec::new(),
            items: VecDeque::new(),
        }
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state = self.step(byte);
        }
    }

    /// Nothing was printed for a while: a line without its end is given out.
    pub fn flush_idle(&mut self) {
        self.end_line();
    }

    fn step(&mut self, byte: u8) -> State {
        match self.state {
            State::Text => self.text(byte),
            State::Lead(lead) => self.command(lead, byte),
            State::Head {
                lead,
                letter,
                left,
                follow,
            } => {
                self.head.push(byte);
                if left > 1 {
                    let left = left - 1;
                    return State::Head {
                        lead,
                        letter,
                        left,
                        follow,
                    };
                }
                self.head_done(lead, letter, follow)
            }
            State::Data {
                lead,
                letter,
                left,
                all,
            } => {
                if self.data.len() < CODE_BYTES_MAX {
                    self.data.push(byte);
                }
                if left > 1 {
                    let left = left - 1;
                    return State::Data {
                        lead,
                        letter,
                        left,
                        all,
                    };
                }
                self.data_done(lead, letter, all)
            }
            State::UntilNul { barcode } => {
                if byte != 0 && self.data.len() < UNTIL_NUL_BYTES_MAX {
                    self.data.push(byte);
                    return State::UntilNul { barcode };
                }
                if barcode {
                    self.barcode();
                }
                State::Text
            }
        }
    }

    fn text(&mut self, byte: u8) -> State {
        match (byte, self.dialect) {
            (DLE | ESC | FS | GS, _) => return State::Lead(byte),
            (b'\n' | 0x0C, _) => self.end_line(),
            (b'\t', _) => self.add(' '),
            (0x07 | 0x1A, Dialect::Star) => self.items.push_back(TeeItem::DrawerKick),
            (..0x20 | 0x7F, _) => {}
            _ => {
                let character = if self.german { german(byte) } else { None };
                self.add(character.unwrap_or_else(|| self.page.character(byte)));
            }
        }
        State::Text
    }

    fn add(&mut self, character: char) {
        self.line_characters = self.line_characters.saturating_add(1);
        if self.line_characters <= LINE_CHARACTERS_MAX {
            self.line.push(character);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.line_characters) > LINE_CHARACTERS_MAX;
        let line = line.trim_end();
        if !line.is_empty() {
            let masked = if cut {
                mask_cut_line(line)
            } else {
                mask_line(line)
            };
            self.items.push_back(TeeItem::Line(masked));
        }
    }

    fn command(&mut self, lead: u8, letter: u8) -> State {
        self.head.clear();
        self.data.clear();
        let Some(follow) = follow(lead, letter) else {
            self.items.push_back(TeeItem::Unknown(lead, letter));
            return State::Text;
        };
        let left = match follow {
            Follow::Fixed(bytes) | Follow::Look(bytes) => bytes,
            Follow::Counted => 3,
            Follow::UntilNul => return State::UntilNul { barcode: false },
        };
        if left == 0 {
            return self.head_done(lead, letter, follow);
        }
        State::Head {
            lead,
            letter,
            left,
            follow,
        }
    }

    fn head_done(&mut self, lead: u8, letter: u8, follow: Follow) -> State {
        let all = match follow {
            Follow::Counted => match self.head[..] {
                [_, low, high] => usize::from(u16::from_le_bytes([low, high])),
                _ => 0,
            },
            Follow::Look(_) => match after(lead, letter, &self.head) {
                Some(all) => all,
                // The old form of a barcode: its text began in the head.
                None if (lead, letter) == (GS, b'k') => return self.old_barcode(),
                None => 0,
            },
            _ => 0,
        };
        if all == 0 {
            return self.data_done(lead, letter, 0);
        }
        State::Data {
            lead,
            letter,
            left: all,
            all,
        }
    }

    fn old_barcode(&mut self) -> State {
        match self.head.get(1).copied() {
            Some(0) | None => State::Text,
            Some(first) => {
                self.data.push(first);
                State::UntilNul { barcode: true }
            }
        }
    }

    /// The command is complete: does it mean anything here?
    fn data_done(&mut self, lead: u8, letter: u8, all: usize) -> State {
        let first = self.head.first().copied().unwrap_or(0);
        match (lead, letter) {
            (ESC, b'@') => self.initialise(),
            (ESC, b't') => self.page = CodePage::from_number(first),
            (ESC, b'R') => self.german = first == 2,
            (ESC, b'J' | b'e') => self.end_line(),
            (ESC, b'd') if self.dialect == Dialect::Star => self.cut(),
            (ESC, b'd') => self.end_line(),
            (ESC, b'i' | b'm') | (GS, b'V') => self.cut(),
            (ESC, b'p') => self.items.push_back(TeeItem::DrawerKick),
            (DLE, 0x14) if first == 1 => self.items.push_back(TeeItem::DrawerKick),
            (DLE, 0x04) => self.items.push_back(TeeItem::StatusRequest(first)),
            (GS, b'a') => self.items.push_back(TeeItem::StatusBack(first)),
            (GS, b'k') => self.barcode(),
            (GS, b'(') if first == b'k' => self.two_dimensional(),
            (GS, b'(') if first == b'L' => self.image(all),
            (ESC, b'*') | (GS, b'v' | b'Q' | b'8' | b'*') | (FS, b'q') => self.image(all),
            _ => {}
        }
        State::Text
    }

    fn initialise(&mut self) {
        self.end_line();
        self.german = false;
        self.items.push_back(TeeItem::Initialised);
    }

    fn cut(&mut self) {
        self.end_line();
        self.items.push_back(TeeItem::Cut);
    }

    fn image(&mut self, bytes: usize) {
        if bytes > 0 {
            self.items.push_back(TeeItem::Image { bytes });
        }
    }

    fn barcode(&mut self) {
        let text = std::mem::take(&mut self.data);
        // Code set switches of Code 128 (`{B`) belong to the printer's language.
        let text = String::from_utf8_lossy(&text);
        let text = text
            .strip_prefix("{A")
            .or(text.strip_prefix("{B"))
            .unwrap_or(&text);
        if !text.is_empty() {
            self.items.push_back(TeeItem::Barcode(mask_line(text)));
        }
    }

    /// `GS ( k`: class, function, and for "store" one byte before the text.
    fn two_dimensional(&mut self) {
        if let [QR, STORE, _, text @ ..] = &self.data[..] {
            let text = String::from_utf8_lossy(text);
            self.items.push_back(TeeItem::QrCode(mask_line(&text)));
        }
    }
}

impl Iterator for TeeDecoder {
    type Item = TeeItem;

    fn next(&mut self) -> Option<TeeItem> {
        self.items.pop_front()
    }
}

/// The characters that Germany's set puts in place of ASCII ones (`ESC R 2`).
fn german(byte: u8) -> Option<char> {
    Some(match byte {
        b'@' => '§',
        b'[' => 'Ä',
        b'\\' => 'Ö',
        b']' => 'Ü',
        b'{' => 'ä',
        b'|' => 'ö',
        b'}' => 'ü',
        b'~' => 'ß',
        _ => return None,
    })
}
