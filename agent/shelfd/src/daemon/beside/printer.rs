//! A receipt printer: another till's bytes go through to it, its receipts become evidence, it is
//! asked how it is while nobody prints, and it does what a person tries.

use std::sync::Arc;
use std::time::Duration;

use shelf_codecs::escpos::{
    CodePage, Dialect, PrinterStatus, Receipt, ReceiptKind, StatusDecoder, StatusItem, StatusPart,
    request_status,
};
use shelf_sessions::printer::{Config, Effect, Input, Session};
use shelf_sessions::time::Mono;
use shelf_stock::document::TenderKind;
use shelf_stock::money::Money;
use shelf_stock::name::TillId;
use shelf_till::evidence::SalesSource;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::errand::{self, Errand, Request};
use super::evidence::{Seen, keep};
use super::place::Place;
use super::relay::{Copier, Door, Guest, HOLD_MS_MAX, Heard, Listener, carry, copy, pause};
use super::tee;
use crate::daemon::shop::Shop;
use crate::platform;

/// Between two looks at a printer that nobody uses.
const LOOK_MS: u64 = 30_000;
/// How long it may take to answer.
const ANSWER_MS_MAX: u64 = 1_000;
/// Lines of the last receipt that pages show.
const LINES_SHOWN_MAX: usize = 80;
/// Words in front of what a receipt adds up to.
const TOTAL_WORDS: [&str; 8] = [
    "TOTAL",
    "SUMME",
    "GESAMT",
    "TOTALE",
    "SOMME",
    "ZU ZAHLEN",
    "AMOUNT DUE",
    "合计",
];

/// Relays, looks and opens drawers until it is dropped.
pub(super) async fn run(
    shop: Arc<Shop>,
    till: TillId,
    printer: Place,
    from: Option<Place>,
    mut requests: mpsc::Receiver<Request>,
) {
    let hold = tee::is_source(&shop, &till).then_some(Duration::from_millis(HOLD_MS_MAX));
    let (copier, heard) = copy(hold);
    tokio::spawn(listen(shop.clone(), till.clone(), heard));
    let door = Door::open(from).await;
    let mut look_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            newcomer = door.next() => {
                serve((&shop, &till), newcomer, &printer, &copier, &mut requests).await;
            }
            request = errand::next(&mut requests) => do_errand(&shop, &till, &printer, request).await,
            // A till that comes in the middle of it is served at once: the look is dropped.
            () = look(&shop, &till, &printer, look_at) => {}
        }
        look_at = Instant::now() + Duration::from_millis(LOOK_MS);
    }
}

async fn serve(
    (shop, till): (&Shop, &TillId),
    newcomer: Box<dyn super::place::Stream>,
    printer: &Place,
    copier: &Copier,
    requests: &mut mpsc::Receiver<Request>,
) {
    match printer.open().await {
        Ok(device) => {
            trouble(shop, till, String::new());
            shop.beside.printer(till, |it| it.in_use = true);
            let done = |errand| opened(shop, till, errand);
            carry(
                newcomer,
                device,
                copier,
                Some(Guest {
                    till,
                    requests,
                    done: &done,
                }),
            )
            .await;
            shop.beside.printer(till, |it| it.in_use = false);
        }
        Err(error) => {
            trouble(shop, till, error);
            pause().await;
        }
    }
}

fn trouble(shop: &Shop, till: &TillId, words: String) {
    if !words.is_empty() {
        tracing::warn!(%till, %words, "the receipt printer can't be reached");
    }
    shop.beside.printer(till, |it| it.trouble = words);
}

async fn do_errand(shop: &Shop, till: &TillId, printer: &Place, request: Request) {
    let errand = request.errand;
    let bytes = errand.bytes(till);
    let done = async {
        let mut stream = printer.open().await?;
        stream
            .write_all(&bytes)
            .await
            .map_err(|it| it.to_string())?;
        stream.shutdown().await.map_err(|it| it.to_string())
    };
    let done: Result<(), String> = done.await;
    match &done {
        Ok(()) => opened(shop, till, errand),
        Err(error) => trouble(shop, till, error.clone()),
    }
    request.answer(done);
}

fn opened(shop: &Shop, till: &TillId, errand: Errand) {
    let drawer = u64::from(errand == Errand::OpenDrawer);
    shop.beside.printer(till, |it| it.drawer_opened += drawer);
}

/// Asks the printer for all four parts of its state.
async fn look(shop: &Shop, till: &TillId, printer: &Place, at: Instant) {
    tokio::time::sleep_until(at).await;
    match asked(printer).await {
        Ok(Some(status)) => shop.beside.printer(till, |it| {
            it.trouble.clear();
            note(it, status);
        }),
        Ok(None) => trouble(shop, till, "it does not say how it is".into()),
        Err(error) => trouble(shop, till, error),
    }
}

async fn asked(printer: &Place) -> Result<Option<PrinterStatus>, String> {
    let mut stream = printer.open().await?;
    let mut decoder = StatusDecoder::new();
    let mut last = None;
    for part in [
        StatusPart::Printer,
        StatusPart::Offline,
        StatusPart::Error,
        StatusPart::Paper,
    ] {
        decoder.asked(part);
        let question = request_status(part);
        stream
            .write_all(&question)
            .await
            .map_err(|it| it.to_string())?;
        let limit = Duration::from_millis(ANSWER_MS_MAX);
        let Ok(Ok(byte)) = tokio::time::timeout(limit, stream.read_u8()).await else {
            break;
        };
        decoder.push(&[byte]);
        for item in decoder.by_ref() {
            if let StatusItem::Status(status) = item {
                last = Some(status);
            }
        }
    }
    Ok(last)
}

