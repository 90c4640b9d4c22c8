//! Customer displays that speak CD5220: two lines of twenty characters, 9600 8N1.
//!
//! A tiny output: article and price, or that the till is offline. Each line is written whole, so a display
//! that missed something is right again with the next line.
//!
//! Source: the CD5220 command set as displays' manuals print it; clearing by form feed is usual, not read.

use std::collections::VecDeque;

use crate::escpos::CodePage;

/// Characters of a line.
pub const COLUMNS: usize = 20;

const ESC: u8 = 0x1B;
const CLEAR: u8 = 0x0C;
const CR: u8 = b'\r';

/// One of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayLine {
    /// The upper.
    Upper,
    /// The lower.
    Lower,
}

impl DisplayLine {
    fn letter(self) -> u8 {
        match self {
            DisplayLine::Upper => b'A',
            DisplayLine::Lower => b'B',
        }
    }
}

/// Empties the display and sets it to its defaults.
#[must_use]
pub fn initialise() -> Vec<u8> {
    vec![ESC, b'@', CLEAR]
}

/// Writes a line, cut or filled to [`COLUMNS`]; characters beyond code page 437 become question marks.
#[must_use]
pub fn show(line: DisplayLine, text: &str) -> Vec<u8> {
    let mut out = vec![ESC, b'Q', line.letter()];
    let byte = |c: char| match c {
        ' '..='~' | '\u{80}'.. => CodePage::Cp437.byte(c).unwrap_or(b'?'),
        _ => b' ',
    };
    let characters = text.chars().map(byte).chain(std::iter::repeat(b' '));
    out.extend(characters.take(COLUMNS));
    out.push(CR);
    out
}

/// Two texts on one line, the second at the right edge: `Bread          2.49`. The left one gives way.
#[must_use]
pub fn justified(left: &str, right: &str) -> String {
    let right: String = right.chars().take(COLUMNS).collect();
    let room = COLUMNS - right.chars().count();
    let left: String = left.chars().take(room.saturating_sub(1)).collect();
    format!("{left:room$}{right}")
}

/// What a display is told; for simulators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisplayItem {
    /// Set to defaults.
    Initialised,
    /// Emptied.
    Cleared,
    /// A line is shown, without the blanks at its end.
    Shown(DisplayLine, String),
    /// A byte that says nothing here.
    Unknown(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Escape,
    Line,
    Text(DisplayLine, String),
}

/// Reads what a display is told. Iterate it after each push.
#[derive(Debug)]
pub struct DisplayDecoder {
    state: State,
    items: VecDeque<DisplayItem>,
}

impl Default for DisplayDecoder {
    fn default() -> Self {
        DisplayDecoder {
            state: State::Idle,
            items: VecDeque::new(),
        }
    }
}

impl DisplayDecoder {
    /// A decoder at rest.
    #[must_use]
    pub fn new() -> DisplayDecoder {
        DisplayDecoder::default()
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let state = std::mem::replace(&mut self.state, State::Idle);
            self.state = self.step(state, byte);
        }
    }

    fn step(&mut self, state: State, byte: u8) -> State {
        match (state, byte) {
            (State::Idle, ESC) => return State::Escape,
            (State::Idle, CLEAR) => self.items.push_back(DisplayItem::Cleared),
            (State::Escape, b'@') => self.items.push_back(DisplayItem::Initialised),
            (State::Escape, b'Q') => return State::Line,
            (State::Line, b'A') => return State::Text(DisplayLine::Upper, String::new()),
            (State::Line, b'B') => return State::Text(DisplayLine::Lower, String::new()),
            (State::Text(line, text), CR) => {
                let text = text.trim_end().to_owned();
                self.items.push_back(DisplayItem::Shown(line, text));
            }
            (State::Text(line, mut text), _) => {
                if text.chars().count() < COLUMNS {
                    text.push(CodePage::Cp437.character(byte));
                }
                return State::Text(line, text);
            }
            _ => self.items.push_back(DisplayItem::Unknown(byte)),
        }
        State::Idle
    }
}

impl Iterator for DisplayDecoder {
    type Item = DisplayItem;

    fn next(&mut self) -> Option<DisplayItem> {
        self.items.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::{DisplayDecoder, DisplayItem, DisplayLine, initialise, justified, show};

    #[test]
    fn what_is_sent_is_shown() {
        assert_eq!(
            show(DisplayLine::Upper, "Brot"),
            b"\x1BQABrot                \r"
        );
        let long = "x".repeat(30);
        assert_eq!(show(DisplayLine::Lower, &long).len(), 3 + 20 + 1);
        let mut display = DisplayDecoder::new();
        display.push(&initialise());
        display.push(&show(DisplayLine::Upper, "Käse\n€"));
        display.push(&show(
            DisplayLine::Lower,
            &justified("Gouda jung am Stück", "2.49"),
        ));
        display.push(b"?");
        let heard: Vec<_> = display.collect();
        assert_eq!(
            heard,
            [
                DisplayItem::Initialised,
                DisplayItem::Cleared,
                DisplayItem::Shown(DisplayLine::Upper, "Käse ?".to_owned()),
                DisplayItem::Shown(DisplayLine::Lower, "Gouda jung am S 2.49".to_owned()),
                DisplayItem::Unknown(b'?'),
            ]
        );
        assert_eq!(justified("a", &"9".repeat(40)), "9".repeat(20));
    }
}
