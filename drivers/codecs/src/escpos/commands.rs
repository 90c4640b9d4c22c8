//! What we send to a printer ourselves: questions, the drawer, and in simulators whole receipts.

use super::code_page::CodePage;
use super::status::StatusPart;

const DLE: u8 = 0x10;
const ESC: u8 = 0x1B;
const GS: u8 = 0x1D;

/// Asks for one part of the state, at once even while printing.
#[must_use]
pub fn request_status(part: StatusPart) -> [u8; 3] {
    [DLE, 0x04, part.number()]
}

/// Makes the printer tell changes of its state by itself, or stop doing so.
#[must_use]
pub fn set_status_back(on: bool) -> [u8; 3] {
    [GS, b'a', if on { 0x0F } else { 0 }]
}

/// Opens the drawer at the first or second contact.
#[must_use]
pub fn kick(second_contact: bool) -> [u8; 5] {
    [ESC, b'p', u8::from(second_contact), 0x19, 0x19]
}

/// A line of a person's test, fed and cut. It leaves the printer's settings as they are, because
/// another program may count on them; what is not ASCII becomes a question mark.
#[must_use]
pub fn test_print(text: &str) -> Vec<u8> {
    let plain = |it: char| if matches!(it, ' '..='~') { it } else { '?' };
    let mut bytes: Vec<u8> = text
        .chars()
        .map(plain)
        .map(|it| u8::try_from(it).unwrap_or(b'?'))
        .collect();
    bytes.push(b'\n');
    bytes.extend([GS, b'V', 66, 0]);
    bytes
}

/// A receipt being written; for simulators.
#[derive(Clone, Debug)]
pub struct PrintJob {
    bytes: Vec<u8>,
    page: CodePage,
}

impl PrintJob {
    /// Begins a receipt in a code page.
    #[must_use]
    pub fn new(page: CodePage) -> PrintJob {
        let mut bytes = vec![ESC, b'@'];
        if let Some(number) = page.number() {
            bytes.extend([ESC, b't', number]);
        }
        PrintJob { bytes, page }
    }

    /// A line; characters that the page lacks become question marks.
    #[must_use]
    pub fn line(mut self, text: &str) -> PrintJob {
        let page = self.page;
        self.bytes
            .extend(text.chars().map(|c| page.byte(c).unwrap_or(b'?')));
        self.bytes.push(b'\n');
        self
    }

    /// An EAN-13 barcode of twelve or thirteen digits.
    #[must_use]
    pub fn ean_13(mut self, digits: &str) -> PrintJob {
        let length = u8::try_from(digits.len()).unwrap_or(0);
        self.bytes.extend([GS, b'k', 67, length]);
        self.bytes.extend(digits.bytes().take(usize::from(length)));
        self
    }

    /// A QR code.
    #[must_use]
    pub fn qr(mut self, text: &str) -> PrintJob {
        let length = u16::try_from(text.len() + 3).unwrap_or(3).to_le_bytes();
        self.bytes
            .extend([GS, b'(', b'k', length[0], length[1], 49, 80, 48]);
        self.bytes.extend(text.bytes());
        self.bytes.extend([GS, b'(', b'k', 3, 0, 49, 81, 48]);
        self
    }

    /// An image of so many bytes a row and so many rows, all white.
    #[must_use]
    pub fn image(mut self, row_bytes: u16, rows: u16) -> PrintJob {
        self.bytes.extend([GS, b'v', b'0', 0]);
        self.bytes.extend(row_bytes.to_le_bytes());
        self.bytes.extend(rows.to_le_bytes());
        let size = usize::from(row_bytes) * usize::from(rows);
        self.bytes.resize(self.bytes.len() + size, 0);
        self
    }

    /// Opens the drawer.
    #[must_use]
    pub fn kick(mut self) -> PrintJob {
        self.bytes.extend(kick(false));
        self
    }

    /// Feeds and cuts; the bytes of the whole receipt.
    #[must_use]
    pub fn cut(mut self) -> Vec<u8> {
        self.bytes.extend([GS, b'V', 66, 0]);
        self.bytes
    }
}