fn note(standing: &mut super::PrinterStanding, status: PrinterStatus) {
    standing.known = true;
    standing.said_at = Some(platform::wall_now());
    standing.drawer_contact = status.drawer_contact;
    standing.offline = status.offline;
    standing.cover_open = status.cover_open;
    standing.paper_end = status.paper_end;
    standing.paper_near_end = status.paper_near_end;
    standing.cutter_error = status.cutter_error;
}

/// Makes receipts of the copy.
async fn listen(shop: Arc<Shop>, till: TillId, mut heard: Listener) {
    let config = Config {
        dialect: Dialect::Epson,
        page: CodePage::Cp437,
        // It is asked while nobody prints, on a connection of its own.
        poll_ms: None,
    };
    let mut session = Session::new(config);
    let mut due: Option<Mono> = None;
    loop {
        let wake = due.map(|it| shop.clock.at_millis(it.0));
        let input = tokio::select! {
            it = heard.next() => match it {
                Some(Heard::Till(bytes)) => Input::FromTill(bytes),
                Some(Heard::Device(bytes)) => Input::FromPrinter(bytes),
                Some(Heard::Closed) => Input::Closed,
                Some(Heard::Missing) => {
                    session = Session::new(config);
                    shop.beside.printer(&till, |it| it.lagged += 1);
                    tee::missed(&shop, &till).await;
                    continue;
                }
                None => return,
            },
            () = crate::daemon::terminal::sleep_until(wake) => Input::Tick,
        };
        due = None;
        let mut effects = Vec::new();
        session.handle(Mono(shop.clock.millis()), input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Receipt(receipt) => printed(&shop, &till, *receipt).await,
                Effect::DrawerKicked => shop.beside.printer(&till, |it| it.drawer_opened += 1),
                Effect::Status(status) => shop.beside.printer(&till, |it| note(it, status)),
                Effect::SetTimer(at) => due = Some(at),
                Effect::Ask(_) | Effect::Relay(_) | Effect::DrawerContact(_) | Effect::Silent => {}
            }
        }
    }
}

async fn printed(shop: &Arc<Shop>, till: &TillId, receipt: Receipt) {
    let unreadable = receipt.kind() == ReceiptKind::ImageOnly;
    let amount = total(&receipt.lines);
    let read = tee::take(shop, till, &receipt).await;
    let at = platform::wall_now().as_millis();
    let number = {
        let mut number = 0;
        shop.beside.printer(till, |it| {
            it.receipts += 1;
            it.receipts_unreadable += u64::from(unreadable);
            it.last_receipt = receipt.lines;
            it.last_receipt.truncate(LINES_SHOWN_MAX);
            number = it.receipts;
            match read {
                tee::Took::Sold => it.sales += 1,
                tee::Took::Again => it.copies += 1,
                tee::Took::PutAside => it.put_aside += 1,
                tee::Took::NoSale => {}
            }
        });
        number
    };
    if read != tee::Took::NoSale {
        return;
    }
    let seen = Seen {
        source: SalesSource::Tee,
        receipt: format!("printed-{at}-{number}"),
        kind: TenderKind::Other,
        amount,
        reference: None,
    };
    keep(shop, till, seen).await;
}

/// What a receipt adds up to: the amount on the last line that says so.
fn total(lines: &[String]) -> Option<Money> {
    let says = |line: &&String| {
        let line = line.to_uppercase();
        // A subtotal is not what was paid.
        !line.contains("SUB") && TOTAL_WORDS.iter().any(|it| line.contains(it))
    };
    lines.iter().rev().filter(says).find_map(|it| amount(it))
}

/// The last amount with two decimals on a line.
fn amount(line: &str) -> Option<Money> {
    let inside = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '-');
    let words = line.split(|c: char| !inside(c));
    words.rev().find_map(|word| {
        let (whole, cents) = word.rsplit_once([',', '.'])?;
        let is_money = cents.len() == 2 && cents.bytes().all(|it| it.is_ascii_digit());
        let negative = whole.starts_with('-');
        let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
        let whole: i64 = digits
            .parse()
            .ok()
            .filter(|_| is_money && digits.len() <= 9)?;
        let minor = whole * 100 + cents.parse::<i64>().ok()?;
        Some(Money::minor(if negative { -minor } else { minor }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_receipt_adds_up_to() {
        let of = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|it| (*it).to_owned()).collect();
            total(&lines).map(Money::as_minor)
        };
        assert_eq!(
            of(&["Brot 2,49", "SUMME EUR 12,34", "Bar 20,00"]),
            Some(1234)
        );
        assert_eq!(of(&["Subtotal 9.99", "Total: 1,234.56 USD"]), Some(123_456));
        assert_eq!(of(&["TOTAL -5.00"]), Some(-500));
        assert_eq!(of(&["合计 8.80"]), Some(880));
        assert_eq!(of(&["Brot 2,49"]), None);
        assert_eq!(of(&["TOTAL 3 articles"]), None);
    }
}
