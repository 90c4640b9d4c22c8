//! A receipt printer: prints what it is sent, says how it is, and opens its drawer.

use std::path::Path;

use shelf_codecs::escpos::{
    CodePage, Dialect, PrinterStatus, Receipt, ReceiptCollector, StatusPart, TeeDecoder, TeeItem,
    encode_reply,
};

use crate::line_server::{LineAction, LineDevice, LineServer};

/// Receipts that are kept for the record.
const RECEIPTS_MAX: usize = 10_000;

/// The printer's core.
#[derive(Debug)]
pub struct ReceiptPrinter {
    /// How it is; it answers with this.
    pub status: PrinterStatus,
    /// It takes bytes and answers nothing.
    pub silent: bool,
    decoder: TeeDecoder,
    collector: ReceiptCollector,
    receipts: Vec<Receipt>,
    drawer_opened: u64,
    bytes: u64,
    out: Vec<LineAction>,
}

impl Default for ReceiptPrinter {
    fn default() -> Self {
        Self {
            status: PrinterStatus::default(),
            silent: false,
            decoder: TeeDecoder::new(Dialect::Epson, CodePage::Cp437),
            collector: ReceiptCollector::new(),
            receipts: Vec::new(),
            drawer_opened: 0,
            bytes: 0,
            out: Vec::new(),
        }
    }
}

impl ReceiptPrinter {
    /// What it printed, oldest first.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// How often its drawer was opened.
    #[must_use]
    pub fn drawer_opened(&self) -> u64 {
        self.drawer_opened
    }

    /// Bytes that reached it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl LineDevice for ReceiptPrinter {
    fn connected(&mut self, _now_us: u64) {
        self.decoder = TeeDecoder::new(Dialect::Epson, CodePage::Cp437);
    }

    fn disconnected(&mut self, _now_us: u64) {
        self.out.clear();
    }

    fn received(&mut self, _now_us: u64, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.decoder.push(bytes);
        for item in self.decoder.by_ref() {
            match item {
                TeeItem::DrawerKick => self.drawer_opened += 1,
                TeeItem::StatusRequest(number) if !self.silent => {
                    let part = StatusPart::from_number(number).unwrap_or(StatusPart::Printer);
                    let answer = encode_reply(&self.status, Some(part));
                    self.out.push(LineAction::Send(answer));
                }
                _ => {}
            }
            if let Some(receipt) = self.collector.take(item)
                && self.receipts.len() < RECEIPTS_MAX
            {
                self.receipts.push(receipt);
            }
        }
    }

    fn advance(&mut self, _now_us: u64) {}

    fn take_actions(&mut self) -> Vec<LineAction> {
        std::mem::take(&mut self.out)
    }

    fn due_us(&self) -> Option<u64> {
        None
    }
}

/// A printer on `127.0.0.1:port`; port 0 takes a free one.
///
/// # Errors
/// When the port cannot be listened on or no thread can be started.
pub fn on_tcp(port: u16) -> anyhow::Result<LineServer<ReceiptPrinter>> {
    LineServer::on_tcp(port, ReceiptPrinter::default())
}

/// A printer on a pseudo-terminal that the host opens at `link`.
///
/// # Errors
/// When there is no pseudo-terminal or no thread to be had.
pub fn on_pty(link: &Path) -> anyhow::Result<LineServer<ReceiptPrinter>> {
    LineServer::on_pty(link, ReceiptPrinter::default())
}
