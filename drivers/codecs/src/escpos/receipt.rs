//! From lines to receipts: where one ends, and whether it can be read at all.

use super::tee::TeeItem;

/// Silence that ends a receipt, in milliseconds.
pub const RECEIPT_IDLE_MS: u64 = 2_000;
/// Lines of one receipt that are kept; a longer one is marked.
pub const RECEIPT_LINES_MAX: usize = 1_000;

/// What a receipt is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// Text that can be compared.
    Text,
    /// Text and images: part of it may be unreadable.
    Mixed,
    /// Only images: the till draws its receipts, and they say nothing to us.
    ImageOnly,
}

/// One printed receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The lines, masked.
    pub lines: Vec<String>,
    /// Barcodes and QR codes on it, masked.
    pub codes: Vec<String>,
    /// The drawer was opened with it: cash, most likely.
    pub drawer_kicked: bool,
    /// Whether the paper was cut at its end; if not, silence or the next job ended it.
    pub cut: bool,
    /// Images on it, skipped.
    pub images: u32,
    /// Lines beyond [`RECEIPT_LINES_MAX`], not kept.
    pub lines_dropped: u32,
}

impl Receipt {
    /// Whether it can be read.
    #[must_use]
    pub fn kind(&self) -> ReceiptKind {
        match (self.lines.is_empty(), self.images) {
            (_, 0) => ReceiptKind::Text,
            (true, _) => ReceiptKind::ImageOnly,
            (false, _) => ReceiptKind::Mixed,
        }
    }

    fn is_blank(&self) -> bool {
        self.lines.is_empty() && self.codes.is_empty() && self.images == 0
    }
}

/// Collects a print stream into receipts.
#[derive(Debug, Default)]
pub struct ReceiptCollector {
    open: Receipt,
}

impl ReceiptCollector {
    /// An empty collector.
    #[must_use]
    pub fn new() -> ReceiptCollector {
        ReceiptCollector::default()
    }

    /// Takes one item; gives the receipt that it ended.
    pub fn take(&mut self, item: TeeItem) -> Option<Receipt> {
        match item {
            TeeItem::Line(line) if self.open.lines.len() < RECEIPT_LINES_MAX => {
                self.open.lines.push(line);
            }
            TeeItem::Line(_) => {
                self.open.lines_dropped = self.open.lines_dropped.saturating_add(1);
            }
            TeeItem::Barcode(code) | TeeItem::QrCode(code) => {
                if self.open.codes.len() < RECEIPT_LINES_MAX {
                    self.open.codes.push(code);
                }
            }
            TeeItem::Image { .. } => self.open.images = self.open.images.saturating_add(1),
            TeeItem::DrawerKick => self.open.drawer_kicked = true,
            TeeItem::Initialised => return self.end(false),
            TeeItem::Cut => return self.end(true),
            TeeItem::StatusRequest(_) | TeeItem::StatusBack(_) | TeeItem::Unknown(..) => {}
        }
        None
    }

    /// Nothing was printed for [`RECEIPT_IDLE_MS`]; gives the receipt that this ended.
    pub fn idle(&mut self) -> Option<Receipt> {
        self.end(false)
    }

    /// A drawer kick before the first line belongs to the receipt that follows, so it stays.
    fn end(&mut self, cut: bool) -> Option<Receipt> {
        if self.open.is_blank() {
            return None;
        }
        let mut receipt = std::mem::take(&mut self.open);
        receipt.cut = cut;
        Some(receipt)
    }
}
